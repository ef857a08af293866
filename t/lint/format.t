# SPDX-License-Identifier: Apache-2.0
# The C files look as .clang-format says.
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Test::More;
use QP::Lint;

my ($tool) = grep { (qx($_ --version 2>/dev/null) // '') =~ /version 14\./ }
    qw(clang-format-14 clang-format);

skip_test('clang-format 14 is not installed') if !$tool;

my $top = srcdir();
my @files = (sources(), files(qr/\.[ch]\z/, 't'));
my $list = join ' ', map {"'$top/$_'"} @files;
my @said = split /\n/, qx($tool --style=file --dry-run -Werror $list 2>&1);

plan tests => 1;
verdict('format (make format)', map { s{^\Q$top/}{}r } grep {/ error: /} @said);
