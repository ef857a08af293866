# SPDX-License-Identifier: Apache-2.0
package QP::Proc;

use strict;
use warnings FATAL => 'all';

use POSIX ();
use QP::Server;

# A process and all that descend from it.
sub tree {
    my ($root) = @_;
    my @found = my @look = ($root);
    my %children;

    for my $file (glob '/proc/[0-9]*/stat') {
        my ($pid, $parent) = QP::Server::slurp($file)
            =~ /\A(\d+) \(.*\) \S+ (\d+)/s or next;

        push @{ $children{$parent} }, $pid;
    }
    while (defined(my $pid = shift @look)) {
        push @found, @{ $children{$pid} // [] };
        push @look, @{ $children{$pid} // [] };
    }
    return @found;
}

# Seconds of processor time of a tree, with those of children it has reaped.
sub cpu {
    my ($root) = @_;
    my $ticks = 0;

    for my $pid (tree($root)) {
        my ($rest) = QP::Server::slurp("/proc/$pid/stat") =~ /\) (.*)/s or next;
        my @fields = split ' ', $rest;

        $ticks += $_ for @fields[11 .. 14];
    }
    return $ticks / POSIX::sysconf(POSIX::_SC_CLK_TCK());
}

# KiB of a tree that are resident, pages that are shared counted once.
sub memory {
    my ($root) = @_;
    my $size = 0;

    for my $pid (tree($root)) {
        $size += $1
            if QP::Server::slurp("/proc/$pid/smaps_rollup") =~ /^Pss:\s+(\d+)/m;
    }
    return $size;
}

1;

__END__

=head1 NAME

QP::Proc - what a process and its children take

=head1 METHODS

tree(PID), cpu(PID) in seconds, memory(PID) in KiB.

=cut
