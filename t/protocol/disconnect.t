# SPDX-License-Identifier: Apache-2.0
# A client that leaves at any step harms nobody, leaves nothing behind, and its
# hooks of the end run once (R22, R23, R96, D8).
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

my $session = "EHLO client.example\r\nMAIL FROM:<a\@example.net>\r\n"
    . "RCPT TO:<b\@example.org>\r\nDATA\r\n";
my $message = "Subject: x\r\n\r\n" . "text\r\n" x 30 . ".\r\n";
my @ways = qw(close abort shutdown_write);

plan tests => 8, QP::Server->need(qw(plugins/rcpt_ok plugins/queue/maildir
                                     testplugins/log_hooks));

my $server = QP::Server->new(
    plugins     => ['log_hooks', 'rcpt_ok', 'queue/maildir @MAILDIR@'],
    config      => { pipelining => 'lenient',
                     rcpthosts => 'example.org', size_threshold => 50,
                     max_errors => 0 },
    testplugins => 1,
)->start;
my $sessions = 0;

# Leaves behind so many octets, in one of the ways.
sub leave {
    my ($octets, $way) = @_;
    my $client = $server->client;

    $client->expect(220);
    $client->send($octets);
    $client->$way;
    $client->drain if $way eq 'shutdown_write';
    $client->close;
    $sessions++;
    return;
}

for my $way (@ways) {
    for (my $n = 0; $n <= length $session; $n += 7) {
        leave(substr($session, 0, $n), $way);
    }
    # Behind 354; the last three end in ".", ". CR" and within the text.
    for my $n (0, 5, 14, 17, 100, -3, -2, -1) {
        my $length = $n < 0 ? length($message) + $n : $n;

        leave($session . substr($message, 0, $length), $way);
    }
}
ok defined $server->wait_log(qr/hook post_connection/, $sessions),
    "$sessions sessions end";
ok t_cmp(scalar($server->messages), 0, 'nothing is stored')
    if $server->poll(sub { !$server->spooled }) || 1;
ok t_cmp(scalar($server->spooled), 0, 'nothing is left in spool_dir');
for my $hook (qw(disconnect post_connection)) {
    my $count = grep {/hook $hook\b/} $server->log_lines;

    ok t_cmp($count, $sessions, "$hook runs once each");
}

# Behind the end of data it is stored once, whether the reply is read or not.
leave("$session$message", 'shutdown_write');
leave("$session$message", 'close');
$server->wait_log(qr/hook post_connection/, $sessions);
ok t_cmp(scalar(() = $server->messages), 2, 'a complete message is stored');

# Who has said all but still listens gets every reply.
my $client = $server->client->hello;

$client->send("NOOP\r\n" x 3);
$client->shutdown_write;
ok t_cmp($client->drain, qr/\A(?:250 [^\n]*\r\n){3}\z/,
         'a client that only listens gets its replies');
ok t_cmp($server->client->hello->cmd('NOOP'), qr/^250 /, 'and all goes on');
$server->stop;
