# SPDX-License-Identifier: Apache-2.0
# What the extensions store: chunks and binary bodies octet for octet, addresses
# in UTF-8, by real clients where they can (R16, R62, R65).
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

plan tests => 15, QP::Server->need('plugins/queue/maildir', 'bin/swaks');

my $server = QP::Server->new(
    plugins => ['rcpt_ok', 'queue/maildir @MAILDIR@'],
    config  => { rcpthosts => ['example.org'], size_threshold => 1000 },
)->start;
my $client = $server->client->hello;

# The one message that is there, which goes.
sub take_message {
    my @files = glob $server->maildir . '/new/*';
    my $text = @files == 1 ? QP::Server::slurp($files[0]) : scalar(@files);

    unlink @files;
    return $text;
}

# By BDAT, in chunks of the sizes; @return the last reply.
sub send_chunks {
    my ($mail, $text, @sizes) = @_;
    my $reply;

    $client->cmd("MAIL FROM:<s\@example.net>$mail");
    $client->cmd('RCPT TO:<a@example.org>');
    for my $size (@sizes) {
        my $chunk = substr $text, 0, $size, '';

        $client->send('BDAT ' . length($chunk)
                      . (length $text ? '' : ' LAST') . "\r\n$chunk");
        $reply = $client->reply;
    }
    return $reply;
}

my $head = "Subject: x\r\nMIME-Version: 1.0\r\n\r\n";
my $octets = join '', map {chr} (0 .. 255) x 300;

ok t_cmp(send_chunks(' BODY=BINARYMIME', $head . $octets, 1, 40, 30000, 1e6),
         qr/^250 2\.0\.0 queued as /, 'a binary body');
my $stored = take_message();

ok t_cmp($stored =~ /\r\n\r\n(.*)\z/s && $1 eq $octets, 1,
         'is stored octet for octet');
ok t_cmp($stored =~ /\AReturn-Path: <s\@example\.net>\r\nDelivered-To: /, 1,
         'behind our fields');
ok t_cmp($stored =~ /\A(?:[^\r\n]*\r\n)+\r\n/, 1,
         'with the same line ends');
my $lines = "line\r\n.dot\r\n..\r\n.\r\n\xE9\r\nno end";

ok t_cmp(send_chunks(' BODY=8BITMIME', $head . $lines, (1) x 50, 1e6),
         qr/^250 /, 'lines, in chunks of an octet');
$stored = take_message();
my $want = $lines =~ s/\r//gr;

ok t_cmp($stored =~ /\n\n(.*)\z/s && $1 eq $want, 1,
         'are stored as lines, the last one without end');
ok t_cmp($stored =~ /^\tby .* with ESMTP id /m, 1, 'Received');

# Nothing of a message that was broken off, and nothing in the spool.
send_chunks('', $head . 'x' x 9000, 5000);
$client->send("BDAT 100 LAST\r\nxxxx");
$client->abort;
$client = $server->client->hello;
ok t_cmp(take_message(), 0, 'a client that left leaves nothing');
ok t_cmp($server->poll(sub { !$server->spooled }), 1, 'nor in the spool');

# Addresses in UTF-8.
$client->cmd("MAIL FROM:<\xC3\xA9\@example.net> SMTPUTF8");
$client->cmd("RCPT TO:<\xD0\xB8\@example.org>");
$client->cmd('DATA');
$client->send("Subject: \xC3\xA9\r\n\r\n\xC3\xA9\r\n.\r\n");
ok t_cmp($client->reply, qr/^250 /, 'a message with SMTPUTF8');
$stored = take_message();
ok t_cmp($stored,
         qr/\AReturn-Path: <\xC3\xA9\@example.net>\nDelivered-To: \xD0\xB8\@/,
         'has its addresses on top');
ok t_cmp($stored, qr/ with UTF8SMTP id \S+\n\tfor <\xD0\xB8\@example\.org>;/,
         'and says so in Received');
ok t_cmp($stored, qr/^Subject: \xC3\xA9\n\n\xC3\xA9\n\z/m, 'the text is kept');
$client->close;

# A client of others.
my $said = qx(swaks --server 127.0.0.1:@{[$server->port]} --silent 0 \\
    --from 's\@example.net' --to 'a\@example.org' --pipeline 2>&1);

ok t_cmp($?, 0, 'swaks, pipelining') or diag $said;
ok t_cmp(take_message(), qr/^Subject: test /m, 'its message');
$server->stop;
