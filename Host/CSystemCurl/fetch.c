#define _GNU_SOURCE
#include "CSystemCurl.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <dlfcn.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static struct {
    __typeof__(&curl_global_init) global_init;
    __typeof__(CURL *(*)(void)) easy_init;
    __typeof__(CURLcode (*)(CURL *, CURLoption, ...)) easy_setopt;
    __typeof__(CURLcode (*)(CURL *)) easy_perform;
    __typeof__(CURLcode (*)(CURL *, CURLINFO, ...)) easy_getinfo;
    __typeof__(void (*)(CURL *)) easy_cleanup;
    __typeof__(const char *(*)(CURLcode)) easy_strerror;
    __typeof__(CURLU *(*)(void)) url;
    __typeof__(&curl_url_cleanup) url_cleanup;
    __typeof__(&curl_url_set) url_set;
    __typeof__(&curl_url_get) url_get;
    __typeof__(&curl_free) free;
} curl;

static pthread_mutex_t opening = PTHREAD_MUTEX_INITIALIZER;
static bool is_open;

static bool open_library(char *reason, size_t size) {
    void *library = dlopen("libcurl-gnutls.so.4", RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        snprintf(reason, size, "%s", dlerror());
        return false;
    }
    const struct {
        const char *name;
        void *place;
    } symbols[] = {
        {"curl_global_init", &curl.global_init},   {"curl_easy_init", &curl.easy_init},
        {"curl_easy_setopt", &curl.easy_setopt},   {"curl_easy_perform", &curl.easy_perform},
        {"curl_easy_getinfo", &curl.easy_getinfo}, {"curl_easy_cleanup", &curl.easy_cleanup},
        {"curl_easy_strerror", &curl.easy_strerror}, {"curl_url", &curl.url},
        {"curl_url_cleanup", &curl.url_cleanup},   {"curl_url_set", &curl.url_set},
        {"curl_url_get", &curl.url_get},           {"curl_free", &curl.free},
    };
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
        void *symbol = dlsym(library, symbols[i].name);
        if (!symbol) {
            snprintf(reason, size, "%s", dlerror());
            return false;
        }
        memcpy(symbols[i].place, &symbol, sizeof symbol);
    }
    CURLcode code = curl.global_init(CURL_GLOBAL_DEFAULT);
    if (code) snprintf(reason, size, "%s", curl.easy_strerror(code));
    return code == CURLE_OK;
}

bool http_fetch_open(char *reason, size_t size) {
    pthread_mutex_lock(&opening);
    if (!is_open) is_open = open_library(reason, size);
    bool opened = is_open;
    pthread_mutex_unlock(&opening);
    return opened;
}

// MARK: URLs

struct http_url {
    CURLU *parts;
    char *scheme;
    char *host;
    bool has_credentials;
};

static char *part(CURLU *parts, CURLUPart which) {
    char *text = NULL;
    if (curl.url_get(parts, which, &text, 0)) return NULL;
    return text;
}

http_url *http_url_parse(const char *text) {
    if (!curl.url) return NULL;
    http_url *url = calloc(1, sizeof *url);
    if (!url) return NULL;
    url->parts = curl.url();
    if (url->parts && !curl.url_set(url->parts, CURLUPART_URL, text, 0)) {
        url->scheme = part(url->parts, CURLUPART_SCHEME);
        url->host = part(url->parts, CURLUPART_HOST);
        const CURLUPart secrets[] = {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_OPTIONS};
        for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) {
            char *secret = part(url->parts, secrets[i]);
            if (secret) url->has_credentials = true;
            curl.free(secret);
        }
        if (url->scheme) return url;
    }
    http_url_free(url);
    return NULL;
}

void http_url_free(http_url *url) {
    if (!url) return;
    curl.free(url->scheme);
    curl.free(url->host);
    curl.url_cleanup(url->parts);
    free(url);
}

const char *http_url_scheme(const http_url *url) { return url->scheme; }
const char *http_url_host(const http_url *url) { return url->host ? url->host : ""; }
bool http_url_has_credentials(const http_url *url) { return url->has_credentials; }

// MARK: Fetching

typedef struct {
    const http_fetch_terms *terms;
    http_fetch_result *result;
    size_t capacity;
    bool refused;
    bool too_large;
    bool stopped;
} transfer;

// The address that is connected to, whatever the name resolved to before.
static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address) {
    transfer *transfer = context;
    const uint8_t *bytes = NULL;
    size_t count = 0;
    if (address->family == AF_INET) {
        bytes = (const uint8_t *)&((struct sockaddr_in *)&address->addr)->sin_addr;
        count = 4;
    } else if (address->family == AF_INET6) {
        bytes = (const uint8_t *)&((struct sockaddr_in6 *)&address->addr)->sin6_addr;
        count = 16;
    }
    if (purpose != CURLSOCKTYPE_IPCXN || !bytes || !transfer->terms->allows(bytes, count)) {
        transfer->refused = true;
        if (!bytes || !inet_ntop(address->family, bytes, transfer->result->detail, INET6_ADDRSTRLEN))
            snprintf(transfer->result->detail, sizeof transfer->result->detail, "family %d", address->family);
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static size_t receive(char *bytes, size_t unit, size_t number, void *context) {
    transfer *transfer = context;
    http_fetch_result *result = transfer->result;
    size_t count = unit * number;
    if (count > transfer->terms->most - result->count) {
        transfer->too_large = true;
        return CURL_WRITEFUNC_ERROR;
    }
    if (result->count + count > transfer->capacity) {
        size_t capacity = transfer->capacity ? transfer->capacity : 64 << 10;
        while (capacity < result->count + count) capacity *= 2;
        uint8_t *larger = realloc(result->bytes, capacity);
        if (!larger) return CURL_WRITEFUNC_ERROR;
        result->bytes = larger;
        transfer->capacity = capacity;
    }
    memcpy(result->bytes + result->count, bytes, count);
    result->count += count;
    return count;
}

static int watch(void *context, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up_now) {
    (void)total, (void)now, (void)up_total, (void)up_now;
    transfer *transfer = context;
    transfer->stopped = transfer->terms->is_stopped(transfer->terms->context);
    return transfer->stopped;
}

static CURLcode set_options(CURL *handle, http_url *url, transfer *transfer) {
    CURLcode code = CURLE_OK;
#define SET(option, value) \
    if (!code) code = curl.easy_setopt(handle, option, value)
    SET(CURLOPT_CURLU, url->parts);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    // An empty name also keeps out those of the environment.
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    SET(CURLOPT_USERAGENT, "gatehouse");
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_TIMEOUT_MS, transfer->terms->milliseconds);
    SET(CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)transfer->terms->most);
    SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
    SET(CURLOPT_OPENSOCKETDATA, transfer);
    SET(CURLOPT_WRITEFUNCTION, receive);
    SET(CURLOPT_WRITEDATA, transfer);
    SET(CURLOPT_NOPROGRESS, 0L);
    SET(CURLOPT_XFERINFOFUNCTION, watch);
    SET(CURLOPT_XFERINFODATA, transfer);
#undef SET
    return code;
}

static http_fetch_end end_of(CURLcode code, const transfer *transfer) {
    if (transfer->stopped) return HTTP_FETCH_STOPPED;
    if (transfer->too_large || code == CURLE_FILESIZE_EXCEEDED) return HTTP_FETCH_SIZE;
    if (code == CURLE_OPERATION_TIMEDOUT) return HTTP_FETCH_TIME;
    if (code == CURLE_COULDNT_CONNECT && transfer->refused) return HTTP_FETCH_ADDRESS;
    return code ? HTTP_FETCH_FAILED : HTTP_FETCH_DONE;
}

http_fetch_result http_fetch(http_url *url, const http_fetch_terms *terms) {
    http_fetch_result result = {.end = HTTP_FETCH_FAILED};
    transfer transfer = {.terms = terms, .result = &result};
    CURL *handle = curl.easy_init();
    CURLcode code = handle ? set_options(handle, url, &transfer) : CURLE_OUT_OF_MEMORY;
    if (!code) code = curl.easy_perform(handle);
    result.end = end_of(code, &transfer);
    if (result.end == HTTP_FETCH_FAILED)
        snprintf(result.detail, sizeof result.detail, "%s", curl.easy_strerror(code));
    if (!handle) return result;
    char *text = NULL;
    curl.easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &result.status);
    if (!curl.easy_getinfo(handle, CURLINFO_CONTENT_TYPE, &text) && text)
        snprintf(result.media_type, sizeof result.media_type, "%.*s", (int)strcspn(text, "; \t"), text);
    text = NULL;
    if (!curl.easy_getinfo(handle, CURLINFO_REDIRECT_URL, &text) && text) result.location = strdup(text);
    curl.easy_cleanup(handle);
    return result;
}

void http_fetch_result_free(http_fetch_result *result) {
    free(result->location);
    free(result->bytes);
    *result = (http_fetch_result){.end = HTTP_FETCH_FAILED};
}
