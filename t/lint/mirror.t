# SPDX-License-Identifier: Apache-2.0
# Each plugin has its test, and each test its plugin; each module of the lower
# layers is called by a unit test, and each unit test is built.
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Test::More;
use QP::Lint;

my $exempt = exempt('mirror');
my %used;

# Names that stand on one side only.
sub lonely {
    my ($ones, $others, $what) = @_;
    my %others = map { $_ => 1 } @$others;

    return map {"$_ has no $what"}
        grep { !($used{$_} = $exempt->{$_}) } grep { !$others{$_} } @$ones;
}

sub names {
    my ($strip, @files) = @_;

    return [map { s/$strip//gr } @files];
}

my $plugins = names(qr{^plugins/|\.c\z}, plugins());
my $tests = names(qr{^t/plugins/|\.t\z}, files(qr/\.t\z/, 't/plugins'));
my $units = join "\n", map { text($_) } files(qr/\.[ch]\z/, 't/unit');

# Whether a unit test calls a function of a source.
sub is_called {
    my ($file) = @_;

    return grep { $units =~ /\b$_->{name}\b/ }
        grep { !$_->{static} } functions($file);
}

plan tests => 5;
verdict('plugins have tests', lonely($plugins, $tests, 't/plugins/*.t'));
verdict('tests have plugins', lonely($tests, $plugins, 'plugin'));
verdict('modules of the lower layers have unit tests',
        map {"$_ has no unit test"}
        grep { !is_called($_) && !($used{$_} = $exempt->{$_}) }
        files(qr/\.c\z/, map {"src/$_"} qw(base wire session plugin)));
my $makefile = text('Makefile.am');
verdict('unit tests are built',
        grep { $makefile !~ /\b\Q$_\E\b/ }
        @{ names(qr/\.[ch]\z/, files(qr/\.c\z/, 't/unit')) });
verdict('exemptions are needed', grep { !exists $used{$_} } keys %$exempt);
