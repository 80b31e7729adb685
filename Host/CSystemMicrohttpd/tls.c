#include "CSystemMicrohttpd.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdlib.h>
#include <sys/socket.h>

struct http_certificate {
    gnutls_certificate_credentials_t credentials;
};

static int load_key(const void *bytes, size_t size, gnutls_x509_privkey_t *key)
{
    gnutls_datum_t text = {.data = (unsigned char *)bytes, .size = (unsigned)size};
    int error = gnutls_x509_privkey_init(key);
    if (error < 0)
        return error;
    error = gnutls_x509_privkey_import2(*key, &text, GNUTLS_X509_FMT_PEM, NULL, 0);
    if (error < 0)
        gnutls_x509_privkey_deinit(*key);
    return error;
}

struct http_certificate_result http_certificate_load(const void *chain, size_t chain_size, const void *key,
                                                     size_t key_size)
{
    struct http_certificate_result result = {.certificate = NULL, .fault = HTTP_CERTIFICATE_CHAIN, .error = 0};
    gnutls_datum_t text = {.data = (unsigned char *)chain, .size = (unsigned)chain_size};
    gnutls_x509_crt_t *links = NULL;
    unsigned count = 0;
    result.error = gnutls_x509_crt_list_import2(&links, &count, &text, GNUTLS_X509_FMT_PEM, GNUTLS_X509_CRT_LIST_SORT);
    if (result.error < 0)
        return result;

    gnutls_x509_privkey_t private_key;
    result.fault = HTTP_CERTIFICATE_KEY;
    result.error = load_key(key, key_size, &private_key);
    if (result.error >= 0) {
        result.fault = HTTP_CERTIFICATE_PAIR;
        struct http_certificate *certificate = calloc(1, sizeof *certificate);
        result.error = certificate ? gnutls_certificate_allocate_credentials(&certificate->credentials)
                                   : GNUTLS_E_MEMORY_ERROR;
        if (result.error >= 0) {
            result.error = gnutls_certificate_set_x509_key(certificate->credentials, links, (int)count, private_key);
            if (result.error >= 0)
                result.certificate = certificate;
            else
                gnutls_certificate_free_credentials(certificate->credentials);
        }
        if (!result.certificate)
            free(certificate);
        gnutls_x509_privkey_deinit(private_key);
    }
    for (unsigned i = 0; i < count; i++)
        gnutls_x509_crt_deinit(links[i]);
    gnutls_free(links);
    return result;
}

void http_certificate_free(struct http_certificate *certificate)
{
    gnutls_certificate_free_credentials(certificate->credentials);
    free(certificate);
}

const char *http_tls_error(int error) { return gnutls_strerror(error); }

// NULL on a connection without TLS.
static gnutls_session_t session_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    return info ? (gnutls_session_t)info->tls_session : NULL;
}

static int handshake_finished(gnutls_session_t session, unsigned type, unsigned when, unsigned incoming,
                              const gnutls_datum_t *message)
{
    (void)type;
    (void)when;
    (void)message;
    if (incoming)
        *(bool *)gnutls_db_get_ptr(session) = true;
    return 0;
}

bool http_connection_use_certificate(struct MHD_Connection *connection, const struct http_certificate *certificate,
                                     bool *shook_hands)
{
    gnutls_session_t session = session_of(connection);
    if (!session)
        return false;
    // The session's own pointer is libmicrohttpd's; this one is for a store of sessions, of which there is none.
    gnutls_db_set_ptr(session, shook_hands);
    gnutls_handshake_set_hook_function(session, GNUTLS_HANDSHAKE_FINISHED, GNUTLS_HOOK_POST, handshake_finished);
    return gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, certificate->credentials) >= 0;
}

bool http_connection_was_asked(struct MHD_Connection *connection)
{
    gnutls_session_t session = session_of(connection);
    unsigned char next[8];
    if (!session || gnutls_record_get_state(session, 1, NULL, NULL, NULL, next) < 0)
        return false;
    // Records are counted from the change of keys. In TLS 1.2 the last one of the handshake comes after it.
    unsigned of_handshake = gnutls_protocol_get_version(session) == GNUTLS_TLS1_2 ? 1 : 0;
    for (int i = 0; i < 7; i++)
        if (next[i])
            return true;
    return next[7] > of_handshake;
}

void http_connection_refuse(struct MHD_Connection *connection, const void *bytes, size_t size)
{
    int socket = http_connection_socket(connection);
    gnutls_session_t session = session_of(connection);
    if (!session)
        // A client whose window is full loses the message; the connection ends all the same.
        (void)send(socket, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    // GnuTLS refuses to send before the handshake is over.
    else if (gnutls_record_send(session, bytes, size) > 0)
        (void)gnutls_bye(session, GNUTLS_SHUT_WR);
    shutdown(socket, SHUT_WR);
}
