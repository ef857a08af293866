# SPDX-License-Identifier: Apache-2.0
# The examples of docs/plugins.md: each C file compiles without a warning, each
# dialog passes, and the C side of the Perl crib compiles.
use strict;
use warnings FATAL => 'all';

use File::Path qw(make_path);
use File::Temp ();
use FindBin ();
use lib "$FindBin::Bin/../lib";
use IO::Socket::INET ();
use Test::More;
use QP::Dialog;
use QP::Lint;

my $PAGE = 'docs/plugins.md';
my $dir = File::Temp->newdir('qpsmtpd-' . 'X' x 8, TMPDIR => 1);
my $compiler = compiler();

skip_test('nothing is built') if !-x builddir() . '/qpsmtpd-plugin-test';

# The command that the page tells, with the header of the tree.
sub compiler {
    my $cc = $ENV{QP_CC} || 'cc';
    my $flags = qx(PKG_CONFIG_PATH='${\ builddir()}' pkg-config \\
                   --define-variable=includedir='${\ srcdir()}/src' \\
                   --cflags qpsmtpd);

    return "$cc -shared -fPIC -Wall -Wextra -Werror -Wno-unused-parameter "
        . $flags =~ s/\n//r;
}

# Blocks of the page; the first line of each names its file.
sub blocks {
    my $page = text($PAGE);
    my @blocks;

    while ($page =~ /^```(c|smtp)\n(.*?)^```$/msg) {
        my ($lang, $text, $at) = ($1, $2, $-[2]);
        my ($file) = $text =~ m{\A(?:/\*|\#) ([\w/-]+\.(?:c|smtp))\b};

        push @blocks, { lang => $lang, file => $file, text => $text,
                        line => line_of($page, $at) };
    }
    return @blocks;
}

sub append {
    my ($name, $text) = @_;
    my $file = "$dir/$name";

    make_path($file =~ s{/[^/]*\z}{}r);
    open my $out, '>>', $file or die "$file: $!";
    print {$out} $text or die "$file: $!";
    close $out or die "$file: $!";
    return;
}

sub compile {
    my ($file) = @_;
    my $object = $file =~ s/c\z/so/r;
    my $said = qx(cd '$dir' && $compiler -o '$object' '$file' 2>&1);

    return $? == 0 && $said eq '' ? () : "$PAGE: $said";
}

# The second column of the table of chapter 13, as functions.
sub crib {
    my ($rows) = text($PAGE) =~ /^\| Perl \| C \|\n\|---.*?\n(.*?)\n\n/ms;
    my @code = map { /\| `([^`]+)` \|$/ ? $1 : () } split /\n/, $rows;
    my $text = "#include <qpsmtpd.h>\nqp_rc f(const qp_plugin *self, "
        . "qp_session *qp,\n const qp_mail_arg *arg) { return QP_OK; }\n";
    my $n = 0;

    for my $code (@code) {
        $n++;
        $text .= $code =~ /^\./ ? "qp_plugin_def def_$n = { $code };\n"
            : "qp_rc crib_$n(const qp_plugin *self, qp_plugin *plugin,\n"
            . " qp_session *qp, const qp_rcpt_arg *arg, qp_conn *conn,\n"
            . " qp_txn *txn, qp_header *header, const qp_addr *addr,\n"
            . " qp_reader *reader, const char *text, apr_size_t len,\n"
            . " qp_rc type"
            . ") { $code; (void)text; return QP_DECLINED; }\n";
    }
    return ($text, scalar @code);
}

# A QMQP server that wants a subject. Returns its port and process id.
sub start_qmqp {
    my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 9)
        or die $@;
    my $pid = fork() // die "fork: $!";

    return ($listener->sockport, $pid) if $pid;
    local $/ = ':';
    while (my $client = $listener->accept) {
        my $length = <$client> =~ s/://r;

        read $client, my $text, $length + 1;
        my ($size) = $text =~ /\A(\d+):/;
        my $message = substr $text, length($size) + 1, $size, '';
        my $rcpts = () = $text =~ /@/g;
        my $answer = $message =~ /^Subject:/m ? "Kfor $rcpts recipient(s)"
            : 'Dthere is no subject';

        print {$client} length($answer) . ":$answer,";
    }
    exit 0;
}

# What is wrong with the dialogs, by name.
sub play {
    my (@dialogs) = @_;
    my ($port, $pid) = start_qmqp();
    my $command = join ' ', map {"'$_'"} QP::Dialog::player('.'), '--define',
        "QMQP_PORT=$port", @dialogs;
    my $said = qx(cd '$dir' && $command);
    my %wrong;

    kill 'KILL', $pid;
    waitpid $pid, 0;
    while ($said =~ /^(ok|not ok) \d+ - (\S+).*\n((?:#.*\n)*)/mg) {
        $wrong{$2} = $1 eq 'ok' ? '' : $3;
    }
    return \%wrong;
}

my @blocks = blocks();
my %files = map { $_->{file} => $_->{lang} } grep { $_->{file} } @blocks;
my @dialogs = sort grep { $files{$_} eq 'smtp' } keys %files;
my ($text, $count) = crib();

plan tests => 4 + @dialogs;
verdict('blocks have names', map {"$PAGE:$_->{line}: no file name"}
        grep { !$_->{file} } @blocks);
ok(@blocks > 40 && $count > 40, 'the page has been understood');
append($_->{file}, $_->{text}) for grep { $_->{file} } @blocks;
append('crib.c', $text);
verdict('the crib', compile('crib.c'));
verdict('plugins', map { compile($_) }
        sort grep { $files{$_} eq 'c' } keys %files);

my $wrong = play(@dialogs);

for my $dialog (@dialogs) {
    my ($name) = $dialog =~ m{([^/]+)\.smtp\z};

    verdict($dialog, grep { $_ ne '' } $wrong->{$name} // 'was not played');
}
