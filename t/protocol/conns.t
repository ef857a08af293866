# SPDX-License-Identifier: Apache-2.0
# The pre_connection hook is told how many connections of an address are open,
# over all children, whatever has become of the others (D12).
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Apache::Test qw(-withtestmore);
use QP::Server;

plan tests => 5, QP::Server->need('testplugins/conns');

my $server = QP::Server->new(
    plugins     => ['conns'],
    testplugins => 1,
    httpd       => QP::Server::several_children(),
)->start;
$server->expect_log(qr/exit signal Killed|children are killed successively/);

# The code that a new client is greeted with; its connection if it is let in.
sub try_connect {
    my $client = eval { $server->client } or return 0;
    my $code   = eval { $client->reply } ? $client->code : 0;

    return ($code, $code eq '220' ? $client : ());
}

# Connections of the start that are just ending may still count.
sub fill {
    my ($open) = @_;

    return $server->poll(sub {
        my ($code, $client) = try_connect();

        push @$open, $client if $client;
        return @$open >= 6;
    });
}

my @open;

ok fill(\@open), 'six connections are let in';
is((try_connect())[0], 451, 'the seventh is not');
pop(@open)->close;
ok fill(\@open), 'when one is closed, another is let in';
kill 'KILL', $_ for $server->children;
$_->close for splice @open;
ok fill(\@open), 'those of killed children do not count';
is((try_connect())[0], 451, 'and then the seventh is refused again');
$server->stop;
