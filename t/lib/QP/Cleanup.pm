# SPDX-License-Identifier: Apache-2.0
package QP::Cleanup;

use strict;
use warnings FATAL => 'all';

use parent qw(QP::Fake);

sub new {
    my ($class) = @_;

    return $class->SUPER::new(unix => 1);
}

# A list of attributes as it is sent; undef: it closes instead.
sub encode {
    my ($list) = @_;

    return $list ? join '', map {"$_\0"} @$list, '' : 'close';
}

# What it says first and in the end. 'slow': nothing in the end.
sub will {
    my ($self, $first, $last) = @_;

    return $self->SUPER::will(
        join "\n", encode($first), ($last // '') eq 'slow' ? $last
            : encode($last));
}

# One record as "Tdata"; undef at the end.
sub read_record {
    my ($in) = @_;
    my ($len, $shift, $octet, $data) = (0, 0, '', '');

    return if !read $in, my $type, 1;
    do {
        read $in, $octet, 1 or return;
        $len |= (ord($octet) & 127) << $shift;
        $shift += 7;
    } while (ord($octet) & 128);
    return if $len && read($in, $data, $len) != $len;
    return "$type$data";
}

sub serve {
    my ($self, $client, $mode) = @_;
    my ($first, $last) = split /\n/, $mode;
    my ($flags, @records) = ('');

    return if $first eq 'close';
    $client->autoflush(1);
    print {$client} $first;
    while ($flags !~ /\0\0\z/) {
        read $client, my $octet, 1 or return;
        $flags .= $octet;
    }
    while (defined(my $record = read_record($client))) {
        push @records, $record;
        last if $record eq 'E';
    }
    $self->note('got', join '|', $flags, @records);
    return if $last eq 'close';
    return print {$client} $last if $last ne 'slow';
    read $client, my $octet, 1;
    return $self->note('left');
}

# What the last one was told: the attributes, and each record.
sub got { return split /\|/, ($_[0]->texts('got'))[-1], -1 }

1;

__END__

=head1 NAME

QP::Cleanup - a stand-in for Postfix's cleanup

=head1 SYNOPSIS

    my $cleanup = QP::Cleanup->new;

    $cleanup->will([queue_id => '4XyZ'], [status => 0]);
    $cleanup->path;
    my ($flags, @records) = $cleanup->got;
