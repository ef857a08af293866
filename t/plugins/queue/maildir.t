# SPDX-License-Identifier: Apache-2.0
# queue/maildir: what was answered 250 is there, once for each mailbox, and
# nothing else is (R21, R29, R56, R57, R106, R109).
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

plan tests => 22, QP::Server->need('plugins/queue/maildir');

my %config = (rcpthosts => ['example.org'], size_threshold => 1000);
my $text = "Return-Path: <forged\@example.net>\nSubject: x\n folded\n\n"
    . "hello\n.dot\n..dots\n\n";
my $server = QP::Server->new(
    plugins => ['rcpt_ok', 'queue/maildir @MAILDIR@'], config => \%config,
)->start;
my $client = $server->client->hello;
my $reply = $client->send_message('s@example.net',
                                  ['a@example.org', 'b@example.org',
                                   'a@example.org'], $text);

ok t_cmp($reply, qr/^250 2\.\d\.0 queued as \w+\.1$/, 'a message');
my @messages = $server->messages;

ok t_cmp(scalar(@messages), 1, 'one file');
ok t_cmp($messages[0], qr/\AReturn-Path: <s\@example\.net>
Delivered-To: a\@example\.org
Delivered-To: b\@example\.org
Received: /, 'our fields are on top');
ok t_cmp($messages[0],
         qr/^Subject: x\n folded\n\nhello\n\.dot\n\.\.dots\n\n\z/m,
         'the message is as it was sent');
ok t_cmp(scalar(() = $messages[0] =~ /^Return-Path:/mg), 1,
         'there is one Return-Path');
my ($file) = glob $server->maildir . '/new/*';

ok t_cmp(sprintf('%o', (stat $file)[2] & 07777), '600', 'the file is private');
ok t_cmp($file, qr{/\d+\.M\d{6}P\d+Q\w+\.[^/:]+\z}, 'its name');
my ($id) = $reply =~ /queued as (\w+)/;

ok t_cmp($file, qr/Q${id}_1\./, 'has the id of the reply');
ok defined $server->wait_log(
    qr{queue/maildir: pass, message $id\.1 in 1 Maildirs}), 'and the log too';

# A large one goes through the spool.
my $line = 'x' x 70 . "\n";

ok t_cmp($client->send_message('', 'a@example.org',
                               "Subject: big\n\n" . $line x 20000),
         qr/^250 /, 'a large message');
my ($big) = grep {/^Subject: big$/m} $server->messages;

ok t_cmp(($big =~ /\n\n(.*)\z/s)[0] eq $line x 20000, 1, 'is complete');
ok t_cmp($big, qr/\AReturn-Path: <>\n/, 'from the null sender');
$server->stop;

# One Maildir for each recipient, and none outside.
$server = QP::Server->new(
    plugins => ['rcpt_ok', 'queue/maildir @MAILDIR@/users %d/%l'],
    config  => \%config)->start;
$client = $server->client->hello;
$reply = $client->send_message('s@example.net',
                               ['a@example.org', '"../../b"@EXAMPLE.org',
                                'a@example.org', 'postmaster'], $text);
ok t_cmp($reply, qr/^250 /, 'for three recipients');
my @files = map { s{.*/users/}{}r } glob $server->maildir . '/users/*/*/new/*';

ok t_cmp(join(' ', sort map { s{/new/.*}{}r } @files),
         'example.org/_._.._b example.org/a mx.example.org/postmaster',
         'three Maildirs');
ok t_cmp(scalar(glob $server->maildir . '/users/*/*/tmp/*'), undef,
         'nothing in tmp');
ok t_cmp(sprintf('%o', (stat $server->maildir . '/users/example.org/a')[2]
                 & 07777), '700', 'folders are private');

# One of two cannot be delivered: neither is.
my $users = $server->maildir . '/users/example.org';

rename "$users/a/new", "$users/a/old" or die "$users/a/new: $!";
open my $out, '>', "$users/a/new" or die "$users/a/new: $!";
close $out or die $!;
$server->expect_log(qr{queue/maildir: error, cannot move to new .*/a/tmp/});
$reply = $client->send_message('s@example.net',
                               ['c@example.org', 'a@example.org'], $text);
ok t_cmp($reply, qr/^452 4\.3\.0 /, 'a Maildir is broken');
ok t_cmp(scalar(() = glob "$users/c/*/* $users/a/tmp/*"), 0,
         'nobody has the message');
unlink "$users/a/new" or die $!;
rename "$users/a/old", "$users/a/new" or die $!;
$reply = $client->send_message('s@example.net',
                               ['c@example.org', 'a@example.org'], $text);
ok t_cmp($reply, qr/^250 /, 'it is repaired');
ok t_cmp(scalar(() = glob "$users/[ac]/new/*"), 3, 'both have it now');
$server->stop;

# Mistakes stop the start.
$server = QP::Server->new(plugins => ['queue/maildir @MAILDIR@ ../%l']);
ok t_cmp(($server->configtest)[1], qr{plugins:1: queue/maildir: subdir: },
         'no way out of the folder');
$server = QP::Server->new(plugins => ['queue/maildir']);
ok t_cmp(($server->configtest)[1], qr{plugins:1: queue/maildir: dir: },
         'there has to be a folder');
