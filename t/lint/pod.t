# SPDX-License-Identifier: Apache-2.0
# Each plugin has its manual, and the manual has each option.
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Pod::Checker ();
use Test::More;
use QP::Lint;

# The host offers these to every plugin.
my %COMMON = map { $_ => 1 } qw(loglevel reject reject_type timeout);
my @CHAPTERS = ('NAME', 'SYNOPSIS', 'DESCRIPTION', 'CONFIGURATION',
                'DIAGNOSTICS', 'SEE ALSO');

# A file, with the headers of its folder that it includes.
sub whole {
    my ($file) = @_;
    my $folder = $file =~ s{[^/]*\z}{}r;

    return join '', text($file), map { text("$folder$_") }
        grep { -e srcdir() . "/$folder$_" } text($file) =~ /^#include "(.+)"/mg;
}

# Option names of the tables in a file.
sub options {
    my ($file) = @_;

    return { map { $_ => 1 }
             whole($file)
             =~ /\bQP_OPT_(?!END|ROW|DEFAULT)\w+\s*\([^"]*?"([^"]+)"/g };
}

# The items of CONFIGURATION: the first word of each.
sub items {
    my ($file) = @_;
    my ($chapter) = text($file)
        =~ /^=head1 CONFIGURATION\n(.*?)^=(?:head1|cut)/ms;
    my $level = 0;    # lists within an item are not options
    my %items;

    for my $line (split /\n/, $chapter // '') {
        $level++ if $line =~ /^=over/;
        $level-- if $line =~ /^=back/;
        $items{$1} = 1
            if $level == 1 && $line =~ /^=item (?:[A-Z]<+)?([\w-]+)/;
    }
    return \%items;
}

sub judge_options {
    my ($file) = @_;
    my ($options, $items) = (options($file), items($file));

    return ((map {"$file: option $_ has no =item under CONFIGURATION"}
             grep { !$items->{$_} } sort keys %$options),
            (map {"$file: =item $_ is no option"}
             grep { !$options->{$_} && !$COMMON{$_} } sort keys %$items));
}

sub judge_pod {
    my ($file) = @_;
    my $checker = Pod::Checker->new(-warnings => 1);
    my $said = '';
    my @wrong;

    open my $out, '>', \$said or die $!;
    $checker->parse_from_file(srcdir() . "/$file", $out);
    push @wrong, "$file: $said" if $checker->num_errors != 0;
    push @wrong, map {"$file: no chapter $_"}
        grep { text($file) !~ /^=head1 $_$/m } @CHAPTERS;
    my $name = $file =~ s{^plugins/|\.c\z}{}gr;

    push @wrong, "$file: NAME is not \"$name - ...\""
        if text($file) !~ /^=head1 NAME\n\n\Q$name\E - \S/m;
    push @wrong, "$file: the POD is not in the first comments"
        if text($file) =~ /^#include.*^=pod/ms;
    return @wrong;
}

my @plugins = plugins();

plan tests => 2;
verdict('manuals', map { judge_pod($_) } @plugins);
verdict('options', map { judge_options($_) } @plugins);
