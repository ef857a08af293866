# SPDX-License-Identifier: Apache-2.0
# Several functions of one plugin on one hook, before and behind others, and
# slots that are edited at start.
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

my $one = 'register at';
my $two = 'register:1 at';

# Lines of config/plugins; the order in which they are asked at NOOP.
my @orders = (
    [['register'], "$one the front, $one its place, $one second place"],
    [['log_hooks', 'register'],
     "$one the front, hook noop, $one its place, $one second place"],
    [['register', 'log_hooks'],
     "$one the front, $one its place, $one second place, hook noop"],
    [['register', 'log_hooks', 'register:1'],
     "$two the front, $one the front, $one its place, $one second place, "
     . "hook noop, $two its place, $two second place"],
    [['register', 'answer noop DENY', 'register:1'],
     "$two the front, $one the front, $one its place, $one second place"],
);

plan tests => 2 + 2 * @orders, QP::Server->need(
    map {"testplugins/$_"} qw(register log_hooks answer));

sub server { return QP::Server->new(plugins => [@_], testplugins => 1)->start }

for my $order (@orders) {
    my ($plugins, $want) = @$order;
    my $server = server(@$plugins);
    my $client = $server->client->hello;

    $client->cmd('NOOP');
    $client->cmd('HELP');
    $client->cmd('QUIT');
    $server->wait_log(qr/QP1603/);
    my @asked = map { /: (register\S* at .*|hook noop)$/ ? $1 : () }
        $server->log_lines;

    ok t_cmp(join(', ', @asked), $want, "@$plugins");
    ok t_cmp(scalar(grep {/taken away/} @asked), 0,
             'a slot that was emptied is not called');
    $server->stop;
}

my $server = server('register');

ok t_cmp($server->client->hello->cmd('VRFY x'), qr/^250 .*register says so$/,
         'a slot that was filled is');
$server->graceful;
ok t_cmp($server->client->hello->cmd('VRFY x'), qr/^250 .*register says so$/,
         'after a restart as well');
$server->stop;
