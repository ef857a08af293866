# SPDX-License-Identifier: Apache-2.0
package QP::Kinds;

use strict;
use warnings FATAL => 'all';

use Exporter qw(import);
use MIME::Base64 qw(encode_base64);
use Time::HiRes ();

our @EXPORT_OK = qw(clear_kinds tls_kinds);

my $BODY    = "Subject: soak\r\n\r\n" . ('x' x 70 . "\r\n") x 20;
my $LARGE   = "Subject: large\r\n\r\n" . ('y' x 70 . "\r\n") x 400;
my @TO      = ('MAIL FROM:<a@example.net>', 'RCPT TO:<b@example.org>');
my @SESSION = ('EHLO client.example', @TO, 'DATA', $BODY . '.', 'RSET', @TO,
               "BDAT 6\r\nabcd", 'QUIT');
my $GOOD    = encode_base64("\0user\@example.com\0sesame", '');
my $BAD     = encode_base64("\0user\@example.com\0wrong", '');

# All that a client can say, to be cut anywhere.
my $OCTETS = join "\r\n", 'EHLO client.example', "AUTH PLAIN $GOOD", @TO,
    'DATA', "${BODY}.", @TO, 'BDAT ' . length($BODY), $BODY . 'BDAT 2 LAST',
    '', 'MAIL FROM:<> SIZE=1000000', 'VRFY b', 'HELP', 'NOOP x', 'BOGUS',
    'RCPT TO:<b@example.com>', "AUTH PLAIN $BAD", 'AUTH LOGIN', '*',
    'AUTH CRAM-MD5', 'x', 'RSET', @TO, 'DATA', $LARGE . '.', 'QUIT', '';

sub hello {
    my ($client) = @_;

    $client->expect(250, 'EHLO client.example');
    return $client;
}

sub plain {
    my ($client) = @_;

    hello($client);
    for my $text ($BODY, $LARGE) {
        $client->send_message('a@example.net', 'b@example.org', $text);
        die 'the message is refused' if $client->code != 250;
    }
    $client->expect(221, 'QUIT');
    return;
}

sub pipelined {
    my ($client) = @_;

    hello($client);
    for (1 .. 3) {
        $client->pipeline(@TO, 'RCPT TO:<stranger@example.com>', 'DATA');
        $client->expect(250, $BODY . '.');
    }
    $client->expect(221, 'QUIT');
    return;
}

sub chunks {
    my ($client) = @_;
    my $size = length $LARGE;

    hello($client)->pipeline(@TO);
    $client->send("BDAT $size\r\n${LARGE}BDAT 2 LAST\r\n\r\n");
    $client->expect(250) for 1 .. 2;
    $client->pipeline(@TO);
    $client->send("BDAT $size\r\n" . substr $LARGE, 0, 10);
    $client->abort;
    return;
}

sub auth {
    my ($client) = @_;

    hello($client)->expect(235, "AUTH PLAIN $GOOD");
    $client->send_message('a@example.net', 'b@example.org', $BODY);
    $client->expect(221, 'QUIT');
    return;
}

sub bad_auth {
    my ($client) = @_;

    hello($client)->expect(535, "AUTH PLAIN $BAD");
    $client->expect(334, 'AUTH LOGIN');
    $client->expect(501, '*');
    $client->expect(334, 'AUTH CRAM-MD5');
    $client->expect(535, encode_base64('user@example.com ' . '0' x 32, ''));
    $client->expect(334, 'AUTH SCRAM-SHA-256');
    $client->abort;
    return;
}

# By its own word, by its octets, and by those of a chunk.
sub oversize {
    my ($client) = @_;

    hello($client)->expect(552, 'MAIL FROM:<> SIZE=200000');
    $client->envelope('', 'b@example.org');
    $client->expect(354, 'DATA');
    $client->send("A: b\r\n\r\n" . ('z' x 98 . "\r\n") x 1200);
    $client->expect(552, '.');
    $client->envelope('', 'b@example.org');
    $client->send("BDAT 120000 LAST\r\n" . 'z' x 120_000);
    $client->expect(552);
    $client->expect(221, 'QUIT');
    return;
}

# An octet at a time, with pauses.
sub slow {
    my ($client, $turn) = @_;

    for my $octet (split //, "EHLO client.example\r\nNOOP\r\n") {
        $client->send($octet);
        Time::HiRes::sleep(0.005);
    }
    $client->expect(250) for 1 .. 2;
    $client->send('MAIL FR');
    $turn % 2 ? $client->close : $client->abort;
    return;
}

sub mistakes {
    my ($client) = @_;

    $client->pipeline(('BOGUS', 'MAIL FROM:<', 'RCPT TO:<x@example.org>',
                       'x' x 5000) x 6);
    return;
}

# Leaves behind the step that is its turn, or in the middle of it.
sub aborted {
    my ($client, $turn) = @_;
    my $steps = $turn / 2 % @SESSION;

    $client->cmd($_) for @SESSION[0 .. $steps - 1];
    $client->send(substr $SESSION[$steps], 0,
                  $turn % 2 ? length($SESSION[$steps]) / 2 : 1);
    $turn % 3 ? $client->close : $client->abort;
    return;
}

# Two pieces, cut anywhere; then a reset, an end, or one half of it.
sub cut {
    my ($client) = @_;
    my $end = int rand 1 + length $OCTETS;
    my $middle = int rand 1 + $end;
    my $way = int rand 3;

    $client->send(substr $OCTETS, 0, $middle);
    Time::HiRes::sleep(rand 0.01);
    $client->send(substr $OCTETS, $middle, $end - $middle);
    return $client->abort if $way == 0;
    return $client->close if $way == 1 || $client->{tls};
    $client->shutdown_write;
    $client->drain;
    return;
}

sub large_aborted {
    my ($client) = @_;

    hello($client)->pipeline(@TO, 'DATA');
    $client->send($LARGE);
    $client->abort;
    return;
}

sub silent {
    my ($client, $turn) = @_;

    $turn % 2 ? $client->close : $client->abort;
    return;
}

sub start_tls {
    my ($client) = @_;

    hello($client)->expect(220, 'STARTTLS');
    $client->start_tls or die 'no handshake';
    return $client;
}

sub cut_handshake {
    my ($client, $turn) = @_;

    hello($client)->expect(220, 'STARTTLS');
    $client->send("\x16\x03\x01\x02\x00" . 'x' x rand 600) if $turn % 2;
    $client->abort;
    return;
}

# Name => [what is done, whether it is well only if that succeeds].
sub clear_kinds {
    return (plain => [\&plain, 1], pipelined => [\&pipelined, 1],
            chunks => [\&chunks, 1], auth => [\&auth, 1],
            bad_auth => [\&bad_auth, 1], oversize => [\&oversize, 1],
            slow => [\&slow, 1], mistakes => [\&mistakes, 0],
            aborted => [\&aborted, 0], cut => [\&cut, 0],
            large_aborted => [\&large_aborted, 0], silent => [\&silent, 1]);
}

sub tls_kinds {
    return (
        tls      => [sub { pipelined(start_tls($_[0])) }, 1],
        tls_auth => [sub { auth(start_tls($_[0])) }, 1],
        tls_cut  => [sub { cut(start_tls($_[0])) }, 0],
        cut_handshake => [\&cut_handshake, 1],
    );
}

1;

__END__

=head1 NAME

QP::Kinds - what clients do in one session

=head1 SYNOPSIS

    use QP::Kinds qw(clear_kinds tls_kinds);

    my %kinds = (clear_kinds(), tls_kinds());
    my ($code, $must_succeed) = @{ $kinds{plain} };

    $client->expect(220);
    $code->($client, $turn);    # dies if something is wrong

=head1 DESCRIPTION

Each is given a client that has read the greeting, and its turn, a number.
C<rand> decides where some of them leave. The server has the plugins
C<rcpt_ok>, C<auth/auth_flat_file> and one that queues, the user
C<user@example.com> with the password C<sesame>, and a C<databytes> of 100000;
see L<QP::Soak>.

=cut
