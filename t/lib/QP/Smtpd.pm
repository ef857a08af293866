# SPDX-License-Identifier: Apache-2.0
package QP::Smtpd;

use strict;
use warnings FATAL => 'all';

use File::Temp ();
use IO::Socket::INET ();
use IO::Socket::UNIX ();
use MIME::Base64 qw(encode_base64);
use POSIX ();
use Socket qw(SO_RCVBUF);
use QP::Server;

# What is said without other orders.
my %USUAL = (
    greeting => '220 fake.example ESMTP', HELO => '250 fake.example',
    EHLO => '250-fake.example\n250-PIPELINING\n250-SIZE 1000000\n'
        . '250-8BITMIME\n250-SMTPUTF8\n250-DSN\n250 ENHANCEDSTATUSCODES',
    MAIL => '250 2.1.0 ok', RCPT => '250 2.1.5 ok', DATA => '354 go on',
    DOT => '250 2.0.0 taken as 12345', RSET => '250 2.0.0 ok',
    STARTTLS => '220 go', AUTH => '', LOGIN => '235 2.7.0 welcome',
    XCLIENT => '220 fake.example', QUIT => '221 bye', BDAT => '', MIDDLE => '',
    CHUNK => '250 2.0.0 more',
);

# unix => PATH, or a free port; lmtp => 1; cert => FILE, key => FILE; tls => 1
# for TLS from the first octet; buffer => OCTETS that come before they are read.
sub new {
    my ($class, %arg) = @_;
    my $self = bless { dir => File::Temp->newdir, owner => $$, %arg }, $class;
    my $listener = $arg{unix}
        ? IO::Socket::UNIX->new(Local => $arg{unix}, Listen => 100)
        : IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 100);

    die $! if !$listener;
    $listener->sockopt(SO_RCVBUF, $arg{buffer}) if $arg{buffer};
    chmod 0777, $arg{unix} if $arg{unix};
    $self->{port} = $listener->sockport if !$arg{unix};
    $self->will;
    $self->{pid} = fork // die $!;
    $self->accept_all($listener) if !$self->{pid};
    return $self;
}

sub DESTROY {
    my ($self) = @_;
    local $?;

    return if $self->{owner} != $$;
    kill 'TERM', $self->{pid};
    waitpid $self->{pid}, 0;
    return;
}

sub port { return $_[0]{port} }

sub spurt {
    my ($self, $name, $text) = @_;

    open my $out, '>:raw', "$self->{dir}/.new.$$" or die $!;
    print {$out} $text or die $!;
    close $out or die $!;
    return rename "$self->{dir}/.new.$$", "$self->{dir}/$name";
}

# From now on, and what was recorded is forgotten.
sub will {
    my ($self, %orders) = @_;

    unlink glob "$self->{dir}/*";
    return $self->spurt('orders', join '', map {"$_=$orders{$_}\x01"}
                        keys %orders);
}

sub orders {
    my ($self) = @_;
    my $text = QP::Server::slurp("$self->{dir}/orders");

    return { %USUAL, $text =~ /([^=\x01]+)=([^\x01]*)\x01/g };
}

# What the connections since then have said, each in one string.
sub sessions {
    my ($self) = @_;

    return map { QP::Server::slurp($_) } sort glob "$self->{dir}/conn.*";
}

# What a connection has said: the commands without data, and the data.
sub parts {
    my ($text) = @_;
    my (@commands, @data);

    while ($text =~ /\G(.*?)\r\n/gc) {
        push @commands, $1;
        if ($1 eq 'DATA' && $text =~ /\G(.*?^)\.\r\n/smgc) {
            push @data, $1;
        }
        elsif ($1 =~ /^BDAT (\d+)/) {
            push @data, substr $text, pos $text, $1;
            pos($text) += length $data[-1];
        }
    }
    return (\@commands, \@data);
}

# The commands of all of them, without data.
sub commands {
    my ($self) = @_;

    return map { @{ (parts($_))[0] } } $self->sessions;
}

# The data of all messages, as they were sent.
sub messages {
    my ($self) = @_;

    return map { @{ (parts($_))[1] } } $self->sessions;
}

sub accept_all {
    my ($self, $listener) = @_;
    my $n = 0;

    $SIG{CHLD} = 'IGNORE';
    $SIG{TERM} = 'DEFAULT';
    while (1) {
        my $client = $listener->accept or next;

        $n++;
        next if fork;
        $self->{record} = sprintf '%s/conn.%06d', $self->{dir}, $n;
        $self->serve($client);
        close $client;
        POSIX::_exit(0);
    }
}

sub record {
    my ($self, $text) = @_;

    open my $out, '>>:raw', $self->{record} or return;
    syswrite $out, $text;
    return close $out;
}

# Says what is ordered for a step. False: the connection ends.
sub answer {
    my ($self, $client, $step, $line) = @_;
    my $orders = $self->orders;
    my ($special) = grep { /^\Q$step\E:(.+)/ && index($line, $1) >= 0 }
        sort keys %$orders;
    my $says = $orders->{ $special // $step } // '502 5.5.1 what?';

    return 1 if $says eq '';
    return 0 if $says eq 'close';
    if ($says eq 'hang') {
        $self->record("hangs\r\n");
        sysread $client, my $octet, 1;
        $self->record("left\r\n");
        return 0;
    }
    my $raw = $says =~ s/\\n/\r\n/gr =~ s/\\0/\0/gr;
    my $closes = $raw =~ s/\\c\z//;

    syswrite $client, $raw =~ /\r\n\z/ ? $raw : "$raw\r\n" or return 0;
    $self->{code} = substr $raw, 0, 3;
    return !$closes;
}

sub serve {
    my ($self, $client) = @_;

    $SIG{PIPE} = 'IGNORE';
    $self->start_tls($client) or return if $self->{tls};
    $self->answer($client, 'greeting', '') or return;
    while (defined(my $line = <$client>)) {
        my ($verb) = uc($line) =~ /^([A-Z]+)/;

        $self->record($line);
        $verb = 'EHLO' if ($verb // '') eq ($self->{lmtp} ? 'LHLO' : 'EHLO');
        $self->answer($client, $verb // '?', $line) or return;
        $self->{accepted} = [] if $verb eq 'MAIL' || $verb eq 'EHLO';
        if ($verb eq 'STARTTLS' && $self->{code} eq '220') {
            $self->start_tls($client) or return;
        }
        $self->log_in($client, $line) or return if $verb eq 'AUTH';
        push @{ $self->{accepted} }, $line
            if $verb eq 'RCPT' && $self->{code} eq '250';
        if ($verb eq 'DATA' && $self->{code} eq '354') {
            $self->take_data($client) or return;
        }
        $self->take_chunk($client, $line) or return if $verb eq 'BDAT';
        return if $verb eq 'QUIT';
    }
    return;
}

sub start_tls {
    my ($self, $client) = @_;

    require IO::Socket::SSL;
    my $good = IO::Socket::SSL->start_SSL(
        $client, SSL_server => 1, SSL_cert_file => $self->{cert},
        SSL_key_file => $self->{key});

    $self->record($good ? "TLS\r\n" : "no TLS\r\n");
    return $good;
}

# Everybody is let in who says something; the test looks at what.
sub log_in {
    my ($self, $client, $line) = @_;
    my @prompts = $line =~ /LOGIN/ ? ('VXNlcjo=', 'UGFzczo=')
        : $line =~ /CRAM/ ? (encode_base64('<1.2@fake.example>', '')) : ();

    for my $prompt (@prompts) {
        syswrite $client, "334 $prompt\r\n";
        $self->record(scalar(<$client>) // return 0);
    }
    return $self->answer($client, 'LOGIN', $line);
}

# The answer to the whole message, or with LMTP the answers.
sub judge {
    my ($self, $client) = @_;

    return $self->answer($client, 'DOT', '') if !$self->{lmtp};
    for my $rcpt (@{ $self->{accepted} }) {
        $self->answer($client, 'DOT', $rcpt) or return 0;
    }
    return 1;
}

sub take_data {
    my ($self, $client) = @_;

    while (defined(my $line = <$client>)) {
        $self->record($line);
        return $self->judge($client) if $line eq ".\r\n";
    }
    return 0;
}

sub take_octets {
    my ($self, $client, $size) = @_;

    read($client, my $octets, $size) // return 0;
    $self->record($octets);
    return length $octets == $size;
}

# What is said in the middle is all that is said.
sub take_chunk {
    my ($self, $client, $line) = @_;
    my ($size, $last) = $line =~ /^BDAT (\d+)( LAST)?\r\n\z/i or return 0;
    my $half = int $size / 2;

    $self->take_octets($client, $half) or return 0;
    $self->answer($client, 'MIDDLE', $line) or return 0;
    $self->take_octets($client, $size - $half) or return 0;
    return 1 if $self->orders->{MIDDLE} ne '';
    return $last ? $self->judge($client)
        : $self->answer($client, 'CHUNK', $line);
}

1;

__END__

=head1 NAME

QP::Smtpd - an SMTP or LMTP server for tests that does what it is told

=head1 SYNOPSIS

    my $smtpd = QP::Smtpd->new;               # or lmtp => 1, unix => PATH

    $smtpd->will(MAIL => '451 4.3.2 busy', 'RCPT:bad' => '550 5.1.1 no');
    # ... send a message by way of 127.0.0.1 and $smtpd->port
    my @commands = $smtpd->commands;

=head1 DESCRIPTION

A fake: it believes what it is told and records every octet. A process of its
own, and one more for each connection; it ends with the object. C<will> has for
a step (greeting, EHLO, MAIL, RCPT, DATA, DOT, RSET, AUTH ...) what is said:
octets, in which C<\n> is a line end; C<close>; C<hang>; with C<\c> at the end
it closes behind it. C<STEP:TEXT> is for lines that contain the text. With LMTP
it says DOT for each recipient. BDAT is what is said before the octets of a
chunk, MIDDLE before the second half of them, CHUNK behind one that is not the
last one, which is DOT.

=cut
