# SPDX-License-Identifier: Apache-2.0
# LMTP with queue/maildir: those whose Maildir fails are told so, the others
# have their mail (RFC 2033 4.2, R21).
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

plan tests => 11, QP::Server->need('plugins/queue/maildir', 'bin/swaks');

my $server = QP::Server->new(
    plugins => ['rcpt_ok', 'queue/maildir @MAILDIR@/users %l'],
    config  => { rcpthosts => ['example.org'], protocol => ['lmtp'] },
)->start;
my $users = $server->maildir . '/users';
my $client = $server->client;

# Replies to a message for these.
sub deliver {
    my (@rcpts) = @_;
    my $reply = '';

    $client->cmd('MAIL FROM:<s@example.net>');
    $client->cmd("RCPT TO:<$_\@example.org>") for @rcpts;
    $client->cmd('DATA');
    $client->send("Subject: x\r\n\r\ntext\r\n.\r\n");
    return join ' ',
        map { $client->reply =~ s/(\d+ \d\.\d\.\d).*/$1/sr } @rcpts;
}

sub files { return scalar(() = glob "$users/$_[0]/*/*") }

ok t_cmp($client->line, qr/^220 \S+ LMTP /, 'the greeting');
ok t_cmp($client->cmd('EHLO client.example'), qr/^500 5\.5\.1 /, 'no EHLO');
ok t_cmp($client->cmd('LHLO client.example'), qr/^250-/, 'but LHLO');
ok t_cmp(deliver('a', 'b', 'c'), '250 2.0.0 250 2.0.0 250 2.0.0',
         'three replies');
ok t_cmp(files('[abc]'), 3, 'three messages');

# One of them cannot be delivered to.
rename "$users/b/new", "$users/b/old" or die "$users/b/new: $!";
open my $out, '>', "$users/b/new" or die "$users/b/new: $!";
close $out or die $!;
$server->expect_log(qr{queue/maildir: error, cannot move to new .*/b/tmp/.*, and
                       \ 0\ more\ of\ 3\ Maildirs}x);
ok t_cmp(deliver('a', 'b', 'c'), '250 2.0.0 452 4.3.0 250 2.0.0',
         'one has failed');
ok t_cmp(files('[ac]'), 4, 'the others have it');
ok t_cmp(scalar(() = glob "$users/b/tmp/*"), 0, 'nothing is left of his');

# All of them.
$server->expect_log(qr{queue/maildir: error, cannot move to new .*/b/tmp/});
ok t_cmp(deliver('b', 'b'), '452 4.3.0 452 4.3.0', 'both have failed');
$client->close;

my $said = qx(swaks --server 127.0.0.1:@{[$server->port]} --protocol LMTP \\
    --from 's\@example.net' --to 'a\@example.org,c\@example.org' 2>&1);

ok t_cmp($?, 0, 'swaks speaks LMTP') or diag $said;
ok t_cmp(files('[ac]'), 6, 'and delivers');
$server->stop;
