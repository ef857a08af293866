# SPDX-License-Identifier: Apache-2.0
package QP::Redis;

use strict;
use warnings FATAL => 'all';

use parent qw(QP::Daemon);

sub command {
    my ($self) = @_;

    return ('redis-server', '--port', $self->{port}, '--bind', '127.0.0.1',
            '--save', '', '--dir', $self->{dir});
}

# It may be frozen.
sub end_signal { return 'KILL' }

1;

__END__

=head1 NAME

QP::Redis - a redis-server for a test

=head1 SYNOPSIS

    my $redis = QP::Redis->new;         # needs redis-server

    $redis->port;
    $redis->stop;

=head1 DESCRIPTION

A L<QP::Daemon> that keeps nothing in files.
