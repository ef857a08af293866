/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hands messages to SMTP servers. What a message needs lives as long as the
 * job that sends it; connections that are kept, as long as the process. It has
 * no queue of its own: the client keeps the message until a server has it.

=pod

=head1 NAME

queue/smtp-forward - hand messages to SMTP servers

=head1 SYNOPSIS

In F<config/plugins>:

    queue/smtp-forward mail.example.org
    queue/smtp-forward 127.0.0.1 10025 xclient
    queue/smtp-forward hosts mx1.example.org*3,mx2.example.org,mx3.example.org*0
    queue/smtp-forward mail.example.org 587 tls verify auth relay_login

=head1 DESCRIPTION

The client is answered 250 when a server has said 250 to the message, and not
before. What a server refuses, for now or for good, the client is told to be
refused, with the server's text and enhanced status: 452 for any 4xx, 552 for
any 5xx.

There is one answer for all recipients. So when a server refuses some of them,
the message is sent to none: the client is told the refusal, with the recipient
in front; one that is for good counts more than one for now. A client that
speaks LMTP has an answer for each, and then the message is sent to those that
were accepted.

=head2 Several servers

They are tried one after the other, the first by lot: a server of weight 3 comes
first three times as often as one of weight 1. One of weight 0 is tried when all
others have failed. The next server is tried when one cannot be reached, answers
with nonsense or 421, does not let the client log in, answers MAIL by 4xx, or
goes away before it has the whole message. A server that failed is tried after
the others for 30 seconds. The next one is tried, too, when one does not
announce what the message needs (see below); only if that is so with all of them
is the message refused for good.

When no server is left, the next queue plugin is asked; if there is none, the
client is answered 451. If the last server said 4xx to MAIL, it is told that.

When the whole message has been sent and the answer does not come, nobody knows
whether the server has it. No other server is tried then; the client is answered
452 and comes again, and it may be that the recipients get the message twice
(RFC 1047).

=head2 Extensions

STARTTLS, AUTH, PIPELINING, SIZE, 8BITMIME, SMTPUTF8, BINARYMIME with CHUNKING,
DSN and XCLIENT are used if the server announces them. If it does not:

=over 4

=item SIZE

The server says what is too big. A message above the size that it announces is
refused with 5.3.4 without being sent.

=item 8BITMIME

A message with octets above 127 is refused with 5.6.3 (RFC 6152 3), unless
C<eightbit> says otherwise.

=item SMTPUTF8

A message with UTF-8 in an address, or one sent as SMTPUTF8 with UTF-8 in its
header, is refused with 5.6.7 (RFC 6531 3.2).

=item BINARYMIME, CHUNKING

A message that came with BODY=BINARYMIME goes as it is, by BDAT and in one
chunk, to a server that announces both (RFC 3030 3). Others do not get it: it is
refused with 5.6.1, for it cannot be passed on without being altered. It can
only come if C<binarymime> is C<yes>. All other messages go by DATA.

=item DSN

What the client asked for is not passed on, and that is logged. A notification
that the message has left the world of DSN would be due (RFC 3461 5.2.2); there
is no queue here to send it from. Where no server announces DSN, say C<dsn no>.

=back

By DATA line ends are CR LF; a CR that was let in by config C<bare_newline>
C<accept-in-body> becomes a blank, so that no server sees an end of the message
where there is none.

A waiting server holds no thread that serves clients. In each process of httpd
up to 32 messages are under way at a time; others wait their turn.

=head1 CONFIGURATION

=over 4

=item host

Name or address of the server, or the path of a socket in the file system. It
may be given without its name, as the first word. It or C<hosts> has to be
given.

=item port

The TCP port. It may be given without its name, as the second word. The default
is 25.

=item hosts

Further servers, separated by commas: C<HOST>, C<HOST:PORT>, C<HOST*WEIGHT>,
C<HOST:PORT*WEIGHT>; IPv6 addresses with a port stand in brackets. The port is
C<port>, the weight 1, if they are not given.

=item xclient

Tells a server that announces XCLIENT who the client is, so that it sees the
client's address and names in place of ours
(L<http://www.postfix.org/XCLIENT_README.html>). Connections are then not kept.

=item smtps

TLS from the first octet, without STARTTLS (RFC 8314), usually with C<port 465>.

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

=item queue/smtp-forward: I<SERVER> knows no DSN: what the client asked for is not passed
on

The message is queued all the same. If it is so with all servers, set C<dsn>
to C<no>.

=item queue/smtp-forward: pass, message I<ID> queued by I<SERVER>: I<TEXT>

=item queue/smtp-forward: fail, message I<ID> refused by I<SERVER>, at I<STEP>: I<REPLY>

I<STEP> is MAIL, RCPT, DATA, BDAT, C<the message>, or EHLO for something that
the server does not announce.

=item queue/smtp-forward: error, cannot I<DO SOMETHING> I<SERVER>: I<WHY>

No server could be used; there is one text for each. As a warning, without
C<error>, when another server then took the message.

=item queue/smtp-forward: I<SERVER> cannot take it: I<WHY>

It does not announce what the message needs. As a warning, another server has
then taken it; behind C<error>, others could not be asked.

=item queue/smtp-forward: error, I<WHY>; it may have the message

=item queue/smtp-forward: error, cannot read the message

=item queue/smtp-forward: error, no server was tried

Too many messages are waiting already.

=back

=head1 SEE ALSO

L<queue/lmtp>, L<queue/qmqp-forward>, F<docs/plugin-list.md>

=cut

*/

#include "smtp_hook.h"
#include "smtp_opts.h"

static const qp_opt opt_table[] = {
    SMTP_OPTS_COMMON("25"),
    QP_OPT_FLAG(smtp_opts, xclient, "xclient"),
    QP_OPT_FLAG(smtp_opts, smtps, "smtps"),
    QP_OPT_END,
};

static const char *setup(qp_plugin *self, apr_pool_t *pconf)
{
    return smtp_opts_prepare(self, 0, pconf);
}

QP_PLUGIN(queue_smtp_forward) = {
    .opts = opt_table,
    .opts_size = sizeof(smtp_opts),
    .txn_size = sizeof(smtp_txn),
    .setup = setup,
    .hooks.post_fork = smtp_hook_post_fork,
    .hooks.queue = smtp_hook_queue,
};
