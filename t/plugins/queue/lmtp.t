# SPDX-License-Identifier: Apache-2.0
# queue/lmtp: a reply for each recipient becomes one. Against a server that does
# what it is told, and against Dovecot's if it is installed.
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Dovecot;
use QP::Server;
use QP::Smtpd;

my $plugin = 'queue/lmtp';
my @all = map {"$_\@example.org"} qw(a b c);

# What the server says, and the reply to the client.
my @answers = (
    [{}, qr/^250 2\.0\.0 queued: taken as 12345 /],
    [{ 'DOT:b@' => '552 5.2.2 full' },
     qr/^552 5\.2\.2 <b\@example\.org>: full$/],
    [{ 'DOT:a@' => '452 4.2.2 full' },
     qr/^452 4\.2\.2 <a\@example\.org>: full$/],
    [{ 'DOT:a@' => '452 4.2.2 full', 'DOT:c@' => '550 5.1.1 no' },
     qr/^552 5\.1\.1 <c\@example\.org>: no$/],
    [{ DOT => '451 4.3.0 all' }, qr/^452 4\.3\.0 <a\@example\.org>: all$/],
    [{ 'RCPT:b@' => '550 5.1.1 no' }, qr/^552 5\.1\.1 <b\@example\.org>: no$/],
);

plan tests => 14 + 1 * @answers, QP::Server->need(
    map {"plugins/$_"} 'rcpt_ok', $plugin);

sub server {
    return QP::Server->new(plugins => [@_, 'rcpt_ok'],
                           config => { rcpthosts => 'example.org' })->start;
}

sub deliver {
    my ($client, @to) = @_;

    return $client->send_message('s@example.net', [@to],
                                 "Subject: x\n\nhello\n.dot\n");
}

my $smtpd = QP::Smtpd->new(lmtp => 1);
my $server = server("$plugin 127.0.0.1 " . $smtpd->port);
my $client = $server->client->hello;

for my $answer (@answers) {
    my ($says, $reply) = @$answer;

    $smtpd->will(EHLO => '250 fake.example', %$says);
    ok t_cmp(deliver($client, @all), $reply, join ' ', %$says);
}
$smtpd->will('DOT:b@' => 'close');
$server->expect_log(qr/$plugin: error, .*it has closed .* may have the mess/);
ok t_cmp(deliver($client, @all), qr/^452 4\.4\.2 /, 'two of three answers');
$smtpd->will(EHLO => '500 no');
$server->expect_log(qr/$plugin: error, .*it is "500 no" to LHLO/);
ok t_cmp(deliver($client, @all), qr/^451 4\.4\.1 /, 'there is no HELO');
$server->stop;

# One recipient at a time; over a socket in the file system.
$server = server("$plugin single \@DIR\@/run/lmtp");
my $local = QP::Smtpd->new(lmtp => 1, unix => "$server->{dir}/run/lmtp");

$client = $server->client->hello;
$client->envelope('s@example.net', $all[0]);
ok t_cmp($client->cmd("RCPT TO:<$all[1]>"), qr/^452 4\.5\.3 One /, 'single');
$client->expect(354, 'DATA');
ok t_cmp($client->cmd("Subject: x\r\n\r\n."), qr/^250 /, 'the first has it');
ok t_cmp(deliver($client, $all[1]), qr/^250 /, 'and then the second');
ok t_cmp(scalar(grep {/^RCPT/} $local->commands), 2, 'each once');
ok t_cmp(scalar($local->sessions), 1, 'over one connection');
$server->stop;

# The real one.
SKIP: {
    my $dovecot = QP::Dovecot->new or skip 'Dovecot is not installed', 6;

    $server = server("$plugin " . $dovecot->socket);
    $client = $server->client->hello;
    ok t_cmp(deliver($client, 'a@example.org', 'b@example.org'),
             qr/^250 2\.0\.0 queued: .*Saved/, 'Dovecot');
    ok t_cmp(scalar($dovecot->messages($_)), 1, "$_ has it") for qw(a b);
    ok t_cmp(($dovecot->messages('a'))[0], qr/^hello\n\.dot\n\z/m, 'unharmed');
    ok t_cmp(deliver($client, 'a@example.org', 'nobody@example.org'),
             qr/^552 5\.1\.1 <nobody\@example\.org>: /, 'one is unknown');
    ok t_cmp(scalar($dovecot->messages('a')), 1, 'and nobody has it');
    $server->stop;
}
ok t_cmp((QP::Server->new(plugins => [$plugin])->configtest)[1],
         qr/host: the server has to be given/, 'mistake: no server');
