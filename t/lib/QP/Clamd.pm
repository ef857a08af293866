# SPDX-License-Identifier: Apache-2.0
package QP::Clamd;

use strict;
use warnings FATAL => 'all';

use Carp qw(croak);
use File::Temp ();
use IO::Socket::INET ();
use IO::Socket::UNIX ();
use POSIX ();
use QP::Server;

use constant VIRUS => 'this-text-is-a-virus-for-the-tests-of-mod_qpsmtpd';

sub new {
    my ($class, %arg) = @_;
    my $self = bless { temp => File::Temp->newdir, owner => $$, user => 'root',
                       %arg }, $class;

    $self->{dir} = $self->{temp}->dirname;
    $self->{path} = "$self->{dir}/clamd.sock";
    $self->{port} = QP::Server::free_port() if $self->{tcp};
    chmod 0755, $self->{dir} or croak $!;
    mkdir "$self->{dir}/db" or croak $!;
    QP::Server::write_file("$self->{dir}/db/test.ndb",
                           'Qp.Test-1:0:*:' . unpack('H*', VIRUS) . "\n");
    $self->write_conf;
    $self->start;
    return $self;
}

sub write_conf {
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

sub start {
    my ($self) = @_;

    $self->{pid} = fork // croak $!;
    if (!$self->{pid}) {
        open STDOUT, '>', "$self->{dir}/out" or POSIX::_exit(126);
        open STDERR, '>&', \*STDOUT or POSIX::_exit(126);
        { no warnings 'exec';
          exec $_, '-c', "$self->{dir}/clamd.conf"
              for qw(clamd /usr/sbin/clamd); }
        POSIX::_exit(127);
    }
    for (1 .. 3000) {
        return if $self->answers;
        croak $self->said if waitpid($self->{pid}, POSIX::WNOHANG()) != 0;
        select undef, undef, undef, 0.01;
    }
    croak 'clamd does not begin: ' . $self->said;
}

sub said {
    my ($self) = @_;

    return join '', map { QP::Server::slurp("$self->{dir}/$_") } qw(out log);
}

sub answers {
    my ($self) = @_;
    my $socket = $self->{tcp}
        ? IO::Socket::INET->new(PeerAddr => "127.0.0.1:$self->{port}")
        : IO::Socket::UNIX->new(Peer => $self->{path});

    return 0 if !$socket;
    print {$socket} "zPING\0";
    $socket->flush;
    return (readline($socket) // '') =~ /PONG/;
}

sub stop {
    my ($self) = @_;

    kill 'TERM', $self->{pid};
    waitpid $self->{pid}, 0;
    $self->{pid} = undef;
    return;
}

sub DESTROY {
    my ($self) = @_;
    local $?;

    $self->stop if $self->{owner} == $$ && $self->{pid};
    return;
}

sub port { return $_[0]{port} }
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

Streams may have 1 MiB. As root it runs as root, unless C<user> says otherwise.
It needs no database and no network, and ends with the object.

=cut
