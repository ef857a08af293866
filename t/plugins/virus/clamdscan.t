# SPDX-License-Identifier: Apache-2.0
# virus/clamdscan: with a clamd of ClamAV, in each of the ways to ask it.
# t/protocol/services.t has clamds that misbehave.
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use MIME::Base64 qw(encode_base64);
use QP::Clamd;
use QP::Server;

use constant CLIENTS => 20;

my $virus = QP::Clamd::VIRUS;
my $name = 'Qp.Test-1.UNOFFICIAL';
my $inside = "Content-Type: multipart/mixed; boundary=b\n\n--b\n"
    . "Content-Type: application/octet-stream\n"
    . "Content-Transfer-Encoding: base64\n\n"
    . encode_base64("x$virus" x 3) . "--b--\n";

plan tests => 55, QP::Server->need(
    (map {"plugins/$_"} qw(virus/clamdscan naughty relay queue/maildir)),
    'bin/clamd');

sub server {
    my ($args, @more) = @_;

    return QP::Server->new(
        plugins => ['relay', 'rcpt_ok', "virus/clamdscan $args", @more,
                    'queue/maildir @MAILDIR@'],
        config => { rcpthosts => 'example.org', relayclients => '127.0.0.2',
                    })->start;
}

sub deliver {
    my ($client, $text) = @_;

    return $client->send_message('s@example.net', 'a@example.org', $text);
}

my $clamd = QP::Clamd->new;
my $tcp = QP::Clamd->new(tcp => 1);
my %ways = (
    'by descriptor'  => 'clamd_socket ' . $clamd->path,
    'by stream'      => "method instream clamd_socket " . $clamd->path,
    'by name'        => "method scan clamd_socket " . $clamd->path,
    'by TCP'         => 'clamd_port ' . $tcp->port,
    'by name and TCP' => 'method scan clamd_host 127.0.0.1 clamd_port '
        . $tcp->port,
);

for my $way (sort keys %ways) {
    my $server = server($ways{$way});
    my $client = $server->client->hello;

    ok t_cmp(deliver($client, "X-Virus-Found: Maybe\nSubject: x\n\nhello\n"
                         . "line\n" x 5000), qr/^250 /, "$way: no virus");
    my ($got) = $server->messages;

    ok t_cmp($got, qr/^X-Virus-Found: No\nX-Virus-Checked: Checked by /m,
             'has fields');
    ok t_cmp($got, qr/ClamAV on mx\.example\.org\nReceived:/, 'on top');
    ok $got !~ /Maybe/, 'none of others';
    ok t_cmp(deliver($client, "\n$virus\n"),
             qr/^552 5\.7\.1 Virus found: \Q$name\E$/, 'a virus');
    ok t_cmp(deliver($client, $inside),
             qr/^552 5\.7\.1 Virus found: \Q$name\E$/, 'a virus inside');
    ok t_cmp(scalar($server->messages), 1, 'is not delivered');
    $server->stop;
}

# Many at once; each gets its own verdict.
my $server = server($ways{'by descriptor'});
my @clients = map { $server->client->hello } 1 .. CLIENTS;

$_->envelope('s@example.net', 'a@example.org')->expect(354, 'DATA')
    for @clients;
for my $n (0 .. $#clients) {
    my $text = $n % 2 ? $virus : 'none';

    $clients[$n]->send("Subject: n$n\r\n\r\n"
                           . "line $n\r\n" x 3000 . "$text\r\n.\r\n");
}
ok t_cmp(join(' ', map { substr $_->reply, 0, 3 } @clients),
         join(' ', map { $_ % 2 ? 552 : 250 } 0 .. $#clients), 'many at once');
$_->close for @clients;
ok t_cmp(deliver($server->client(local => '127.0.0.2')->hello, "\n$virus\n"),
         qr/^552 /, 'relay clients are no exception');
ok defined $server->wait_log(qr{virus/clamdscan: fail, Virus found: \Q$name\E}),
    'the log of a virus';
ok defined $server->wait_log(qr{virus/clamdscan: pass, no virus found}),
    'and of none';
$server->stop;

# Marked, and the client with it.
$server = server("$ways{'by descriptor'} reject_type temp", 'naughty');
my $client = $server->client->hello;

ok t_cmp(deliver($client, "\n$virus\n"), qr/^452 4\.7\.1 Virus found/,
         'refused as the arguments say');
$client->expect(250, 'MAIL FROM:<s@example.net>');
$client->expect(250, 'RCPT TO:<a@example.org>');
ok t_cmp($client->cmd('DATA'), qr/^354 /, 'the next message');
$client->send("\r\n.\r\n");
ok t_cmp($client->reply, qr/^452 4\.7\.1 Virus found/,
         'is refused by naughty, and has none itself');
$server->stop;

$server = server("$ways{'by stream'} deny_viruses no scan_all no max_size 100");
$client = $server->client->hello;
ok t_cmp(deliver($client, $inside), qr/^250 /, 'not refused');
ok t_cmp(($server->messages)[0],
         qr/^X-Virus-Found: Yes\nX-Virus-Details: \Q$name\E\nReceived:/m,
         'but marked');
ok t_cmp(deliver($client, "Content-Type: text/x-multipart/a\n\n$virus\n"),
         qr/^250 /, 'a message without parts');
ok defined $server->wait_log(qr/skip, not of several parts/), 'is skipped';
ok t_cmp(deliver($client, $inside . "x\n" x 60000), qr/^250 /, 'a big one');
ok defined $server->wait_log(qr/skip, 180\d+ octets are too many/), 'as well';
$server->stop;

# clamd does not want it all, and is not there.
$server = server("$ways{'by TCP'} max_size 0 defer_on_error yes");
$server->expect_log(
    qr/cannot use the answer of localhost:\d+: it says "INSTREAM size limit/,
    qr/cannot connect to localhost:\d+: Connection refused/);
$client = $server->client->hello;
ok t_cmp(deliver($client, "\n" . ('x' x 900 . "\n") x 5000),
         qr/^452 4\.3\.0 The message cannot be checked now$/, 'too big for it');
$tcp->stop;
ok t_cmp(deliver($client, "\nhello\n"), qr/^452 4\.3\.0 /, 'it is not there');
$server->stop;

# Mistakes stop the start.
for my $bad (['clamd_socket clamd.sock', qr/clamd_socket: the path begins/],
             ['clamd_host a method fildes', qr/method: fildes works by clamd/],
             ['timeout 0', qr/timeout: more than 0 and up to 30m/],
             ['clamd_port 0', qr/clamd_port: "0" is not /],
             ['max_size 1M', qr/max_size: "1M" is not /]) {
    ok t_cmp((QP::Server->new(plugins => ["virus/clamdscan $bad->[0]"])
              ->configtest)[1], $bad->[1], "mistake: $bad->[0]");
}
