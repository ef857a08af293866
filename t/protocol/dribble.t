# SPDX-License-Identifier: Apache-2.0
# Clients that send octet by octet run out of time, in a command and in a
# message (R89); what comes in time is taken. A hook that waits is not subject
# to Timeout.
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

plan tests => 12, QP::Server->need(qw(plugins/rcpt_ok plugins/queue/maildir
                                      testplugins/delay_rcpt));

my $server = QP::Server->new(
    plugins => ['rcpt_ok', 'queue/maildir @MAILDIR@'],
    config  => { rcpthosts => 'example.org', timeout_line => '1s',
                 timeout_data => '1s', min_data_rate => 1000 },
)->start;

# Sends an octet each time that there is nothing to read, until there is.
sub dribble {
    my ($client) = @_;

    for (1 .. 3000) {
        return $client->drain if $client->readable(0.01);
        $client->send('x');
    }
    return 'it goes on';
}

my $line = $server->client->hello;
my $data = $server->client->hello->envelope('a@b.example', 'c@example.org');
my $chunk = $server->client->hello->envelope('a@b.example', 'c@example.org');
my $good = $server->client->hello->envelope('a@b.example', 'c@example.org');

$data->expect(354, 'DATA');
$chunk->send("BDAT 100000 LAST\r\n");
$good->expect(354, 'DATA');

# Enough of it in the beginning for what comes then.
$good->send("Subject: x\r\n\r\n" . "0123456789\r\n" x 3000);
ok t_cmp(dribble($line), qr/\A421 4\.4\.2 [^\n]*\r\n\z/, 'in a command');
ok defined $server->wait_log(qr/info.*\(timeout_line\)/), 'the log says why';
ok t_cmp(dribble($data), qr/\A421 4\.4\.2 [^\n]*\r\n\z/, 'in a message');
ok t_cmp(dribble($chunk), qr/\A421 4\.4\.2 [^\n]*\r\n\z/, 'in a chunk');
ok defined $server->wait_log(qr/info.*\(timeout_data, min_data_rate\)/, 2),
    'the log says why';
$good->send("0\r\n");
$good->send(".\r\n");
ok t_cmp($good->reply, qr/^250 /, 'a message that is fast enough is taken');
ok t_cmp(scalar(() = $server->messages), 1, 'and no other one');
ok $server->poll(sub { !$server->spooled }), 'nothing is left of those';
$server->stop;

# Hooks that wait longer than the client may be silent.
$server = QP::Server->new(
    plugins => ['delay_rcpt delay 5s', 'rcpt_ok'], testplugins => 1,
    config  => { rcpthosts => 'example.org' }, vhost => 'Timeout 2',
)->start;
my $wait = $server->client->hello->envelope('a@b.example');
my $busy = $server->client->hello->envelope('a@b.example');
my $mute = $server->client->hello;

$wait->send("RCPT TO:<one\@example.org>\r\n");
$busy->send("RCPT TO:<two\@example.org>\r\nNOOP\r\n");
ok t_cmp($wait->reply, qr/^250 /, 'a hook may wait longer than Timeout');
ok t_cmp($busy->reply . $busy->reply, qr/^250 .*250 /s,
         'also with input that waits behind it');
ok t_cmp($mute->drain, qr/\A421 4\.4\.2 /, 'a client may not');
$server->stop;

# The keys of qpsmtpd.
$server = QP::Server->new(
    plugins => ['rcpt_ok'], vhost => 'Timeout 600',
    config => { rcpthosts => 'example.org', timeoutsmtpd => '1s' },
)->start;
$mute = $server->client->hello;
ok t_cmp($mute->drain, qr/\A421 4\.4\.2 /, 'timeoutsmtpd comes before Timeout');
$server->stop;
