/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stands for the line of that name in the configuration of qpsmtpd, and says
 * where TLS is configured here. It keeps no data and has no hooks. It encrypts
 * nothing.

=pod

=head1 NAME

tls - where TLS is configured

=head1 SYNOPSIS

In F<config/plugins> of a server that comes from qpsmtpd:

    tls ssl/server.crt ssl/server.key ssl/ca.crt

=head1 DESCRIPTION

In qpsmtpd this plugin brought TLS. Here httpd's mod_ssl does, for the whole
virtual host, whether this line is there or not:

    <VirtualHost *:25>
        QpsmtpdEngine On
        SSLEngine on
        SSLCertificateFile /etc/ssl/server.crt
        SSLCertificateKeyFile /etc/ssl/server.key
    </VirtualHost>

So the line does nothing but say so at start. It may stay, and may as well be
taken out. The files that its arguments name are not read.

=over 4

=item the first and second argument

are C<SSLCertificateFile> and C<SSLCertificateKeyFile>.

=item the third

is C<SSLCACertificateFile>, together with C<SSLVerifyClient>, if clients are to
show certificates; and else not needed.

=item F<config/tls_ciphers>, F<config/tls_protocols>

are C<SSLCipherSuite> and C<SSLProtocol>.

=item port 465

is a virtual host of its own with C<QpsmtpdTLS implicit>.

=back

=head1 CONFIGURATION

=over 4

=item files

Any arguments are accepted, and none is used.

=back

=head1 DIAGNOSTICS

=over 4

=item tls: TLS is configured by SSLEngine and SSLCertificateFile ...

The line was read. It is said at each start, at NOTICE.

=back

=head1 SEE ALSO

F<docs/admin.md>

=cut

*/

#include "qpsmtpd.h"

typedef struct tls_opts {
    apr_array_header_t *files;
} tls_opts;

static const qp_opt tls_opt_table[] = {
    QP_OPT_REST(tls_opts, files, "files"),
    QP_OPT_END,
};

static const char *say_where(qp_plugin *self, apr_pool_t *pconf)
{
    qp_log(self, NULL, QP_LOG_NOTICE,
           "TLS is configured by SSLEngine and SSLCertificateFile of the "
           "virtual host; this line and its arguments do nothing");
    return NULL;
}

QP_PLUGIN(tls) = {
    .opts = tls_opt_table,
    .opts_size = sizeof(tls_opts),
    .setup = say_where,
};
