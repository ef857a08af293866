# SPDX-License-Identifier: Apache-2.0
# R106: each file call of a message in spool_dir and in the Maildir fails in
# turn, with a full disk, a bad disk and no descriptors left. What is answered
# 250 is there, once and whole; what is not is answered 4xx and leaves nothing.
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use POSIX qw(EIO EMFILE ENOSPC);
use QP::Faults;
use QP::Server;

my @errors = (ENOSPC, EIO, EMFILE);

plan tests => 2 * (1 + 5 * @errors),
    QP::Server->need(qw(plugins/rcpt_ok plugins/queue/maildir));

my $text = "Subject: x\n\n" . "0123456789\n" x 20_000 . "the end\n";

# Sends one message; returns the code of its reply.
sub send_one {
    my ($server) = @_;
    my $client = $server->client->hello;

    $client->send_message('a@example.net', 'b@example.org', $text);
    my $code = $client->code;

    $client->cmd('QUIT');
    return $code;
}

# The files that are there, after the last session's are gone.
sub leftovers {
    my ($server) = @_;
    my $list = sub { grep { -f $_ } glob $server->spool . '/* '
        . $server->maildir . '/tmp/*' };

    $server->poll(sub { !$list->() });
    return $list->();
}

for my $folder (qw(spool Maildir)) {
    my $server = QP::Server->new(
        plugins => ['rcpt_ok', 'queue/maildir @MAILDIR@'],
        config  => { rcpthosts => 'example.org', size_threshold => 1000 },
        expected => [qr/QP1543:/, qr/QP2004:/]);
    my $faults = QP::Faults->new($server, $folder)->start;

    ok t_cmp(send_one($server), 250, "$folder: without a fault");
    for my $error (@errors) {
        my ($n, $codes, %wrong) = (0, '');
        my $stored = () = $server->messages;

        do {
            $faults->set(++$n, $error);
            my $code = send_one($server);
            my @now = $server->messages;

            $codes .= substr $code, 0, 1;
            $wrong{lost}++ if $code == 250 && @now != $stored + 1;
            $wrong{kept}++ if $code != 250 && @now != $stored;
            $wrong{cut}++ if grep { $_ !~ /\nthe end\n\z/ } @now;
            $stored = @now;
        } while ($faults->seen >= $n && $n < 100);
        $faults->clear;
        local $! = $error;
        my $name = "$folder, $!";

        ok $n > 3 && $n < 100, "$name: $n calls";
        ok t_cmp($codes, qr/4.*2\z/, 'some are answered 4xx, none 5xx')
            && $codes !~ /[^24]/;
        ok t_cmp(join(' ', %wrong), '', 'nothing is lost, kept or cut');
        ok t_cmp(scalar(() = leftovers($server)), 0, 'nothing is left behind');
        ok t_cmp(send_one($server), 250, 'and all is as before');
    }
    $server->stop;
}
