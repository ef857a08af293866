# SPDX-License-Identifier: Apache-2.0
package QP::Qmqp;

use strict;
use warnings FATAL => 'all';

use parent qw(QP::Fake);

sub encode { return length($_[0]) . ":$_[0]," }

# Reads one netstring; undef if there is none.
sub decode {
    my ($in) = @_;
    my ($len, $text, $octet) = ('', '', '');

    while (read $in, $octet, 1) {
        last if $octet eq ':';
        $len .= $octet;
    }
    return if $len !~ /^(?:0|[1-9]\d*)\z/ || read($in, $text, $len) != $len;
    return if !read($in, $octet, 1) || $octet ne ',';
    return $text;
}

# What was sent since then: [message, sender, recipient...] each.
sub packages {
    my ($self) = @_;
    my @packages;

    for my $file ($self->notes('got')) {
        my @parts;

        open my $in, '<:raw', $file or die $!;
        while (defined(my $part = decode($in))) {
            push @parts, $part;
        }
        push @packages, \@parts;
    }
    return @packages;
}

sub serve {
    my ($self, $client, $mode) = @_;

    return if $mode eq 'eof';
    my $package = decode($client) // return;

    $self->spurt("got.$$", $package);
    return print {$client} $mode if $mode ne 'slow';
    $self->spurt("waits.$$", 'x');
    read $client, my $octet, 1;
    return $self->spurt("left.$$", 'x');
}

1;

__END__

=head1 NAME

QP::Qmqp - a QMQP server for tests

=head1 SYNOPSIS

    my $qmqp = QP::Qmqp->new;

    $qmqp->will(QP::Qmqp::encode('Kok'));
    # ... send a message by way of 127.0.0.1 and $qmqp->port
    my ($message, $sender, @rcpts) = @{ ($qmqp->packages)[0] };

=head1 DESCRIPTION

See L<QP::Fake>. C<will("eof")> closes each connection at
once; C<will("slow")> never answers, makes C<notes("waits")> when it has a
message, and C<notes("left")> when the other side has then hung up.

=cut
