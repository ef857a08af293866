# SPDX-License-Identifier: Apache-2.0
# qpsmtpd-plugin-test itself: it finds what is wrong, and says where.
use strict;
use warnings FATAL => 'all';

use File::Temp ();
use FindBin ();
use lib "$FindBin::Bin/lib";
use Test::More;
use QP::Dialog;

my $dir = File::Temp->newdir('qpsmtpd-' . 'X' x 8, TMPDIR => 1);
my $program = join ' ', map {"'$_'"} QP::Dialog::player();

my $HEAD = <<'END';
# plugins: rcpt_ok
# plugins: queue/discard
# rcpthosts: example.org
S: 220 ...
END
my $HELO = "C: HELO client.example\nS: 250 ...\n";
my $MAIL = "${HELO}C: MAIL FROM:<>\nS: 250 ...\n";
my $RCPT = "${MAIL}C: RCPT TO:<a\@example.org>\nS: 250 ...\n";
my $DATA = "${RCPT}C: DATA\nS: 354 ...\nC: X-A: 1\nC:\nC: text\nC: .\n"
    . "S: 250 2.0.0 ...\n";
my $QUIT = "C: QUIT\nS: 221 ...\nS: <eof>\n";

# Name; dialog; what is wrong, or '' if nothing is.
my @CASES = (
    ['good', "$HEAD$DATA$QUIT", ''],
    ['client leaves', "$HEAD$HELO", ''],
    ['facts', "$HEAD$DATA${QUIT}M: X-A: 1\nM: text\nL: rcpt_ok: pass\n"
        . "V: rcpt_ok rcpt OK\nV: queue/discard queue OK queued ...\n"
        . "X: nonsense\n", ''],
    ['comment', "# just so\n$HEAD# note: no setting here\n$HELO", ''],
    ['blank lines', "\n$HEAD\n$HELO\n", ''],
    ['reply', "$HEAD${HELO}C: NOOP\nS: 251 ...\n",
     qr/case\.smtp:8: lines: want <251 \.\.\.>, got <250 2\.0\.0 /],
    ['reply lacks', "$HEAD$HELO${\ 'S: 250 x'}\n",
     qr/case\.smtp:7: lines: want <250 x>, got <\(nothing\)>/],
    ['reply too many', "$HEAD${HELO}C: NOOP\n",
     qr/case\.smtp: lines: want no more, got <250 /],
    ['middle', "$HEAD${HELO}C: NOOP\nS: 2...nothing...ok\n",
     qr/smtp:8: .*want/],
    ['eof', "$HEAD${HELO}S: <eof>\n",
     qr/smtp:7: lines: the server does not cl/],
    ['no eof', "$HEAD${HELO}C: QUIT\nS: 221 ...\n", qr/"S: <eof>" would/],
    ['log', "$HEAD${HELO}L: rcpt_ok: pass\n",
     qr/smtp:7: lines: no log line wi/],
    ['unwanted', "$HEAD${RCPT}X: rcpt_ok: pass\n",
     qr/smtp:11: lines: unwanted/],
    ['verdict', "$HEAD${RCPT}V: rcpt_ok rcpt DENY ...\n",
     qr/:11: .*no verdict/],
    ['note', "$HEAD${HELO}N: connection karma=1\n",
     qr/:7: lines: no note <con/],
    ['message', "$HEAD${DATA}M: X-B...\n",
     qr/:18: lines: no line of a message/],
    ['fault', "# plugins: rcpt_ok x\nE: unknown option \"x\"\n", ''],
    ['fault where', "# plugins: rcpt_ok x\nE: case.smtp:1: rcpt_ok: \n", ''],
    ['other fault', "# plugins: rcpt_ok x\nE: zz\n",
     qr/:2: lines: want <zz>, g/],
    ['no fault', "# plugins: rcpt_ok\nE: y\n", qr/want <y>, but the server st/],
    ['start', "# me: x\n# plugins: rcpt_ok x\nS: 220 ...\n",
     qr/case\.smtp:2: rcpt_ok: unknown option/],
    ['no plugin', "# plugins: nonsense\nS: 220 ...\n",
     qr/case\.smtp:1: nonsense: no such plugin/],
    ['form', "$HEAD${HELO}D: x\n", qr/case\.smtp:7: "D: x" is none of/],
    ['form of C', "S- x\n", qr/case\.smtp:1: "S- x" is none of/],
    ['empty', "# plugins: rcpt_ok\n", qr/case\.smtp: nothing is said/],
    ['trouble', "# plugins: answer helo 0\n$HEAD$HELO",
     qr/case\.smtp: lines: unexpected log line: QP1101: /],
    ['not for memory', "# transports: httpd\n${HEAD}S: no\n", ''],
    ['chunkings', "# chunkings: batch\n${HEAD}C: NOOP\nS: 1\n",
     qr/ batch: want/],
    ['remote', "# remote: 192.0.2.9\n${HEAD}C: HELO x\n"
        . "S: 250 ...[192.0.2.9]...\n", ''],
    ['escapes', "${HEAD}C- NO\\x4fP x\\r\nC- \\n\nS: 250 ...\n"
        . "C: \\{2000*x}\nS: 500 ...\n", ''],
    ['define', "# plugins: \@WHAT\@\n${HEAD}S: x\n", qr/got <\(nothing\)>/],
);

# Plays a text; returns its output and status.
sub play {
    my ($text, @options) = @_;

    open my $out, '>:raw', "$dir/case.smtp" or die $!;
    print {$out} $text;
    close $out or die $!;
    my $said = qx(cd '$dir' && $program @options case.smtp 2>&1);

    return ($said, $?);
}

plan tests => @CASES + 8;
for my $case (@CASES) {
    my ($name, $text, $wrong) = @$case;
    my ($said, $status) = play($text, '--define', 'WHAT=rcpt_ok');

    ok($wrong eq '' ? $status == 0 && $said =~ /\A1\.\.1\nok 1 - case\b/
           : $status == 256 && $said =~ /\A1\.\.1\nnot ok 1 - case\n/
               && $said =~ /^# .*$wrong/m, $name)
        or diag "status $status, said:\n$said";
}

my ($said) = play("$HEAD$DATA$QUIT", '-t');
my ($transcript) = $said =~ /\A1\.\.1\n(.*)ok 1/s;

like($transcript, qr/^S: 220 .*\nC: HELO .*\nS: 250 /, 'a transcript');
is((play("# plugins: rcpt_ok\n# plugins: queue/discard\n"
         . "# rcpthosts: example.org\n"
         . $transcript =~ s/queued as \S+|id \S+;|^M: \K\s.*/.../gmr
         . "S: <eof>\n"))[1], 0, 'is a dialog again');
unlike($transcript, qr/DECLINED|^L:/m, 'verdicts that count');
like((play("$HEAD$MAIL", '-v'))[0], qr/^L: .*QP1601/m, 'verbose: the log');
like((play("$HEAD${HELO}C: NOOP\nS: 1\n", '--chunk', 3))[0], qr/ by 3: want/,
     'octets at once');
like((play('', '--chunk', 'x'))[0], qr/"x" is not a number/, 'no number');
like((play('', '--set', 'x'))[0], qr/"x" is not KEY=VALUE/, 'no pair');
like(qx(printf 'HELO x\\r\\nQUIT\\r\\n' | $program -c '$dir' 2>&1),
     qr/no plugin is loaded/, 'standard input');
