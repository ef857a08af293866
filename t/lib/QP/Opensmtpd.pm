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

# How to start it with a configuration. Its users, the folders that it has
# compiled in, and where names are looked up are only in its own view of the
# files (mount_namespaces(7)).
sub confined {
    my ($dir, $conf, @command) = @_;
    my %file = (passwd => "opensmtpd:x:64001:64001::/:/bin/false\n"
                    . "opensmtpq:x:64002:64002::/:/bin/false\n",
                group => "opensmtpd:x:64001:\nopensmtpq:x:64002:\n");

    QP::Server::write_file("$dir/$_", QP::Server::slurp("/etc/$_") . $file{$_})
        for keys %file;
    QP::Server::write_file("$dir/resolv.conf", "lookup file\n");
    QP::Server::write_file("$dir/conf", $conf);
    QP::Server::write_file("$dir/start", <<"END");
set -e
mount --make-rprivate /
for file in passwd group resolv.conf; do
    mount --bind $dir/\$file /etc/\$file
done
for folder in /run /var/spool /var/lib; do
    mount -t tmpfs none \$folder
done
mkdir -p -m 711 $dir/queue /var/spool/smtpd
mount --bind $dir/queue /var/spool/smtpd
mkdir -p /var/lib/opensmtpd/empty
exec @command -d -f $dir/conf
END
    return ('/usr/bin/unshare', '-m', '/bin/sh', "$dir/start");
}

sub command {
    my ($self) = @_;
    my $dir = $self->dir;

    return confined($dir, <<"END", $self->{program});
smtp max-message-size 200000
listen on 127.0.0.1 port $self->{port} hostname opensmtpd.example.org
action "box" maildir "$dir/mail" virtual { "@" = "nobody" }
match from any for domain "example.org" action "box"
END
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
