# SPDX-License-Identifier: Apache-2.0
package QP::Nsd;

use strict;
use warnings FATAL => 'all';

use parent qw(QP::Daemon);

use Carp qw(croak);
use IO::Select ();
use IO::Socket::INET ();
use QP::Server ();

my $NSD = (grep { -x } '/usr/sbin/nsd', '/usr/local/sbin/nsd')[0];

sub is_there { return defined $NSD }

# A socket for UDP and one for TCP that have the same port.
sub sockets {
    for (1 .. 100) {
        my $udp = IO::Socket::INET->new(Proto => 'udp',
                                        LocalAddr => '127.0.0.1') or next;
        my $tcp = IO::Socket::INET->new(Listen => 50, ReuseAddr => 1,
                                        LocalAddr => '127.0.0.1',
                                        LocalPort => $udp->sockport) or next;

        return ($udp, $tcp);
    }
    croak 'no free port';
}

sub choose_port { return (sockets())[0]->sockport }

sub configure {
    my ($self) = @_;
    my $dir = $self->{dir};

    return QP::Server::write_file("$dir/nsd.conf", <<"END");
server:
    ip-address: 127.0.0.1
    port: $self->{port}
    server-count: 1
    username: ""
    chroot: ""
    zonesdir: "$self->{zones}"
    pidfile: ""
    logfile: "$dir/nsd.log"
    database: ""
    xfrdfile: "$dir/xfrd.state"
    zonelistfile: "$dir/zone.list"
    xfrdir: "$dir"
    round-robin: no
remote-control:
    control-enable: no
zone:
    name: "."
    zonefile: "root.zone"
END
}

sub command {
    my ($self) = @_;

    croak 'there is no nsd' if !$NSD;
    return ($NSD, '-d', '-c', "$self->{dir}/nsd.conf");
}

sub logs { return "$_[0]{dir}/nsd.log" }

# Whether it answers a question for the root's SOA.
sub is_up {
    my ($self) = @_;
    my $socket = IO::Socket::INET->new(Proto => 'udp',
        PeerAddr => "127.0.0.1:$self->{port}") or return 0;

    $socket->send(pack 'n6 C n2', 1, 0x100, 1, 0, 0, 0, 0, 6, 1);
    return 0 if !IO::Select->new($socket)->can_read(0.2);
    return defined $socket->recv(my $answer, 4096);
}

1;

__END__

=head1 NAME

QP::Nsd - an nsd for a test

=head1 SYNOPSIS

    my $nsd = QP::Nsd->new(zones => "$ENV{QP_SRCDIR}/t/dns");

    $nsd->port;

=head1 DESCRIPTION

A L<QP::Daemon> that answers, by UDP and TCP, for the root zone in the file
F<root.zone> of the folder C<zones>.

=cut
