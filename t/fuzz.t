# SPDX-License-Identifier: Apache-2.0
# The fuzz targets. With libFuzzer ("make fuzz") each runs for FUZZ_SECONDS;
# else each plays its corpus, and variations of it that are always the same
# (R104, R117).
#
# t/fuzz/corpus/NAME has an input in each line, with the escapes of dialogs. A
# session is also begun with what clients say in t/dialog. What libFuzzer has
# found in earlier runs is kept in the build folder.
use strict;
use warnings FATAL => 'all';

use File::Path qw(make_path);
use File::Temp ();
use FindBin ();
use lib "$FindBin::Bin/lib";
use QP::Dialog;
use Test::More;

use constant { VARIATIONS => $ENV{FUZZ_VARIATIONS} // 200,
               SECONDS    => $ENV{FUZZ_SECONDS} // 5 };

my $SRC   = "$FindBin::Bin/fuzz";
my $BUILD = $ENV{QP_BUILDDIR} // "$FindBin::Bin/..";
my $HAS_ENGINE = ($ENV{QP_SANITIZE} // '') =~ /fuzzer/;

# Which words may be of use.
my %WORDS = map { $_->[0] => $_->[1] }
    map { my ($words, @names) = @$_; map { [$_, $words] } @names }
    (['smtp', qw(addr cmdline line dot session chunks)],
     ['services', qw(clamd cleanup next_hop qmqp redis spamd)],
     ['header', qw(header text)], ['config', qw(conffile net)]);

# For what a target writes, whatever becomes of it.
my $SCRATCH = File::Temp->newdir;

sub lines {
    my ($file) = @_;

    open my $in, '<:raw', $file or return;
    chomp(my @lines = <$in>);
    return map { QP::Dialog::unescape($_) } grep { !/^# / } @lines;
}

sub dialogs {
    return map { $_->input } map { QP::Dialog->load($_) }
        sort glob "$FindBin::Bin/dialog/*.smtp";
}

# Writes the inputs into a folder, a file each.
sub expand {
    my ($name, $dir) = @_;
    my @inputs = lines("$SRC/corpus/$name");
    my $number = 0;

    push @inputs, map {"\x00$_"} grep { length > 0 && length() < 2000 }
        dialogs() if $name eq 'session';
    for my $input (@inputs) {
        my $file = sprintf '%s/%03d', $dir, $number++;

        open my $out, '>:raw', $file or die "$file: $!";
        print {$out} $input;
        close $out or die "$file: $!";
    }
    return $number;
}

sub command {
    my ($name, $dir) = @_;
    my $program = "$BUILD/t/fuzz/$name";
    my $words   = $WORDS{$name};

    return ($program, VARIATIONS, sort glob "$dir/*") if !$HAS_ENGINE;
    make_path("$BUILD/inputs/$name", "$BUILD/found");
    return ($program, '-max_total_time=' . SECONDS, '-timeout=20',
            '-rss_limit_mb=1024', '-max_len=4096', '-print_final_stats=1',
            "-artifact_prefix=$BUILD/found/$name-",
            $words ? "-dict=$SRC/words/$words" : (),
            "$BUILD/inputs/$name", $dir);
}

sub run {
    my ($name) = @_;
    my $dir    = File::Temp->newdir;
    my $count  = expand($name, "$dir");
    local $ENV{TMPDIR} = $SCRATCH->dirname;
    my $log    = "$BUILD/t/fuzz/$name.log";
    my $pid    = fork // die "fork: $!";

    if ($pid == 0) {
        open STDOUT, '>', $log or die "$log: $!";
        open STDERR, '>&', \*STDOUT or die "dup: $!";
        exec command($name, $dir) or die "exec: $!";
    }
    waitpid $pid, 0;
    my $status = $?;

    ok $count > 0 && $status == 0, "$name: $count inputs" or do {
        open my $in, '<:raw', $log or die "$log: $!";
        diag grep { /not so|ERROR|SUMMARY|runtime|Test unit|\\x|^ +#\d/ } <$in>;
        diag "status $status, see $log";
    };
    return;
}

my @names = map {s{.*/}{}r} split ' ', $ENV{QP_FUZZERS} // '';
my %wanted = map { $_ => 1 } split ' ', $ENV{FUZZ} // '';

@names = grep { $wanted{$_} } @names if %wanted;
plan skip_all => 'no fuzz target is built' if !@names;
plan tests => scalar @names;
run($_) for @names;
