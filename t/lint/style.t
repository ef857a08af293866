# SPDX-License-Identifier: Apache-2.0
# How files begin, and what a Perl file must have.
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Test::More;
use QP::Lint;

my $SPDX = 'SPDX-License-Identifier: Apache-2.0';

my @c = (sources(), files(qr/\.[ch]\z/, 't'));
my @perl = (files(qr/\.(?:t|pm)\z/, 't'), 't/TEST',
            files(qr/(?<!\.last)\z/, 'src/tools'));

@perl = grep { -e srcdir() . "/$_" } @perl;

# The licence, then a comment that says what the file is for.
sub judge_c {
    my ($file) = @_;
    my $text = text($file);

    return "$file: does not begin with the SPDX line"
        if $text !~ m{\A/\* \Q$SPDX\E \*/\n};
    return "$file: no comment below the SPDX line"
        if $text !~ m{\A[^\n]*\n/\*};
    return "$file: no \@file or \@brief"
        if $file =~ /^src.*\.h\z/ && $text !~ /\@file.*\@brief/s;
    return;
}

sub judge_perl {
    my ($file) = @_;
    my $text = text($file);
    my @wrong;

    push @wrong, "$file: no SPDX line"
        if $text !~ /\A(?:#![^\n]*\n)?# \Q$SPDX\E\n/;
    push @wrong, "$file: no \"use strict\"" if $text !~ /^use strict;$/m;
    push @wrong, "$file: no \"use warnings FATAL => 'all'\""
        if $text !~ /^use warnings FATAL => 'all';$/m;
    return @wrong;
}

# A test waits for what happens, not for time to pass.
sub judge_test {
    my ($file) = @_;

    return if text($file) !~ /(?<!no )\bsleep\s*\(?\s*[\d\$]/;
    return "$file: sleeps";
}

plan tests => 3;
verdict('C files', map { judge_c($_) } @c);
verdict('Perl files', map { judge_perl($_) } @perl);
verdict('tests do not sleep', map { judge_test($_) }
        files(qr/\.t\z/, 't'));
