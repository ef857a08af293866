# SPDX-License-Identifier: Apache-2.0
package QP::Dovecot;

use strict;
use warnings FATAL => 'all';

use parent qw(QP::Daemon);

use Carp qw(croak);
use QP::Server ();

my $DOVECOT = '/usr/sbin/dovecot';

# Starts it, for the users a and b. undef: it is not installed.
sub new {
    my ($class) = @_;

    return if !-x $DOVECOT || !-x '/usr/lib/dovecot/lmtp' || $> != 0;
    return $class->SUPER::new;
}

sub wants_port { return 0 }

sub prepare {
    my ($self) = @_;
    my $dir = $self->{dir};
    my ($uid, $gid) = (getpwnam 'www-data')[2, 3];

    mkdir "$dir/$_" or croak $! for qw(mail run state);
    chown $uid, $gid, "$dir/mail" or croak $!;
    QP::Server::write_file("$dir/users",
                           join '', map {
                               "$_:{PLAIN}x:$uid:$gid\::$dir/mail/$_\n"
                           } qw(a b));
    return QP::Server::write_file("$dir/conf", conf($dir, $uid));
}

sub command { return ($DOVECOT, '-F', '-c', "$_[0]{dir}/conf") }
sub is_up   { return -S $_[0]->socket }
sub logs    { return "$_[0]{dir}/log" }

sub conf {
    my ($dir, $uid) = @_;

    return <<"END";
protocols = lmtp
base_dir = $dir/run
state_dir = $dir/state
instance_name = qpsmtpd-test
log_path = $dir/log
ssl = no
mail_location = maildir:~
first_valid_uid = $uid
auth_username_format = %n
default_internal_user = www-data
default_internal_group = www-data
default_login_user = nobody
service lmtp {
  unix_listener $dir/lmtp {
    mode = 0666
  }
}
service stats {
  chroot =
}
userdb {
  driver = passwd-file
  args = $dir/users
}
passdb {
  driver = passwd-file
  args = $dir/users
}
END
}

sub socket { return "$_[0]{dir}/lmtp" }

# What a user has.
sub messages {
    my ($self, $user) = @_;

    return map { QP::Server::slurp($_) } glob "$self->{dir}/mail/$user/new/*";
}

1;

__END__

=head1 NAME

QP::Dovecot - Dovecot's LMTP server for tests

=head1 SYNOPSIS

    my $dovecot = QP::Dovecot->new or skip 'Dovecot is not installed', 1;
    my $path = $dovecot->socket;
    my @messages = $dovecot->messages('a');

=head1 DESCRIPTION

A L<QP::Daemon>: the installed Dovecot with a configuration of its own and
without any port. It knows the users a and b. Only root can run it.

=cut
