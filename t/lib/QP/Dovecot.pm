# SPDX-License-Identifier: Apache-2.0
package QP::Dovecot;

use strict;
use warnings FATAL => 'all';

use File::Temp ();
use POSIX ();
use QP::Server;

my $DOVECOT = '/usr/sbin/dovecot';

# Starts it, for the users a and b. undef: it is not installed.
sub new {
    my ($class) = @_;

    return if !-x $DOVECOT || !-x '/usr/lib/dovecot/lmtp' || $> != 0;
    my $self = bless { dir => File::Temp->newdir, owner => $$ }, $class;
    my $dir = $self->{dir};
    my ($uid, $gid) = (getpwnam 'www-data')[2, 3];

    chmod 0755, $dir;
    mkdir "$dir/$_" or die $! for qw(mail run state);
    chown $uid, $gid, "$dir/mail" or die $!;
    QP::Server::write_file("$dir/users",
                           join '', map {
                               "$_:{PLAIN}x:$uid:$gid\::$dir/mail/$_\n"
                           } qw(a b));
    QP::Server::write_file("$dir/conf", conf($dir, $uid));
    $self->{pid} = fork // die $!;
    if (!$self->{pid}) {
        open STDOUT, '>', "$dir/out";
        open STDERR, '>&', \*STDOUT;
        exec $DOVECOT, '-F', '-c', "$dir/conf" or POSIX::_exit(1);
    }
    for (1 .. 500) {
        return $self if -S $self->socket;
        select undef, undef, undef, 0.02;
    }
    die 'Dovecot does not start: ' . QP::Server::slurp("$dir/out")
        . QP::Server::slurp("$dir/log");
}

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

sub DESTROY {
    my ($self) = @_;
    local $?;

    return if $self->{owner} != $$;
    kill 'TERM', $self->{pid};
    waitpid $self->{pid}, 0;
    return;
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

The installed Dovecot, in a folder of its own and with a configuration of its
own, without any port. It knows the users a and b. It ends with the object.
Only root can run it.

=cut
