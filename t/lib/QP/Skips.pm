# SPDX-License-Identifier: Apache-2.0
package QP::Skips;

use strict;
use warnings FATAL => 'all';

use Cwd qw(abs_path);

# Dies if the running test must not be skipped for these reasons.
sub check {
    my (@reasons) = @_;
    my $top = abs_path(__FILE__ =~ s{[^/]*\z}{../../..}r);
    my $test = abs_path($0) =~ s{^\Q$top\E/}{}r;
    my $allowed = read_list("$top/t/SKIPS");

    return if !$ENV{QP_STRICT};
    for my $reason (@reasons) {
        next if $allowed->{"$test $reason"};
        die "$test must not be skipped ($reason); see t/SKIPS\n";
    }
    return;
}

sub read_list {
    my ($file) = @_;
    my %allowed;

    open my $in, '<', $file or die "$file: $!\n";
    while (my $line = <$in>) {
        $allowed{"$1 $2"} = 1 if $line =~ /^([^#\s]\S*)\s+(\S.*)$/;
    }
    return \%allowed;
}

1;

__END__

=head1 NAME

QP::Skips - which tests may be skipped

=head1 SYNOPSIS

    QP::Skips::check('no clang-format 14');
    plan skip_all => 'no clang-format 14';

=head1 DESCRIPTION

With QP_STRICT=1 in the environment a test that is skipped dies, unless
F<t/SKIPS> has a line with its name and the reason. QP::Server->need checks by
itself.
