# SPDX-License-Identifier: Apache-2.0
# Functions are called qp_NOUN_VERB after their file, or are static.
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Test::More;
use QP::Lint;

my $exempt = exempt('names');
my %used;
my %public = map { $_ => 1 }
    strip(text('src/qpsmtpd.h')) =~ /\bQP_EXPORT\b[^;(]*?\b(qp_\w+)\s*\(/g;

# src/wire/qp_line.c has qp_line_*, or qp_lines_* for the set of them; verbs
# are in files of their own.
sub judge_external {
    my ($file, $name) = @_;
    my ($family) = $file =~ m{([^/]+)\.c\z};

    return if $public{$name} || $name eq 'main';
    return if $name =~ /^\Q$family\Es?(?:_|$)/;
    return if $family =~ /^qp_verb_/ && $name =~ /^qp_verb_/;
    return if $used{"$file:$name"} = $exempt->{"$file:$name"};
    return "$file: $name is not called ${family}_*";
}

sub judge {
    my ($file) = @_;
    my @wrong;

    for my $function (functions($file)) {
        my $name = $function->{name};

        if (!$function->{static}) {
            push @wrong, judge_external($file, $name);
        }
        elsif ($name =~ /^(?:qp|mod_qp|ap|apr)_/) {
            push @wrong, "$file: $name is static and has a prefix";
        }
        push @wrong, "$file: $name is not in lower case" if $name =~ /[A-Z]/;
    }
    return @wrong;
}

# What plugins share has names as the modules have.
sub shared {
    my %plugins = map { $_ => 1 } plugins();

    return grep { !$plugins{$_} } files(qr/\.c\z/, 'plugins');
}

# Plugins have nothing but static functions.
sub judge_plugin {
    my ($file) = @_;

    return map {"$file: $_->{name} is not static"}
        grep { !$_->{static} } functions($file);
}

plan tests => 4;
verdict('sources', map { judge($_) }
        grep { m{^(?:src/.*|mod_qpsmtpd)\.c\z} } sources());
verdict('plugins', map { judge_plugin($_) } plugins());
verdict('what plugins share', map { judge($_) } shared());
verdict('exemptions are needed', grep { !exists $used{$_} } keys %$exempt);
