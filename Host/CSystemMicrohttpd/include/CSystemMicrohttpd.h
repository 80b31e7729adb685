// libmicrohttpd for Swift: what the importer cannot reach (variadic calls, casted constants) and the socket
// reads that need <linux/tcp.h>. Policy lives in Host/Server/HTTP.
//
// Every function here that takes a daemon or a connection is called on the one thread that runs the daemon.
#ifndef CSYSTEM_MICROHTTPD_H
#define CSYSTEM_MICROHTTPD_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>

#include "http_tls.h"

/// What a stream's reader returns besides a byte count.
static const ssize_t http_reader_end = MHD_CONTENT_READER_END_OF_STREAM;
static const ssize_t http_reader_failed = MHD_CONTENT_READER_END_WITH_ERROR;

struct http_daemon_options {
    int listen_socket;             // bound and listening; the daemon takes it over
    unsigned connection_limit;     // further clients wait in the kernel's backlog
    size_t connection_memory;      // bytes for one request's header and one response's buffer
    bool uses_tls;                 // 1.2 or 1.3; each connection is given its certificate when it opens
};

struct http_daemon_callbacks {
    void *context; // handed to each of the three
    MHD_AccessHandlerCallback handle;
    MHD_RequestCompletedCallback completed;
    MHD_NotifyConnectionCallback connection;
};

/// Starts a daemon without threads of its own, driven by http_daemon_run. Paths and query values reach the
/// handler still percent-encoded, because decoding in place would cut them at an encoded NUL. NULL if it fails.
struct MHD_Daemon *http_daemon_start(const struct http_daemon_options *options,
                                     const struct http_daemon_callbacks *callbacks);

/// The epoll descriptor that becomes readable when MHD_run has something to do; -1 if there is none.
int http_daemon_epoll(struct MHD_Daemon *daemon);

/// The client's socket; -1 if unknown.
int http_connection_socket(struct MHD_Connection *connection);

/// The pointer that the connection call-back left in its socket context.
void *http_connection_context(struct MHD_Connection *connection);

/// Bytes of the request line and header fields as received.
size_t http_connection_header_bytes(struct MHD_Connection *connection);

/// Writes the client's numeric address, NUL-terminated, into `text`; an empty string if it has none.
void http_connection_address(struct MHD_Connection *connection, char *text, size_t capacity);

/// Gives the socket of an upgraded connection back to the daemon, which closes it in its next run.
void http_upgrade_close(struct MHD_UpgradeResponseHandle *handle);

struct http_socket_facts {
    bool peer_closed;        // the peer sent FIN or RST; nobody will ask for more
    bool data_waits;         // bytes handed to the kernel that the peer has not acknowledged
    bool window_closed;      // such bytes wait here, and the peer has acknowledged all that went out
    uint64_t bytes_received; // since the connection began
    uint64_t bytes_acked;    // by the peer, since the connection began
};

/// Reads TCP_INFO. False if `socket` is not a TCP socket.
bool http_socket_read(int socket, struct http_socket_facts *facts);

enum http_listen_step { HTTP_LISTEN_RESOLVE, HTTP_LISTEN_OPEN, HTTP_LISTEN_BIND };

struct http_listen_result {
    int socket;                 // -1 if it failed
    uint16_t port;              // the real one, where 0 was asked for
    enum http_listen_step step; // where it failed
    int error;                  // errno, or for HTTP_LISTEN_RESOLVE a getaddrinfo code
};

/// Opens a non-blocking listening socket. Accepted sockets inherit its send buffer and its keep-alive probes,
/// by which a client whose machine vanished is found after about half a minute of silence.
struct http_listen_result http_listen(const char *host, uint16_t port, int send_buffer_bytes);

#endif
