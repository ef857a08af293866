# SPDX-License-Identifier: Apache-2.0
# The PROXY protocol (R110): a trusted peer must begin with a header, whose
# address counts everywhere; from anybody else it is nothing but a mistake.
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

plan tests => 17, QP::Server->need(qw(plugins/rcpt_ok plugins/queue/maildir));

my $V1 = "PROXY TCP4 192.0.2.7 198.51.100.2 40007 26\r\n";
my $V2 = "\r\n\r\n\0\r\nQUIT\n\x21\x21\0\x2a"
    . "\x20\x01\x0d\xb8" . "\0" x 11 . "\x07" . "\0" x 15 . "\x01"
    . "\x9c\x47\0\x1a" . "\4\0\3xyz";
my $LOCAL = "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";
my $server = QP::Server->new(
    plugins => ['rcpt_ok', 'queue/maildir @MAILDIR@'],
    config  => { rcpthosts => 'example.org', max_conn_ip => '2' },
    vhost   => "QpsmtpdProxy 127.0.0.1 127.0.0.2/31\nTimeout 2",
)->start;

# A client behind the balancer.
sub behind {
    my ($header, $way) = @_;
    my $client = $server->client;

    $way //= 'send';
    $client->$way($header);
    return $client;
}

my $client = behind($V1);

ok t_cmp($client->reply, qr/^220 /, 'greeted behind a header');
ok defined $server->wait_log(qr/ 192\.0\.2\.7\] connect to 198\.51\.100\.2:26/),
    'the log has its address';
ok t_cmp($client->cmd('EHLO x'), qr/^250-.*\[192\.0\.2\.7\]/, 'so has EHLO');
ok t_cmp($client->send_message('a@b.example', 'c@example.org', "S: x\n\nx"),
         qr/^250 /, 'a message is taken');
ok t_cmp(($server->messages)[0], qr/Received: from x \(\S* ?\[192\.0\.2\.7\]\)/,
         'so has Received');
$client = behind($V2, 'dribble');
ok t_cmp($client->reply, qr/^220 /, 'version 2, octet by octet');
ok t_cmp($client->cmd('EHLO x'), qr/^250-.*2001:db8::7\]/, 'has an address');
$client = behind($LOCAL);
ok t_cmp($client->reply, qr/^220 /, 'LOCAL');
ok t_cmp($client->cmd('EHLO x'), qr/^250-.*\[127\.0\.0\.1\]/, 'has its own');

# Limits are those of the client.
my @two = map { behind($V1 =~ s/2\.7/2.8/r) } 1 .. 2;

$_->expect(220) for @two;
ok t_cmp(behind($V1 =~ s/2\.7/2.8/r)->reply, qr/^421 .*from your address/,
         'connections of an address behind it are counted');

# Those who do not begin so.
for my $wrong ("EHLO x\r\n", "PROXY TCP4 1.2.3.4\r\n", "\x16\x03\x01", '') {
    $client = behind($wrong);
    ok t_cmp($client->drain, '', 'without a header nothing is said');
}
ok defined $server->wait_log(qr/info.*no PROXY header/, 3), 'but to the log';
$client = $server->client(local => '127.0.0.9');
$client->expect(220);
ok t_cmp($client->cmd($V1 =~ s/\r\n//r), qr/^50\d /,
         'from anybody else it is an unknown command');
ok t_cmp($client->cmd('EHLO x'), qr/^250-.*\[127\.0\.0\.9\]/, 'without effect');
$server->stop;
