# SPDX-License-Identifier: Apache-2.0
# Calls and constructs that have no place in a threaded server.
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Test::More;
use QP::Lint;

# Static buffers and other state of the process; unbounded copies; numbers
# without errors.
my @DENIED = qw(
    strtok localtime gmtime asctime ctime strerror gethostbyname gethostbyaddr
    getservbyname getpwnam getgrnam inet_ntoa rand srand random
    signal alarm fork vfork chdir umask setenv putenv unsetenv setlocale
    exit _exit system popen setjmp longjmp sleep usleep
    sprintf vsprintf strcpy strcat strncpy strncat stpcpy gets alloca
    atoi atol atoll atof tmpnam tempnam mktemp tmpfile scanf sscanf
    printf puts perror
);
my $DENIED = join '|', @DENIED;

my $exempt = exempt('calls');
my %used;

sub find {
    my ($re) = @_;
    my @found;

    for my $file (sources()) {
        my $code = strip(text($file));

        while ($code =~ /$re/g) {
            my ($name, $at) = ($1, $-[0]);

            next if $used{"$file:$name"} = $exempt->{"$file:$name"};
            push @found, "$file:" . line_of($code, $at) . ": $name";
        }
    }
    return @found;
}

# A label is "out", below the gotos that name it.
sub judge_labels {
    my ($file) = @_;
    my @wrong;

    for my $function (functions($file)) {
        my $body = join "\n", @{ $function->{body} };
        my $where = "$file:$function->{first}: $function->{name}";

        push @wrong, "$where: goto $1" if $body =~ /\bgoto\s+(?!out\b)(\w+)/;
        push @wrong, "$where: goto backwards"
            if $body =~ /^\s*out:.*\bgoto\s+out\b/ms;
    }
    return @wrong;
}

# One fact in two places: a chain of comparisons is a table.
sub judge_chains {
    my ($file) = @_;

    return map {"$file:$_->{first}: $_->{name}: a chain of strcasecmp"}
        grep { (() = "@{ $_->{body} }" =~ /\bstrn?casecmp\s*\(/g) >= 3 }
        functions($file);
}

sub judge_conditions {
    my ($file) = @_;

    return map {"$file:$_->{first}: $_->{name}: #if in a function"}
        grep { grep {/^\s*#\s*(?:if|else|elif|endif)/} @{ $_->{body} } }
        functions($file);
}

my @c = grep {/\.c\z/} sources();

plan tests => 6;
verdict('no denied call', find(qr/(?<![\w.>])($DENIED)\s*\(/));
verdict('no one-line if, no cuddled else',
        find(qr/^\s*(if|while|for) (\((?:[^()\n]|(?2))*\)) (?!\{)[^\n]*;$/m),
        find(qr/^\s*\} (else)\b/m));
verdict('labels', map { judge_labels($_) } @c);
verdict('chains', map { judge_chains($_) } @c);
verdict('conditions', map { judge_conditions($_) } @c);
verdict('exemptions are needed', grep { !exists $used{$_} } keys %$exempt);
