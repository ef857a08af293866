# SPDX-License-Identifier: Apache-2.0
# A child does not grow with the number of its sessions, whatever they are like
# (R92, R96). "make soak" is the same for as long as one likes.
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;
use QP::Soak;

use constant SESSIONS => 1000;

# A sanitizer keeps freed memory for a while.
use constant ALLOWED => $ENV{QP_PRELOAD} ? 16_384 : 1024;

plan tests => 6, QP::Server->need(
    qw(plugins/rcpt_ok plugins/queue/discard plugins/auth/auth_flat_file));

my $server = QP::Server->new(
    plugins  => ['rcpt_ok', 'queue/discard'],
    config   => { rcpthosts => 'example.org' },
    loglevel => 'error',
)->start;
my $client = $server->client->hello;

sub sessions {
    for (1 .. $_[0]) {
        my $one = $server->client->hello;

        $one->expect(221, 'QUIT');
        $one->close;
    }
    return;
}

sessions(SESSIONS);
my $before = $server->rss;

sessions(2 * SESSIONS);
my $grown = $server->rss - $before;

ok $grown < ALLOWED, "thousands of sessions: $grown KiB";
ok t_cmp($client->cmd('NOOP'), qr/^250 /, 'the first is still there');
$server->stop;

# Sessions of all kinds.
my $soak = QP::Soak->new;

$soak->run(sessions => 200, processes => 2);
$before = $soak->measure;
$soak->run(sessions => 400, processes => 2);
my $after = $soak->measure;

$grown = $after->{rss} - $before->{rss};
ok $grown < ALLOWED, "aborted sessions and others: $grown KiB";
ok t_cmp(join('', $soak->wrong), '', 'all as it should be');
ok $after->{files} <= $before->{files} + 4, "$after->{files} descriptors";
ok t_cmp($after->{spool}, 0, 'files in the spool');
$soak->server->stop;
