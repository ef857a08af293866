# SPDX-License-Identifier: Apache-2.0
# A job that takes its time does not hold up a stop or a restart until httpd
# kills the child; sessions that are open at the end harm nobody.
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

plan tests => 9, QP::Server->need(qw(plugins/rcpt_ok testplugins/linger));

# httpd says this when a child is slow, as it may be on a busy machine.
sub server {
    return QP::Server->new(plugins => ['linger', 'rcpt_ok'], testplugins => 1,
                           expected => [qr/AH00045:/])->start;
}

# A session in a job, one in a transaction, one that says nothing.
sub sessions {
    my ($server) = @_;
    my @clients = map { $server->client->hello } 1 .. 3;

    $clients[0]->send("NOOP\r\n");
    $clients[1]->envelope('a@example.net');
    ok defined $server->wait_log(qr/linger: job runs/), 'a job runs';
    return @clients;
}

sub judge {
    my ($server, $what) = @_;
    my @lines = $server->log_lines;

    ok t_cmp(scalar(grep {/AH00046:|SIGKILL/} @lines), 0,
             "$what: no child had to be killed");
    ok t_cmp(scalar(grep {/exit signal/} @lines), 0,
             "$what: none died of itself");
    return;
}

my $server = server();
my @clients = sessions($server);

$server->stop;
judge($server, 'stop');
ok t_cmp(scalar(grep { $_->drain =~ /^2\d\d /m } @clients), 0,
         'the sessions are closed');

# An ungraceful restart, after which it serves again.
$server = server();
@clients = sessions($server);

my @old = $server->children;
my $starts = $server->count_starts;

kill 'HUP', $server->pid;
ok $server->poll(sub { $server->count_starts > $starts }), 'it restarts';
ok t_cmp($server->client->hello->cmd('RSET'), qr/^250 /, 'and serves');
judge($server, 'restart');
$server->stop;
