/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hands messages to LMTP servers (RFC 2033), which deliver them. What a message
 * needs lives as long as the job that sends it; connections that are kept, as
 * long as the process.

=pod

=head1 NAME

queue/lmtp - hand messages to LMTP servers

=head1 SYNOPSIS

In F<config/plugins>:

    queue/lmtp /run/dovecot/lmtp
    queue/lmtp mail.example.org 24
    queue/lmtp single /run/dovecot/lmtp

=head1 DESCRIPTION

As L<queue/smtp-forward>, whose manual says what becomes of a server's answers,
how several servers are used, and what happens when one lacks an extension. The
difference: an LMTP server answers the message once for each recipient, and has
then delivered it, or not.

=over 4

=item *

All have it: the client is answered 250.

=item *

The server refuses a recipient at RCPT: the message is sent to none, and the
client is told the refusal.

=item *

The message is there for some and not for others: the client, which speaks SMTP
and gets one answer for all, is told the refusal, with the recipient in front.
One for good (552) counts more than one for now (452). So the sender is told of
it; but when it comes again, those who have the message get it twice. That is
better than that the others never get it (RFC 5321 6.1). With C<single> it does
not happen.

=item *

A client that speaks LMTP is told for each recipient what the server said.

=back

=head1 CONFIGURATION

=over 4

=item host

The path of a socket in the file system, or name or address of the server. It
may be given without its name, as the first word. It or C<hosts> has to be
given.

=item port

The TCP port. It may be given without its name, as the second word. The default
is 24.

=item hosts

Further servers, separated by commas, as for L<queue/smtp-forward>.

=item single

Takes one recipient for each message. Further ones are answered 452 4.5.3, and
the client sends them the message in a transaction of its own (RFC 5321
4.5.3.1.10). Then each answer is for one recipient, and is exact. It has no
effect on a client that speaks LMTP.

=item connect_timeout

How long to try to connect to a server, over all its addresses. The default is
10s.

=item reply_timeout

How long a server may take for each step up to the message itself. The default
is 30s.

=item timeout

How long all of it may take, over all servers. When this time is up the client
is answered 452. The default is 2m.

=item tls

C<no>; C<may>: TLS if the server offers STARTTLS, without looking at its
certificate, and in clear if it does not, or if that fails; C<must>: never in
clear; C<verify>: and the certificate has to be valid, and for the server's
name. The default is C<may>, and to a socket in the file system no TLS.

=item tls_ca

A file with the certificates to trust, in PEM; for C<tls verify>. Without it
those of the system are trusted.

=item tls_cert

=item tls_key

A file with a certificate that is shown to the server, and one with its key;
without the second the key is in the first.

=item tls_name

The name that the certificate has to be for, if it is not the host's.

=item auth

A file whose first line is C<USER:PASSWORD>. The client logs in by CRAM-MD5, or,
if nobody else can listen, because of TLS or because the server is a socket in
the file system, by PLAIN or LOGIN. A server that offers none of them, or does
not let it in, is not used. The file is read at the start, by root if httpd is
started by root.

=item helo

What the client calls itself. The default is config C<me>.

=item eightbit

C<yes> sends messages that are not ASCII also to a server that does not
announce 8BITMIME. The default is C<no>: they are refused.

=item dsn

C<no>: the servers do not announce DSN, so EHLO does not either, and who sends
to us knows that notifications of success end here (RFC 3461 5.2.2). The default
is C<yes>.

=item binarymime

C<yes>: BINARYMIME is offered to clients, for all servers announce it and
CHUNKING (RFC 3030). The default is C<no>: then the client knows that it has to
encode such a message before it sends it. With C<yes>, and no server that
announces both, the message is refused with 5.6.1 when it is there, and the
client tells its sender.

=item keep

How many connections a process of httpd keeps open for further messages; 0:
none. Each carries up to 100 messages. The default is 4.

=item idle

How long they may be idle. It is looked at when the next message comes. The
default is 20s.

=back

=head1 DIAGNOSTICS

=over 4

=item queue/lmtp: fail, one recipient at a time

=item queue/lmtp: I<SERVER> knows no DSN: what the client asked for is not passed
on

The message is queued all the same. If it is so with all servers, set C<dsn>
to C<no>.

=item queue/lmtp: pass, message I<ID> queued by I<SERVER>: I<TEXT>

=item queue/lmtp: fail, message I<ID> refused by I<SERVER>, at I<STEP>: I<REPLY>

I<STEP> is MAIL, RCPT, DATA, BDAT, C<the message>, or EHLO for something that
the server does not announce.

=item queue/lmtp: error, cannot I<DO SOMETHING> I<SERVER>: I<WHY>

No server could be used; there is one text for each. As a warning, without
C<error>, when another server then took the message.

=item queue/lmtp: I<SERVER> cannot take it: I<WHY>

It does not announce what the message needs. As a warning, another server has
then taken it; behind C<error>, others could not be asked.

=item queue/lmtp: error, I<WHY>; it may have the message

=item queue/lmtp: error, cannot read the message

=item queue/lmtp: error, no server was tried

Too many messages are waiting already.

=back

=head1 SEE ALSO

L<queue/smtp-forward>, L<queue/maildir>, F<docs/plugin-list.md>

=cut

*/

#include "smtp_hook.h"
#include "smtp_opts.h"

static const qp_opt opt_table[] = {
    SMTP_OPTS_COMMON("24"),
    QP_OPT_FLAG(smtp_opts, single, "single"),
    QP_OPT_END,
};

static qp_rc hook_rcpt(const qp_plugin *self, qp_session *qp,
                       const qp_rcpt_arg *arg)
{
    if (qp_has_rcpt_results(qp)
        || qp_txn_rcpts(qp_transaction(qp))->nelts == 0) {
        return QP_DECLINED;
    }
    qp_fail(self, qp, "one recipient at a time");
    qp_respond(qp, 452, "4.5.3 One recipient at a time, please");
    return QP_DONE;
}

static const char *setup(qp_plugin *self, apr_pool_t *pconf)
{
    const smtp_opts *opt = qp_opts(self);

    if (opt->single) {
        qp_register_rcpt(self, hook_rcpt, QP_BEFORE_ALL);
    }
    return smtp_opts_prepare(self, 1, pconf);
}

QP_PLUGIN(queue_lmtp) = {
    .opts = opt_table,
    .opts_size = sizeof(smtp_opts),
    .txn_size = sizeof(smtp_txn),
    .setup = setup,
    .hooks.post_fork = smtp_hook_post_fork,
    .hooks.queue = smtp_hook_queue,
};
