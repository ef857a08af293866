# SPDX-License-Identifier: Apache-2.0
# logging/debug_plugin: the lines of one plugin, and few of the others.
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

plan tests => 12, QP::Server->need('plugins/logging/debug_plugin',
                                   'plugins/rcpt_ok', 'plugins/relay');

# Returns the names in front of the lines of a session, and of the server.
sub play {
    my ($line) = @_;
    my $server = QP::Server->new(
        plugins  => ['relay', 'relay:2', 'rcpt_ok'],
        config   => { logging   => [$line], rcpthosts => ['example.org'] },
        loglevel => 'debug',
    )->start;
    my $client = $server->client->hello;
    my %seen;

    $client->expect(250, 'MAIL FROM:<s@example.net>');
    $client->expect(250, 'RCPT TO:<a@example.org>');
    $client->expect(221, 'QUIT');
    $server->graceful;
    for my $text ($server->log_lines) {
        $seen{$1}++ if $text =~ /\] (relay(?::2)?|rcpt_ok): \w+, /;
        $seen{server}++ if $text =~ /\] (?:connect to|<|>)/;
    }
    $server->stop;
    return join ' ', sort keys %seen;
}

ok t_cmp(play('logging/debug_plugin rcpt_ok'), 'rcpt_ok', 'one plugin');
ok t_cmp(play('logging/debug_plugin relay'), 'relay relay:2',
         'all instances of a plugin');
ok t_cmp(play('logging/debug_plugin relay:2'), 'relay:2', 'one instance');
ok t_cmp(play('logging/debug_plugin rela'), '', 'not by half a name');
ok t_cmp(play('logging/debug_plugin relay:2 info'),
         'rcpt_ok relay relay:2 server', 'the others up to a level');
ok t_cmp(play('logging/debug_plugin plugin none loglevel LOGDEBUG'),
         'rcpt_ok relay relay:2 server', 'all of them');

for my $case (['', qr/plugin: say which one/],
              ['relay noise', qr/loglevel: "noise" is none of emerg, alert/],
              ['relay 5 more', qr/unknown option "more"/]) {
    my $server = QP::Server->new(
        plugins => ['rcpt_ok'],
        config  => { logging => ["logging/debug_plugin $case->[0]"] });
    my ($status, $said) = $server->configtest;

    ok t_cmp($status != 0, 1, "refused: $case->[0]");
    ok t_cmp($said, $case->[1], 'with words');
}
