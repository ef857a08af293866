# SPDX-License-Identifier: Apache-2.0
# Nothing mutable is global or static: sessions run on many threads.
use strict;
use warnings FATAL => 'all';

use File::Find ();
use FindBin ();
use lib "$FindBin::Bin/../lib";
use Test::More;
use QP::Lint;

# The objects of the product in the build folder, by their source.
sub objects {
    my %objects;

    for my $source (grep {/\.c\z/} sources()) {
        my ($folder, $name) = $source =~ m{^(.*?)([^/]+)\.c\z};

        for my $dir ("$folder.libs/", $folder) {
            for my $prefix ('', 'mod_qpsmtpd_la-', 'libqpsmtpd_la-') {
                my $object = builddir() . "/$dir$prefix$name.o";

                $objects{$source} //= $object if -e $object;
            }
        }
    }
    return \%objects;
}

my $exempt = exempt('globals');
my %used;

# Symbols in sections that can be written. Compilers and sanitizers have some
# of their own, whose names begin with a dot or two underscores.
sub judge {
    my ($source, $object) = @_;
    my @wrong;

    for my $line (split /\n/, qx(objdump -t '$object')) {
        my ($section, $name)
            = $line =~ /(\.t?(?:data|bss)(?!\.rel\.ro)\S*|\*COM\*)
                        \s+[0-9a-f]+\s+(?:\.hidden\s+)?(\S+)$/x
            or next;

        next if $name =~ /^(?:\.|__)/ || $section =~ /^\.data\.rel\.ro/;
        next if $used{"$source:$name"} = $exempt->{"$source:$name"};
        push @wrong, "$source: $name is in $section";
    }
    return @wrong;
}

my $objects = objects();

skip_test('nothing is built') if !%$objects;
plan tests => 3;
verdict('all sources are built', map {"$_ has no object"}
        grep { /\.c\z/ && !$objects->{$_} } sources());
verdict('nothing can be written', map { judge($_, $objects->{$_}) }
        sort keys %$objects);
verdict('exemptions are needed', grep { !exists $used{$_} } keys %$exempt);
