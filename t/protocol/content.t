# SPDX-License-Identifier: Apache-2.0
# What is accepted is stored octet for octet behind our own fields (R13, R16,
# R18, R19, R20, R25, R28).
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

# A name; what is sent behind DATA; what is stored behind our fields.
my @messages = (
    ['plain', "Subject: x\r\n\r\ntext\r\n", "Subject: x\n\ntext\n"],
    ['no empty line', "Subject: x\r\n", "Subject: x\n"],
    ['empty', '', ''],
    ['empty line on top', "\r\ntext\r\n", "\ntext\n"],
    ['empty lines around', "S: x\r\n\r\n\r\n\r\ntext\r\n\r\n\r\n",
     "S: x\n\n\n\ntext\n\n\n"],
    ['no header', "just text\r\nmore: text\r\n", "\njust text\nmore: text\n"],
    ['folded fields', "A: b\r\n\tc\r\n  d\r\nE:\r\n f\r\n\r\nx\r\n",
     "A: b\n\tc\n  d\nE:\n f\n\nx\n"],
    ['a line without colon', "A: b\r\nno colon\r\nC: d\r\n\r\nx\r\n",
     "A: b\nno colon\nC: d\n\nx\n"],
    ['blanks at the ends', "A: b \r\n\r\n x \r\n\t\r\n", "A: b \n\n x \n\t\n"],
    ['8-bit and NUL', "A: \xE4\r\n\r\n\0\x80\xFF\0\r\n",
     "A: \xE4\n\n\0\x80\xFF\0\n"],
    ['dots', "A: b\r\n\r\n..\r\n...\r\n.x\r\n. \r\nx.\r\n x\r\n.. y\r\n",
     "A: b\n\n.\n..\nx\n \nx.\n x\n. y\n"],
    ['long lines',
     "A: b\r\n\r\n" . 'x' x 998 . "\r\n" . 'y' x 100_000 . "\r\n",
     "A: b\n\n" . 'x' x 998 . "\n" . 'y' x 100_000 . "\n"],
    ['a long header', join('', map {"X-$_: " . 'v' x 70 . "\r\n"} 1 .. 5000)
     . "\r\ntext\r\n", join('', map {"X-$_: " . 'v' x 70 . "\n"} 1 .. 5000)
     . "\ntext\n"],
    ['only line ends', "\r\n" x 10_000, "\n" x 10_000],
    ['only dots', "..\r\n" x 10_000, undef],
);

plan tests => 3 * @messages + 7,
    QP::Server->need(qw(plugins/rcpt_ok plugins/queue/maildir));

my $server = QP::Server->new(
    plugins => ['rcpt_ok', 'queue/maildir @MAILDIR@'],
    config  => { rcpthosts => 'example.org', size_threshold => 1000 },
)->start;

# Sends a message in pieces of a size and returns what is stored.
sub store {
    my ($text, $piece) = @_;
    my $client = $server->client->hello;

    $client->envelope('a@example.net', 'b@example.org');
    $client->expect(354, 'DATA');
    $client->send($_) for unpack "(a$piece)*", "$text.\r\n";
    $client->expect(250);
    my @files = glob $server->maildir . '/new/*';
    my $stored = QP::Server::slurp($files[0]);

    unlink @files;
    return $stored;
}

# What stands behind the fields of this server.
sub strip_own {
    my ($stored) = @_;

    $stored =~ s/\A(?:(?:Return-Path|Delivered-To|Received):[^\n]*\n
                   (?:[ \t][^\n]*\n)*)+//x;
    return $stored;
}

# A header is followed by an empty line, whether one was sent or not.
for my $message (@messages) {
    my ($name, $sent, $want) = @$message;
    my @stored = map { strip_own(store($sent, $_)) } 1 << 20, 7, 1000;

    if (!defined $want) {
        $want = "\n" . ".\n" x 10_000;
    }
    for my $n (0 .. 2) {
        ok $stored[$n] eq $want || $stored[$n] eq "$want\n", "$name ($n)"
            or diag sprintf "want <%.200s>, got <%.200s>", $want, $stored[$n];
    }
}

# Fields of ours, on top, in one kind of line end.
my $stored = store("Received: from old\r\nReturn-Path: <forged\@x.example>\r\n"
                   . "Subject: x\r\n\r\ntext\r\n", 1 << 20);

ok t_cmp($stored, qr/\AReturn-Path: <a\@example\.net>\n/, 'Return-Path');
ok t_cmp(scalar(() = $stored =~ /^Return-Path:/mg), 1, 'there is one only');
ok t_cmp($stored, qr/^Received: from client\.example .*^Received: from old$/ms,
         'Received stands above older ones');
ok $stored !~ /\r/, 'line ends are LF';

# Nothing that the client says starts a field of its own.
my $client = $server->client;

$client->expect(220);
$client->expect(250, 'EHLO [IPv6:2001:db8::1]');
$client->send_message('"a\ b"@example.net', 'b@example.org', "Subject: y\n\n");
($stored) = $server->messages;
ok t_cmp($stored, qr/\AReturn-Path: <"a b"\@example\.net>\n/,
         'an address is quoted');
ok t_cmp($stored, qr/^Received: from \[IPv6:2001:db8::1\] /m,
         'an address literal');

# 100 of their Received fields are a loop (R31).
$client = $server->client->hello;
my $reply = $client->send_message('a@example.net', 'b@example.org',
                                  "Received: x\n" x 120 . "\n");

ok t_cmp($reply, qr/^5\d\d 5\.4\.6 /, 'a mail loop is refused');
$server->stop;
