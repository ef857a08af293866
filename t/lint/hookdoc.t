# SPDX-License-Identifier: Apache-2.0
# docs/hooks.md says what src/qpsmtpd.h says.
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Test::More;
use QP::Lint;

my $top = srcdir();
my $fresh = qx($^X $top/src/tools/hookdoc $top);

plan tests => 2;
ok($? == 0 && length $fresh, 'the tool runs');
ok(-e "$top/docs/hooks.md" && text('docs/hooks.md') eq $fresh,
   'docs/hooks.md is up to date (make docs)');
