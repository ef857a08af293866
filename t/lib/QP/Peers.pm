# SPDX-License-Identifier: Apache-2.0
package QP::Peers;

use strict;
use warnings FATAL => 'all';

use parent qw(QP::Daemon);

use Carp qw(croak);
use File::Path qw(make_path);
use IO::Select ();
use IO::Socket::INET ();
use QP::Nsd ();
use QP::Opensmtpd ();
use QP::Server;
use QP::Tls;

my %COMMAND = (
    'smtp-sink' => \&sink, postfix => \&postfix, qpsmtpd => \&qpsmtpd,
    exim => \&exim, haraka => \&haraka, opensmtpd => \&opensmtpd,
);

sub names {
    return qw(smtp-sink mod_qpsmtpd postfix opensmtpd qpsmtpd exim haraka);
}

# Where "make bench-peers" unpacks what cannot be installed beside others.
sub unpacked { return QP::Server::builddir() . '/var/peers' }

sub find_program {
    my ($name) = @_;

    for my $dir (qw(/usr/sbin /usr/bin /usr/local/sbin /usr/lib/postfix/sbin
                    /node_modules/Haraka/bin)) {
        return "$dir/$name" if -x "$dir/$name";
        return unpacked() . "$dir/$name" if -x unpacked() . "$dir/$name";
    }
    return;
}

# Why a peer cannot take part, or undef.
sub lacking {
    my ($name, %want) = @_;
    my %program = ('smtp-sink' => 'smtp-sink', postfix => 'master',
                   qpsmtpd => 'qpsmtpd-prefork', exim => 'exim4',
                   haraka => 'haraka', opensmtpd => 'smtpd');

    return "there is no peer $name" if !grep { $_ eq $name } names();
    return 'it has no TLS'
        if $want{tls} && $name !~ /^(?:mod_qpsmtpd|postfix)\z/;
    return 'it stores nothing'
        if $want{store} && $name =~ /^(?:smtp-sink|haraka)\z/;
    return if !$program{$name};
    return "$program{$name} is not installed" if !find_program($program{$name});
    return 'it needs root'
        if $name =~ /^(?:postfix|opensmtpd|qpsmtpd|exim)\z/ && $> != 0;
    return 'the user Debian-exim is missing'
        if $name eq 'exim' && !defined getpwnam 'Debian-exim';
    return 'a Perl module is missing'
        if $name eq 'qpsmtpd'
        && !eval { require IPC::Shareable; require Mail::Header;
                   require Net::DNS; 1 };
    return;
}

# A peer, started.
sub new {
    my ($class, $name, %want) = @_;

    return $class->SUPER::new(name => $name, want => \%want);
}

sub name { return $_[0]{name} }

sub command {
    my ($self) = @_;

    return $COMMAND{ $self->{name} }->($self, %{ $self->{want} });
}

sub environment {
    my ($self) = @_;

    return (QPSMTPD_CONFIG => "$self->{dir}/config",
            YES_REALLY_DO_DISCARD => 1);
}

sub is_up {
    my ($self) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
                                       PeerPort => $self->{port});

    return $socket && IO::Select->new($socket)->can_read(2) ? 1 : 0;
}

# Ours is no daemon but a server of the tests.
sub start {
    my ($self) = @_;

    return $self->SUPER::start if $self->{name} ne 'mod_qpsmtpd';
    $self->start_ours(%{ $self->{want} });
    return $self;
}

sub stop {
    my ($self) = @_;

    return $self->SUPER::stop if !$self->{server};
    $self->{pid} = undef;
    return delete($self->{server})->stop;
}

# ----------------------------------------------------------------------
# The peers

# Tuned as docs/tuning.md says for some thousand sessions.
sub start_ours {
    my ($self, %want) = @_;
    my @plugins = map {"decline:$_"} 1 .. $want{plugins} // 0;
    my $queue = $want{store} ? 'queue/maildir @MAILDIR@' : 'queue/discard';
    my $tls = $want{tls} ? $self->{tls} = QP::Tls->new : undef;

    $self->{server} = QP::Server->new(
        plugins     => [@plugins, 'rcpt_ok', $queue],
        config      => { rcpthosts => 'example.org' },
        httpd       => $tls ? QP::Tls->conf : '',
        vhost       => $tls ? $tls->vhost('mx.example.org') : '',
        testplugins => 1,
        threads     => 25,
        loglevel    => 'notice',
    )->start;
    $self->{$_} = $self->{server}->$_ for qw(pid port);
    return;
}

# A server that does nothing but answer: what the machine can do.
sub sink {
    my ($self) = @_;
    my @user = $> == 0 ? (-u => 'nobody') : ();

    return (find_program('smtp-sink'), @user, "127.0.0.1:$self->{port}", 1000);
}

# Postfix as it is, in folders of its own; qmgr hands all to discard.
sub postfix {
    my ($self, %want) = @_;
    my ($dir, $libexec) = ("$self->{dir}", '/usr/lib/postfix/sbin');
    my @user = getpwnam 'postfix';
    my @tls = $want{tls} ? ($self->{tls} = QP::Tls->new)
        ->certificate('mx.example.org') : ();

    QP::Server::write_file("$dir/etc/main.cf", <<"END");
compatibility_level = 3.6
queue_directory = $dir/queue
data_directory = $dir/data
daemon_directory = $libexec
myhostname = mx.example.org
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
default_transport = discard
relay_domains = example.org
relay_transport = discard
smtpd_relay_restrictions = reject_unauth_destination
message_size_limit = 0
@{[@tls ? "smtpd_tls_security_level = may\nsmtpd_tls_cert_file = $tls[0]
smtpd_tls_key_file = $tls[1]" : '']}
END
    QP::Server::write_file("$dir/etc/master.cf",
                           postfix_services($self->{port}));
    make_path("$dir/data", map {"$dir/queue/$_"} postfix_folders());
    chown $user[2], -1, "$dir/data", map {"$dir/queue/$_"}
        grep { $_ ne 'pid' } postfix_folders();
    chmod 0700, map {"$dir/queue/$_"} postfix_folders();
    chmod 0755, "$dir/queue/pid", "$dir/queue/public";
    chmod 0711, "$dir/etc";
    return ("$libexec/master", '-c', "$dir/etc", '-d');
}

sub postfix_folders {
    return qw(active bounce corrupt defer deferred flush hold incoming maildrop
              pid private public saved trace);
}

sub postfix_services {
    my ($port) = @_;
    my $text = "127.0.0.1:$port inet n - n - - smtpd\n";

    for my $service (qw(cleanup:unix:n:0 qmgr:unix:n:1 bounce:unix:-:0
                        defer:unix:-:0 trace:unix:-:0 rewrite:unix:-:-
                        discard:unix:-:- anvil:unix:-:1 tlsmgr:unix:-:1
                        scache:unix:-:1 error:unix:-:- proxymap:unix:-:-)) {
        my ($name, $type, $private, $limit) = split /:/, $service;
        my $wakeup = $name eq 'qmgr' ? 300 : '-';
        my %daemon = (rewrite => 'trivial-rewrite', defer => 'bounce',
                      trace => 'bounce');

        $text .= sprintf "%s %s %s - n %s %s %s\n", $name, $type, $private,
            $wakeup, $limit, $daemon{$name} // $name;
    }
    return $text;
}

# The Perl qpsmtpd, prefork, with as many children as the bench has clients.
sub qpsmtpd {
    my ($self, %want) = @_;
    my $program = find_program('qpsmtpd-prefork');
    my $root = $program =~ s{/usr/bin/.*}{}r;
    my $dir = "$self->{dir}";
    my $plugins = "$root/usr/share/qpsmtpd/plugins";
    my @nobody = getpwnam 'nobody';
    my %config = (me => 'mx.example.org', rcpthosts => 'example.org',
                  spool_dir => "$dir/spool/", loglevel => 3, logging => '',
                  plugin_dirs => "$dir/plugins\n$plugins",
                  plugins => "rcpt_ok\n" . ($want{store}
                      ? "queue/maildir $dir/mail" : 'discard'));

    QP::Server::write_file("$dir/config/$_", "$config{$_}\n") for keys %config;
    QP::Server::write_file("$dir/plugins/discard", <<'END');
use Qpsmtpd::Constants;
sub hook_queue { return (OK, 'discarded') }
END
    make_path("$dir/spool", map {"$dir/mail/$_"} qw(new cur tmp));
    chown @nobody[2, 3], "$dir/spool", "$dir/mail",
        map {"$dir/mail/$_"} qw(new cur tmp);
    chmod 0700, "$dir/spool";
    return ($self->with_names,
            '/usr/bin/perl', '-T', '-I', "$root/usr/share/perl5", $program,
            qw(--listen-address 127.0.0.1 --user nobody --max-from-ip 0),
            qw(--children 25 --idle-children 25 --port), $self->{port});
}

# A prefix to a command that looks up each client: of a server that answers at
# once, in a view of the files of its own (mount_namespaces(7)).
sub with_names {
    my ($self) = @_;
    my $file = "$self->{dir}/resolv.conf";

    return if !QP::Nsd::is_there();
    $self->{nsd} //= QP::Nsd->new(zones => QP::Server::srcdir() . '/t/dns');
    QP::Server::write_file($file, "nameserver 127.0.0.1\n"
                           . 'options port:' . $self->{nsd}->port . "\n");
    return ('/usr/bin/unshare', '-m', '/bin/sh', '-c',
            "mount --bind '$file' /etc/resolv.conf && exec \"\$@\"", 'sh');
}

# Exim, which delivers to nowhere at once.
sub exim {
    my ($self) = @_;
    my $dir = "$self->{dir}";
    my @user = getpwnam 'Debian-exim';

    make_path("$dir/spool", "$dir/log");
    chown @user[2, 3], "$dir/spool", "$dir/log";
    QP::Server::write_file("$dir/exim.conf", <<"END");
primary_hostname = mx.example.org
spool_directory = $dir/spool
log_file_path = $dir/log/%slog
pid_file_path = $dir/spool/pid
local_interfaces = 127.0.0.1
smtp_accept_max = 100
smtp_accept_queue_per_connection = 0
smtp_accept_queue = 0
host_lookup =
rfc1413_query_timeout = 0s
message_size_limit = 0
acl_smtp_rcpt = accept
begin routers
nowhere:
  driver = redirect
  data = :blackhole:
END
    return (find_program('exim4'), '-C', "$dir/exim.conf", '-bdf', '-oX',
            $self->{port});
}

# OpenSMTPD, which takes messages into its queue and hands nothing on. It lets
# five clients wait to be accepted; of 20 that come at once the others would
# wait for minutes.
sub opensmtpd {
    my ($self) = @_;
    my $library = make_library($self->{dir}, 'backlog', <<'END');
#define _GNU_SOURCE
#include <dlfcn.h>

int listen(int fd, int backlog)
{
    int (*real)(int, int) = (int (*)(int, int))dlsym(RTLD_NEXT, "listen");

    return real(fd, backlog < 511 ? 511 : backlog);
}
END

    return QP::Opensmtpd::confined($self->{dir}, <<"END", 'env',
smtp limit max-mails 1000000
listen on 127.0.0.1 port $self->{port} hostname mx.example.org
action out relay host smtp://127.0.0.1:1
match from any for domain "example.org" action out
END
                                   "LD_PRELOAD=$library",
                                   find_program('smtpd'), qw(-P mta));
}

sub make_library {
    my ($dir, $name, $source) = @_;
    my $cc = $ENV{QP_CC} || 'cc';

    QP::Server::write_file("$dir/$name.c", $source);
    system("$cc -shared -fPIC -o '$dir/$name.so' '$dir/$name.c' -ldl") == 0
        or croak "$name.c cannot be compiled";
    return "$dir/$name.so";
}

# Haraka, one process as it is by default, which discards.
sub haraka {
    my ($self) = @_;
    my $dir = "$self->{dir}";
    my %config = ('smtp.ini' => "listen=127.0.0.1:$self->{port}",
                  'loglevel' => 'LOGCRIT', 'host_list' => 'example.org',
                  'plugins' => "rcpt_to.in_host_list\nqueue/discard",
                  'me' => 'mx.example.org');
    my $own = find_program('haraka') =~ s{/bin/haraka\z}{/config}r;

    system("cp -R '$own' '$dir/config'") == 0 or croak "cp: $own";
    QP::Server::write_file("$dir/config/$_", "$config{$_}\n") for keys %config;
    return (find_program('haraka'), '-c', $dir);
}

1;

__END__

=head1 NAME

QP::Peers - SMTP servers that the bench compares

=head1 SYNOPSIS

    my $why = QP::Peers::lacking('postfix', tls => 1);
    my $peer = QP::Peers->new('postfix', tls => 1);

    say $peer->port, ' ', $peer->pid;
    $peer->stop;

=head1 DESCRIPTION

Each is a L<QP::Daemon>. Wishes: C<store>
(keep the messages), C<tls>, C<plugins> (so many more that decline).

=cut
