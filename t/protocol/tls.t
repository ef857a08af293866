# SPDX-License-Identifier: Apache-2.0
# STARTTLS by mod_ssl: what it forgets (R73), what must not be smuggled in (R72)
# and what becomes of handshakes that fail (R75).
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;
use QP::Tls;

plan tests => 25,
    QP::Server->need(qw(plugins/rcpt_ok plugins/queue/maildir ssl
                        socache_shmcb));

my $tls = QP::Tls->new;
my $server = QP::Server->new(
    plugins => ['rcpt_ok', 'queue/maildir @MAILDIR@'],
    config  => { rcpthosts => 'example.org' },
    vhost   => $tls->vhost('mx.example.org') . 'Timeout 5',
    httpd   => QP::Tls->conf,
)->start;

# STARTTLS.
my $client = $server->client;

$client->expect(220);
ok t_cmp($client->cmd('EHLO c.example'), qr/^250[- ]STARTTLS$/m, 'offered');
ok t_cmp($client->cmd('HELP'), qr/^214-.* BDAT STARTTLS$/m, 'and in HELP');
$client->envelope('a@example.net', 'b@example.org');
$client->expect(220, 'STARTTLS');
ok $client->start_tls(SSL_hostname => 'mx.example.org', SSL_ca_file => $tls->ca,
                      SSL_verify_mode => 1), 'the handshake';
ok t_cmp($client->cmd('RCPT TO:<c@example.org>'), qr/^503 /, 'RCPT behind it');
ok t_cmp($client->cmd('DATA'), qr/^503 /, 'DATA behind it');
ok t_cmp($client->cmd('MAIL FROM:<a@example.net>'), qr/^503 /,
         'MAIL without a new EHLO');
ok $client->cmd('EHLO c.example') !~ /STARTTLS/, 'not offered again';
ok $client->cmd('HELP') !~ /STARTTLS/, 'nor in HELP';
ok t_cmp($client->cmd('STARTTLS'), qr/^503 5\.5\.1 /, 'and refused (R74)');
ok t_cmp($client->send_message('a@example.net', 'b@example.org',
                               "Subject: x\n\nhello\n"),
         qr/^250 /, 'a message');
$client->expect(221, 'QUIT');
ok $client->eof, 'the end';
my ($file) = $server->messages;
ok t_cmp($file, qr/ with ESMTPS id \S+\s+\(TLSv1\.\d \S+\)/, 'Received');

$client = $server->client->hello;
ok t_cmp($client->cmd('STARTTLS now'), qr/^501 /, 'an argument');
$client->expect(250, 'NOOP');

# Pipelining within TLS, and one octet at a time.
$client->expect(220, 'STARTTLS');
ok $client->start_tls, 'another handshake';
$client->expect(250, 'EHLO c.example');
my @codes = map { substr $_ // '', 0, 3 } $client->pipeline(('NOOP') x 200);

ok t_cmp(scalar(grep { $_ eq '250' } @codes), 200, '200 commands at once');
$client->dribble("NOOP\r\nNOOP\r\n");
$client->expect(250);
$client->expect(250);
$client->send("NOOP\r\nQUIT\r\n");
$client->expect(250);
$client->expect(221);
ok $client->eof, 'QUIT in one segment with NOOP';

# Input behind STARTTLS is never run.
my @injections = (
    ["STARTTLS\r\nRSET\r\n",  'a command in the same segment'],
    ["STARTTLS\r\nRS",        'half a command'],
    ["STARTTLS\r\n" . "NOOP\r\n" x 10_000, '60 kB'],
);

for my $pair (@injections) {
    my ($octets, $what) = @$pair;

    $client = $server->client->hello;
    $client->send($octets);
    ok t_cmp(scalar($client->drain), qr/\A554 5\.5\.1 [^\r\n]+\r\n\z/,
             "$what: refused once, then closed");
}

# In the next segment, and behind the 220: it breaks the handshake.
$client = $server->client->hello;
$client->send("STARTTLS\r\n");
$client->send("RSET\r\n");
ok t_cmp(scalar($client->drain),
         qr/\A(?:220|554) [^\r\n]+\r\n(?:[^\w\s].*)?\z/s,
         'a command in the next segment');
$client = $server->client->hello;
$client->expect(220, 'STARTTLS');
$client->send("RSET\r\nQUIT\r\n");
ok $client->drain !~ /^\d\d\d[ -]/m, 'a command behind the 220';
$client = $server->client->hello;
$client->expect(220, 'STARTTLS');
$client->send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
ok $client->drain !~ /^(?:\d\d\d[ -]|HTTP)/m, 'a request line behind the 220';

# A handshake that is abandoned or stalls ends without a word.
$client = $server->client->hello;
$client->expect(220, 'STARTTLS');
my $stalled = $server->client->hello;
$stalled->expect(220, 'STARTTLS');
$stalled->send("\x16\x03\x01\x02\x00\x01");
$client->shutdown_write;
ok t_cmp(scalar($client->drain), '', 'the client leaves');
ok t_cmp(scalar($stalled->drain), '', 'time is up: nothing is said');
ok defined $server->wait_log(qr/disconnect, no TLS handshake/), 'it is logged';
$server->stop;
