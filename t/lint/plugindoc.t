# SPDX-License-Identifier: Apache-2.0
# Each plugin is where people look for it: a page in docs/plugins that says what
# its manual says, a paragraph in docs/plugin-list.md, a line in the samples. So
# is each sample, and links lead somewhere.
use strict;
use warnings FATAL => 'all';

use File::Find ();
use File::Temp ();
use FindBin ();
use lib "$FindBin::Bin/../lib";
use Test::More;
use QP::Lint;

my $top = srcdir();
my $temp = File::Temp->newdir('qpsmtpd-' . 'X' x 8, TMPDIR => 1);
my $said = qx($^X $top/src/tools/plugindoc $top $temp 2>&1);
my $failed = $?;
my @plugins = map { s{^plugins/|\.c\z}{}gr } plugins();

# What is in the pages of a folder, by their names.
sub pages {
    my ($dir) = @_;
    my %pages;

    return \%pages if !-d $dir;
    File::Find::find({ no_chdir => 1, wanted => sub {
        return if !-f;
        open my $in, '<', $_ or die "$_: $!";
        local $/;
        $pages{ $File::Find::name =~ s{^\Q$dir\E/}{}r } = scalar <$in>;
    } }, $dir);
    return \%pages;
}

sub stale {
    my ($old, $new) = (pages("$top/docs/plugins"), pages("$temp"));

    return map {"docs/plugins/$_"}
        grep { ($old->{$_} // '') ne ($new->{$_} // '') }
        sort keys %{ { %$old, %$new } };
}

sub unlisted {
    my $list = text('docs/plugin-list.md');
    my %listed = map { $_ => 1 }
        $list =~ /^### \[(\S+)\]\(plugins\/\g1\.md\)$/mg;

    return ((map {"docs/plugin-list.md: no paragraph for $_"}
             grep { !$listed{$_} } @plugins),
            (map {"docs/plugin-list.md: no link in \"### $_\""}
             $list =~ /^### ([^\[].*)/mg));
}

sub unsampled {
    my %there = map { $_ => 1 }
        (text('conf/config/plugins') . text('conf/config/logging'))
        =~ /^#?([\w\/-]+)(?=[ \n])/mg;

    return map {"conf/config: no line for $_"} grep { !$there{$_} } @plugins;
}

# Each sample is installed, and explained on a page for admins.
sub unexplained {
    my $makefile = text('Makefile.am');
    my $docs = text('docs/admin.md') . text('docs/plugin-list.md');

    return map {
        my $key = s{.*/}{}r;

        (($makefile =~ /^\s\Q$_\E(?: \\)?$/m ? () : "Makefile.am: no $_"),
         ($docs =~ /`\Q$key\E`/ ? () : "docs: nothing about $key"),
         (text($_) =~ /\A# / ? () : "$_: says nothing"));
    } files(qr/\A/, 'conf/config');
}

sub dead_links {
    my @dead;

    for my $page ('README.md', files(qr/\.md\z/, 'docs')) {
        my $dir = "$top/$page" =~ s{[^/]*\z}{}r;
        my $text = text($page) =~ s/^ *```.*?^ *```$//msgr;

        while ($text =~ /\]\(((?!https?:|#)[^)#\s]+)/g) {
            push @dead, "$page: $1 is not there" if !-e "$dir$1";
        }
    }
    return @dead;
}

plan tests => 7;
ok(!$failed, 'the tool runs') or diag($said);
ok(@plugins > 20, 'there are plugins');
verdict('docs/plugins is up to date (make docs)', stale());
verdict('docs/plugin-list.md', unlisted());
verdict('the samples have each plugin', unsampled());
verdict('each sample is installed and explained', unexplained());
verdict('links', dead_links());
