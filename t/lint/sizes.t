# SPDX-License-Identifier: Apache-2.0
# Functions, files, parameters and nesting stay small.
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Test::More;
use QP::Lint;

# Lines of a function, of a file, parameters, nesting; and what an exemption
# may never pass.
my %MAX = (function => 60, exempt => 100, params => 5, depth => 3,
           c => 600, h => 200, public => 900, test => 150);

my $exempt = exempt('sizes');
my %used;

sub is_exempt {
    my ($key) = @_;

    return $used{$key} = $exempt->{$key};
}

sub judge_function {
    my ($file, $function) = @_;
    my $key = "$file:$function->{name}";
    my $lines = $function->{last} - $function->{first} + 1;
    my @wrong;

    push @wrong, "$lines lines" if $lines > $MAX{function};
    push @wrong, "$function->{params} parameters"
        if $function->{params} > $MAX{params};
    push @wrong, "nesting $function->{depth}"
        if $function->{depth} > $MAX{depth};
    return if !@wrong || ($lines <= $MAX{exempt} && is_exempt($key));
    return "$file:$function->{first}: $function->{name}: @wrong";
}

sub judge_file {
    my ($file) = @_;
    my $lines = text($file) =~ tr/\n//;
    my $max = $file =~ /\.t\z/ ? $MAX{test}
        : $file eq 'src/qpsmtpd.h' ? $MAX{public}
        : $file =~ /\.h\z/ ? $MAX{h} : $MAX{c};

    return if $lines <= $max || is_exempt($file);
    return "$file: $lines lines, at most $max";
}

my @c = (sources(), files(qr/\.[ch]\z/, 't'));
my @tests = files(qr/\.t\z/, 't');

plan tests => 3;
verdict('functions', map { my $file = $_;
                           map { judge_function($file, $_) } functions($file)
                         } @c);
verdict('files', map { judge_file($_) } @c, @tests);
verdict('exemptions are needed', grep { !exists $used{$_} } keys %$exempt);
