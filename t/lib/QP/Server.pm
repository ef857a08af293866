# SPDX-License-Identifier: Apache-2.0
package QP::Server;

use strict;
use warnings FATAL => 'all';

use Apache::Test ();
use Carp qw(croak);
use Cwd qw(abs_path);
use File::Path qw(make_path);
use File::Temp ();
use IO::Socket::INET ();
use POSIX qw(WNOHANG);
use QP::Client ();
use QP::Skips ();
use Scalar::Util qw(weaken);
use Time::HiRes ();

use constant DEADLINE => 30;    # seconds until a wait gives up
use constant STEP     => 0.01;  # seconds between two looks

my @live;       # weak references to what runs
my $dirty = 0;  # unannounced log lines were seen

# ----------------------------------------------------------------------
# What is needed

sub builddir { return abs_path($ENV{QP_BUILDDIR} // '.') }
sub srcdir   { return abs_path($ENV{QP_SRCDIR} // '.') }
sub mpm      { return $ENV{QP_MPM} || 'event' }

sub libexecdir {
    our $libexecdir;
    if (!defined $libexecdir) {
        my $apxs = $ENV{QP_APXS} || 'apxs';

        chomp($libexecdir = qx($apxs -q LIBEXECDIR));
    }
    return $libexecdir;
}

sub httpd {
    for my $try ($ENV{QP_HTTPD}, qw(/usr/sbin/apache2 /usr/sbin/httpd)) {
        return $try if defined $try && -x $try;
    }
    return;
}

# For plan: is everything there? Words: a plugin ("plugins/NAME"), an MPM
# ("event"), a program ("bin/nsd"), "limits" (of memory), or a module of httpd
# ("ssl").
sub need {
    my ($class, @words) = @_;
    my @lacking;

    push @lacking, 'httpd is not installed' if !httpd();
    push @lacking, 'mod_qpsmtpd.so is not built' if !-e module_file();
    for my $word (@words) {
        my $lack = lacking($word);

        push @lacking, $lack if defined $lack;
    }
    QP::Skips::check(@lacking);
    push @Apache::Test::SkipReasons, @lacking;
    return @lacking ? 0 : 1;
}

sub lacking {
    my ($word) = @_;

    if ($word =~ /^(?:event|worker|prefork)$/) {
        return $word eq mpm() ? undef : "is for the MPM $word";
    }
    if ($word eq 'limits') {
        return $ENV{QP_PRELOAD} ? 'a build with sanitizers has none' : undef;
    }
    if ($word =~ m{^(?:plugins|testplugins)/}) {
        return -e builddir() . "/lib/$word.so" ? undef : "$word is not built";
    }
    if ($word =~ m{^bin/([\w-]+)$}) {
        return (grep { -x "$_/$1" } split(/:/, $ENV{PATH}), '/usr/sbin',
                '/usr/local/sbin') ? undef : "$1 is not installed";
    }
    return -e libexecdir() . "/mod_$word.so" ? undef : "no mod_$word";
}

sub module_file { return builddir() . '/lib/mod_qpsmtpd.so' }

# ----------------------------------------------------------------------
# Life

sub new {
    my ($class, %arg) = @_;
    my $self = bless { children => 1, threads => 4, loglevel => 'info',
                       httpd => '', vhost => '', plugins => [], config => {},
                       files => {}, listen => 'smtp', expected => [], %arg },
        $class;

    $self->{temp} = File::Temp->newdir('qpsmtpd-' . 'X' x 8, TMPDIR => 1,
                                       CLEANUP => !$ENV{QP_KEEP});
    $self->{dir} = abs_path($self->{temp}->dirname);
    make_path(map {"$self->{dir}/$_"} qw(config logs run spool));
    $self->make_maildir;
    $self->write_config;
    $self->own_files;
    return $self;
}

# httpd's children must be able to enter the folder and to write to spool and
# Maildir.
sub own_files {
    my ($self) = @_;
    my @www = getpwnam('www-data');

    chmod 0755, $self->{dir} or croak "$self->{dir}: $!";
    chmod 0700, "$self->{dir}/spool" or croak "$self->{dir}/spool: $!";
    return if $> != 0;
    croak 'the tests need the user www-data when root runs them' if !@www;
    chown $www[2], $www[3], map {"$self->{dir}/$_"}
        qw(spool Maildir Maildir/new Maildir/cur Maildir/tmp);
    return;
}

sub make_maildir {
    my ($self) = @_;

    make_path(map {"$self->{dir}/Maildir/$_"} qw(new cur tmp));
    return;
}

sub start {
    my ($self) = @_;
    my $error;

    for my $try (1 .. 5) {
        $error = $self->try_start;
        return $self if $error eq '';
        last if $error !~ /AH00072/;    # somebody was quicker with the port
    }
    croak "httpd did not start:\n$error";
}

# Starts httpd. Returns "" or what it said instead.
sub try_start {
    my ($self) = @_;

    croak 'it runs already' if $self->{pid};
    $self->{port} = free_port() if !$self->{fixed_port};
    $self->write_httpd_conf;
    $self->{starts} = $self->count_starts;
    $self->{pid} = $self->spawn(qw(-DFOREGROUND -k start));
    $self->{runs} = $$;
    push @live, $self;
    weaken($live[-1]);
    my $runs = $self->poll(sub {
        return 1 if $self->count_starts > $self->{starts};
        return -1 if !$self->alive;
        return 0;
    });
    return '' if $runs == 1;
    $self->end_processes;
    return $self->said;
}

sub spawn {
    my ($self, @args) = @_;
    my @command = (httpd(), '-f', "$self->{dir}/httpd.conf", @args);
    my $pid = fork() // croak "fork: $!";

    return $pid if $pid;
    POSIX::setpgid(0, 0);    # httpd sends SIGTERM to its whole group
    open STDIN, '<', '/dev/null' or POSIX::_exit(126);
    open STDOUT, '>>', "$self->{dir}/logs/stderr" or POSIX::_exit(126);
    open STDERR, '>&', \*STDOUT or POSIX::_exit(126);
    set_environment();
    { no warnings 'exec'; exec {$command[0]} @command; }
    POSIX::_exit(127);
}

sub set_environment {
    delete @ENV{grep {/^(?:NOTIFY_SOCKET|APACHE_)/} keys %ENV};
    return if !$ENV{QP_PRELOAD};
    $ENV{LD_PRELOAD} = $ENV{QP_PRELOAD};
    $ENV{ASAN_OPTIONS} //= 'detect_leaks=0:handle_segv=2:handle_sigbus=2';
    $ENV{UBSAN_OPTIONS} //= 'print_stacktrace=1';
    $ENV{TSAN_OPTIONS} //= 'ignore_noninstrumented_modules=1:suppressions='
        . srcdir() . '/t/tsan.supp';
    return;
}

# The exit status and the output of "httpd -t".
sub configtest {
    my ($self) = @_;

    $self->{port} //= free_port();
    $self->write_httpd_conf;
    my $pid = $self->spawn('-t');

    waitpid $pid, 0;
    return ($? == 0 ? 0 : $? >> 8 || 255, $self->said);
}

# A restart, graceful by USR1, or by HUP.
sub restart {
    my ($self, $signal) = @_;
    my $before = $self->count_starts;

    kill $signal, $self->{pid} or croak "kill: $!";
    $self->poll(sub { return $self->count_starts > $before }) == 1
        or croak "no restart by $signal:\n" . $self->said;
    return $self;
}

sub graceful {
    my ($self) = @_;
    my @old = $self->children;

    $self->restart('USR1');

    # An old child may still accept for a moment, and then says 421.
    $self->poll(sub { return !grep { $self->listens($_) } @old });
    return $self;
}

# Ends the parent, and nobody else, by SIGKILL.
sub kill_parent {
    my ($self) = @_;

    kill 'KILL', $self->{pid} or croak "kill: $!";
    waitpid $self->{pid}, 0;
    @$self{qw(orphans pid)} = ($self->{pid}, undef);
    return;
}

# Ends all processes by SIGKILL, also those that kill_parent has left. They are
# a group of their own.
sub kill_all {
    my ($self) = @_;
    my $group = $self->{pid} // $self->{orphans};

    kill 'KILL', -$group;
    waitpid $self->{pid}, 0 if $self->{pid};
    $self->poll(sub { !kill 0, -$group })
        or croak 'processes do not end';
    @$self{qw(orphans pid)} = ();
    return;
}

# The inodes of the sockets that listen to a port, by whomever.
sub inodes {
    my $port = sprintf '%04X', $_[0];

    return slurp('/proc/net/tcp') =~ /:$port \S+ 0A (?:\S+ +){5}(\d+)/g;
}

# Whether a process has the listening socket open.
sub listens {
    my ($self, $pid) = @_;
    my %inode = map { $_ => 1 } inodes($self->{port});

    return scalar grep { /^socket:\[(\d+)\]$/ && $inode{$1} }
        map { readlink($_) // '' } glob "/proc/$pid/fd/*";
}

# Ends httpd, then looks for log lines that nobody announced.
sub stop {
    my ($self) = @_;

    return if ($self->{runs} // 0) != $$;    # not in a forked child
    $self->end_processes;
    my @lines = $self->surprises;

    if (@lines) {
        $dirty = 1;
        print "# unexpected log line: $_\n" for @lines;
        print STDERR "# unexpected log line: $_\n" for @lines;
    }
    return !@lines;
}

sub end_processes {
    my ($self) = @_;
    my @children = $self->children;

    if ($self->alive) {
        $self->settle;
        kill 'TERM', $self->{pid};
        if ($self->poll(sub { return !$self->alive }) != 1) {
            kill 'KILL', $self->{pid};
            waitpid $self->{pid}, 0;
        }
    }
    kill 'KILL', grep { is_httpd($_) } @children;
    $self->{pid} = $self->{runs} = undef;
    @live = grep { defined $_ && $_ != $self } @live;
    weaken($_) for @live;
    return;
}

# Waits until the children have closed what the clients have. A child of event
# that is stopped while its threads are closing connections looks at sockets
# that are gone (close_worker_sockets).
sub settle {
    my ($self) = @_;
    my $end = Time::HiRes::time() + 2;

    Time::HiRes::sleep(STEP)
        while $self->closing && Time::HiRes::time() < $end;
    return;
}

# How many sockets of the children have lost their peer.
sub closing {
    my ($self) = @_;
    my (%alive, $count);

    # Sockets with a peer, or waiting for one to come or to go.
    for my $table (qw(tcp tcp6)) {
        for my $row (split /\n/, slurp("/proc/net/$table")) {
            my @fields = split ' ', $row;

            $alive{ $fields[9] } = 1 if $fields[3] =~ /^0[145A]$/;
        }
    }
    for my $fd (map { glob "/proc/$_/fd/*" } $self->children) {
        $count += !$alive{$1} if (readlink $fd // '') =~ /^socket:\[(\d+)/;
    }
    return $count;
}

sub is_httpd {
    my ($pid) = @_;
    my $exe = readlink "/proc/$pid/exe";

    return defined $exe && $exe eq httpd();
}

sub alive {
    my ($self) = @_;

    return 0 if !$self->{pid};
    return 1 if waitpid($self->{pid}, WNOHANG) == 0;
    $self->{exit} = $?;
    $self->{pid} = undef;
    return 0;
}

sub DESTROY {
    my ($self) = @_;
    local ($?, $!, $@);

    $self->stop;
    return;
}

# A test that is stopped stops its servers, too.
for my $signal (qw(HUP INT PIPE TERM)) {
    $SIG{$signal} //= sub { exit 1 };
}

END {
    my $exit = $?;

    for my $server (grep {defined} @live) {
        $server->stop;
    }
    $? = $exit || ($dirty ? 1 : 0);    ## no critic
}

# ----------------------------------------------------------------------
# Files

sub expand {
    my ($self, $text) = @_;

    $text =~ s/\@DIR\@/$self->{dir}/g;
    $text =~ s{\@MAILDIR\@}{$self->{dir}/Maildir}g;
    $text =~ s/\@PORT\@/$self->{port} \/\/ ''/ge;
    return $text;
}

sub write_config {
    my ($self) = @_;
    my %config = (me => 'mx.example.org', spool_dir => "$self->{dir}/spool",
                  %{ $self->{config} });

    $config{plugins} = $self->{plugins};
    for my $key (sort keys %config) {
        $self->set_config($key, $config{$key});
    }
    for my $name (sort keys %{ $self->{files} }) {
        write_file("$self->{dir}/config/$name", $self->{files}{$name});
    }
    return;
}

# Writes a file of the config folder, at any time: lines or a text; undef
# removes it.
sub set_config {
    my ($self, $key, $value) = @_;
    my $file = "$self->{dir}/config/$key";

    if (!defined $value) {
        unlink $file;
        return;
    }
    $value = join '', map {"$_\n"} @$value if ref $value;
    $value .= "\n" if $value ne '' && $value !~ /\n\z/;
    write_file($file, $self->expand($value));
    return;
}

sub write_file {
    my ($file, $text) = @_;

    make_path($file =~ s{/[^/]*\z}{}r);
    open my $out, '>:raw', "$file.new" or croak "$file.new: $!";
    print {$out} $text or croak "$file.new: $!";
    close $out or croak "$file.new: $!";
    rename "$file.new", $file or croak "$file: $!";
    return;
}

sub plugin_dirs {
    my ($self) = @_;
    my @dirs = (builddir() . '/lib/plugins');

    push @dirs, builddir() . '/lib/testplugins' if $self->{testplugins};
    return @dirs;
}

sub write_httpd_conf {
    my ($self) = @_;
    my $listen = $self->{listen} eq '' ? '' : " $self->{listen}";
    my $dirs = join ' ', map {qq("$_")} $self->plugin_dirs;
    my $text = $self->global_conf . <<"END";
Listen 127.0.0.1:$self->{port}$listen
<VirtualHost 127.0.0.1:$self->{port}>
ServerName mx.example.org
QpsmtpdEngine On
QpsmtpdConfigDir "$self->{dir}/config"
QpsmtpdPluginDirs $dirs
$self->{vhost}
</VirtualHost>
END

    write_file("$self->{dir}/httpd.conf", $self->expand($text));
    return;
}

sub global_conf {
    my ($self) = @_;
    my $mpm = mpm();
    my $user = $> == 0 ? "User www-data\nGroup www-data" : '';
    my $tuning = $mpm eq 'prefork' ? $self->prefork_conf : $self->thread_conf;
    my $libexec = libexecdir();
    my $module = module_file();

    return <<"END";
ServerRoot "$self->{dir}"
DefaultRuntimeDir "$self->{dir}/run"
PidFile "$self->{dir}/run/httpd.pid"
ServerName localhost
ErrorLog "$self->{dir}/logs/error.log"
LogLevel notice qpsmtpd:$self->{loglevel}
LoadModule mpm_${mpm}_module "$libexec/mod_mpm_$mpm.so"
LoadModule qpsmtpd_module "$module"
$user
Timeout 60
GracefulShutdownTimeout 10
$tuning
$self->{httpd}
END
}

sub thread_conf {
    my ($self) = @_;

    # On worker each session holds a thread.
    $self->{threads} = 64 if mpm() eq 'worker';

    my $workers = $self->{children} * $self->{threads};
    my $limit = $self->{children} + 4;
    my $factor = mpm() eq 'event' ? 'AsyncRequestWorkerFactor 1000' : '';

    return <<"END";
StartServers $self->{children}
ServerLimit $limit
ThreadLimit $self->{threads}
ThreadsPerChild $self->{threads}
MaxRequestWorkers $workers
MinSpareThreads 1
MaxSpareThreads $workers
$factor
END
}

# For httpd: three children, on prefork eight.
sub several_children {
    my $factor = mpm() eq 'event' ? 'AsyncRequestWorkerFactor 10' : '';

    return <<'END' if mpm() eq 'prefork';
StartServers 8
MinSpareServers 4
MaxSpareServers 16
END
    return <<"END";
StartServers 3
ServerLimit 3
ThreadsPerChild 4
MinSpareThreads 1
MaxSpareThreads 12
MaxRequestWorkers 12
$factor
END
}

sub prefork_conf {
    return <<'END';
StartServers 2
MinSpareServers 1
MaxSpareServers 64
ServerLimit 64
MaxRequestWorkers 64
END
}

# ----------------------------------------------------------------------
# Facts

sub dir     { return $_[0]{dir} }
sub port    { return $_[0]{port} }
sub pid     { return $_[0]{pid} }
sub maildir { return "$_[0]{dir}/Maildir" }
sub spool   { return "$_[0]{dir}/spool" }

# The messages in the Maildir, as a list of texts, oldest file name first.
sub messages {
    my ($self) = @_;

    return map { slurp($_) } sort glob $self->maildir . '/new/*';
}

sub spooled { return grep { -f $_ } glob $_[0]->spool . '/*' }

sub slurp {
    my ($file) = @_;

    open my $in, '<:raw', $file or return '';
    local $/;
    return scalar(<$in>) // '';
}

# Process ids of the children.
sub children {
    my ($self) = @_;

    return if !$self->{pid};
    return split ' ', slurp("/proc/$self->{pid}/task/$self->{pid}/children");
}

sub pids { return grep {defined} $_[0]{pid}, $_[0]->children }

# Resident memory of the largest child, in KiB.
sub rss {
    my ($self) = @_;
    my $max = 0;

    for my $pid ($self->children) {
        my ($size) = slurp("/proc/$pid/status") =~ /^VmRSS:\s+(\d+)/m;

        $max = $size if defined $size && $size > $max;
    }
    return $max;
}

# Sets a soft limit of a child: "nofile", 20. Only its own user may.
sub limit_child {
    my ($self, $pid, $what, $value) = @_;
    my $child = fork() // croak "fork: $!";

    if (!$child) {
        if ($> == 0) {
            my @www = getpwnam('www-data');

            POSIX::setgid($www[3]);
            POSIX::setuid($www[2]);
        }
        open STDERR, '>', '/dev/null' or POSIX::_exit(126);
        { no warnings 'exec'; exec 'prlimit', "--pid=$pid", "--$what=$value:"; }
        POSIX::_exit(127);
    }
    waitpid $child, 0;
    return $? == 0;
}

sub client {
    my ($self, %arg) = @_;

    return QP::Client->new(port => $self->{port}, %arg);
}

# A client that has TLS by now: "implicit", or by STARTTLS. It has yet to say
# EHLO. The arguments are those of IO::Socket::SSL.
sub tls_client {
    my ($self, $mode, %arg) = @_;
    my $client = $self->client;

    $client->hello->expect(220, 'STARTTLS') if $mode ne 'implicit';
    $client->start_tls(%arg) or croak 'no TLS';
    $client->expect(220) if $mode eq 'implicit';
    return $client;
}

# ----------------------------------------------------------------------
# The log

sub said {
    my ($self) = @_;

    return slurp("$self->{dir}/logs/stderr")
        . slurp("$self->{dir}/logs/error.log");
}

sub log_lines { return split /\n/, $_[0]->said }

sub count_starts {
    my ($self) = @_;

    return scalar grep {/resuming normal operations/} $self->log_lines;
}

# Waits until a line matches; with a number, until so many do.
sub wait_log {
    my ($self, $re, $count) = @_;
    my @hits;

    $self->poll(sub {
        @hits = grep { $_ =~ $re } $self->log_lines;
        return @hits >= ($count // 1);
    });
    return @hits >= ($count // 1) ? $hits[-1] : undef;
}

# Announces lines above INFO.
sub expect_log {
    my ($self, @re) = @_;

    push @{ $self->{expected} }, @re;
    return $self;
}

# Lines that say that something is wrong and that nobody announced.
sub surprises {
    my ($self) = @_;

    return grep { is_trouble($_) && !$self->is_expected($_) }
        $self->log_lines;
}

sub is_trouble {
    my ($line) = @_;

    # An ungraceful stop closes the sockets of workers that are just about to
    # hand their connection over: httpd says so, and means nothing by it.
    return 0 if $line =~ /Bad file descriptor: AH10503:/;

    # Of the packages of OpenSSL and mod_ssl one is older.
    return 0 if $line =~ /\[ssl:warn\].* AH01882:/;
    return 1 if $line =~ /(?:ERROR|WARNING): \w+Sanitizer|runtime error:/;
    return 1 if $line =~ /exit signal/;
    return 1 if $line =~ /\[\w+:(?:warn|error|crit|alert|emerg)\]/;
    return 1 if $line =~ /\[qpsmtpd:notice\]/ && $line !~ /\bQP9\d{3}:/;
    return 0;
}

sub is_expected {
    my ($self, $line) = @_;

    return scalar grep { $line =~ $_ } @{ $self->{expected} };
}

# Looks until the answer is true or the time is over. Returns the answer.
sub poll {
    my ($self, $look) = @_;
    my $end = Time::HiRes::time() + DEADLINE;

    while (1) {
        my $answer = $look->();

        return $answer if $answer || Time::HiRes::time() > $end;
        Time::HiRes::sleep(STEP);
    }
}

sub free_port {
    my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1)
        or croak "no port: $!";

    return $socket->sockport;
}

1;

__END__

=head1 NAME

QP::Server - an httpd with mod_qpsmtpd for a test

=head1 SYNOPSIS

    use strict;
    use warnings FATAL => 'all';

    use Apache::Test qw(-withtestmore);
    use Apache::TestUtil qw(t_cmp);
    use QP::Server;

    plan tests => 2, QP::Server->need('plugins/rcpt_ok');

    my $server = QP::Server->new(
        plugins => ['rcpt_ok', 'queue/maildir @MAILDIR@'],
        config  => { rcpthosts => ['example.org'], databytes => 1000 },
    )->start;
    my $client = $server->client;

    $client->expect(220);
    $client->expect(250, 'EHLO client.example');
    ok t_cmp($client->cmd('NOOP'), qr/^250 /, 'NOOP is answered');
    ok defined $server->wait_log(qr/QP1234:/), 'and logged';
    $server->stop;

=head1 DESCRIPTION

Each object is one httpd with a folder and a free port of its own on
127.0.0.1. It is ended by its process id, when C<stop> is called, the object
is destroyed, or the test ends; then the folder is removed (unless QP_KEEP is
set). Environment: QP_BUILDDIR, QP_SRCDIR, QP_MPM, and QP_PRELOAD (for
LD_PRELOAD of httpd, in builds with a sanitizer).

The MPM has one child of four threads (event) unless told otherwise.

=head2 Log guard

A line of the error log above INFO that was not announced by C<expect_log>, a
report of a sanitizer and a child that died by a signal fail the test: they
are printed, and the exit status of the test is not 0. NOTICE lines with a tag
QP9nnn (start and stop) are no surprise.

=head1 METHODS

=over

=item need(WORD...)

The condition for C<plan>. WORD is an MPM (C<event>, C<prefork>), a plugin
(C<plugins/queue/maildir>, C<testplugins/delay_rcpt>), a program (C<bin/nsd>),
C<limits> (processes can be given limits of memory) or a module of httpd
(C<ssl>).

=item new(plugins => [LINE...], config => {KEY => [LINE...] or TEXT})

More arguments: C<files> {NAME => TEXT} below the config folder; C<vhost> and
C<httpd>, directives in and outside the virtual host; C<loglevel> of the
module; C<testplugins> 1: the test plugins can be found; C<children>,
C<threads>; C<listen>, the protocol of Listen ("" for none). In all texts
@DIR@, @MAILDIR@ and @PORT@ are replaced.

=item start, try_start, stop, graceful, restart(SIGNAL)

C<start> dies with the log if httpd does not come up; C<try_start> returns
"" or the log.

=item kill_parent, kill_all

SIGKILL to the parent alone, or to all that is left; C<start> starts again. It
needs C<fixed_port> and C<port> in C<new> if clients are to find it.

=item configtest

Returns exit status and output of C<httpd -t>.

=item limit_child(PID, "nofile" or another of prlimit(1), VALUE)

A soft limit of a child; returns whether it is set. Needs C<bin/prlimit>.

=item client(ARGUMENTS of QP::Client), tls_client(MODE, ARGUMENTS of TLS)

=item set_config(KEY, [LINE...] or TEXT or undef)

Rewrites a file of the config folder.

=item log_lines, wait_log(RE, COUNT), expect_log(RE...), surprises

=item dir, port, pid, pids, children, rss, maildir, messages, spool, spooled

=item poll(SUB)

Calls SUB until it returns something true, at most 30 seconds.

=back
