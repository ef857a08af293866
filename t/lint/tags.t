# SPDX-License-Identifier: Apache-2.0
# Each log line has a tag of its own.
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Test::More;
use QP::Lint;

my $top = srcdir();
my @problems = split /\n/, qx($^X $top/src/tools/tags --top $top);

plan tests => 2;
ok($? == 0 || @problems, 'the tool runs');
verdict('tags', @problems);
