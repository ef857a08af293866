# SPDX-License-Identifier: Apache-2.0
# hostname_lookups: the server looks up its clients' names before it greets
# them, without a thread that waits (R111, R116).
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Dns;
use QP::Server;

plan tests => 10, QP::Server->need('bin/nsd');

my $dns = QP::Dns->new;
my %config = (dns_servers => $dns->address, dns_timeout => '2s',
              rcpthosts => ['example.org']);

# The Received field of a message from 127.0.1.N.
sub received {
    my ($server, $n) = @_;
    my $client = $server->client(local => "127.0.1.$n")->hello;

    $client->send_message('s@example.net', 'r@example.org', "Subject: $n\n\n");
    $client->close;
    my ($message) = grep {/^Subject: $n$/m} $server->messages;

    return $message =~ /^(Received: .*?)^\S/ms ? $1 : '';
}

my $server = QP::Server->new(
    plugins => ['rcpt_ok', 'queue/maildir @MAILDIR@'],
    config  => { %config, hostname_lookups => 'on' })->start;

ok t_cmp(received($server, 1), qr/\(client1\.test \[127\.0\.1\.1\]\)/,
         'a name that leads back');
ok t_cmp(received($server, 3), qr/\(client3\.test \[127\.0\.1\.3\]\)/,
         'the second one does, by an alias');
ok t_cmp(received($server, 2), qr/\(Unknown \[127\.0\.1\.2\]\)/,
         'one that does not');
ok t_cmp(received($server, 5), qr/\(Unknown \[127\.0\.1\.5\]\)/, 'no name');
ok t_cmp(received($server, 6), qr/\(Unknown \[127\.0\.1\.6\]\)/,
         'no answer: greeted all the same');

# More clients that wait for their names than there are threads. On prefork
# each has a process.
my @waiting = map { $server->client(local => '127.0.1.6') } 1 .. 20;

if (QP::Server::mpm() eq 'event') {
    ok t_cmp($server->client(local => '127.0.1.1')->reply, qr/^220 /,
             'twenty wait, and one is greeted');
}
else {
    ok 1, 'one process for each client';
}
my @replies = map { $_->reply } @waiting;

ok t_cmp(scalar(grep {/^220 /} @replies), 20, 'then they are, too');
$_->close for @waiting;

# The server stops while questions are on the way.
@waiting = map { $server->client(local => '127.0.1.6') } 1 .. 3;
$server->stop;
ok t_cmp(scalar(my @lines = $server->surprises), 0, 'it stops in order');

$server = QP::Server->new(
    plugins => ['rcpt_ok', 'queue/maildir @MAILDIR@'],
    config  => \%config)->start;
my $before = $dns->asked;

ok t_cmp(received($server, 1), qr/\(Unknown \[127\.0\.1\.1\]\)/,
         'it is off unless asked for');
ok t_cmp(scalar($dns->asked), $before, 'and nobody is asked');
$server->stop;
