# SPDX-License-Identifier: Apache-2.0
# Plugins that wait for jobs, timers and the client: for one of them, for all,
# and in vain.
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

my $count = QP::Server->mpm eq 'event' ? 60 : 6;

plan tests => 18, QP::Server->need('testplugins/jobs');

# @DIR@/spool may be written to by the children.
sub server {
    return QP::Server->new(plugins => ['jobs folder @DIR@/spool' . "@_"],
                           testplugins => 1)->start;
}

sub wakers {
    my ($server) = @_;

    return scalar grep { (readlink $_ // '') =~ /eventfd/ }
        map { glob "/proc/$_/fd/*" } $server->children;
}

my $server = server();
my $client = $server->client->hello;
my $late = $server->spool . '/late';

ok t_cmp($client->cmd('XJOB any'),
         '250 2.0.0 any: pending ready=good work pending', 'one of three');
ok t_cmp($client->cmd('XJOB all'),
         '250 2.0.0 all: ready ready=good work ENOENT=bad work',
         'all of three, each with its outcome');
ok t_cmp(join(' / ', $client->pipeline('XJOB any', 'NOOP', 'XJOB all')),
         qr{^250 .*any: .* / 250 .*Nothing done / 250 .*all: .*},
         'what stands behind waits');

# A delay that ends when the client speaks, and is over when it has.
$client->send("XJOB client\r\n");
ok defined $server->wait_log(qr/jobs: client waits/), 'waiting for the client';
ok t_cmp($client->cmd('NOOP'), '250 2.0.0 client: pending ready',
         'it speaks, the delay ends');
ok t_cmp($client->reply, qr/^250 2\.0\.0 Nothing done/,
         'and is answered in order');
ok t_cmp(join(' / ', $client->pipeline('XJOB client', 'NOOP')),
         qr{client: pending ready / 250 .*Nothing}, 'or has spoken already');

# Many at a time, more than there are threads, of jobs as well.
my @clients = map { $server->client->hello } 1 .. $count;

$_->send("XJOB all\r\nXJOB any\r\n") for @clients;
ok t_cmp(scalar(grep { $_->reply =~ /all: ready ready=good work ENOENT=bad wo/
                       && $_->reply =~ /any: pending ready=good work pend/ }
                @clients), $count, 'many at a time');
$_->close for @clients;

# Their timers without an end go with them, and what those would wake.
ok $server->poll(sub { return wakers($server) <= 1 }),
    'no descriptor stays behind';

# Clients that leave. Who waits for the client sees it.
my $gone = $server->client->hello;

$gone->send("XJOB client\r\n");
$server->wait_log(qr/jobs: client waits/, 3);
$gone->close;
ok defined $server->wait_log(qr/jobs: client: pending EOF/),
    'the client leaves, and its plugin sees it';
$gone = $server->client->hello;
$gone->send("XJOB none\r\n");
ok $server->poll(sub { return -e "$late.begun" }), 'a job without an end';
ok !-e $late, 'goes on';
$gone->abort;
ok $server->poll(sub { return -e $late }), 'until its client has left';
ok t_cmp($client->cmd('XJOB any'), qr/any: pending ready=good/,
         'the others go on');
$server->stop;

# In vain.
$server = server(' timeout 200ms');
$late = $server->spool . '/late';
$server->expect_log(qr/QP1103: .*jobs: no answer in the hook unrecognized/);
$client = $server->client->hello;
ok t_cmp($client->cmd('XJOB none'), qr/^500 5\.5\.1 /, 'time is up');
ok $server->poll(sub { return -e $late || !-e "$late.begun" }),
    'for the job, too, if it has begun';
ok t_cmp($client->cmd('XJOB any'), qr/any: pending ready=good/,
         'the next one starts anew');

# A stop of the server ends jobs.
unlink $late;
$client->send("XJOB none\r\n");
$server->wait_log(qr/jobs: none waits/, 2);
$server->stop;
ok 1, 'the server can be stopped';
