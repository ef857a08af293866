# SPDX-License-Identifier: Apache-2.0
package QP::Lint;

use strict;
use warnings FATAL => 'all';

use Carp qw(croak);
use Cwd qw(abs_path);
use Exporter qw(import);
use File::Find ();
use QP::Skips ();
use Test::More ();

our @EXPORT = qw(srcdir builddir files sources plugins text strip functions
                 exempt verdict line_of skip_test);

my $SRCDIR = abs_path($ENV{QP_SRCDIR}
                     // __FILE__ =~ s{[^/]*/[^/]*/[^/]*\z}{..}r);
my $BUILDDIR = abs_path($ENV{QP_BUILDDIR} // $SRCDIR);

sub srcdir   { return $SRCDIR }
sub builddir { return $BUILDDIR }

# Files of the tree below some folders, by a pattern, relative to the top.
sub files {
    my ($re, @under) = @_;
    my @found;

    for my $top (grep { -e "$SRCDIR/$_" } @under) {
        File::Find::find({ no_chdir => 1, wanted => sub {
            my $name = $File::Find::name =~ s{^\Q$SRCDIR\E/}{}r;

            if (-d && m{/\.(?!ci)[^/]*\z|/autom4te\.cache\z|/_build\z}) {
                $File::Find::prune = 1;
            }
            push @found, $name if -f && $name =~ $re;
        } }, "$SRCDIR/$top");
    }
    return sort @found;
}

# The C sources of the product.
sub sources {
    return files(qr/\.[ch]\z/, qw(mod_qpsmtpd.c src plugins));
}

my %TEXT;

sub text {
    my ($file) = @_;

    return $TEXT{$file} //= do {
        open my $in, '<:raw', "$SRCDIR/$file" or croak "$file: $!";
        local $/;
        scalar(<$in>) // '';
    };
}

# The sources that are plugins; others in their folders are what plugins share.
sub plugins {
    return grep { text($_) =~ /^QP_PLUGIN\(/m } files(qr/\.c\z/, 'plugins');
}

# A C text without comments and without what is in strings; lines and columns
# stay.
sub strip {
    my ($text) = @_;

    $text =~ s{(/\*.*?\*/|//[^\n]*)
               |"((?:[^"\\\n]|\\.)*)"|'((?:[^'\\\n]|\\.)*)'}{
        defined $1 ? $1 =~ s/[^\n]/ /gr
                   : defined $2 ? '"' . ' ' x length($2) . '"'
                                : "'" . ' ' x length($3) . "'"}gsex;
    return $text;
}

# The functions of a C file: {name, static, first, last, params, depth, body}.
# They are found by the brace in the first column.
sub functions {
    my ($file) = @_;
    my @lines = split /\n/, strip(text($file));
    my @found;

    for (my $n = 0; $n < @lines; ++$n) {
        next if $lines[$n] !~ /^\{\s*$/;
        my ($first, $last) = ($n, $n);

        --$first while $first > 0
            && $lines[$first - 1] !~ /^\s*$|[;}]\s*$|^#|^\s*\\?$/;
        ++$last while $last < $#lines && $lines[$last] !~ /^\}/;
        my $head = join ' ', @lines[$first .. $n - 1];

        $head =~ s/\bQP_[A-Z_]+\b(?:\s*\([^()]*\))?//g;
        if ($head =~ /(\w+)\s*\((.*)\)/) {
            my ($name, $params) = ($1, $2);

            push @found, { name => $name, params => count_params($params),
                           static => $head =~ /\bstatic\b/ ? 1 : 0,
                           first => $first + 1, last => $last + 1,
                           body => [@lines[$n + 1 .. $last - 1]],
                           depth => depth(@lines[$n + 1 .. $last - 1]) };
        }
        $n = $last;
    }
    return @found;
}

sub count_params {
    my ($text) = @_;

    1 while $text =~ s/\([^()]*\)//g;
    return 0 if $text =~ /^\s*(?:void)?\s*$/;
    return 1 + ($text =~ tr/,//);
}

# How deep control structures are nested.
sub depth {
    my ($depth, $max, @stack) = (0, 0);

    for my $line (@_) {
        my $rest = $line;

        while ($rest =~ s/^[^{}]*?([{}])//) {
            if ($1 eq '}') {
                $depth -= pop @stack if @stack;
                next;
            }
            my $is_control = $line =~ /\)\s*\{|\b(?:else|do)\s*\{/ ? 1 : 0;

            push @stack, $is_control;
            $depth += $is_control;
            $max = $depth if $depth > $max;
        }
    }
    return $max;
}

# t/lint/NAME.exempt: "KEY  reason" a line.
sub exempt {
    my ($name) = @_;
    my $file = "t/lint/$name.exempt";
    my %exempt;

    return {} if !-e "$SRCDIR/$file";
    for my $line (split /\n/, text($file)) {
        next if $line =~ /^\s*(?:#|$)/;
        my ($key, $reason) = $line =~ /^(\S+)\s+(\S.*)$/
            or croak "$file: no reason: $line";

        $exempt{$key} = $reason;
    }
    return \%exempt;
}

sub line_of {
    my ($text, $at) = @_;

    return 1 + (substr($text, 0, $at) =~ tr/\n//);
}

# Skips the whole test, if that is allowed.
sub skip_test {
    my ($reason) = @_;

    QP::Skips::check($reason);
    Test::More::plan(skip_all => $reason);
    return;
}

# One test: there are no problems.
sub verdict {
    my ($what, @problems) = @_;

    Test::More::ok(!@problems, $what)
        or Test::More::diag(join "\n", map {"  $_"} @problems);
    return !@problems;
}

1;

__END__

=head1 NAME

QP::Lint - what the lint tests share

=head1 SYNOPSIS

    my $exempt = exempt('sizes');

    for my $file (sources()) {
        verdict("$file is short", grep { $_->{last} - $_->{first} > 60 }
                functions($file));
    }
