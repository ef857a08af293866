# SPDX-License-Identifier: Apache-2.0
package QP::Exim;

use strict;
use warnings FATAL => 'all';

use File::Temp ();
use IO::Socket::INET ();
use QP::Packages;
use QP::Server;

my @PACKAGES = qw(exim4-daemon-light libnss-wrapper);

# Exim looks for a user that only its installation makes; a library answers.
sub find_program {
    my $dir = QP::Packages::unpack_into('exim', @PACKAGES) or return;
    my ($library) = glob "$dir/usr/lib/*/libnss_wrapper.so";

    return if !$library || !-e "$dir/usr/sbin/exim4";
    return ("$dir/usr/sbin/exim4", $library);
}

# Exim, or undef: there is none.
sub new {
    my ($class) = @_;
    my ($exim, $library) = find_program();

    return if !$library || $> != 0;
    my $self = bless { dir => File::Temp->newdir }, $class;
    my $dir = $self->{dir};
    my ($uid, $gid) = (getpwnam 'www-data')[2, 3];

    chmod 0755, $dir;
    mkdir "$dir/$_" or die $! for qw(spool mail);
    chown $uid, $gid, "$dir/spool", "$dir/mail" or die $!;
    # It is to run as www-data, as its caller does, without set-uid.
    system('cp', $exim, "$dir/exim4") == 0 or die $!;
    chmod 0755, "$dir/exim4" or die $!;
    QP::Server::write_file("$dir/conf", conf($dir));
    QP::Server::write_file("$dir/passwd", QP::Server::slurp('/etc/passwd')
                           . "Debian-exim:x:$uid:$gid\::/:/bin/false\n");
    QP::Server::write_file("$dir/group", QP::Server::slurp('/etc/group')
                           . "Debian-exim:x:$gid:\n");
    QP::Server::write_file("$dir/exim", <<"END");
#!/bin/sh
export LD_PRELOAD=$library
export NSS_WRAPPER_PASSWD=$dir/passwd NSS_WRAPPER_GROUP=$dir/group
exec $dir/exim4 -C $dir/conf "\$@"
END
    chmod 0755, "$dir/exim" or die $!;
    return $self;
}

sub conf {
    my ($dir) = @_;

    return <<"END";
exim_user = www-data
exim_group = www-data
trusted_users = www-data
never_users =
deliver_drop_privilege = true
keep_environment = LD_PRELOAD : NSS_WRAPPER_PASSWD : NSS_WRAPPER_GROUP
spool_directory = $dir/spool
log_file_path = $dir/spool/log-%s
primary_hostname = exim.example.org
qualify_recipient = example.org
message_size_limit = 200k
recipients_max = 3
recipients_max_reject = true
acl_not_smtp = acl_message
acl_smtp_rcpt = accept
begin acl
acl_message:
  deny
    condition = \${if match{\$h_subject:}{spam}}
    message = 5.7.1 it is spam
  defer
    condition = \${if match{\$h_subject:}{later}}
    message = try later
  accept
begin routers
all:
  driver = accept
  transport = file
begin transports
file:
  driver = appendfile
  file = $dir/mail/box
  envelope_to_add
  return_path_add
  user = www-data
END
}

sub program { return "$_[0]{dir}/exim" }

# Puts it behind a port, a process for each client. Returns the process that
# does so, which is to be ended, and the port.
sub serve {
    my ($self) = @_;
    my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 5)
        or die "no port: $!";
    my $pid = fork // die "fork: $!";

    return ($pid, $listen->sockport) if $pid;
    local $SIG{CHLD} = 'IGNORE';
    local $SIG{TERM} = 'DEFAULT';
    while (my $client = $listen->accept) {
        next if fork;
        open STDIN, '<&', $client or die $!;
        open STDOUT, '>&', $client or die $!;
        exec $self->program, '-bs' or die $!;
    }
    exit 0;
}

# What it has delivered when that is matched by a regex.
sub delivered {
    my ($self, $regex) = @_;
    my $file = "$self->{dir}/mail/box";
    my $text = '';

    QP::Server->poll(sub {
        $text = QP::Server::slurp($file);
        return $text =~ $regex;
    });
    return $text;
}

sub said {
    my ($self) = @_;

    return join '', map { QP::Server::slurp($_) }
        glob "$self->{dir}/spool/log-*";
}

1;

__END__

=head1 NAME

QP::Exim - Exim for tests

=head1 SYNOPSIS

    my $exim = QP::Exim->new or skip 'no Exim', 1;
    my $path = $exim->program;
    my $text = $exim->delivered(qr/^Subject: x$/m);
    my ($pid, $port) = $exim->serve;

=head1 DESCRIPTION

Debian's Exim, which is downloaded and unpacked into the build folder, since it
cannot be installed beside Postfix. It has a configuration and a spool of its
own, and delivers all mail into one file. Only root can run it.

=cut
