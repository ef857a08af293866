# SPDX-License-Identifier: Apache-2.0
package QP::Memcached;

use strict;
use warnings FATAL => 'all';

use parent qw(QP::Daemon);

sub command {
    my ($self) = @_;

    return ('memcached', '-l', '127.0.0.1', '-p', $self->{port}, '-m', 8,
            '-u', 'nobody');
}

1;

__END__

=head1 NAME

QP::Memcached - a memcached for a test

=head1 SYNOPSIS

    my $memcached = QP::Memcached->new;         # needs memcached

    $memcached->port;
    $memcached->stop;

=head1 DESCRIPTION

A L<QP::Daemon>. It has memory only.

=cut
