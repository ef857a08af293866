# SPDX-License-Identifier: Apache-2.0
# Layers point down: a folder of src/ is a layer, and the file "layers" says
# which module may include which. Only src/httpd and mod_qpsmtpd.c know httpd.
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Test::More;
use QP::Lint;

my @FOLDERS = qw(base wire session plugin smtp httpd);
my %layer = (tester => 5, map { $FOLDERS[$_] => $_ } 0 .. $#FOLDERS);
my $HTTPD = qr/^(?:httpd|http_\w+|ap_(?!config_auto)\w+|mod_\w+|util_\w+
                 |mpm_\w+|scoreboard|unixd)\.h$/x;

# What a file includes: in quotes, in angle brackets.
sub includes {
    my ($file) = @_;
    my $text = text($file);

    return ([$text =~ /^\s*#\s*include\s+"([^"]+)"/mg],
            [$text =~ /^\s*#\s*include\s+<([^>]+)>/mg]);
}

# src/wire/qp_line.c is of the module wire/qp_line.
sub module { return $_[0] =~ s{^src/|\.[ch]\z}{}gr }

sub layer_of {
    my ($module) = @_;

    return 5 if $module eq 'mod_qpsmtpd';
    return $module =~ m{^(\w+)/} ? $layer{$1} : undef;
}

sub knows_httpd { return $_[0] =~ m{^(?:httpd/|mod_qpsmtpd$)} }

# t/lint/layers: "MODULE: MODULE..." a line.
sub read_list {
    my %may;

    for my $line (split /\n/, text('t/lint/layers')) {
        next if $line =~ /^\s*(?:#|$)/;
        my ($module, $words) = $line =~ /^(\S+):(.*)$/ or die $line;

        $may{$module} = { map { $_ => 1 } split ' ', $words };
    }
    return \%may;
}

my $may = read_list();
my %edges;    # module -> module -> file
my @files = grep { $_ ne 'src/qpsmtpd.h' } files(qr/\.[ch]\z/, 'src');
my (@wrong, @httpd);

for my $file (@files, grep { -e srcdir() . "/$_" } 'mod_qpsmtpd.c') {
    my ($quoted, $angled) = includes($file);
    my $module = module($file);

    if (!defined layer_of($module)) {
        push @wrong, "$file: is in no folder of a layer";
        next;
    }
    for my $include (grep { $_ ne 'qpsmtpd.h' } @$quoted) {
        my $other = module($include);
        my $layer = layer_of($other);

        if (!defined $layer || !-e srcdir() . "/src/$include") {
            push @wrong, "$file: \"$include\" is not FOLDER/NAME.h";
        }
        elsif ($layer > layer_of($module)) {
            push @wrong, "$file: $include is above it";
        }
        elsif ($other ne $module) {
            $edges{$module}{$other} = $file;
        }
    }
    next if knows_httpd($module);
    push @httpd, map {"$file: <$_>"} grep {/$HTTPD/} @$angled;
    push @httpd, "$file: $1()"
        if strip(text($file)) =~ /\b(ap_\w+)\s*\(/;
}

# Modules that can be reached from a module.
sub reach {
    my ($from) = @_;
    my (%seen, @todo);

    @todo = keys %{ $edges{$from} };
    while (defined(my $next = pop @todo)) {
        push @todo, keys %{ $edges{$next} } if !$seen{$next}++;
    }
    return \%seen;
}

sub judge_list {
    my @problems;

    for my $module (sort keys %edges) {
        push @problems, map {"$edges{$module}{$_}: $_ is not in the list"}
            grep { !$may->{$module}{$_} } sort keys %{ $edges{$module} };
    }
    for my $module (sort keys %$may) {
        push @problems, map {"$module: $_ is in the list, and not included"}
            grep { !$edges{$module}{$_} } sort keys %{ $may->{$module} };
    }
    return @problems;
}

# Plugins see the public header, headers of other plugins, and no httpd.
sub judge_plugin {
    my ($file) = @_;
    my ($quoted, $angled) = includes($file);
    my $folder = srcdir() . '/' . $file =~ s{[^/]*\z}{}r;

    return ((map {"$file: \"$_\""}
             grep { $_ ne 'qpsmtpd.h' && !-e srcdir() . "/plugins/$_"
                        && !-e "$folder$_" } @$quoted),
            (map {"$file: <$_>"} grep {/$HTTPD/} @$angled));
}

plan tests => 5;
verdict('layers', @wrong);
verdict('no cycles', map {"$_ includes itself, by way of others"}
        grep { reach($_)->{$_} } sort keys %edges);
verdict('t/lint/layers', judge_list());
verdict('httpd is known to src/httpd only', @httpd);
# It asks modules of httpd, which want to be asked in their own words.
my $IS_OF_HTTPD = 'plugins/auth/httpd.c';

verdict('plugins', map { judge_plugin($_) } grep { $_ ne $IS_OF_HTTPD }
        files(qr/\.[ch]\z/, 'plugins'));
