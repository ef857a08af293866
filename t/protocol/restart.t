# SPDX-License-Identifier: Apache-2.0
# R107: graceful and ungraceful restarts under load, also several at once. No
# message that was answered 250 is lost, none is there twice, none is half
# written, and nothing temporary stays (R106).
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Senders;
use QP::Server;

use constant { SENDERS => 6, RESTARTS => 3, MORE => 20 };

plan tests => 7, QP::Server->need(qw(plugins/rcpt_ok plugins/queue/maildir));

# An ungraceful restart kills what does not end at once; and event closes the
# sockets of threads that may just have given them back (close_worker_sockets),
# with whatever module.
my @dies = QP::Server::mpm() eq 'event' ? qr/exit signal Segm/ : ();
my $server = QP::Server->new(
    plugins  => ['rcpt_ok', 'queue/maildir @MAILDIR@'],
    config   => { rcpthosts => 'example.org', size_threshold => 1000 },
    expected => [qr/AH00484: server reached/, qr/AH0004[56]:/, @dies],
)->start;
my $senders = QP::Senders->start($server, SENDERS);

for my $signal (qw(USR1 HUP)) {
    for (1 .. RESTARTS) {
        $senders->wait_more(MORE);
        $server->restart($signal);
    }
    ok $senders->wait_more(MORE), "mail goes on after restarts by $signal";
}
for my $signal (qw(USR1 HUP USR1 HUP)) {
    kill $signal, $server->pid or die "kill: $!";
    $senders->wait_more(2);
}
$server->restart('USR1');
ok $senders->wait_more(MORE), 'and after several, one into the other';
ok t_cmp($server->alive, 1, 'by the same httpd');
$senders->finish;
my @acked = $senders->acked;

ok t_cmp($senders->count_mail, '',
         @acked . ' messages: none is lost, twice or cut');

# The last sessions go with their processes.
my @left;

ok $server->poll(sub {
    $server->client->hello->send_message('a@b.example', 'user@example.org',
                                         "Subject: last\n\nthe end\n");
    @left = ($server->spooled, glob $server->maildir . '/tmp/*');
    return !@left;
}), 'nothing is left behind';
ok t_cmp("@left", '', 'nothing at all');
$server->stop;
