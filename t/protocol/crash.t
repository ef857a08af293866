# SPDX-License-Identifier: Apache-2.0
# A plugin that crashes ends its child only (R108): a session on another child
# goes on, and httpd makes a new one.
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

plan tests => 4, QP::Server->need(qw(plugins/rcpt_ok testplugins/crash));

my $server = QP::Server->new(
    plugins     => ['crash', 'rcpt_ok'],
    config      => { rcpthosts => 'example.org' },
    children    => 2,
    testplugins => 1,
);

$server->expect_log(qr/exit signal Segmentation fault/,
                    qr/AddressSanitizer: SEGV/)->start;

# Sessions on all children, some of them on the one that will crash.
my @clients = map { $server->client->hello } 1 .. 8;
my $victim = pop @clients;

$victim->send("VRFY crash\r\n");
ok $victim->eof, 'the session of the crash ends';
ok defined $server->wait_log(qr/exit signal|AddressSanitizer: SEGV/),
    'its child has died';
my $survivors = grep { defined eval { $_->cmd('NOOP') } } @clients;

ok $survivors > 0 || QP::Server->mpm eq 'event',
    "$survivors other sessions go on";
ok t_cmp($server->client->hello->cmd('NOOP'), qr/^250 /,
         'new sessions are served');
$server->stop;
