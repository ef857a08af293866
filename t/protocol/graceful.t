# SPDX-License-Identifier: Apache-2.0
# A graceful restart tells idle sessions 421 and lets transactions finish;
# new sessions are served all the time (R107).
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

plan tests => 14, QP::Server->need(qw(plugins/rcpt_ok plugins/queue/maildir
                                      testplugins/log_hooks));

my $server = QP::Server->new(
    plugins     => ['log_hooks', 'rcpt_ok', 'queue/maildir @MAILDIR@'],
    config      => { rcpthosts => 'example.org' },
    testplugins => 1,
)->start;
my $idle = $server->client->hello;
my $mail = $server->client->hello;
my $data = $server->client->hello;

$mail->envelope('mail@example.net', 'b@example.org');
$data->envelope('data@example.net', 'b@example.org');
$data->expect(354, 'DATA');
$data->send("Subject: x\r\n\r\nfirst half\r\n");

my @old = $server->children;

$server->graceful;
if (QP::Server->mpm eq 'event') {
    ok t_cmp($idle->reply, qr/^421 4\.3\.2 /, 'an idle session is told 421');
}
else {
    # A process that waits in place hears of it behind the next command.
    my $reply = $idle->cmd('NOOP');

    ok t_cmp($reply, qr/^(?:250|421) /, 'an idle session is not cut off');
    $reply = $idle->reply if $reply =~ /^250/;
    $idle->{told} = $reply;
}
ok $idle->eof, 'and closed';

my $new = $server->client->hello;
my $reply = $new->send_message('new@example.net', 'b@example.org', 'new');

ok t_cmp($reply, qr/^250 /, 'a new session is served');
ok !$mail->readable, 'a transaction is left alone';
ok !$data->readable, 'so is a message';

$data->send("second half\r\n.\r\n");
ok t_cmp($data->reply, qr/^250 /, 'the message can be finished');
ok t_cmp($data->reply, qr/^421 4\.3\.2 /, 'then comes the 421');
ok $data->eof, 'and the end';

$mail->expect(250, 'RCPT TO:<c@example.org>');
$mail->expect(354, 'DATA');
$mail->send("Subject: y\r\n\r\ntext\r\n.\r\n");
ok t_cmp($mail->reply, qr/^250 /, 'the transaction can be finished');
ok t_cmp($mail->reply, qr/^421 4\.3\.2 /, 'then comes the 421');
ok $mail->eof, 'and the end';
ok t_cmp(scalar(() = $server->messages), 3, 'all messages are stored');

# The old children go when their last session has gone.
my $gone = $server->poll(sub {
    my %alive = map { $_ => 1 } $server->children;

    return !grep { $alive{$_} } @old;
});

ok $gone, 'the old children end';
ok t_cmp(scalar(grep {/hook post_connection/} $server->log_lines), 3,
         'each of the ended sessions had its hooks');
$server->stop;
