# SPDX-License-Identifier: Apache-2.0
package QP::Dns;

use strict;
use warnings FATAL => 'all';

use Carp qw(croak);
use File::Temp ();
use IO::Select ();
use IO::Socket::INET ();
use POSIX ();
use QP::Nsd ();
use Time::HiRes qw(time sleep);

# Types by number, for the faults.
my ($A, $TXT) = (1, 16);

sub is_there { return QP::Nsd::is_there() }

sub new {
    my ($class, %arg) = @_;
    my $self = bless { zones => "$ENV{QP_SRCDIR}/t/dns", owner => $$,
                       delay => 0.3, %arg }, $class;

    $self->{temp} = File::Temp->newdir('qpsmtpd-' . 'X' x 8, TMPDIR => 1);
    $self->{dir} = $self->{temp}->dirname;
    $self->{nsd} = QP::Nsd->new(zones => $self->{zones});
    $self->start_front;
    return $self;
}

sub DESTROY {
    my ($self) = @_;
    local $?;

    return if $self->{owner} != $$;
    $self->stop;
    return;
}

sub stop {
    my ($self) = @_;

    $self->{nsd}->stop if $self->{nsd};
    return if !$self->{pid};
    kill 'TERM', $self->{pid};
    waitpid delete $self->{pid}, 0;
    return;
}

# For config dns_servers.
sub address { return "127.0.0.1:$_[0]{port}" }

# ----------------------------------------------------------------------
# The one in front of it, for what a real server does not do

sub start_front {
    my ($self) = @_;
    my $nsd = $self->{nsd}->port;
    my %front = (
        nsd => IO::Socket::INET->new(Proto => 'udp',
                                     PeerAddr => "127.0.0.1:$nsd"),
        nsd_port => $nsd, delay => $self->{delay},
        count => "$self->{dir}/count", next => 0, asked => {}, later => []);

    croak "port $nsd: $!" if !$front{nsd};
    @front{qw(udp tcp)} = QP::Nsd::sockets();
    setsockopt $front{$_}, Socket::SOL_SOCKET(), Socket::SO_RCVBUF(), 1 << 20
        for qw(udp nsd);
    $self->{port} = $front{udp}->sockport;
    my $pid = fork // croak $!;

    if (!$pid) {
        $SIG{TERM} = 'DEFAULT';
        eval { run_front(\%front) };
        POSIX::_exit(1);
    }
    $self->{pid} = $pid;
    return;
}

# Names that were asked for, in the order in which they were.
sub asked {
    my ($self) = @_;

    open my $in, '<', "$self->{dir}/count" or return;
    chomp(my @names = <$in>);
    return @names;
}

sub run_front {
    my ($front) = @_;
    my $select = IO::Select->new(@{$front}{qw(udp tcp nsd)});

    open $front->{log}, '>>', $front->{count} or die $!;
    $front->{log}->autoflush(1);
    while (1) {
        my $due = @{ $front->{later} } ? $front->{later}[0][0] - time : undef;

        $due = 0 if defined $due && $due < 0;
        for my $socket ($select->can_read($due)) {
            $socket == $front->{udp} ? take_question($front)
                : $socket == $front->{nsd} ? take_answer($front)
                : relay_tcp($front);
        }
        while (@{ $front->{later} } && $front->{later}[0][0] <= time) {
            my (undef, $to, $answer) = @{ shift @{ $front->{later} } };

            $front->{udp}->send($answer, 0, $to);
        }
    }
}

# Name and type of a question.
sub parse_question {
    my ($octets) = @_;
    my ($at, @labels) = (12);

    while ((my $n = ord substr $octets, $at, 1) > 0) {
        push @labels, substr $octets, $at + 1, $n;
        $at += $n + 1;
    }
    return (lc join('.', @labels), unpack('n', substr $octets, $at + 1, 2),
            $at + 5);
}

# An answer with a code, and with an A record unless that is undef.
sub make_answer {
    my ($question, $rcode, $ip, $flags) = @_;
    my (undef, undef, $end) = parse_question($question);
    my $answer = substr $question, 0, $end;

    substr $answer, 2, 10,
        pack('n5', 0x8180 | $rcode | ($flags // 0), 1, defined $ip, 0, 0);
    $answer .= pack('n n n N n', 0xc00c, $A, 1, 60, 4) . pack('C4',
        split /\./, $ip) if defined $ip;
    return $answer;
}

sub take_question {
    my ($front) = @_;
    my $from = $front->{udp}->recv(my $question, 4096) // return;
    my ($name, $type) = parse_question($question);

    print { $front->{log} } "$name\n";
    return if $name =~ /silent\.fault\.test\z/;
    if ($name =~ /broken\.fault\.test\z/) {
        $front->{udp}->send(make_answer($question, 2), 0, $from);
    }
    elsif ($name =~ /garbage\.fault\.test\z/) {
        $front->{udp}->send(substr($question, 0, 2) . "\xff" x 40, 0, $from);
    }
    elsif ($name =~ /forged\.fault\.test\z/) {
        forge($front, $question, $from);
    }
    elsif ($name =~ /late(\d*)\.fault\.test\z/) {
        push @{ $front->{later} },
            [time + $front->{delay}, $from,
             make_answer($question, $type == $A ? 0 : 3,
                         $type == $A ? '127.0.0.2' : undef)];
    }
    else {
        my $id = $front->{next}++ & 0xffff;

        $front->{asked}{$id} = [$from, substr $question, 0, 2];
        $front->{nsd}->send(pack('n', $id) . substr $question, 2);
    }
    return;
}

# Two lies, with a wrong id and of another name, then the truth: nothing.
sub forge {
    my ($front, $question, $from) = @_;
    my $lie = make_answer($question, 0, '127.0.0.2');

    $front->{udp}->send(~substr($lie, 0, 1) . substr($lie, 1), 0, $from);
    $front->{udp}->send($lie =~ s/.(?=orged\x05fault)/x/sr, 0, $from);
    $front->{udp}->send(make_answer($question, 3), 0, $from);
    return;
}

sub take_answer {
    my ($front) = @_;

    $front->{nsd}->recv(my $answer, 4096) // return;
    my $asked = delete $front->{asked}{ unpack 'n', $answer } or return;

    $front->{udp}->send($asked->[1] . substr($answer, 2), 0, $asked->[0]);
    return;
}

# A question by TCP, whole; it is ours.
sub relay_tcp {
    my ($front) = @_;
    my $client = $front->{tcp}->accept or return;
    my $nsd = IO::Socket::INET->new(
        PeerAddr => "127.0.0.1:$front->{nsd_port}") or return;

    for ([$client, $nsd], [$nsd, $client]) {
        my ($from, $to) = @$_;
        my ($len, $octets) = ('', '');

        return if (read($from, $len, 2) // 0) != 2;
        read $from, $octets, unpack 'n', $len;
        print {$to} $len, $octets;
        $to->flush;
    }
    return;
}

1;

__END__

=head1 NAME

QP::Dns - name servers for a test

=head1 SYNOPSIS

    my $dns = QP::Dns->new;
    my $server = QP::Server->new(
        plugins => [...],
        config  => { dns_servers => $dns->address, ... })->start;

=head1 DESCRIPTION

A real name server (nsd), which serves F<t/dns/root.zone> as all that there is,
and a small one in front of it, which passes questions on, but for those whose
names end in

=over

=item silent.fault.test: no answer

=item broken.fault.test: SERVFAIL

=item garbage.fault.test: nonsense with the right id

=item forged.fault.test: two answers that are not believed, then NXDOMAIN

=item late.fault.test, lateN.fault.test: 127.0.0.2, after C<delay> seconds

=back

Both are on free ports of 127.0.0.1, and end with the object.

=head1 METHODS

=over

=item new(delay => SECONDS), stop

=item is_there

Whether there is an nsd.

=item address

ADDRESS:PORT of the one in front.

=item asked

The names that were asked for by UDP so far.

=back
