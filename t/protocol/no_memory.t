# SPDX-License-Identifier: Apache-2.0
# R106, R107: children that may not have more memory. A failed allocation ends
# the process (that of a bucket by a signal: APR-util uses it all the same), and
# httpd starts another one: no message that was answered 250 is lost, none is
# there twice, none is half written, and nothing is left behind.
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Senders;
use QP::Server;

use constant { SENDERS => 3, ROUNDS => 2, GREEDY => 20, MORE => 5 };

plan tests => 5, QP::Server->need(
    qw(limits bin/prlimit plugins/rcpt_ok plugins/queue/maildir));

my $server = QP::Server->new(
    plugins  => ['rcpt_ok', 'queue/maildir @MAILDIR@'],
    config   => { rcpthosts => 'example.org', size_threshold => 1000,
                  max_header => 2_000_000 },
    expected => [qr/exit signal (?:Abort|Segm)/, qr/[Mm]emory/, qr/AH00484:/,
                 qr/AH\d+: .*thread/])->start;
my $senders = QP::Senders->start($server, SENDERS);
my $died = 0;

# Headers are in memory.
my $fields = ('X-Y: ' . 'z' x 900 . "\r\n") x 2000;

# As much as it has now, and a little.
sub limit {
    my ($pid) = @_;
    my ($size) = QP::Server::slurp("/proc/$pid/status") =~ /^VmSize:\s+(\d+)/m;

    $server->limit_child($pid, 'as', ($size + 1000) * 1024) if defined $size;
    return;
}

for (1 .. ROUNDS) {
    $senders->wait_more(MORE);
    my @greedy = eval {
        map { $server->client->hello } 1 .. GREEDY;
    };
    my @children = $server->children;

    limit($_) for @children;
    for my $client (@greedy) {
        eval {
            $client->envelope('a@b.example', 'user@example.org');
            $client->expect(354, 'DATA');
            $client->send("Subject: greedy\r\n" . $fields);
        };
    }
    $server->poll(sub { grep { !kill 0, $_ } @children });
    $died += grep { !kill 0, $_ } @children;
    $_->abort for @greedy;
}
ok t_cmp($died > 0, 1, 'children have died');
ok $senders->wait_more(MORE), 'mail goes on';
$senders->finish;
my @acked = $senders->acked;

ok t_cmp($senders->count_mail, '',
         @acked . ' messages: none is lost, twice or cut');
ok t_cmp(scalar(grep {/^Subject: greedy/m} $server->messages), 0,
         'nothing is there that was not complete');
my @left;

ok $server->poll(sub {
    $server->client->hello->send_message('a@b.example', 'user@example.org',
                                         "Subject: last\n\nthe end\n");
    @left = ($server->spooled, glob $server->maildir . '/tmp/*');
    return !@left;
}), 'nothing is left behind';
$server->stop;
