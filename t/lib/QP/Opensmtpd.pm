# SPDX-License-Identifier: Apache-2.0
package QP::Opensmtpd;

use strict;
use warnings FATAL => 'all';

use parent qw(QP::Daemon);

use QP::Client ();
use QP::Packages;

# The program, or nothing: it cannot be had, or cannot be started here.
sub program {
    my $dir = QP::Packages::unpack_into('opensmtpd', 'opensmtpd') or return;
    my $program = "$dir/usr/sbin/smtpd";

    return if $> != 0 || !-x $program || qx(ldd '$program') =~ /not found/;
    return if system('unshare -m mount -t tmpfs none /mnt 2>/dev/null') != 0;
    return $program;
}

# OpenSMTPD, or nothing: there is none.
sub new {
    my ($class) = @_;
    my $program = program();

    return if !$program;
    return $class->SUPER::new(program => $program);
}

# Its users, and the folders that it has compiled in, are only in its own view
# of the files (mount_namespaces(7)).
sub configure {
    my ($self) = @_;
    my $dir = $self->dir;

    for my $file (qw(passwd group)) {
        my $more = join '', map {
            $file eq 'passwd' ? "$_->[0]:x:$_->[1]:$_->[1]::/:/bin/false\n"
                : "$_->[0]:x:$_->[1]:\n"
        } ['opensmtpd', 64_001], ['opensmtpq', 64_002];

        QP::Server::write_file("$dir/$file",
                               QP::Server::slurp("/etc/$file") . $more);
    }
    QP::Server::write_file("$dir/conf", <<"END");
smtp max-message-size 200000
listen on 127.0.0.1 port $self->{port} hostname opensmtpd.example.org
action "box" maildir "$dir/mail" virtual { "@" = "nobody" }
match from any for domain "example.org" action "box"
END
    QP::Server::write_file("$dir/start", <<"END");
set -e
mount --make-rprivate /
mount --bind $dir/passwd /etc/passwd
mount --bind $dir/group /etc/group
for folder in /run /var/spool /var/lib; do
    mount -t tmpfs none \$folder
done
mkdir -m 711 /var/spool/smtpd
mkdir -p /var/lib/opensmtpd/empty
exec $self->{program} -d -f $dir/conf
END
    return;
}

sub command {
    my ($self) = @_;

    return ('/usr/bin/unshare', '-m', '/bin/sh', $self->dir . '/start');
}

sub is_up {
    my ($self) = @_;

    return eval { QP::Client->new(port => $self->port)->expect(220); 1 };
}

1;

__END__

=head1 NAME

QP::Opensmtpd - OpenSMTPD for tests

=head1 SYNOPSIS

    my $opensmtpd = QP::Opensmtpd->new or skip 'no OpenSMTPD', 1;
    my $port = $opensmtpd->port;

=head1 DESCRIPTION

Debian's OpenSMTPD, which is unpacked into the build folder, since it cannot be
installed beside Postfix. It takes mail for example.org, up to 200000 octets.
Only root can run it, and only where a process may have mounts of its own.

=cut
