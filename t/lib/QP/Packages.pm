# SPDX-License-Identifier: Apache-2.0
package QP::Packages;

use strict;
use warnings FATAL => 'all';

use File::Temp ();
use QP::Server ();

# The folder below the build with these packages of Debian, unpacked; nothing if
# they cannot be had. Tests that run at once do not see half of it.
sub unpack_into {
    my ($name, @packages) = @_;
    my $dir = QP::Server::builddir() . "/t/$name";

    if (!-d "$dir/usr") {
        my $temp = File::Temp->newdir("$dir-XXXXXX");

        system("cd '$temp' && apt-get -q download @packages >out 2>&1"
               . " && for p in *.deb; do dpkg -x \$p all || exit 1; done"
               . " && chmod 755 all") == 0
            or return;
        rename "$temp/all", $dir or -d "$dir/usr" or return;
    }
    return $dir;
}

1;

__END__

=head1 NAME

QP::Packages - programs that cannot be installed beside others

=head1 SYNOPSIS

    my $dir = QP::Packages::unpack_into('exim', 'exim4-daemon-light')
        or return;

=head1 DESCRIPTION

Packages of Debian that exclude each other, such as mail servers, are downloaded
and unpacked into the build folder, once.

=cut
