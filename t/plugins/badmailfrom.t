# SPDX-License-Identifier: Apache-2.0
# badmailfrom: listed senders are refused.
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

my %answer = (
    's@example.net'     => qr/^550 5\.\d\.\d Mail from this sender /,
    'S@EXAMPLE.net'     => qr/^550 /,
    'x@bad.example'     => qr/^550 5\.\d\.\d Go away, please$/,
    '""@bad.example'    => qr/^550 /,
    'bounce-17@a.b'     => qr/^550 /,
    'a@sub.bad.example' => qr/^250 /,
    'ss@example.net'    => qr/^250 /,
    'bounce@a.b'        => qr/^250 /,
    ''                  => qr/^250 /,
);

plan tests => keys(%answer) + 11,
    QP::Server->need('plugins/badmailfrom', 'plugins/relay');

my %config = (
    badmailfrom => ['s@example.net', "\@bad.example \t Go away, please",
                    '/^bounce-\d+@/'],
    relayclients => ['127.0.0.2'],
);
my $server = QP::Server->new(plugins => ['relay', 'badmailfrom', 'rcpt_ok'],
                             config => \%config)->start;
my $client = $server->client->hello;

for my $sender (sort keys %answer) {
    ok t_cmp($client->cmd("MAIL FROM:<$sender>"), $answer{$sender},
             "<$sender>");
    $client->expect(250, 'RSET');
}
ok defined $server->wait_log(qr/badmailfrom: fail, Go away, please/),
    'the reason is logged';
ok defined $server->wait_log(qr/badmailfrom: pass, bounce\@a\.b is not /),
    'and what passed';
ok t_cmp($server->client(local => '127.0.0.2')->hello
             ->cmd('MAIL FROM:<s@example.net>'), qr/^250 /, 'a relay client');

# A faulty line is not taken up, and the old list stays in force.
$server->expect_log(qr/badmailfrom:2: "\*\@x" is no regular expression/);
$server->set_config(badmailfrom => ['new@example.net', '*@x']);
ok $server->poll(sub {
    $client->expect(250, 'MAIL FROM:<new@example.net>');
    $client->expect(250, 'RSET');
    return grep {/the old value stays in force/} $server->log_lines;
}), 'the file, the line and what is wrong are logged';
ok t_cmp($client->cmd('MAIL FROM:<s@example.net>'), qr/^550 /, 'old lines');
$server->set_config(badmailfrom => ['new@example.net']);
$server->set_config(badmailfrom_patterns => ['^x.*com$ No x']);
ok $server->poll(sub {
    my $reply = $client->cmd('MAIL FROM:<new@example.net>');

    $client->expect(250, 'RSET');
    return $reply =~ /^550 /;
}), 'the corrected list is read';
ok $server->poll(sub {
    my $reply = $client->cmd('MAIL FROM:<xy@example.com>');

    $client->expect(250, 'RSET');
    return $reply =~ /^550 5\.\d\.\d No x$/;
}), 'a list of expressions';
$server->stop;
$server = QP::Server->new(plugins => ['badmailfrom', 'rcpt_ok'],
                          config => { badmailfrom => ['a@b', 'spammer'] });
ok t_cmp(($server->configtest)[1], qr/badmailfrom:2: "spammer" is no address/,
         'a faulty line stops the start');

# The common options.
for my $case (['reject no', qr/^250 /], ['reject_type temp', qr/^450 4\./],
              ['reject_type disconnect', qr/^550 5\./]) {
    my ($option, $reply) = @$case;

    $server = QP::Server->new(plugins => ["badmailfrom $option", 'rcpt_ok'],
                              config => \%config)->start;
    ok t_cmp($server->client->hello->cmd('MAIL FROM:<s@example.net>'), $reply,
             $option);
    $server->stop;
}
