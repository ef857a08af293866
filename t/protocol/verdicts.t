# SPDX-License-Identifier: Apache-2.0
# What each answer of a plugin makes the server say (D1, D2): every row of the
# contract, over memory.
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Test::More;
use QP::Dialog;
use QP::Server;

my @names = qw(OK DENY DENYSOFT DENY_DISCONNECT DENYSOFT_DISCONNECT DECLINED);

# Hook; what is said before it; the command; codes of the reply for @names,
# with + where the connection is closed. Where a message goes on, the code is
# that of its end.
my $hello = "HELO client.example\r\n";
my $mail = "${hello}MAIL FROM:<a\@example.net>\r\n";
my $rcpt = "${mail}RCPT TO:<b\@example.org>\r\n";
my $data = "${rcpt}DATA\r\n";
my $text = "Subject: x\r\n\r\ntext\r\n.\r\n";
my @rows = (
    ['pre_connection', undef, '', qw(220 550+ 451+ 550+ 451+ 220)],
    ['connect', undef, '', qw(220 550+ 450+ 550+ 450+ 220)],
    ['helo', '', $hello, qw(250 550 450 550+ 450+ 250)],
    ['mail_pre', $hello, "MAIL FROM:<a\@example.net>\r\n",
     qw(250 501 451 501+ 451+ 250)],
    ['mail', $hello, "MAIL FROM:<a\@example.net>\r\n",
     qw(250 550 450 550+ 421+ 250)],
    ['rcpt_pre', $mail, "RCPT TO:<b\@example.org>\r\n",
     qw(250 501 451 501+ 451+ 250)],
    ['rcpt', $mail, "RCPT TO:<b\@example.org>\r\n",
     qw(250 550 450 550+ 421+ 250)],
    ['data', $rcpt, "DATA\r\n.\r\n", qw(354 554 451 554+ 421+ 354)],
    ['data_headers_end', $data, $text, qw(250 554 451 554+ 421+ 250)],
    ['data_post_headers', $data, $text, qw(250 552 452 552+ 452+ 250)],
    ['data_post', $data, $text, qw(250 552 452 552+ 452+ 250)],
    ['queue_pre', $data, $text, qw(250 552 452 552+ 452+ 250)],
    ['queue', $data, $text, qw(250 552 452 552+ 421+ 250)],
    ['vrfy', '', "VRFY x\r\n", qw(250 554 252 252 252 252)],
    ['noop', '', "NOOP x\r\n", qw(250 500 250 500+ 250 250)],
    ['help', '', "HELP x\r\n", qw(214 500 214 214 214 214)],
    ['quit', '', "QUIT\r\n", qw(221+ 221+ 221+ 221+ 221+ 221+)],
    ['unrecognized_command', '', "BOGUS\r\n", qw(500 500 500 521+ 500 500)],
);

plan tests => 2 * @rows + 6;

# Plays lines with plugins. Returns the replies to the last of them, and how
# many more came to "NOOP last", and the log.
sub play {
    my ($line, $before, $command) = @_;
    my $dialog = QP::Dialog->new(
        plugins => [$line, 'rcpt_ok', 'queue/discard'],
        config  => { rcpthosts => ['example.org'] },
        input   => ($before // '') . $command . "XLAST\r\n");
    my $result = $dialog->play_memory('batch');
    my @replies;

    die $result->{fault} if $result->{fault};
    for my $said (split /\n/, $result->{said}) {
        push @replies, '' if !@replies || $replies[-1] =~ /^\d{3} .*\z/m;
        $replies[-1] .= ($replies[-1] eq '' ? '' : "\n") . $said;
    }
    # The greeting and the replies to what was said before.
    my $skip = defined $before ? 1 + ($before =~ tr/\n//) : 0;

    return ($result->{log}, @replies[$skip .. $#replies]);
}

# The code and whether the session goes on.
sub outcome {
    my ($log, @replies) = play(@_);
    my $code = substr $replies[0] // '(nothing)', 0, 3;

    return $code . (@replies > 1 ? '' : '+');
}

for my $row (@rows) {
    my ($hook, $before, $command, @want) = @$row;
    my @got = map { outcome("answer $hook $_", $before, $command) } @names;
    my ($log, $reply) = play("answer $hook DENY text \"own text\"", $before,
                             $command);

    is "@got", "@want", $hook;
    like $reply, qr/own text/, "$hook: the text of the plugin";
}

# A plugin that replies itself (D1).
my ($log, @replies) = play('answer noop DONE reply 250 text mine', '',
                           "NOOP\r\n");

like $replies[0], qr/^250 .*mine/, 'a reply of its own';
($log, @replies) = play('answer noop DONE', '', "NOOP\r\n");
like $replies[0], qr/^451 /, 'DONE without a reply';
like $log, qr/^warn: .*answer: .*DONE/m, 'is warned of';
($log, @replies) = play('answer noop DONE reply 250 text mine twice', '',
                        "NOOP\r\n");
like "$replies[0] $log", qr/mine.*^crit: /ms, 'a second reply is not sent';
is scalar(@replies), 2, 'and the session goes on';
($log, @replies) = play('answer noop 0', '', "NOOP\r\n");
like "$replies[0] $log", qr/^250 .*^crit: .*answer/ms,
    'an answer that is none counts as DECLINED';
