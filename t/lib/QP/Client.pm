# SPDX-License-Identifier: Apache-2.0
package QP::Client;

use strict;
use warnings FATAL => 'all';

use Carp qw(croak);
use IO::Select ();
use IO::Socket::INET ();
use Socket qw(SOL_SOCKET SO_LINGER SO_RCVBUF SO_SNDBUF IPPROTO_TCP TCP_NODELAY);
use Time::HiRes ();

use constant BLOCK => 65536;

sub new {
    my ($class, %arg) = @_;
    my $self = bless { host => '127.0.0.1', timeout => 20, buffer => '',
                       eof => 0, code => '', sent => 0, %arg }, $class;
    my @local = $arg{local} ? (LocalAddr => $arg{local}) : ();

    local $SIG{PIPE} = 'IGNORE';
    $self->{socket} = IO::Socket::INET->new(
        PeerAddr => $self->{host}, PeerPort => $self->{port}, @local,
        Timeout => $self->{timeout})
        or croak "connect to port $self->{port}: $@";
    setsockopt $self->{socket}, IPPROTO_TCP, TCP_NODELAY, 1;
    setsockopt $self->{socket}, SOL_SOCKET, SO_RCVBUF, $arg{rcvbuf}
        if $arg{rcvbuf};
    setsockopt $self->{socket}, SOL_SOCKET, SO_SNDBUF, $arg{sndbuf}
        if $arg{sndbuf};
    $self->{socket}->blocking(0);
    $self->{select} = IO::Select->new($self->{socket});
    return $self;
}

# Sends octets. Returns 1, or 0 when the server has closed.
sub send {
    my ($self, $octets) = @_;
    my $at = 0;

    local $SIG{PIPE} = 'IGNORE';
    while ($at < length $octets) {
        my $n = syswrite $self->{socket}, $octets, length($octets) - $at, $at;

        if (defined $n) {
            $at += $n;
        }
        elsif (!$!{EAGAIN} && !$!{EINTR}) {
            return 0;
        }
        elsif (!$self->{select}->can_write($self->{timeout})) {
            croak 'the server does not read';
        }
    }
    $self->{sent} += $at;
    return 1;
}

# Sends what goes without waiting. Returns how many octets went, or undef
# when the server has closed.
sub send_some {
    my ($self, $octets) = @_;

    local $SIG{PIPE} = 'IGNORE';
    my $n = syswrite $self->{socket}, $octets;

    return $n if defined $n;
    return $!{EAGAIN} ? 0 : undef;
}

# Sends each octet in a write of its own.
sub dribble {
    my ($self, $octets) = @_;

    for my $octet (split //, $octets) {
        return 0 if !$self->send($octet);
    }
    return 1;
}

# Does a handshake; the arguments are those of IO::Socket::SSL. Returns whether
# it has succeeded.
sub start_tls {
    my ($self, %arg) = @_;

    require IO::Socket::SSL;
    croak 'octets in clear are waiting' if length $self->{buffer};
    $self->{socket}->blocking(1);
    my $done = IO::Socket::SSL->start_SSL(
        $self->{socket}, SSL_verify_mode => 0, Timeout => $self->{timeout},
        %arg);

    $self->{socket}->blocking(0);
    return $self->{tls} = $done ? 1 : 0;
}

# What TLS has read ahead, select() does not see.
sub is_pending { return $_[0]{tls} && $_[0]{socket}->pending }

# Reads once into the buffer. Returns 1, or 0 at the end of the input.
sub fill {
    my ($self, $timeout) = @_;
    my $n;

    return 0 if $self->{eof};
    if (!$self->is_pending
        && !$self->{select}->can_read($timeout // $self->{timeout})) {
        croak "no answer within the time; so far: <$self->{buffer}>";
    }
    $n = sysread $self->{socket}, $self->{buffer}, BLOCK,
        length $self->{buffer};
    return 1 if $n;
    return 1 if !defined $n && ($!{EAGAIN} || $!{EINTR} || $!{EWOULDBLOCK});
    $self->{reset} = 1 if !defined $n;
    $self->{eof} = 1;
    return 0;
}

# One line without its line end, or undef at the end of the input.
sub line {
    my ($self) = @_;

    while ($self->{buffer} !~ /\n/) {
        return if !$self->fill;
    }
    $self->{buffer} =~ s/\A([^\n]*)\n//;
    my $line = $1;

    croak "a line without CR: <$line>" if $line !~ s/\r\z//;
    return $line;
}

# One whole reply, lines joined by LF, or undef at the end of the input.
sub reply {
    my ($self) = @_;
    my @lines;

    while (defined(my $line = $self->line)) {
        push @lines, $line;
        croak "not a reply: <$line>" if $line !~ /^[2-5][0-5]\d([ -]|\z)/;
        last if $line !~ /^\d{3}-/;
    }
    $self->{code} = @lines ? substr($lines[-1], 0, 3) : '';
    return @lines ? join("\n", @lines) : undef;
}

# The code of the last reply.
sub code { return $_[0]{code} }

sub cmd {
    my ($self, $line) = @_;

    $self->send("$line\r\n");
    return $self->reply;
}

# For steps that must succeed: sends the line, if there is one, reads a reply,
# and dies unless it has the code.
sub expect {
    my ($self, $code, $line) = @_;
    my $reply = defined $line ? $self->cmd($line) : $self->reply;

    return $reply if defined $reply && $self->{code} eq $code;
    croak sprintf 'expected %s %s, got: %s', $code,
        defined $line ? "to $line" : 'unasked', $reply // 'end of input';
}

# Sends all lines in one write and reads a reply to each.
sub pipeline {
    my ($self, @lines) = @_;

    $self->send(join '', map {"$_\r\n"} @lines);
    return map { $self->reply } @lines;
}

# Greeting, hello, and optionally a transaction with so many recipients.
sub hello {
    my ($self, $line) = @_;

    $self->expect(220);
    $self->expect(250, $line // 'EHLO client.example');
    return $self;
}

sub envelope {
    my ($self, $from, @to) = @_;

    $self->expect(250, "MAIL FROM:<$from>");
    $self->expect(250, "RCPT TO:<$_>") for @to;
    return $self;
}

# A whole transaction. LF or CRLF in $text; returns the reply to the dot.
sub send_message {
    my ($self, $from, $to, $text) = @_;

    $self->envelope($from, ref $to ? @$to : $to);
    $self->expect(354, 'DATA');
    $text =~ s/\r?\n/\r\n/g;
    $text .= "\r\n" if $text ne '' && $text !~ /\r\n\z/;
    $text =~ s/^\./../mg;
    $self->send("$text.\r\n");
    return $self->reply;
}

# Whether there is something to read, or the end, within the time.
sub readable {
    my ($self, $timeout) = @_;

    return 1 if length $self->{buffer} || $self->is_pending;
    return scalar $self->{select}->can_read($timeout // 0);
}

# What one single recv() returns; waits for it.
sub recv_once {
    my ($self, $size) = @_;
    my $octets = '';

    croak 'there is input already' if length $self->{buffer};
    $self->{select}->can_read($self->{timeout}) or croak 'no answer';
    sysread $self->{socket}, $octets, $size // 1 << 20;
    return $octets;
}

# Everything until the server closes.
sub drain {
    my ($self) = @_;

    1 while $self->fill;
    my $rest = $self->{buffer};

    $self->{buffer} = '';
    return $rest;
}

# Waits for the end of the input. Returns 1 when nothing came before it.
sub eof {
    my ($self) = @_;

    return $self->drain eq '';
}

sub socket { return $_[0]{socket} }

sub shutdown_write { return shutdown $_[0]{socket}, 1 }

# Closes with a reset (RST).
sub abort {
    my ($self) = @_;

    setsockopt $self->{socket}, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0;
    return $self->close;
}

sub close {
    my ($self) = @_;

    CORE::close($self->{socket}) if $self->{socket};
    $self->{eof} = 1;
    return;
}

1;

__END__

=head1 NAME

QP::Client - an SMTP client that does exactly what it is told

=head1 SYNOPSIS

    my $client = QP::Client->new(port => 2525);   # or $server->client

    $client->hello;                               # 220, EHLO, 250
    $client->expect(250, 'MAIL FROM:<a@example.net>');
    ok t_cmp($client->cmd('RCPT TO:<b@elsewhere.example>'), qr/^550 5\.7\.1 /,
             'no relaying');
    ok t_cmp($client->send_message('a@example.net', 'b@example.org',
                                   "Subject: x\n\nhello\n"), qr/^250 /);
    $client->send("NOOP\r\nNO");                  # raw octets
    $client->expect(250);
    ok $client->eof;

=head1 DESCRIPTION

Every wait has a deadline (C<timeout>, 20 seconds) and dies when it passes.
Methods that read a reply return all its lines, joined by LF and without CR,
or undef at the end of the input. Arguments of C<new>: port, host, timeout,
local (address to come from), rcvbuf, sndbuf.

=head1 METHODS

send(OCTETS), send_some(OCTETS), dribble(OCTETS), cmd(LINE), reply, code,
line, expect(CODE, LINE), pipeline(LINE...), hello(LINE), envelope(FROM,
TO...), send_message(FROM, TO or [TO...], TEXT), readable(SECONDS),
recv_once(SIZE), drain, eof, socket, start_tls(OPTION => VALUE...),
shutdown_write, abort, close.
