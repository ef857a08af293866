# SPDX-License-Identifier: Apache-2.0
package QP::Slapd;

use strict;
use warnings FATAL => 'all';

use Carp qw(croak);
use File::Temp ();
use POSIX ();
use QP::Server ();

# A directory with the user "listed", whose password is "sesame".
sub new {
    my ($class) = @_;
    my $self = bless { temp => File::Temp->newdir(TMPDIR => 1),
                       port => QP::Server::free_port() }, $class;
    my $dir = $self->{temp}->dirname;

    mkdir "$dir/data" or croak "$dir/data: $!";
    QP::Server::write_file("$dir/slapd.conf", <<"END");
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
pidfile $dir/pid
modulepath /usr/lib/ldap
moduleload back_mdb
database mdb
maxsize 1048576
suffix "dc=example"
directory $dir/data
END
    QP::Server::write_file("$dir/users.ldif", <<'END');
dn: dc=example
objectClass: domain
dc: example

dn: uid=listed,dc=example
objectClass: inetOrgPerson
uid: listed
cn: Listed
sn: Listed
userPassword: sesame
END
    system "/usr/sbin/slapadd -f $dir/slapd.conf -l $dir/users.ldif"
        . " >$dir/log 2>&1" and croak QP::Server::slurp("$dir/log");
    $self->start;
    return $self;
}

sub start {
    my ($self) = @_;
    my $dir = $self->{temp}->dirname;
    my $pid = fork() // croak "fork: $!";

    if (!$pid) {
        open STDOUT, '>>', "$dir/log" or POSIX::_exit(126);
        open STDERR, '>&', \*STDOUT or POSIX::_exit(126);
        { no warnings 'exec';
          exec '/usr/sbin/slapd', '-d', '0', '-f', "$dir/slapd.conf", '-h',
              "ldap://127.0.0.1:$self->{port}"; }
        POSIX::_exit(127);
    }
    $self->{pid} = $pid;
    $self->{runs} = $$;
    QP::Server->poll(sub {
        return IO::Socket::INET->new(PeerAddr => '127.0.0.1',
                                     PeerPort => $self->{port});
    }) or croak 'slapd does not listen: ' . QP::Server::slurp("$dir/log");
    return;
}

sub port { return $_[0]{port} }

sub stop {
    my ($self) = @_;

    return if !$self->{pid} || $self->{runs} != $$;
    kill 'TERM', $self->{pid};
    waitpid delete $self->{pid}, 0;
    return;
}

sub DESTROY {
    my ($self) = @_;
    local ($?, $!, $@);

    $self->stop;
    return;
}

1;

__END__

=head1 NAME

QP::Slapd - a slapd for a test

=head1 SYNOPSIS

    my $slapd = QP::Slapd->new;
    my $url = 'ldap://127.0.0.1:' . $slapd->port . '/dc=example?uid?one';

    $slapd->stop;

=head1 DESCRIPTION

A directory of its own on a free port, with one user, C<listed>, whose password
is C<sesame>. It ends with the object.
