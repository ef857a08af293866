# SPDX-License-Identifier: Apache-2.0
package QP::Faults;

use strict;
use warnings FATAL => 'all';

use Carp qw(croak);
use File::Basename qw(dirname);
use QP::Server ();

# Faults of the files below a folder of the server, which has not started.
sub new {
    my ($class, $server, $folder) = @_;

    return $class->build($server, 'faults',
                         QP_FAULTS_DIR => $server->dir . "/$folder");
}

# The clock of a server, which has not started.
sub clock {
    my ($class, $server) = @_;
    my $self = $class->build($server, 'clock');

    QP::Server::write_file($self->{control}, pack 'q', 0);
    return $self;
}

# What becomes of the buffers of TLS in a server, which has not started.
sub buffers {
    my ($class, $server) = @_;

    return $class->build($server, 'buffers');
}

# In what states of reading they were given back.
sub states {
    my ($self) = @_;

    return if !open my $file, '<', $self->{control};
    chomp(my @states = <$file>);
    return @states;
}

sub build {
    my ($class, $server, $name, %environment) = @_;
    my $dir = $server->dir . "/$name";
    my $library = "$dir/$name.so";
    my $source = dirname(__FILE__) . "/../$name.c";

    mkdir $dir or croak "$dir: $!";
    chmod 0777, $dir or croak "$dir: $!";
    system(split(' ', $ENV{QP_CC} || 'cc'), qw(-O1 -shared -fPIC -o), $library,
           $source, '-ldl') == 0
        or croak "$library cannot be built";
    return bless { server => $server, control => "$dir/order",
                   environment => { %environment,
                                    uc("QP_$name") => "$dir/order" },
                   library => $library }, $class;
}

sub start {
    my ($self) = @_;
    my $before = $ENV{QP_PRELOAD};

    local $ENV{QP_PRELOAD} = join ':', grep {defined} $before, $self->{library};
    my %set = %{ $self->{environment} };

    local @ENV{keys %set} = values %set;

    $self->{server}->start;
    return $self;
}

# From now on the clock is wrong by so many seconds.
sub set_clock {
    my ($self, $seconds) = @_;

    open my $file, '+<:raw', $self->{control} or croak "$self->{control}: $!";
    syswrite $file, pack 'q', $seconds or croak "$self->{control}: $!";
    return;
}

# From now on, the N-th call fails with the errno.
sub set {
    my ($self, $n, $error) = @_;

    unlink "$self->{control}.seen";
    QP::Server::write_file($self->{control}, "$n $error\n");
    return;
}

sub clear {
    my ($self) = @_;

    QP::Server::write_file($self->{control}, "0 0\n");
    return;
}

# How many calls there have been since.
sub seen {
    my ($self) = @_;

    return QP::Server::slurp("$self->{control}.seen") || 0;
}

1;

__END__

=head1 NAME

QP::Faults - lets file calls of a server fail, sets its clock, watches TLS

=head1 SYNOPSIS

    my $faults = QP::Faults->new($server, 'spool')->start;

    $faults->set(3, Errno::ENOSPC);    # the third call finds the disk full
    ...
    $faults->clear;

    my $clock = QP::Faults->clock($server)->start;

    $clock->set_clock(-3600);          # an hour behind

    my $buffers = QP::Faults->buffers($server)->start;

    ... grep { $_ ne 'RH' } $buffers->states;

=head1 DESCRIPTION

The server runs with F<t/lib/faults.c> in LD_PRELOAD. Calls that count make,
write, flush, move or close a file below the folder. The clock is that of
F<t/lib/clock.c>. What becomes of the buffers of TLS is written down by
F<t/lib/buffers.c>.

=cut
