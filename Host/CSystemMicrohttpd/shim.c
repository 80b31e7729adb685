#define _GNU_SOURCE
#include "CSystemMicrohttpd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/tcp.h> // the C library's own tcp_info ends before tcpi_bytes_acked
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// States of a socket, from the kernel's include/net/tcp_states.h; <netinet/tcp.h> clashes with <linux/tcp.h>.
enum { STATE_CLOSE = 7, STATE_CLOSE_WAIT = 8, STATE_LAST_ACK = 9 };

// libmicrohttpd starts with no TLS unless it knows of a certificate. Nobody asks for this one: every connection has its own.
static int http_no_certificate(void) { return -1; }

static size_t keep_encoded(void *context, struct MHD_Connection *connection, char *text)
{
    (void)context;
    (void)connection;
    return strlen(text);
}

struct MHD_Daemon *http_daemon_start(const struct http_daemon_options *options,
                                     const struct http_daemon_callbacks *callbacks)
{
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC | MHD_ALLOW_UPGRADE;
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_PRIORITIES, 0, "NORMAL:-VERS-TLS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"},
        {MHD_OPTION_HTTPS_CERT_CALLBACK, 0, (void *)http_no_certificate},
        {MHD_OPTION_END, 0, NULL},
    };
    if (options->uses_tls)
        flags |= MHD_USE_TLS;
    else
        tls[0].option = MHD_OPTION_END;
    return MHD_start_daemon(
        flags, 0, NULL, NULL, callbacks->handle, callbacks->context,
        MHD_OPTION_LISTEN_SOCKET, options->listen_socket,
        MHD_OPTION_CONNECTION_LIMIT, options->connection_limit,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, options->connection_memory,
        MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_UNESCAPE_CALLBACK, keep_encoded, NULL,
        MHD_OPTION_NOTIFY_COMPLETED, callbacks->completed, callbacks->context,
        MHD_OPTION_NOTIFY_CONNECTION, callbacks->connection, callbacks->context,
        MHD_OPTION_ARRAY, tls,
        MHD_OPTION_END);
}

int http_daemon_epoll(struct MHD_Daemon *daemon)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);
    return info ? info->epoll_fd : -1;
}

int http_connection_socket(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info ? info->connect_fd : -1;
}

void *http_connection_context(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

size_t http_connection_header_bytes(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    return info ? info->header_size : 0;
}

void http_upgrade_close(struct MHD_UpgradeResponseHandle *handle)
{
    MHD_upgrade_action(handle, MHD_UPGRADE_ACTION_CLOSE);
}

void http_connection_address(struct MHD_Connection *connection, char *text, size_t capacity)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    text[0] = 0;
    if (!info || !info->client_addr)
        return;
    const struct sockaddr *address = info->client_addr;
    if (address->sa_family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *)address)->sin_addr, text, (socklen_t)capacity);
    else if (address->sa_family == AF_INET6)
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)address)->sin6_addr, text, (socklen_t)capacity);
}

bool http_socket_read(int socket, struct http_socket_facts *facts)
{
    struct tcp_info info;
    socklen_t size = sizeof info;
    memset(&info, 0, sizeof info);
    if (getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0)
        return false;
    facts->peer_closed = info.tcpi_state == STATE_CLOSE || info.tcpi_state == STATE_CLOSE_WAIT ||
                         info.tcpi_state == STATE_LAST_ACK;
    facts->data_waits = info.tcpi_notsent_bytes > 0 || info.tcpi_unacked > 0;
    facts->window_closed = info.tcpi_notsent_bytes > 0 && info.tcpi_unacked == 0;
    facts->bytes_received = info.tcpi_bytes_received;
    facts->bytes_acked = info.tcpi_bytes_acked;
    return true;
}

static void set_option(int socket, int level, int name, int value)
{
    // All of these tune; a kernel that refuses one still serves.
    (void)setsockopt(socket, level, name, &value, sizeof value);
}

struct http_listen_result http_listen(const char *host, uint16_t port, int send_buffer_bytes)
{
    struct http_listen_result result = {.socket = -1, .port = 0, .step = HTTP_LISTEN_RESOLVE, .error = 0};
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *found = NULL;
    char service[8];
    snprintf(service, sizeof service, "%u", (unsigned)port);
    result.error = getaddrinfo(host, service, &hints, &found);
    if (result.error != 0)
        return result;

    for (struct addrinfo *address = found; address && result.socket < 0; address = address->ai_next) {
        int type = address->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK;
        int handle = socket(address->ai_family, type, address->ai_protocol);
        if (handle < 0) {
            result.step = HTTP_LISTEN_OPEN;
            result.error = errno;
            continue;
        }
        set_option(handle, SOL_SOCKET, SO_REUSEADDR, 1);
        set_option(handle, SOL_SOCKET, SO_SNDBUF, send_buffer_bytes);
        set_option(handle, SOL_SOCKET, SO_KEEPALIVE, 1);
        set_option(handle, IPPROTO_TCP, TCP_KEEPIDLE, 15);
        set_option(handle, IPPROTO_TCP, TCP_KEEPINTVL, 5);
        set_option(handle, IPPROTO_TCP, TCP_KEEPCNT, 3);
        if (bind(handle, address->ai_addr, address->ai_addrlen) == 0 && listen(handle, SOMAXCONN) == 0) {
            result.socket = handle;
        } else {
            result.step = HTTP_LISTEN_BIND;
            result.error = errno;
            close(handle);
        }
    }
    freeaddrinfo(found);
    if (result.socket < 0)
        return result;

    struct sockaddr_storage bound;
    socklen_t size = sizeof bound;
    if (getsockname(result.socket, (struct sockaddr *)&bound, &size) == 0)
        result.port = ntohs(bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&bound)->sin6_port
                                                        : ((struct sockaddr_in *)&bound)->sin_port);
    return result;
}
