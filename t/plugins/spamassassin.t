# SPDX-License-Identifier: Apache-2.0
# spamassassin: with a spamd of SpamAssassin, and with fakes that misbehave.
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;
use QP::Spamd;

use constant CLIENTS => 20;

plan tests => 38, QP::Server->need(
    (map {"plugins/$_"} qw(spamassassin relay queue/maildir)), 'bin/spamd');

my $spamd = QP::Spamd->new;

sub server {
    my ($args, %config) = @_;

    return QP::Server->new(
        plugins => ['relay', 'rcpt_ok', "spamassassin $args",
                    'queue/maildir @MAILDIR@'],
        config => { rcpthosts => 'example.org', relayclients => '127.0.0.2',
                    %config })->start;
}

sub deliver {
    my ($client, $text, $from, $to) = @_;

    return $client->send_message($from // 's@example.net',
                                 $to // 'a@example.org', $text);
}

# Ham, with fields of others, folded, in odd cases.
my $server = server("spamd_socket " . $spamd->path);
my $client = $server->client->hello;
my $text = "x-spam-flag: NO\nSubject: hi\nX-SPAM-Status: No,\n score=-99\n"
    . "X-Spam: none of them\n\nhello\n.\n";

ok t_cmp(deliver($client, $text), qr/^250 /, 'ham');
my ($ham) = $server->messages;

ok t_cmp($ham, qr/^X-Spam-Status: No, score=0\.7 required=5\.0 tests=QP_R/m,
         'the fields of spamd, which has seen our Received');
ok $ham =~ s/\A.*?(?=^X-Old)//ms, 'they are on top';
ok t_cmp($ham, $text =~ s/^X-(Spam-)/X-Old-$1/migr, 'those of others renamed');
ok defined $server->wait_log(
    qr/spamassassin: pass, ham, 0\.7 of 5\.0, tests QP_RECEIVED$/), 'the log';

# Spam is not refused by default.
ok t_cmp(deliver($client, "Subject: x\n\nbuy the pills\n",
                 'spammer@example.net'), qr/^250 /, 'spam');
my ($spam) = grep {/buy the pills/} $server->messages;

ok t_cmp($spam, qr/^X-Spam-Status: Yes, score=9\.4 /m, 'has a field');
ok t_cmp($spam, qr/^X-Spam-Level: \*{9}$/m, 'and its level');
ok t_cmp($spam, qr/^Subject: x$/m, 'but its subject');
ok $spam !~ /^X-Spam-Report/m, 'no report';
ok defined $server->wait_log(qr/pass, spam, 9\.4 of 5\.0, tests \S*QP_SENDER/),
    'the sender is known';

# Not for relay clients.
my $relay = $server->client(local => '127.0.0.2')->hello;

ok t_cmp(deliver($relay, "X-Spam-Flag: MINE\n\nbuy the pills\n"), qr/^250 /,
         'a relay client');
ok t_cmp(join('', grep {/MINE/} $server->messages),
         qr/^X-Spam-Flag: MINE\n(?!.*^X-Spam-)/ms, 'is left alone');

# Many at once; each gets its own verdict.
my @clients = map { $server->client->hello } 1 .. CLIENTS;

$_->envelope('s@example.net', 'a@example.org')->expect(354, 'DATA')
    for @clients;
for my $n (0 .. $#clients) {
    my $body = $n % 2 ? 'buy the pills' : 'no offence';

    $clients[$n]->send("Subject: n$n\r\n\r\n$body\r\n"
                           . "line $n\r\n" x 5000 . ".\r\n");
}
ok t_cmp(scalar(grep { $_->reply =~ /^250 / } @clients), CLIENTS, 'many');
my %verdict = map { /^X-Spam-Status: (\w+),.*^Subject: n(\d+)$/ms ? ($2 => $1)
                    : () } $server->messages;

ok t_cmp(join(' ', map { $verdict{$_} // '-' } 0 .. $#clients),
         join(' ', map { $_ % 2 ? 'Yes' : 'No' } 0 .. $#clients),
         'and each has its own verdict');
$_->close for @clients;
$server->stop;

# Thresholds.
$server = server('spamd_socket ' . $spamd->path . ' reject 12.5'
                 . ' reject_type temp munge_subject_threshold 7'
                 . ' leave_old_headers drop size_limit 20000 spamd_user "me"',
                 subject_prefix => '[junk]');
$client = $server->client->hello;
ok t_cmp(deliver($client, "Subject: x\nX-Spam-A: b\n\nbuy the pills\n"),
         qr/^250 /, 'below the limit');
ok t_cmp(($server->messages)[-1], qr/^Subject: \[junk\] x$/m, 'the subject');
ok(($server->messages)[-1] !~ /X-(?:Old-)?Spam-A/, 'old fields are dropped');
ok t_cmp(deliver($client, "\nbuy the pills\nmany more pills\n"),
         qr/^452 4\.7\.1 The message looks like spam \(score 17\.2\)$/,
         'above it');
ok defined $server->wait_log(
    qr/spamassassin: fail, The message looks like spam \(score 17\.2\)/),
    'the log';
ok t_cmp(deliver($client, "\nbuy the pills\nmany more pills\n"
                     . "text\n" x 5000), qr/^250 /, 'too big');
ok defined $server->wait_log(qr/spamassassin: skip, 30\d+ octets are too/),
    'is skipped';
ok t_cmp(deliver($client, "\nbuy the pills\n", 's@example.net',
                 ['a@example.org', 'b@example.org']), qr/^250 /, 'two of them');
ok t_cmp(join('', grep {/^X-Spam-User/m} $server->messages),
         qr/^X-Spam-User: me$/m, 'the user for whom it was judged');
ok t_cmp(join('', grep {/^X-Spam-User/m} $server->messages),
         qr/^Subject: \[junk\]$/m, 'a subject where none was');
$server->stop;

# Mistakes stop the start.
for my $bad (['reject much', qr/reject: "much" is no score/],
             ['reject 5x', qr/reject: "5x" is no score/],
             ['reject_threshold --5', qr/reject: "--5" is no score/],
             ['munge_subject_threshold x', qr/munge_subject_threshold: "x"/],
             ['spamd_socket host:0', qr/spamd_socket: the port is a number/],
             ['spamd_socket host:7x', qr/spamd_socket: the port is a number/],
             ['spamd_socket :783', qr/spamd_socket: it is HOST:PORT/],
             ['spamd_socket a/b', qr/spamd_socket: it is HOST:PORT/],
             ['spamd_socket [::1]x', qr/spamd_socket: behind \] comes :PORT/],
             ['timeout 31m', qr/timeout: more than 0 and up to 30m/],
             ['headers some', qr/headers: "some" is none of all, none/],
             ['leave_old_headers a', qr/leave_old_headers: "a" is none of/],
             ['size_limit -1', qr/size_limit: /]) {
    ok t_cmp((QP::Server->new(plugins => ["spamassassin $bad->[0]"])
              ->configtest)[1], $bad->[1], "mistake: $bad->[0]");
}
