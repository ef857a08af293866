# SPDX-License-Identifier: Apache-2.0
# Words are spelt right.
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Test::More;
use QP::Lint;

skip_test('codespell is not installed')
    if (qx(codespell --version 2>/dev/null) // '') eq '';

my $top = srcdir();
my $list = join ' ', map {"'$top/$_'"} grep { !m{/corpus/} }
    (sources(), files(qr/\A/, qw(t docs conf changes README CHANGES configure.ac
                                 Makefile.am quickstart src/tools)));
my $ignore = "$top/t/lint/spelling.ignore";
my @said = split /\n/, qx(codespell --ignore-words '$ignore' $list 2>/dev/null);

plan tests => 1;
verdict('spelling', map { s{^\Q$top/}{}r } @said);
