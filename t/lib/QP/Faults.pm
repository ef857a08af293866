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
    my $dir = $server->dir . '/faults';
    my $library = "$dir/faults.so";
    my $source = dirname(__FILE__) . '/../faults.c';

    mkdir $dir or croak "$dir: $!";
    chmod 0777, $dir or croak "$dir: $!";
    system(split(' ', $ENV{QP_CC} || 'cc'), qw(-O1 -shared -fPIC -o), $library,
           $source, '-ldl') == 0
        or croak 'the library for faults cannot be built';
    return bless { server => $server, control => "$dir/order",
                   folder => $server->dir . "/$folder",
                   library => $library }, $class;
}

sub start {
    my ($self) = @_;
    my $before = $ENV{QP_PRELOAD};

    local $ENV{QP_PRELOAD} = join ':', grep {defined} $before, $self->{library};
    local $ENV{QP_FAULTS} = $self->{control};
    local $ENV{QP_FAULTS_DIR} = $self->{folder};

    $self->{server}->start;
    return $self;
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

QP::Faults - lets file calls of a server fail

=head1 SYNOPSIS

    my $faults = QP::Faults->new($server, 'spool')->start;

    $faults->set(3, Errno::ENOSPC);    # the third call finds the disk full
    ...
    $faults->clear;

=head1 DESCRIPTION

The server runs with F<t/lib/faults.c> in LD_PRELOAD. Calls that count make,
write, flush, move or close a file below the folder.

=cut
