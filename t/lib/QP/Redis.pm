# SPDX-License-Identifier: Apache-2.0
package QP::Redis;

use strict;
use warnings FATAL => 'all';

use Carp qw(croak);
use File::Temp ();
use IO::Socket::INET ();
use POSIX ();
use Time::HiRes ();

use QP::Server ();

use constant DEADLINE => 20;

# A redis-server without files, on a free port of 127.0.0.1.
sub start {
    my ($class) = @_;
    my $self = bless { port => QP::Server::free_port(),
                       dir => File::Temp->newdir('qpsmtpd-XXXXXXXX',
                                                 TMPDIR => 1) }, $class;
    my @command = ('redis-server', '--port', $self->{port}, '--bind',
                   '127.0.0.1', '--save', '', '--dir',
                   $self->{dir}->dirname);

    $self->{pid} = fork() // croak "fork: $!";
    if (!$self->{pid}) {
        open STDOUT, '>', '/dev/null' or POSIX::_exit(126);
        { no warnings 'exec'; exec @command; }
        POSIX::_exit(127);
    }
    $self->wait_for_port;
    return $self;
}

sub wait_for_port {
    my ($self) = @_;
    my $end = Time::HiRes::time() + DEADLINE;

    while (Time::HiRes::time() < $end) {
        return if IO::Socket::INET->new(PeerAddr => '127.0.0.1',
                                        PeerPort => $self->{port});
        Time::HiRes::sleep(0.05);
    }
    croak 'redis-server does not listen';
}

sub port { return $_[0]{port} }

# Connections are still accepted, by the kernel, but nothing is answered.
sub freeze { return kill 'STOP', $_[0]{pid} }
sub thaw   { return kill 'CONT', $_[0]{pid} }

sub stop {
    my ($self) = @_;

    return if !$self->{pid};
    kill 'KILL', $self->{pid};
    waitpid $self->{pid}, 0;
    delete $self->{pid};
    return;
}

sub DESTROY {
    my ($self) = @_;

    local ($?, $!, $@);
    $self->stop;
    return;
}

1;

__END__

=head1 NAME

QP::Redis - a redis-server for a test

=head1 SYNOPSIS

    my $redis = QP::Redis->start;       # needs redis-server

    $redis->port;
    $redis->freeze; $redis->thaw;       # it answers nothing meanwhile
    $redis->stop;
