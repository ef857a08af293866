# SPDX-License-Identifier: Apache-2.0
# A message that is not lines goes through two servers of ours and arrives octet
# for octet (RFC 3030): by SMTP, by LMTP. Postfix knows CHUNKING without
# BINARYMIME, and Dovecot both or not; either way nothing is altered or lost.
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Dovecot;
use QP::Postfix;
use QP::Server;

my $HEAD = "Subject: x\r\nMIME-Version: 1.0\r\n"
    . "Content-Transfer-Encoding: binary\r\n\r\n";
my @bodies = (
    ['lines', "a\r\n.b\r\n.\r\n..\r\n"],
    ['lines without end', "a\r\n.\r\nb"],
    ['bare CR and LF', "\ra\nb\r\r\n\n\n.\n.\r\r\n.\r"],
    ['NUL', "\0a\0\r\n\0.\r\n.\0"],
    ['ends with CR', "a\r\n\r"],
    ['an end of data', "\r\n.\r\nMAIL FROM:<x\@example.net>\r\n"],
    ['nothing', ''],
    ['all octets, in a file', join '', map {chr} (0 .. 255) x 3000],
);
my @cuts = ([1e9], [1, 30, 1e9], [map { 4093 } 1 .. 300]);

plan tests => 12 + 2 * @bodies * 2, QP::Server->need(
    map {"plugins/$_"} 'rcpt_ok', 'queue/maildir', 'queue/smtp-forward',
    'queue/lmtp');

my $cut = 0;

sub server {
    my ($line, %config) = @_;

    return QP::Server->new(
        plugins => ['rcpt_ok', $line],
        config => { rcpthosts => 'example.org', size_threshold => 10_000,
                    %config })->start;
}

# By BDAT, cut each time in another way. @return the last reply
sub deliver {
    my ($client, $body, $param) = @_;
    my $text = $HEAD . $body;
    my $reply;

    $client->expect(250, 'MAIL FROM:<s@example.net>'
                    . ($param // ' BODY=BINARYMIME'));
    $client->expect(250, 'RCPT TO:<a@example.org>');
    for my $size (@{ $cuts[$cut++ % @cuts] }) {
        my $chunk = substr $text, 0, $size, '';

        $client->send('BDAT ' . length($chunk) . (length $text ? '' : ' LAST')
                      . "\r\n$chunk");
        $reply = $client->reply;
        last if $text eq '' || $reply !~ /^250/;
    }
    return $reply;
}

sub stored {
    my ($server) = @_;
    my @files = glob $server->maildir . '/new/*';
    my $text = @files == 1 ? QP::Server::slurp($files[0]) : '';

    unlink @files;
    return $text;
}

for my $way (['queue/smtp-forward', 'smtp'], ['queue/lmtp', 'lmtp']) {
    my ($plugin, $protocol) = @$way;
    my $last = server('queue/maildir @MAILDIR@', protocol => $protocol);
    my $first = server("$plugin 127.0.0.1 @{[$last->port]} binarymime yes");
    my $client = $first->client;

    $client->reply;
    ok t_cmp($client->cmd('EHLO c.example'), qr/^250-BINARYMIME$/m,
             "$protocol: it is offered");
    for my $body (@bodies) {
        my ($name, $octets) = @$body;

        ok t_cmp(deliver($client, $octets), qr/^250 2\.0\.0 queued: queued as /,
                 "$protocol: $name");
        my $text = stored($last);

        ok $text =~ /\A(?:[^\r\n]*\r\n)+?\Q$HEAD\E/
            && substr($text, $+[0]) eq $octets, 'arrives octet for octet';
    }
    ok t_cmp($first->poll(sub { !$first->spooled && !$last->spooled }), 1,
             'the spools are empty');
    $_->stop for $first, $last;
}

# One that cannot, as is seen only when it is asked.
sub refuses {
    my ($name, $line) = @_;
    my $server = server("$line binarymime yes");
    my $client = $server->client->hello;

    ok t_cmp(deliver($client, "a\0b"),
             qr/^552 5\.6\.1 The next server does not know BINARYMIME$/,
             "$name: refused");
    ok t_cmp(deliver($client, "a\r\nno end", ''), qr/^250 2\.0\.0 queued: /,
             "$name: lines that came by BDAT");
    $server->stop;
    return;
}

SKIP: {
    QP::Postfix::is_there() or skip 'Postfix is not installed', 5;
    my $postfix = QP::Postfix->new;

    refuses('Postfix', 'queue/smtp-forward 127.0.0.1 ' . $postfix->port);
    my @got = $postfix->messages(1);

    ok t_cmp(scalar(@got), 1, 'one has arrived');
    ok t_cmp($got[0], qr/^\n?a\nno end\n\z/m, 'with its last line ended');
    ok t_cmp($postfix->said, qr/postfix\/smtpd/, 'it has seen both');
}

SKIP: {
    my $dovecot = QP::Dovecot->new or skip 'Dovecot is not installed', 3;

    refuses('Dovecot', 'queue/lmtp ' . $dovecot->socket);
    ok t_cmp(scalar($dovecot->messages('a')), 1, 'one has arrived');
}
