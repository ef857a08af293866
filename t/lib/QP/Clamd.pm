# SPDX-License-Identifier: Apache-2.0
package QP::Clamd;

use strict;
use warnings FATAL => 'all';

use parent qw(QP::Daemon);

use Carp qw(croak);
use IO::Socket::INET ();
use IO::Socket::UNIX ();
use QP::Server ();

use constant VIRUS => 'this-text-is-a-virus-for-the-tests-of-mod_qpsmtpd';

sub wants_port { return $_[0]{tcp} }

sub prepare {
    my ($self) = @_;

    $self->{path} = "$self->{dir}/clamd.sock";
    $self->{user} //= 'root';
    mkdir "$self->{dir}/db" or croak $!;
    QP::Server::write_file("$self->{dir}/db/test.ndb",
                           'Qp.Test-1:0:*:' . unpack('H*', VIRUS) . "\n");
    return;
}

sub configure {
    my ($self) = @_;
    my $where = $self->{tcp}
        ? "TCPAddr 127.0.0.1\nTCPSocket $self->{port}\n"
        : "LocalSocket $self->{path}\nLocalSocketMode 666\n";
    my $user = $> == 0 ? "User $self->{user}\n" : '';

    return QP::Server::write_file("$self->{dir}/clamd.conf", <<"END");
${where}${user}DatabaseDirectory $self->{dir}/db
TemporaryDirectory $self->{dir}
LogFile $self->{dir}/log
Foreground yes
MaxThreads 4
StreamMaxLength 1M
SelfCheck 0
ConcurrentDatabaseReload no
END
}

sub command {
    my ($self) = @_;
    my ($clamd) = grep { -x } '/usr/sbin/clamd', '/usr/local/sbin/clamd';

    return ($clamd // 'clamd', '-c', "$self->{dir}/clamd.conf");
}

sub logs { return "$_[0]{dir}/log" }

sub is_up {
    my ($self) = @_;
    my $socket = $self->{tcp}
        ? IO::Socket::INET->new(PeerAddr => "127.0.0.1:$self->{port}")
        : IO::Socket::UNIX->new(Peer => $self->{path});

    return 0 if !$socket;
    print {$socket} "zPING\0";
    $socket->flush;
    return (readline($socket) // '') =~ /PONG/;
}

sub path { return $_[0]{path} }

1;

__END__

=head1 NAME

QP::Clamd - ClamAV's clamd with one signature, for tests

=head1 SYNOPSIS

    my $clamd = QP::Clamd->new;             # or (tcp => 1)

    # ... clamd_socket $clamd->path, or port
    # a message with the text QP::Clamd::VIRUS has Qp.Test-1.UNOFFICIAL

=head1 DESCRIPTION

A L<QP::Daemon>. Streams may have 1 MiB. As root it runs as root, unless C<user>
says otherwise. It needs no database and no network.

=cut
