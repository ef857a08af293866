# SPDX-License-Identifier: Apache-2.0
# R106: a child without a free descriptor. A message that needs one is answered
# 452 and leaves nothing; a hook that waits goes on; new clients are served by
# another child. With descriptors again all is as before.
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

plan tests => 11, QP::Server->need(
    qw(bin/prlimit plugins/rcpt_ok plugins/queue/maildir
       testplugins/delay_rcpt));

my $server = QP::Server->new(
    plugins  => ['delay_rcpt delay 50ms', 'rcpt_ok', 'queue/maildir @MAILDIR@'],
    config   => { rcpthosts => 'example.org', size_threshold => 20_000 },
    testplugins => 1,
    expected => [qr/QP1543:/, qr/QP2004:/, qr/Too many open files/,
                 qr/AH00484: server reached/])->start;

# Those with sessions may have no more descriptors than they have, or many.
sub limit {
    my ($pid, $is_full) = @_;
    my %used = map { m{(\d+)\z} => 1 } glob "/proc/$pid/fd/*";
    my $first = 0;

    $first++ while $used{$first};
    $server->limit_child($pid, 'nofile', $is_full ? $first : 1000)
        or die 'no limit';
    return;
}

my $small = "Subject: small\r\n\r\nthe end\r\n";
my $large = $small =~ s/^(?=the end)/"0123456789\r\n" x 20_000/emr;
my $client = $server->client->hello;
my @children = $server->children;

limit($_, 1) for @children;
for my $text ($small, $large) {
    ok t_cmp($client->send_message('a@example.net', 'b@example.org', $text),
             qr/^452 /, 'a message is refused for the time being');
}
ok t_cmp(scalar($server->messages), 0, 'and not stored');
ok t_cmp(join(' ', $server->spooled, glob $server->maildir . '/tmp/*'), '',
         'nor left behind');
ok defined $server->wait_log(qr{queue/maildir: error, .*open files}),
    'and the log says why';
limit($_, 0) for @children;
for my $text ($small, $large) {
    ok t_cmp($client->send_message('a@example.net', 'b@example.org', $text),
             qr/^250 /, 'with descriptors it is accepted');
}

# All children are full: whoever comes is served once there is another one, if
# he tries again as mail servers do.
limit($_, 1) for $server->children;
ok $server->poll(sub {
    eval {
        $server->client->hello->send_message('a@example.net', 'b@example.org',
                                             $small) =~ /^250 /;
    };
}), 'newcomers are served';
my $reply = $client->cmd('NOOP');

ok t_cmp($reply, qr/^(?:250|421) /, 'the others, too, or they are told');
ok t_cmp(scalar($server->messages), 3, 'each message is there once');
ok t_cmp(scalar(grep { $_ !~ /\nthe end\n\z/ } $server->messages), 0,
         'and whole');
$server->stop;
