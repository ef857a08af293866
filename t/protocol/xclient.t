# SPDX-License-Identifier: Apache-2.0
# XCLIENT by a real client: another address for relay, Received and the log,
# and none for those who are not trusted (R48, R97, R110).
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

plan tests => 8, QP::Server->need('plugins/queue/maildir', 'bin/swaks');

my %config = (rcpthosts => ['example.org'], relayclients => ['203.0.113.']);
my @plugins = ('relay', 'rcpt_ok', 'queue/maildir @MAILDIR@');
my $server = QP::Server->new(
    plugins => \@plugins,
    config  => { %config, xclient_hosts => ['192.0.2.1', '127.0.0.0/8'] },
)->start;

sub swaks {
    my (@args) = @_;
    my $port = $server->port;

    return scalar qx(swaks --server 127.0.0.1:$port --from 's\@example.net' \\
        --body text @args 2>&1);
}

my $said = swaks(q{--to 'b@elsewhere.example'}, '--xclient-addr 203.0.113.9',
                 '--xclient-name mail.example', '--xclient-port 99');

ok t_cmp($?, 0, 'a client that may relay') or diag $said;
ok t_cmp(($server->messages)[0],
         qr/^Received: from \S+ \(mail\.example \[203\.0\.113\.9\]\)/m,
         'Received names it');
ok defined $server->wait_log(qr/\[\w+ 203\.0\.113\.9 t1\] relay|
                                \[\w+\ 203\.0\.113\.9\]\ relay:\ pass/x),
    'so does the log';
$said = swaks(q{--to 'b@elsewhere.example'}, '--xclient-addr IPV6:2001:db8::1');
ok t_cmp($said, qr/^<\*\* 550 5\.7\.1 /m, 'another client may not relay');

# What one client was is nothing to the next.
my $client = $server->client->hello;

$client->cmd('XCLIENT ADDR=203.0.113.9 LOGIN=joe');
$client->cmd('XCLIENT ADDR=198.51.100.9');
$client->cmd('EHLO other.example');
$client->cmd('MAIL FROM:<s@example.net>');
ok t_cmp($client->cmd('RCPT TO:<b@elsewhere.example>'), qr/^550 /,
         'the right to relay does not stay');
$client->close;
$server->stop;

$server = QP::Server->new(plugins => \@plugins, config => {
    %config, xclient_hosts => ['192.0.2.1'] })->start;
$said = swaks(q{--to 'b@example.org'}, '--xclient-addr 203.0.113.9');
ok t_cmp($said, qr/XCLIENT/, 'a stranger asks for it') or diag $said;
ok t_cmp(scalar($server->messages), 0, 'and gets nothing');
$client = $server->client->hello;
ok t_cmp($client->cmd('XCLIENT ADDR=203.0.113.9'), qr/^550 5\.7\.0 /,
         'it is not for him');
$server->stop;
