/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lets in who has a certificate. It keeps no data; whether the certificate is
 * good, httpd's mod_ssl has decided before.

=pod

=head1 NAME

auth/external - log in by a client certificate

=head1 SYNOPSIS

In F<config/plugins>:

    auth/external
    auth/external user san_email

In httpd's configuration, in the virtual host:

    SSLCACertificateFile "/etc/qpsmtpd/clients-ca.pem"
    SSLVerifyClient optional
    SSLVerifyDepth 1

=head1 DESCRIPTION

A client that has shown a certificate in its TLS handshake can say AUTH EXTERNAL
(RFC 4422), and no password is needed. It is offered to those clients alone
whose certificate mod_ssl has found to be good: issued, maybe by way of others,
by a CA in C<SSLCACertificateFile>, neither expired nor revoked
(C<SSLCARevocationFile>). Whoever has such a certificate is let in, so the CA
should be one that issues certificates for this purpose and for no other; a
certificate of a public CA says nothing about who may send mail here.

Who the client is stands in the certificate. A client may ask for a name as
well, its authorization identity: then it has to be a name of the certificate,
but for upper and lower case of ASCII letters. With several names in the
certificate and none asked for, the first one counts.

Certificates can also be listed, by their fingerprint, in config
F<client_certs>; then the list says whose they are, and not the certificate:

    # openssl x509 -in joe.pem -noout -fingerprint -sha256
    9F:86:D0:81:88:4C:7D:65:...:0A:08 joe@example.org

A line is the SHA-256 fingerprint, in hexadecimal digits with or without colons,
and a name. Lines that are none stop the start. A change counts at once; a
faulty one is reported, and the old list stays in force. A certificate that is
listed must still be issued by the CA.

=head1 CONFIGURATION

=over 4

=item user

Where the name is, in a certificate that is not listed:

=over 4

=item C<subject_cn>

The common name of the subject; if there are several, nobody is let in. The
default.

=item C<san_email>

The mail addresses among the alternative names.

=item C<san_dns>

The host names among them, for machines that send mail.

=item C<san_upn>

The principal names of Microsoft among them.

=item C<subject_dn>

The whole name of the subject, as mod_ssl writes it: C<CN=Joe,O=Example>.

=item C<listed>

Nowhere: only certificates in F<client_certs> count.

=back

=back

=head1 DIAGNOSTICS

=over 4

=item auth/external: pass, I<USER>

=item auth/external: fail, wants to be I<NAME>, but its certificate is for
I<USER>

=item auth/external: skip, no name in the certificate of I<SUBJECT>

The next plugin is asked; without one, the client is refused.

=item auth/external: skip, several common names in the certificate of I<SUBJECT>

=item auth/external: error, the certificate of I<SUBJECT> cannot be read

=back

=head1 SEE ALSO

L<auth/auth_flat_file>, F<docs/admin.md>, the manual of mod_ssl

=cut

*/

#include <string.h>
#include <strings.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "qpsmtpd.h"

#define LIST          "client_certs"
#define SHA256_DIGITS 64
#define MAX_NAMES     64

enum field { SUBJECT_CN, SAN_EMAIL, SAN_DNS, SAN_UPN, SUBJECT_DN, LISTED };

static const char *const field_names[] = { "subject_cn", "san_email",
                                           "san_dns",    "san_upn",
                                           "subject_dn", "listed",
                                           NULL };

struct opts {
    int field; /* enum field */
};

static const qp_opt opt_table[] = {
    QP_OPT_ENUM(struct opts, field, "user", "subject_cn", field_names),
    QP_OPT_END,
};

/* A line of client_certs. */
struct known {
    char digits[SHA256_DIGITS + 1]; /* in lower case */
    const char *user;
};

/* The list. -------------------------------------------------------------- */

static const char *read_known(const char *line, void **whole, apr_pool_t *pool)
{
    apr_array_header_t *list = *whole;
    struct known known = { "", NULL };
    size_t n = 0;
    const char *p;

    for (p = line; n < SHA256_DIGITS && (apr_isxdigit(*p) || *p == ':'); p++) {
        if (*p != ':') {
            known.digits[n++] = (char)apr_tolower(*p);
        }
    }
    if (n < SHA256_DIGITS || !apr_isspace(*p)) {
        return "a line is a SHA-256 fingerprint and a name: 64 hexadecimal "
               "digits, with or without colons, a blank, the name";
    }
    while (apr_isspace(*p)) {
        p++;
    }
    if (*p == '\0') {
        return "the name behind the fingerprint is missing";
    }
    if (list == NULL) {
        *whole = list = apr_array_make(pool, 8, sizeof(struct known));
    }
    known.user = apr_pstrdup(pool, p);
    APR_ARRAY_PUSH(list, struct known) = known;
    return NULL;
}

/* @return 64 hexadecimal digits, or NULL: that is no certificate */
static const char *find_fingerprint(qp_session *qp)
{
    const char *pem = qp_tls_variable(qp, "SSL_CLIENT_CERT");
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int len = 0;
    BIO *bio = pem != NULL ? BIO_new_mem_buf(pem, -1) : NULL;
    X509 *cert = bio != NULL ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    char *digits = apr_palloc(qp_pool(qp), SHA256_DIGITS + 1);
    unsigned int i;

    if (cert == NULL || X509_digest(cert, EVP_sha256(), digest, &len) != 1) {
        digits = NULL;
    }
    for (i = 0; digits != NULL && i < len; i++) {
        apr_snprintf(digits + 2 * (size_t)i, 3, "%02x", digest[i]);
    }
    X509_free(cert);
    BIO_free(bio);
    return digits;
}

static void add_listed(const apr_array_header_t *list, const char *digits,
                       apr_array_header_t *names)
{
    const struct known *known;
    int i;

    for (i = 0; i < list->nelts; i++) {
        known = &APR_ARRAY_IDX(list, i, struct known);
        if (strcmp(known->digits, digits) == 0) {
            APR_ARRAY_PUSH(names, const char *) = known->user;
        }
    }
}

/* The certificate. ------------------------------------------------------- */

/* mod_ssl numbers those of a kind from 0. */
static void add_numbered(qp_session *qp, const char *prefix,
                         apr_array_header_t *names)
{
    const char *value;
    int i;

    for (i = 0; i < MAX_NAMES; i++) {
        value =
            qp_tls_variable(qp, apr_psprintf(qp_pool(qp), "%s%d", prefix, i));
        if (value == NULL) {
            break;
        }
        APR_ARRAY_PUSH(names, const char *) = value;
    }
}

static void add_own(qp_session *qp, enum field field, apr_array_header_t *names)
{
    switch (field) {
    case SUBJECT_CN:
        add_numbered(qp, "SSL_CLIENT_S_DN_CN_", names);
        break;
    case SAN_EMAIL:
        add_numbered(qp, "SSL_CLIENT_SAN_Email_", names);
        break;
    case SAN_DNS:
        add_numbered(qp, "SSL_CLIENT_SAN_DNS_", names);
        break;
    case SAN_UPN:
        add_numbered(qp, "SSL_CLIENT_SAN_OTHER_msUPN_", names);
        break;
    case SUBJECT_DN:
        APR_ARRAY_PUSH(names, const char *) =
            qp_conn_tls_client_subject(qp_connection(qp));
        break;
    case LISTED:
        break;
    }
}

/* Which of its names the client is to have; the first, unless it asks for one
 * (RFC 4422 A). NULL: none */
static const char *choose_name(const apr_array_header_t *names,
                               const char *wanted)
{
    const char *name;
    int i;

    for (i = 0; i < names->nelts; i++) {
        name = APR_ARRAY_IDX(names, i, const char *);
        if (wanted[0] == '\0' || strcasecmp(name, wanted) == 0) {
            return name;
        }
    }
    return NULL;
}

static qp_rc judge_names(const qp_plugin *self, qp_session *qp,
                         qp_auth_external_arg *arg,
                         const apr_array_header_t *names)
{
    const char *name = choose_name(names, arg->user);

    if (names->nelts == 0) {
        qp_skip(self, qp, "no name in the certificate of %s", arg->subject);
        return QP_DECLINED;
    }
    if (name == NULL) {
        qp_fail(self, qp, "wants to be %s, but its certificate is for %s",
                arg->user, APR_ARRAY_IDX(names, 0, const char *));
        return QP_DENY;
    }
    arg->user = apr_pstrdup(arg->pool, name);
    qp_pass(self, qp, "%s", arg->user);
    return QP_OK;
}

static qp_rc hook_auth_external(const qp_plugin *self, qp_session *qp,
                                qp_auth_external_arg *arg)
{
    const struct opts *opt = qp_opts(self);
    const apr_array_header_t *list = qp_list(qp, LIST, read_known);
    apr_array_header_t *names =
        apr_array_make(qp_pool(qp), 4, sizeof(const char *));
    const char *digits;

    if (list != NULL) {
        digits = find_fingerprint(qp);
        if (digits == NULL) {
            qp_error(self, qp, "the certificate of %s cannot be read",
                     arg->subject);
            return QP_DENYSOFT;
        }
        add_listed(list, digits, names);
    }
    if (names->nelts == 0) {
        add_own(qp, (enum field)opt->field, names);
        if (opt->field == SUBJECT_CN && names->nelts > 1) {
            qp_skip(self, qp, "several common names in the certificate of %s",
                    arg->subject);
            return QP_DECLINED;
        }
    }
    return judge_names(self, qp, arg, names);
}

static const char *setup(qp_plugin *self, apr_pool_t *pconf)
{
    return qp_list_check(self, LIST, read_known);
}

QP_PLUGIN(auth_external) = {
    .opts = opt_table,
    .opts_size = sizeof(struct opts),
    .setup = setup,
    .hooks.auth_external = hook_auth_external,
};
