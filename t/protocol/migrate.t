# SPDX-License-Identifier: Apache-2.0
# A config folder of qpsmtpd, with the names and files of then (D18).
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

# Old names with their arguments, and what they are called today. Those whose
# plugin is not built are left out.
my @LINES = (
    ['check_earlytalker action log', 'earlytalker'],
    ['count_unrecognized_commands 4', undef],
    ['check_relay', 'relay'],
    ['check_norelay', 'relay'],
    ['require_resolvable_fromhost', undef],
    ['check_spamhelo', 'helo'],
    ['check_badmailfrom', 'badmailfrom'],
    ['check_badmailfrom_patterns', 'badmailfrom'],
    ['check_badmailfromto', 'badmailfromto'],
    ['check_badrcptto', 'badrcptto'],
    ['check_badrcptto_patterns', 'badrcptto'],
    ['denysoft_greylist mode testonly', 'greylisting'],
    ['quit_fortune', undef],
    ['rcpt_ok', undef],
    ['check_basicheaders 30', 'headers'],
    ['check_bogus_bounce', 'bogus_bounce'],
    ['check_loop 100', 'loop'],
    ['queue/maildir @MAILDIR@', undef],
);
my @GONE = qw(karma dkim dspam ident/p0f virus/hbedv virus/sophie);

my %config = (
    badhelo             => ['aol.example'],
    badmailfrom         => ['spammer@example.net', '@bad.example'],
    badmailfrom_patterns => ['^bulk\d+@ No bulk mail'],
    badmailfromto       => ['friend@example.net foe@example.org'],
    badrcptto           => ['gone@example.org'],
    badrcptto_patterns  => ['^trap.*example.org$ It is a trap'],
    relayclients        => ['127.0.0.2', '127.0.0.3'],
    norelayclients      => ['127.0.0.3'],
    rcpthosts           => ['example.org'],
    loglevel            => ['4'],
    IP                  => ['0'],
    timeout             => ['1200'],
    require_resolvable_fromhost => ['0'],
);

plan tests => 16 + 2 * @GONE,
    QP::Server->need('plugins/relay', 'plugins/badmailfrom');

my @lines = grep {
    my ($name) = ($_->[1] // $_->[0]) =~ /^(\S+)/;

    $name eq 'require_resolvable_fromhost'
        || -e QP::Server::builddir() . "/lib/plugins/$name.so";
} @LINES;
my $server = QP::Server->new(plugins => [map { $_->[0] } @lines],
                             config => \%config)
    ->expect_log(qr/is now called|is left out/)->start;

sub answer {
    my ($from, $to, %arg) = @_;
    my $client = $server->client(%arg)->hello;
    my $reply = $client->cmd("MAIL FROM:<$from>");

    return $reply =~ /^250/ && defined $to ? $client->cmd("RCPT TO:<$to>")
                                           : $reply;
}

ok !(grep {
    my ($old, $new) = ($_->[0] =~ /^(\S+)/, $_->[1]);

    defined $new && !defined $server->wait_log(
        qr/plugins:\d+: \Q$old\E is now called $new; /);
} @lines), 'each old name is told';
ok defined $server->wait_log(
    qr/require_resolvable_fromhost is left out, for config require_/),
    'a plugin that was switched off by a file';
ok t_cmp(answer('spammer@example.net'), qr/^550 /, 'badmailfrom');
ok t_cmp(answer('a@bad.example'), qr/^550 /, '@host in it');
ok t_cmp(answer('bulk17@example.net'), qr/^550 \S+ No bulk mail$/,
         'badmailfrom_patterns');
ok t_cmp(answer('a@example.net', 'gone@example.org'), qr/^550 /, 'badrcptto');
ok t_cmp(answer('a@example.net', 'trap1@example.org'),
         qr/^550 \S+ It is a trap$/, 'badrcptto_patterns');
ok t_cmp(answer('a@example.net', 'a@elsewhere.example'), qr/^550 5\.7\.1 /,
         'no relaying');
ok t_cmp(answer('a@example.net', 'a@elsewhere.example', local => '127.0.0.2'),
         qr/^250 /, 'relayclients');
ok t_cmp(answer('a@example.net', 'a@elsewhere.example', local => '127.0.0.3'),
         qr/^550 /, 'norelayclients');
ok t_cmp(answer('a@example.net', 'a@example.org'), qr/^250 /, 'rcpthosts');
ok t_cmp($server->client->hello->send_message(
             'a@example.net', 'a@example.org',
             "From: <a\@example.net>\nDate: Tue, 24 Nov 2026 10:00:00 +0000\n"
             . "Subject: x\n\nhello\n"), qr/^250 /, 'a message');
$server->stop;

# Plugins that there are not are told all at once.
$server = QP::Server->new(plugins => ['rcpt_ok', @GONE, 'my_own'],
                          config => \%config);
my ($exit, $said) = $server->configtest;
ok $exit, 'the start is stopped';
for my $n (0 .. $#GONE) {
    my $line = $n + 2;

    ok t_cmp($said, qr/plugins:$line: \Q$GONE[$n]\E: mod_qpsmtpd has no such/,
             $GONE[$n]);
    ok t_cmp($said, qr/^[^\n]*plugins:$line: [^\n]*take the line out/m,
             'with the remedy');
}
ok t_cmp($said, qr/plugins:8: my_own: no such plugin/, 'an unknown one');
$server = QP::Server->new(
    plugins => ['check_earlytalker action bite', 'rcpt_ok']);
($exit, $said) = $server->configtest;
ok t_cmp($said, qr/plugins:1: check_earlytalker: action: "bite" is none of/,
         'an old argument with a fault');
$server = QP::Server->new(
    plugins => ['rcpt_ok', 'logging/connection_id', 'virus/clamav']);
($exit, $said) = $server->configtest;
ok t_cmp($said, qr/connection_id: take the line out; every .*use virus\/clam/s,
         'plugins with a successor');
