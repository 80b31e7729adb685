// What the server needs of libcurl, which is opened with the first use: linked, it would cost every start.
#ifndef CSYSTEMCURL_H
#define CSYSTEMCURL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// An address taken apart by the parser that connects to it, so that there is one opinion of what its host is.
typedef struct http_url http_url;

// Opens libcurl; false leaves the reason. Any thread, any number of times.
bool http_fetch_open(char *reason, size_t size);

// NULL where the text is no URL, or libcurl is not open. To be freed.
http_url *http_url_parse(const char *text);
void http_url_free(http_url *url);
// Never NULL, but a URL may have no host; valid as long as the URL.
const char *http_url_scheme(const http_url *url);
const char *http_url_host(const http_url *url);
bool http_url_has_credentials(const http_url *url);

typedef enum {
    HTTP_FETCH_DONE,
    HTTP_FETCH_ADDRESS, // no address of the host was allowed; `detail` is the last one
    HTTP_FETCH_SIZE,
    HTTP_FETCH_TIME,
    HTTP_FETCH_STOPPED,
    HTTP_FETCH_FAILED, // `detail` says why
} http_fetch_end;

typedef struct {
    http_fetch_end end;
    // Of the answer, where there was one.
    long status;
    // Without parameters; empty where the answer names none.
    char media_type[128];
    char detail[320];
    // Where a redirection leads, absolute; NULL where the answer is none.
    char *location;
    uint8_t *bytes;
    size_t count;
} http_fetch_result;

typedef struct {
    // Bytes that may come.
    size_t most;
    long milliseconds;
    // Says of each address, before it is connected to, whether it may be: 4 or 16 bytes in the order of the network.
    bool (*allows)(const uint8_t *address, size_t count);
    // Asked now and then whether to give up.
    bool (*is_stopped)(void *context);
    void *context;
} http_fetch_terms;

// Gets what is at a URL, without following redirections, by no proxy, with no credentials or cookies. Blocks. The result
// is to be freed whatever it is.
http_fetch_result http_fetch(http_url *url, const http_fetch_terms *terms);
void http_fetch_result_free(http_fetch_result *result);

#endif
