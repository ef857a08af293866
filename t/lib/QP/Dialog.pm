# SPDX-License-Identifier: Apache-2.0
package QP::Dialog;

use strict;
use warnings FATAL => 'all';

use Carp qw(croak);
use File::Path qw(make_path);
use File::Temp ();
use POSIX ();
use QP::Server ();

use constant CHUNKINGS => qw(lines octets batch);

# Behind these a client has to wait for the reply (RFC 2920 3.1).
my %IS_LAST = map { $_ => 1 }
    qw(EHLO HELO LHLO DATA VRFY EXPN NOOP HELP QUIT AUTH STARTTLS XCLIENT);

# ----------------------------------------------------------------------
# Reading

# A dialog that is not in a file: plugins, config, and the client's input.
sub new {
    my ($class, %arg) = @_;
    my $input = delete $arg{input};

    return bless { plugins => [], config => {}, log => [], option => {},
                   steps => defined $input
                       ? [{ who => 'C', text => $input }] : [],
                   %arg }, $class;
}

sub load {
    my ($class, $file) = @_;
    my $self = $class->new(file => $file,
                           name => $file =~ s{.*/|\.smtp\z}{}gr);
    my $number = 0;

    open my $in, '<', $file or croak "$file: $!";
    while (my $line = <$in>) {
        chomp $line;
        ++$number;
        $self->read_line($line)
            or croak "$file:$number: neither C:, C-, S:, L: nor #: $line";
    }
    croak "$file: nothing is said"
        if !@{ $self->{steps} } && $self->wants(transports => 'httpd');
    return $self;
}

sub read_line {
    my ($self, $line) = @_;

    return 1 if $line =~ /^\s*$/;
    if ($line =~ /^# ?([a-z][\w-]*): ?(.*)$/ && !@{ $self->{steps} }) {
        return $self->read_setting($1, $2);
    }
    return 1 if $line =~ /^#/;
    return 1 if $line =~ /^[XVNM]:(?: |$)/;
    if ($line =~ /^E:/) {
        $self->{option}{transports} = { memory => 1 };
        return 1;
    }
    return 0 if $line !~ /^([CSL])([:-])(?: (.*))?$/;
    my ($who, $mark, $text) = ($1, $2, $3 // '');

    return 0 if $mark eq '-' && $who ne 'C';
    if ($who eq 'L') {
        push @{ $self->{log} }, $text;
    }
    elsif ($who eq 'S') {
        push @{ $self->{steps} }, { who => 'S', text => $text };
    }
    else {
        $text = unescape($text) . ($mark eq ':' ? "\r\n" : '');
        push @{ $self->{steps} }, { who => 'C', text => $text };
    }
    return 1;
}

sub read_setting {
    my ($self, $key, $value) = @_;

    if ($key eq 'plugins') {
        push @{ $self->{plugins} }, $value;
    }
    elsif ($key =~ /^(?:transports|chunkings)$/) {
        $self->{option}{$key} = { map { $_ => 1 } split ' ', $value };
    }
    elsif ($key eq 'remote') {
        $self->{option}{transports} = { memory => 1 };
    }
    else {
        push @{ $self->{config}{$key} }, $value;
    }
    return 1;
}

my %ESCAPE = (r => "\r", n => "\n", t => "\t", 0 => "\0", '\\' => '\\');

sub unescape {
    my ($text) = @_;

    $text =~ s{\\(?:x([0-9A-Fa-f]{2})|([rnt0\\])|\{(\d+)\*(.)\})}{
        defined $1 ? chr hex $1 : defined $2 ? $ESCAPE{$2} : $4 x $3}ge;
    return $text;
}

sub name    { return $_[0]{name} }
sub plugins { return @{ $_[0]{plugins} } }

sub chunkings { return grep { $_[0]->wants(chunkings => $_) } CHUNKINGS }

sub wants {
    my ($self, $option, $word) = @_;
    my $words = $self->{option}{$option};

    return !$words || $words->{$word};
}

# Arguments for QP::Server->new.
sub server_args {
    my ($self) = @_;

    return (plugins => $self->{plugins}, config => $self->{config},
            testplugins => 1,
            expected => [map {qr/\Q$_\E/} @{ $self->{log} }]);
}

# Conditions for QP::Server->need.
sub needs {
    my ($self) = @_;
    my $dir = QP::Server::builddir() . '/lib';
    my @names = map { m/^([^\s:]+)/ ? $1 : () } $self->plugins;

    return map { -e "$dir/testplugins/$_.so" ? "testplugins/$_"
                                             : "plugins/$_" } @names;
}

# ----------------------------------------------------------------------
# Playing

# Everything the client says.
sub input {
    my ($self) = @_;

    return join '', map { $_->{text} } grep { $_->{who} eq 'C' }
        @{ $self->{steps} };
}

# What is sent together and how many lines are read behind it. By lines: what
# stands together in the file. In a batch: up to a command that must be last.
sub groups {
    my ($self, $is_batch) = @_;
    my @groups = ({ text => '', lines => 0 });
    my $in_data = 0;
    my $may_grow = 0;

    for my $step (@{ $self->{steps} }) {
        my $group = $groups[-1];

        if ($step->{who} eq 'S') {
            $group->{lines}++ if $step->{text} ne '<eof>';
            $group->{eof} = 1 if $step->{text} eq '<eof>';
            $in_data = 1 if $step->{text} =~ /^354/;
            next;
        }
        if ($group->{lines} && !($is_batch && $may_grow)) {
            push @groups, $group = { text => '', lines => 0 };
        }
        $group->{text} .= $step->{text};
        $may_grow = $in_data || !is_last($step->{text});
        $in_data = 0 if $step->{text} =~ /(?:\A|\r\n)\.\r\n/;
    }
    return @groups;
}

sub is_last {
    my ($text) = @_;
    my ($verb) = $text =~ /(?:\A|\n)([A-Za-z]+)[^\n]*\n?\z/;

    return defined $verb && $IS_LAST{ uc $verb };
}

# Over a socket. Returns a result: {said, log, closed}.
sub play_httpd {
    my ($self, $server, $chunking) = @_;
    my $seen = $server->log_lines;
    my $client = $server->client;
    my ($said, $is_closed) = ('', 0);

    for my $group ($self->groups($chunking eq 'batch')) {
        if ($chunking eq 'octets') {
            $client->dribble($group->{text});
        }
        else {
            $client->send($group->{text});
        }
        for (1 .. $group->{lines}) {
            my $line = $client->line;

            last if !defined $line;
            $said .= "$line\n";
        }
        if ($group->{eof}) {
            $said .= $client->drain =~ s/\r\n/\n/gr;
            $is_closed = 1;
        }
    }
    $client->shutdown_write if !$is_closed;
    $said .= $client->drain =~ s/\r\n/\n/gr if !$is_closed;
    $client->close;
    $self->wait_for_log($server, $seen);
    my @lines = $server->log_lines;

    return { said => $said, closed => $is_closed,
             log => join("\n", @lines[$seen .. $#lines]) };
}

# Children write the last lines of a session behind its end.
sub wait_for_log {
    my ($self, $server, $seen) = @_;

    $server->poll(sub {
        my @lines = $server->log_lines;
        my $log = join "\n", @lines[$seen .. $#lines];

        return !grep { index($log, $_) < 0 } @{ $self->{log} };
    }) if @{ $self->{log} };
    return;
}

my %MEMORY_CHUNK = (lines => ['--lines'], octets => ['--chunk', 1],
                    batch => ['--chunk', 1 << 20]);

# The program that plays over memory; with files it judges and prints TAP.
# Folders of plugins may be put in front of our own.
sub player {
    my (@dirs) = @_;
    my $build = QP::Server::builddir();

    push @dirs, map {"$build/lib/$_"} qw(plugins testplugins);
    return (split(' ', $ENV{QP_WRAP} // ''), "$build/qpsmtpd-plugin-test",
            map { ('--plugin-dir', $_) } @dirs);
}

# Is a test of some dialogs over memory: does not return.
sub exec_player {
    my ($class, @files) = @_;
    my @command = (player(), @files);

    exec {$command[0]} @command or croak "$command[0]: $!";
}

# Over memory, without a judgement.
sub play_memory {
    my ($self, $chunking) = @_;
    my $dir = $self->memory_folder;
    my @command = (player(), '--config', "$dir/config",
                   @{ $MEMORY_CHUNK{$chunking} });

    write_octets("$dir/in", $self->input);
    my $exit = run_program("$dir/in", "$dir/out", "$dir/log", @command);
    my $said = QP::Server::slurp("$dir/out");
    my $result = { said => $said =~ s/\r\n/\n/gr,
                   log => QP::Server::slurp("$dir/log") };

    $result->{fault} = "$command[0] ended with $exit:\n$result->{log}" if $exit;
    $result->{fault} = 'a bare CR or LF in a reply'
        if $said =~ /\r(?!\n)|(?<!\r)\n/;
    return $result;
}

sub memory_folder {
    my ($self) = @_;

    return $self->{folder}->dirname if $self->{folder};
    $self->{folder} = File::Temp->newdir('qpsmtpd-' . 'X' x 8, TMPDIR => 1);
    my $dir = $self->{folder}->dirname;

    # All of the input is there from the start.
    my %config = (me => ['mx.example.org'], spool_dir => ["$dir/spool"],
                  pipelining => ['lenient'],
                  %{ $self->{config} }, plugins => $self->{plugins});

    make_path(map {"$dir/$_"}
              qw(config spool Maildir/new Maildir/cur Maildir/tmp));
    chmod 0700, "$dir/spool" or croak "$dir/spool: $!";
    for my $key (sort keys %config) {
        my $text = join '', map {"$_\n"} @{ $config{$key} };

        $text =~ s{\@MAILDIR\@}{$dir/Maildir}g;
        $text =~ s/\@DIR\@/$dir/g;
        write_octets("$dir/config/$key", $text);
    }
    return $dir;
}

sub write_octets {
    my ($file, $octets) = @_;

    open my $out, '>:raw', $file or croak "$file: $!";
    print {$out} $octets or croak "$file: $!";
    close $out or croak "$file: $!";
    return;
}

sub run_program {
    my ($in, $out, $log, @command) = @_;
    my $pid = fork() // croak "fork: $!";

    if (!$pid) {
        open STDIN, '<', $in or POSIX::_exit(126);
        open STDOUT, '>', $out or POSIX::_exit(126);
        open STDERR, '>', $log or POSIX::_exit(126);
        { no warnings 'exec'; exec {$command[0]} @command; }
        POSIX::_exit(127);
    }
    waitpid $pid, 0;
    return 0 if $? == 0;
    return $? >> 8 ? 'status ' . ($? >> 8) : 'signal ' . ($? & 127);
}

# ----------------------------------------------------------------------
# Judging

# What differs from one session to the next.
sub normalize {
    my ($text) = @_;

    $text =~ s/\b[0-9A-Za-z]{6,}\.\d+\b/ID/g;
    $text =~ s/\w{3}, \d\d? \w{3} \d{4} \d\d:\d\d:\d\d [-+]\d{4}/DATE/g;
    return $text;
}

# Sentences that say what is wrong with a result.
sub mismatches {
    my ($self, $result) = @_;
    my @wrong;
    my @want = map { $_->{text} }
        grep { $_->{who} eq 'S' && $_->{text} ne '<eof>' }
        @{ $self->{steps} };
    my @got = split /\n/, $result->{said};

    return $result->{fault} if $result->{fault};
    for my $n (0 .. (@want > @got ? $#want : $#got)) {
        my ($want, $got) = ($want[$n] // '(nothing)', $got[$n] // '(nothing)');

        next if $got =~ pattern($want);
        push @wrong, 'line ' . ($n + 1) . ": want <$want>, got <$got>";
        last;
    }
    push @wrong, $self->log_mismatches($result->{log});
    return @wrong;
}

# "..." stands for anything.
sub pattern {
    my ($want) = @_;
    my $re = join '.*', map {quotemeta} split /\.\.\./, $want, -1;

    return qr/\A$re\z/;
}

sub log_mismatches {
    my ($self, $log) = @_;
    my @wrong = map {"no log line with <$_>"}
        grep { index($log, $_) < 0 } @{ $self->{log} };

    for my $line (split /\n/, $log) {
        next if !is_trouble($line);
        next if grep { index($line, $_) >= 0 } @{ $self->{log} };
        push @wrong, "unexpected log line: $line";
    }
    return @wrong;
}

# Lines of the player begin with their level; others are httpd's.
sub is_trouble {
    my ($line) = @_;

    return 1 if $line =~ /^(?:notice|warn|error|crit|alert|emerg): (?!QP9)/;
    return QP::Server::is_trouble($line);
}

1;

__END__

=head1 NAME

QP::Dialog - golden SMTP sessions

=head1 SYNOPSIS

    my $dialog = QP::Dialog->load('t/dialog/basic.smtp');
    my $server = QP::Server->new($dialog->server_args)->start;

    for my $chunking ($dialog->chunkings) {
        my @results = ($dialog->play_memory($chunking),
                       $dialog->play_httpd($server, $chunking));

        ok !$dialog->mismatches($_) for @results;
    }

=head1 FORMAT

    # plugins: rcpt_ok
    # rcpthosts: example.org
    S: 220 ...
    C: EHLO client.example
    S: 250-...
    S: 250 ...
    C: RCPT TO:<b@elsewhere.example>
    S: 550 5.7.1 ...
    L: rcpt_ok: fail
    C: QUIT
    S: 221 ...
    S: <eof>

Lines "# KEY: VALUE" on top are config files, a line each; C<plugins> are the
lines of config/plugins. Three keys are for the player: C<transports> (memory,
httpd) and C<chunkings> (lines, octets, batch) restrict how the dialog is
played, C<remote> is the client's address, over memory only. Other lines that
begin with # are comments.

C<C:> is a line of the client; CR LF is added. C<C-> adds nothing. In both
\r \n \t \0 \\ and \xHH are octets, and \{1000*x} is x a thousand times.

C<S:> is one line of the server, "..." stands for anything. C<< S: <eof> >>:
the server closes. Where it does not, the client does.

QP_WRAP in the environment is put in front of the program that plays over
memory, such as C<valgrind -q --leak-check=full --error-exitcode=99>.

C<L:> is text that must be in the log. A log line above INFO without such an
announcement is a fault.

C<X:>, C<V:>, C<N:>, C<M:> and C<E:> are seen by qpsmtpd-plugin-test only, which
plays dialogs over memory: see chapter 10 of F<docs/plugins.md>.

=head1 CHUNKINGS

=over

=item lines

What stands together in the file is sent in one write.

=item octets

The same, but each octet in a write of its own.

=item batch

All that may be pipelined (RFC 2920) in one write.

=back
