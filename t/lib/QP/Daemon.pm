# SPDX-License-Identifier: Apache-2.0
package QP::Daemon;

use strict;
use warnings FATAL => 'all';

use Carp qw(croak);
use Cwd qw(abs_path);
use File::Temp ();
use POSIX ();
use QP::Proc ();
use QP::Server ();

use constant TRIES => 5;

# ----------------------------------------------------------------------
# What a subclass may say

sub wants_port  { return 1 }
sub choose_port { return QP::Server::free_port() }
sub prepare     { return }    # once
sub configure   { return }    # for each port that is tried
sub command     { croak ref($_[0]) . ' says not what to start' }
sub environment { return }
sub is_up       { return 1 }
sub logs        { return }
sub end_signal  { return 'TERM' }

# ----------------------------------------------------------------------
# Life

sub new {
    my ($class, %arg) = @_;
    my $self = bless { owner => $$, %arg }, $class;

    $self->{temp} = File::Temp->newdir('qpsmtpd-' . 'X' x 8, TMPDIR => 1,
                                       CLEANUP => !$ENV{QP_KEEP});
    $self->{dir} = abs_path($self->{temp}->dirname);
    chmod 0755, $self->{dir} or croak "$self->{dir}: $!";
    $self->prepare;
    return $self->start;
}

sub start {
    my ($self) = @_;

    croak 'it runs already' if $self->{pid};
    for (1 .. ($self->{was_up} ? 1 : TRIES)) {
        $self->{port} = $self->choose_port
            if $self->wants_port && !$self->{was_up};
        $self->configure;
        $self->spawn($self->command);
        if ($self->await_start) {
            $self->{was_up} = 1;
            return $self;
        }
        my $was_late = $self->wants_port && defined $self->{exit}
            && QP::Server::inodes($self->{port});

        $self->stop;
        last if !$was_late;    # somebody was quicker with the port
    }
    croak ref($self) . " does not come up:\n" . $self->said;
}

sub spawn {
    my ($self, @command) = @_;

    delete $self->{exit};
    $self->{pid} = fork() // croak "fork: $!";
    return if $self->{pid};
    POSIX::setpgid(0, 0);
    open STDIN, '<', '/dev/null' or POSIX::_exit(126);
    open STDOUT, '>>', "$self->{dir}/said" or POSIX::_exit(126);
    open STDERR, '>&', \*STDOUT or POSIX::_exit(126);
    %ENV = (%ENV, $self->environment);
    exec {$command[0]} @command or print STDERR "$command[0]: $!\n";
    POSIX::_exit(127);
}

# What answers may be somebody else, as long as the port is not its own.
sub await_start {
    my ($self) = @_;

    return QP::Server->poll(sub {
        return -1 if !$self->alive;
        return 0 if $self->wants_port && !$self->listens;
        return $self->is_up ? 1 : 0;
    }) == 1;
}

sub alive {
    my ($self) = @_;

    return 0 if !$self->{pid} || defined $self->{exit};
    return 1 if waitpid($self->{pid}, POSIX::WNOHANG) == 0;
    $self->{exit} = $?;
    return 0;
}

# Whether it, or a child of it, has the port.
sub listens {
    my ($self) = @_;

    return 0 if !QP::Server::inodes($self->{port});
    return scalar grep { QP::Server::listens($self, $_) }
        QP::Proc::tree($self->{pid});
}

# Ends all of its group.
# All of it. Connections are still accepted, by the kernel.
sub freeze { return kill 'STOP', -$_[0]{pid} }
sub thaw   { return kill 'CONT', -$_[0]{pid} }

sub stop {
    my ($self) = @_;
    my $pid = $self->{pid};

    return if !$pid || $self->{owner} != $$;
    if ($self->alive) {
        kill $self->end_signal, $pid;
        QP::Server->poll(sub { return !$self->alive });
    }
    kill 'KILL', -$pid;
    waitpid $pid, 0 if $self->alive;

    # A child of it that has the socket takes connections until it is dead.
    QP::Server->poll(sub { return !kill 0, -$pid }) == 1
        or croak ref($self) . ' does not end';
    delete $self->{pid};
    return;
}

sub DESTROY {
    my ($self) = @_;
    local ($?, $!, $@);

    $self->stop;
    return;
}

# ----------------------------------------------------------------------
# Facts

sub dir  { return $_[0]{dir} }
sub port { return $_[0]{port} }
sub pid  { return $_[0]{pid} }

sub said {
    my ($self) = @_;

    return join '', map { QP::Server::slurp($_) } "$self->{dir}/said",
        $self->logs;
}

1;

__END__

=head1 NAME

QP::Daemon - a real service that a test starts

=head1 SYNOPSIS

    package QP::Thing;
    use parent qw(QP::Daemon);

    sub command { return ('/usr/sbin/thingd', '-F', '-p', $_[0]{port}) }

    package main;
    my $thing = QP::Thing->new;

    $thing->port;
    $thing->freeze; $thing->thaw;       # it answers nothing meanwhile
    $thing->stop;
    $thing->start;      # again, on the same port

=head1 DESCRIPTION

A program with a folder of its own, C<dir>, and a free port of 127.0.0.1,
started without a shell in a process group of its own. C<new> returns when it is
up, or dies with what it has said; it tries again if somebody else has got the
port meanwhile. C<stop> ends it and whatever is left of its group; so does the
end of the object, which also removes the folder (unless QP_KEEP is set).

A subclass has C<command>, in the foreground, and what of these it needs:
C<prepare> and C<configure> write files, once and for each port; C<wants_port>
0: it has none; C<choose_port>; C<environment>, a list of names and values;
C<is_up>, when it is not enough that the port is listened to; C<logs>, names of
files for C<said>; C<end_signal>. Arguments of C<new> are keys of the object.

=cut
