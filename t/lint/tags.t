# SPDX-License-Identifier: Apache-2.0
# Each log line has a tag of its own; new ones get one.
use strict;
use warnings FATAL => 'all';

use File::Path qw(make_path);
use File::Temp ();
use FindBin ();
use lib "$FindBin::Bin/../lib";
use Test::More;
use QP::Lint;

my $TAGS = srcdir() . '/src/tools/tags';

# Two placeholders of each range: as an argument, and before the text.
my $SOURCE = <<'END';
void f(void)
{
    qp_log_write(log, "QP1000", "a");
    qp_log_write(log, "QP9000", "b");
    ap_log_error(APLOG_MARK, APLOG_ERR, 0, s, "QP9000: c");
    ap_log_error(APLOG_MARK, APLOG_ERR, 0, s, "QP1000: d");
}
END

sub spew {
    my ($file, $text) = @_;

    open my $out, '>', $file or die "$file: $!";
    print {$out} $text;
    close $out or die "$file: $!";
    return;
}

sub slurp {
    my ($file) = @_;

    open my $in, '<', $file or die "$file: $!";
    local $/;
    return scalar <$in>;
}

plan tests => 6;

my $top = srcdir();
my @problems = split /\n/, qx($^X $TAGS --top $top);

ok($? == 0 || @problems, 'the tool runs');
verdict('tags', @problems);

my $temp = File::Temp->newdir('qpsmtpd-' . 'X' x 8, TMPDIR => 1);

make_path("$temp/src/tools");
spew("$temp/src/a.c", $SOURCE);
spew("$temp/src/tools/tags.last", "QP1010\nQP2005\nQP9020\n");
is(scalar(() = qx($^X $TAGS --top $temp) =~ /a placeholder/g), 4,
   'placeholders are found');
is(qx($^X $TAGS --top $temp --assign), '', 'and each gets its own number');
is(join(' ', slurp("$temp/src/a.c") =~ /QP\d+/g), 'QP1011 QP9021 QP9022 QP1012',
   'the next ones');
is(slurp("$temp/src/tools/tags.last"), "QP1012\nQP2005\nQP9022\n",
   'which are not given again');
