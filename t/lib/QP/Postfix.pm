# SPDX-License-Identifier: Apache-2.0
package QP::Postfix;

use strict;
use warnings FATAL => 'all';

use parent qw(QP::Daemon);

use Carp qw(croak);
use QP::Server ();

my $POSTFIX = '/usr/sbin/postfix';
my $MASTER = '/usr/lib/postfix/sbin/master';
my $SERVICES = <<'END';
pickup  unix       n - n 60  1 pickup
cleanup unix       n - n -   0 cleanup
qmgr    unix       n - n 300 1 qmgr
rewrite unix       - - n -   - trivial-rewrite
bounce  unix       - - n -   0 bounce
defer   unix       - - n -   0 bounce
trace   unix       - - n -   0 bounce
error   unix       - - n -   - error
retry   unix       - - n -   - error
virtual unix       - n n -   - virtual
anvil   unix       - - n -   1 anvil
showq   unix       n - n -   - showq
postlog unix-dgram n - n -   1 postlogd
END

# Whether it can be started.
sub is_there {
    return -x $POSTFIX && $> == 0 && defined getpwnam 'postfix';
}

# Starts it; with more lines of main.cf.
sub new {
    my ($class, @lines) = @_;

    return $class->SUPER::new(lines => \@lines);
}

sub prepare {
    my ($self) = @_;
    my $dir = $self->{dir};
    my $postfix = getpwnam 'postfix';
    my ($uid, $gid) = (getpwnam 'www-data')[2, 3];

    mkdir "$dir/$_" or croak $! for qw(conf queue data mail);
    chown $postfix, -1, "$dir/data" or croak $!;
    chown $uid, $gid, "$dir/mail" or croak $!;
    QP::Server::write_file("$dir/conf/main.cf", join '',
                           conf($dir, $uid, $gid),
                           map {"$_\n"} @{ $self->{lines} });
    QP::Server::write_file("$dir/conf/master.cf", $SERVICES);
    # This makes the folders, and files are the same when it is started.
    system("$POSTFIX -c $dir/conf check >$dir/said 2>&1") == 0
        or croak $self->said;
    # As if everybody was in the group postdrop.
    chmod 0711, "$dir/queue/public" or croak $!;
    return;
}

sub configure {
    my ($self) = @_;

    return QP::Server::write_file(
        "$self->{dir}/conf/master.cf",
        $SERVICES . "127.0.0.1:$self->{port} inet n - n - - smtpd\n");
}

sub command { return ($MASTER, '-c', "$_[0]{dir}/conf", '-d') }
sub is_up   { return -S $_[0]->socket }
sub logs    { return "$_[0]{dir}/data/log" }

sub conf {
    my ($dir, $uid, $gid) = @_;

    return <<"END";
compatibility_level = 3.6
queue_directory = $dir/queue
data_directory = $dir/data
maillog_file = $dir/data/log
maillog_file_prefixes = $dir
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = postfix.example.org
mydestination =
local_recipient_maps =
mynetworks = 127.0.0.0/8
alias_maps =
alias_database =
virtual_mailbox_domains = example.org
virtual_mailbox_base = $dir/mail
virtual_mailbox_maps = static:box/
virtual_minimum_uid = 1
virtual_uid_maps = static:$uid
virtual_gid_maps = static:$gid
END
}

sub socket { return "$_[0]{dir}/queue/public/cleanup" }

# What it has delivered, when there are so many, and forgets it; with the
# fields that it has put on top.
sub messages {
    my ($self, $count) = @_;
    my @files;

    QP::Server->poll(sub {
        @files = glob "$self->{dir}/mail/box/new/*";
        return @files >= $count;
    });
    my @texts = map { QP::Server::slurp($_) } @files;

    unlink @files;
    return @texts;
}

# The ids on hold.
sub held {
    my ($self) = @_;

    return map {s{.*/}{}r} glob "$self->{dir}/queue/hold/*";
}

1;

__END__

=head1 NAME

QP::Postfix - Postfix for tests

=head1 SYNOPSIS

    if (QP::Postfix::is_there()) {
        my $postfix = QP::Postfix->new('message_size_limit = 5000');

        $postfix->socket;               # of cleanup
        $postfix->port;                 # of smtpd
        my @messages = $postfix->messages(1);
        my @ids = $postfix->held;
    }

=head1 DESCRIPTION

A L<QP::Daemon>: the installed Postfix, with folders and a configuration of its
own, and its smtpd. All mail to example.org is delivered into one maildir. Only
root can run it.

=cut
