# SPDX-License-Identifier: Apache-2.0
package QP::Slapd;

use strict;
use warnings FATAL => 'all';

use parent qw(QP::Daemon);

use Carp qw(croak);
use QP::Server ();

# A directory with the user "listed", whose password is "sesame".
sub prepare {
    my ($self) = @_;
    my $dir = $self->{dir};

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
        . " >$dir/said 2>&1" and croak $self->said;
    return;
}

sub command {
    my ($self) = @_;

    return ('/usr/sbin/slapd', '-d', '0', '-f', "$self->{dir}/slapd.conf",
            '-h', "ldap://127.0.0.1:$self->{port}");
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

A L<QP::Daemon>: a directory of its own with one user, C<listed>, whose password
is C<sesame>.
