# SPDX-License-Identifier: Apache-2.0
# quickstart: a wrong word is told before anything is installed or written; an
# instance starts, is not started twice, and ends.
use strict;
use warnings FATAL => 'all';

use Cwd qw(abs_path);
use File::Temp ();
use FindBin ();
use lib "$FindBin::Bin/lib";
use Test::More;
use QP::Client;
use QP::Server;
use QP::Skips;

if (($ENV{QP_SANITIZE} // 'no') ne 'no') {
    QP::Skips::check('a build with sanitizers is for tests');
    plan skip_all => 'a build with sanitizers is for tests';
}

my $program = abs_path("$FindBin::Bin/../quickstart");
my $temp = File::Temp->newdir('qpsmtpd-' . 'X' x 8, TMPDIR => 1);
my $dir = abs_path("$temp");
my $port;

chmod 0755, $dir or die $!;
# A test installs nothing: all packages are there.
QP::Server::write_file("$dir/bin/dpkg-query", "#!/bin/sh\necho installed\n");
QP::Server::write_file("$dir/bin/apt-get", "#!/bin/sh\nexit 1\n");
chmod 0755, glob "$dir/bin/*" or die $!;
QP::Server::write_file("$dir/file", '');

# Not by the name of the usual place, where it would build meanwhile.
my $build = "$dir/build";
mkdir $build or die $!;
symlink QP::Server::builddir() . '/lib', "$build/lib" or die $!;

# What it says, and how it ended.
sub quickstart {
    my (@words) = @_;
    my $out = "$dir/out";
    my $pid = fork // die "fork: $!";

    if (!$pid) {
        $ENV{PATH} = "$dir/bin:$ENV{PATH}";
        open STDIN, '<', '/dev/null' or die $!;
        open STDOUT, '>', $out or die $!;
        open STDERR, '>&', \*STDOUT or die $!;
        exec $program, @words or die $!;
    }
    waitpid $pid, 0;
    return (QP::Server::slurp($out), $? >> 8);
}

# Words; what is said of them.
my @wrong = (
    [['--port', '0'], qr/--port .*1 to 65535.*"0"/],
    [['--port', '99999'], qr/--port .*1 to 65535.*"99999"/],
    [['--port', '08'], qr/--port .*1 to 65535.*"08"/],
    [['--port', '25a'], qr/--port .*1 to 65535.*"25a"/],
    [['--port', '-1'], qr/--port .*1 to 65535.*"-1"/],
    [['--port'], qr/--port needs a value/],
    [['--port='], qr/--port needs a value/],
    [['--dir', ''], qr/--dir needs a value/],
    [['--port', '65535'], qr/--submission-port .*1 to 65535.*"65536"/],
    [['--submission-port', 'x'], qr/--submission-port .*1 to 65535.*"x"/],
    [['--port=2525', '--submission-port=2525'], qr/--port .*have to differ/],
    [['--mpm', 'foo'], qr/--mpm is event, worker or prefork, not foo/],
    [['--dir', "$dir/file"], qr{.*/file is no folder}],
    [['--dir', "$dir/file/new"], qr{.*/file/new cannot be made.*--dir}],
    [['--dir', "$dir/a\"b"], qr{.*cannot stand in httpd\.conf.*--dir}],
    [['--dir', "$dir/a\${b}"], qr{.*cannot stand in httpd\.conf.*--dir}],
    [['--build', "$dir/nothing"], qr{no build is in .*/nothing}],
    [['--bogus'], qr/no such option: --bogus/],
);

END {
    local $?;

    quickstart('stop', '--dir', "$dir/a b") if $temp && defined $port;
}

plan tests => @wrong + 13;

for my $case (@wrong) {
    my ($words, $regex) = @$case;
    my @dir = grep(/^--dir/, @$words) ? () : ('--dir', "$dir/new");
    my ($said, $status) =
        quickstart('run', '--background', '--build', $build, @dir, @$words);
    my @lines = split /\n/, $said;

    ok $status == 1 && @lines == 1 && $said =~ /^quickstart: $regex/
        && !-e "$dir/new/httpd.conf", "@$words"
        or diag "$status: $said";
}

# Starts one in a folder, on the first ports that nobody else takes meanwhile.
sub start {
    my ($name, @words) = @_;
    my ($said, $status);

    for (1 .. 5) {
        $port = QP::Server::free_port();
        ($said, $status) = quickstart(
            'run', '--background', '--build', $build, '--dir', "$dir/$name",
            '--port', $port, '--submission-port', QP::Server::free_port(),
            @words);
        last if $said !~ /in use/;
    }
    return ($said, $status);
}

# Where a connection takes a worker, one client cannot take all of the first.
for my $mpm (qw(worker prefork)) {
    my ($said, $status) = start('a b', '--mpm', $mpm);
    my $conf = QP::Server::slurp("$dir/a b/httpd.conf");
    my ($number) = $conf =~ /^StartServers (\d+)$/m;
    my ($threads) = $conf =~ /^ThreadsPerChild (\d+)$/m;
    my ($most) =
        QP::Server::slurp("$dir/a b/config/max_conn_ip") =~ /^(\d+)$/m;

    is $status, 0, "$mpm starts" or diag $said;
    cmp_ok $number * ($threads // 1), '>', $most, "$mpm: workers";
    quickstart('stop', '--dir', "$dir/a b");
    system('rm', '-rf', "$dir/a b") == 0 or die $?;
}

my ($said, $status) = start('a b');

is $status, 0, 'it starts' or diag $said;
like $said, qr{^ready: smtp://127\.0\.0\.1:$port maildir=\Q$dir\E/a b/Maildir}m,
    'it says where';
QP::Client->new(port => $port)->expect(220);

my ($again, $rc) =
    quickstart('run', '--background', '--build', $build, '--dir', "$dir/a b");

is $rc, 0, 'once more is no mistake';
like $again, qr/^it runs already, as process \d+$/m, 'and is told';
like $again, qr/^ready: /m, 'with the same line';
($again, $rc) = quickstart('run', '--background', '--build', $build, '--dir',
                           "$dir/other", '--port', $port);
is $rc, 1, 'another one has to have another port';
like $again, qr/^quickstart: port $port .* in use by another program/,
    'and is told';
($said, $status) = quickstart('stop', '--dir', "$dir/a b");
like $said, qr/^stopped: /, 'it stops';
($said, $status) = quickstart('stop', '--dir', "$dir/a b");
like $said, qr/^nothing runs in /, 'once';
