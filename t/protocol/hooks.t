# SPDX-License-Identifier: Apache-2.0
# Which hooks run, and in what order (D8, D9, D13).
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

my $start = 'pre_connection connect ehlo_parse ehlo';
my $mail = 'mail_parse mail_pre mail';
my $rcpt = 'rcpt_parse rcpt_pre rcpt';
my $data = 'data data_headers_end data_post_headers received_line data_post '
    . 'queue_pre queue reset_transaction queue_post';
my $end = 'disconnect post_connection';
my $message = "Subject: x\r\n\r\ntext\r\n.\r\n";

# Plugins besides log_hooks; what the client says; the hooks.
my @sessions = (
    ['QUIT', [], [], "$start quit $end"],
    ['a message', [], ['MAIL FROM:<a@example.net>', 'RCPT TO:<b@example.org>',
                       'DATA', "Subject: x\r\n\r\ntext\r\n."],
     "$start $mail $rcpt $data quit $end"],
    ['RSET', [], ['MAIL FROM:<a@example.net>', 'RSET'],
     "$start $mail reset_transaction quit $end"],
    ['RSET without a transaction', [], ['RSET'], "$start quit $end"],
    ['EHLO again', [], ['MAIL FROM:<a@example.net>', 'EHLO again.example'],
     "$start $mail ehlo_parse ehlo reset_transaction quit $end"],
    ['QUIT in a transaction', [], ['MAIL FROM:<a@example.net>'],
     "$start $mail quit disconnect reset_transaction post_connection"],
    ['wrong order', [], ['RCPT TO:<b@example.org>', 'DATA'],
     "$start quit $end"],
    ['small verbs', [], ['NOOP', 'HELP', 'VRFY x', 'BOGUS'],
     "$start noop help vrfy unrecognized_command quit $end"],
    ['refused by data', ['answer data DENY'],
     ['MAIL FROM:<a@example.net>', 'RCPT TO:<b@example.org>', 'DATA'],
     "$start $mail $rcpt data reset_transaction quit $end"],
    ['refused by data_post', ['answer data_post DENYSOFT'],
     ['MAIL FROM:<a@example.net>', 'RCPT TO:<b@example.org>', 'DATA',
      "Subject: x\r\n\r\ntext\r\n."],
     "$start $mail $rcpt data data_headers_end data_post_headers "
     . "received_line data_post reset_transaction quit $end"],
    ['closed by rcpt', ['answer rcpt DENY_DISCONNECT'],
     ['MAIL FROM:<a@example.net>', 'RCPT TO:<b@example.org>'],
     "$start $mail $rcpt disconnect reset_transaction post_connection", 1],
    ['quit answered by a plugin', ['answer quit DONE reply 221 text bye'], [],
     "$start quit post_connection"],
);

plan tests => 3 + @sessions,
    QP::Server->need(qw(plugins/rcpt_ok plugins/queue/discard
                        testplugins/log_hooks testplugins/answer));

sub make_server {
    return QP::Server->new(
        plugins     => ['log_hooks', @_, 'rcpt_ok', 'queue/discard'],
        config      => { rcpthosts => 'example.org' },
        testplugins => 1,
    )->start;
}

sub hooks {
    my ($server) = @_;

    return join ' ', map { /log_hooks: hook (\w+)/ ? $1 : () }
        $server->log_lines;
}

for my $session (@sessions) {
    my ($name, $plugins, $lines, $want, $is_closed) = @$session;
    my $server = make_server(@$plugins);
    my $client = $server->client->hello;

    $client->cmd($_) for @$lines;
    $client->cmd('QUIT') if !$is_closed;
    $server->wait_log(qr/QP1603/);
    ok t_cmp(hooks($server), $want, $name);
    $server->stop;
}

# A client that leaves within a message.
my $server = make_server();
my $client = $server->client->hello->envelope('a@example.net', 'b@example.org');

$client->expect(354, 'DATA');
$client->send("Subject: x\r\n\r\nhalf");
$server->wait_log(qr/hook data_headers_end/);
$client->close;
$server->wait_log(qr/QP1603/);
ok t_cmp(hooks($server), "$start $mail $rcpt data data_headers_end "
         . 'disconnect reset_transaction post_connection', 'client leaves');
$server->stop;

# After a refusal by pre_connection no hook of the session runs any more.
$server = make_server('answer pre_connection DENY');
$client = $server->client;
ok t_cmp($client->reply, qr/^550 /, 'pre_connection refuses');
$client->eof;
$server->wait_log(qr/QP1603/);
ok t_cmp(hooks($server), 'pre_connection', 'and no other hook runs');
$server->stop;
