# SPDX-License-Identifier: Apache-2.0
# A hook that waits holds no thread on event (R116): 50 sessions wait on one
# child of four threads, and another one is served in the meantime.
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

use constant WAITING => 50;

my $is_event = QP::Server->mpm eq 'event';
my $count = $is_event ? WAITING : 5;

plan tests => 11, QP::Server->need(qw(plugins/rcpt_ok plugins/queue/discard
                                      testplugins/delay_rcpt));

my $server = QP::Server->new(
    plugins     => ['delay_rcpt delay 2s', 'rcpt_ok', 'queue/discard'],
    config      => { rcpthosts => 'example.org' },
    testplugins => 1,
)->start;
my @clients = map { $server->client->hello } 1 .. $count;

$_->envelope('a@example.net') for @clients;
$clients[$_]->send("RCPT TO:<user$_\@example.org>\r\nNOOP\r\n")
    for 0 .. $#clients;
ok defined $server->wait_log(qr/delay_rcpt: user\d+ waits/, $count),
    'all hooks wait';

# Nobody has been answered: another session is served while they wait.
my $other = $server->client->hello;

ok t_cmp($other->cmd('NOOP'), qr/^250 /, 'another session is served');
ok t_cmp(scalar(grep { $_->readable } @clients), 0,
         'while all others still wait');
ok t_cmp(scalar(grep {/goes on/} $server->log_lines), 0, 'every one of them');

# Each goes on, in order: the reply to RCPT, then that to NOOP.
my @replies = map { [$_->reply, $_->reply] } @clients;

ok t_cmp(scalar(grep { $_->[0] =~ /^250 2\.1\.5 .*<user\d+\@example\.org>/ }
                @replies), $count, 'all recipients are accepted');
ok t_cmp(scalar(grep { $_->[1] =~ /^250 2\.0\.0 Nothing/ } @replies), $count,
         'what stands behind is answered behind');

# They waited at the same time: everyone did before the first went on.
my @order = map { /delay_rcpt: user\d+ (waits|goes on)/ ? $1 : () }
    $server->log_lines;

ok t_cmp(join(' ', @order), join(' ', ('waits') x $count, ('goes on') x $count),
         'they waited at the same time');

# A client that leaves while its hook waits harms nobody.
my $gone = $server->client->hello->envelope('a@example.net');

$gone->send("RCPT TO:<gone\@example.org>\r\n");
ok defined $server->wait_log(qr/gone waits/), 'one more waits';
$gone->abort;
ok t_cmp($other->cmd('NOOP'), qr/^250 /, 'it leaves, the others go on');
ok defined $server->wait_log(qr/QP1603.*connection lost/),
    'its session ends';
ok t_cmp($other->envelope('a@example.net')->cmd('RCPT TO:<x@example.org>'),
         qr/^250 /, 'and hooks go on waiting');
$server->stop;
