// TLS of the daemon's connections. The certificate is set for each connection when it opens, so that connections keep
// theirs while new ones get another.
#ifndef HTTP_TLS_H
#define HTTP_TLS_H

#include <stdbool.h>
#include <stddef.h>

struct MHD_Connection;

/// A certificate chain and its key. Any number of connections may use it at once; it outlives them.
struct http_certificate;

enum http_certificate_fault { HTTP_CERTIFICATE_CHAIN, HTTP_CERTIFICATE_KEY, HTTP_CERTIFICATE_PAIR };

struct http_certificate_result {
    struct http_certificate *certificate; // NULL if it failed; http_certificate_free lets it go
    enum http_certificate_fault fault;    // what was wrong
    int error;                            // GnuTLS's code of the reason
};

/// Reads PEM texts: the server's certificate with those that vouch for it, in any order, and its unencrypted key.
struct http_certificate_result http_certificate_load(const void *chain, size_t chain_size, const void *key,
                                                     size_t key_size);

void http_certificate_free(struct http_certificate *certificate);

/// What a code of GnuTLS means.
const char *http_tls_error(int error);

/// What a connection shakes hands with; called in the connection call-back, before anything was read. `shook_hands` is set
/// once the client has done its part, and outlives the connection. False if there is no memory.
bool http_connection_use_certificate(struct MHD_Connection *connection, const struct http_certificate *certificate,
                                     bool *shook_hands);

/// Whether more has come than the handshake, which is over.
bool http_connection_was_asked(struct MHD_Connection *connection);

/// Writes past libmicrohttpd, through TLS where the connection has it, and ends our side. Nothing is written before TLS is
/// there, nor what the socket does not take at once.
void http_connection_refuse(struct MHD_Connection *connection, const void *bytes, size_t size);

#endif
