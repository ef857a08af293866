# SPDX-License-Identifier: Apache-2.0
# queue/exim-bsmtp. First with a strict stand-in for Exim, which fails in each
# way; then with Debian's Exim.
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Exim;
use QP::Server;
use QP::Skips;

my $plugin = 'queue/exim-bsmtp';
my @all = ('a@example.org', '"b c"@example.org', 'postmaster');

# What the stand-in says, how it ends, the reply, and a line of the log.
my @ends = (
    ['', 'exit 0', qr/^250 2\.0\.0 queued /, qr/pass, message \S+ queued/],
    ['550 5.1.1 who?\r\nx', 'exit 2', qr/^552 5\.1\.1 who\?$/,
     qr/fail, message \S+ refused: 550 who\?/],
    ['554 no\tway\r\n', 'exit 2', qr/^552 5\.7\.1 no way$/, qr/fail, /],
    ['452 4.3.1 full\n', 'exit 2', qr/^452 4\.3\.1 full$/, qr/fail, /],
    ['550-' . 'x' x 3000, 'exit 2', qr/^552 5\.7\.1 x{400}$/, qr/fail, /],
    ['550', 'exit 2', qr/^552 /, qr/fail, /],
    ['250 fine', 'exit 2', qr/^452 /, qr/error, .*exit status 2 why/],
    ['5500 x', 'exit 2', qr/^452 /, qr/error, /],
    ['', 'exit 2', qr/^452 4\.3\.0 The message cannot/, qr/error, /],
    ['550 5.1.1 x', 'exit 1', qr/^452 /, qr/error, .*exit status 1 why/],
    ['550 5.1.1 x', 'kill KILL => $$', qr/^452 /, qr/error, .*: signal 9/],
);

plan tests => 18 + 2 * @ends, QP::Server->need(
    map {"plugins/$_"} 'rcpt_ok', $plugin);

sub server {
    my ($program) = @_;

    return QP::Server->new(plugins => ['rcpt_ok', "$plugin $program"],
                           config => { rcpthosts => 'example.org',
                                       bare_newline => 'accept-in-body' });
}

# The stand-in: it keeps its arguments and what it reads.
sub write_program {
    my ($server, $says, $code) = @_;
    my $file = "$server->{dir}/program";

    QP::Server::write_file($file, <<"END");
#!$^X
open my \$out, '>:raw', '$server->{dir}/spool/got';
binmode STDIN;
print \$out "\@ARGV|", <STDIN>;
\$| = 1;
print "$says";
print STDERR "why";
$code;
END
    chmod 0755, $file or die $!;
    return;
}

sub deliver {
    my ($server, $from, $to, $text) = @_;

    return $server->client->hello->send_message(
        $from, $to, $text // "Subject: x\n\nhello\n.dot\n");
}

my $server = server('@DIR@/program timeout 20s');

write_program($server, '', '');
$server->start;
for my $end (@ends) {
    my ($says, $how, $reply, $log) = @$end;
    my $name = substr($says, 0, 9) . " $how";

    write_program($server, $says, $how);
    $server->expect_log(qr/$plugin: $log/) if $log =~ /error/;
    ok t_cmp(deliver($server, 's@example.net', [$all[0]]), $reply, $name);
    ok defined $server->wait_log(qr/$plugin: $log/), "$name: the log";
}
write_program($server, '', 'exit 0');
ok t_cmp(deliver($server, '', \@all, ".\n..\n" . '.x' x 9000 . "\n.\n"),
         qr/^250 /, 'dots, three recipients, no sender');
my ($argv, $batch) =
    split /\|/, QP::Server::slurp("$server->{dir}/spool/got"), 2;

ok t_cmp($argv, '-bS', 'its argument');
ok t_cmp($batch, qr/\AEHLO\ mx\.example\.org\r\nMAIL\ FROM:<>\r\n
         RCPT\ TO:<a\@example\.org>\r\nRCPT\ TO:<"b\ c"\@example\.org>\r\n
         RCPT\ TO:<postmaster>\r\nDATA\r\nReceived:\ /x, 'the envelope');
ok $batch =~ /\r\n\r\n\.\.\r\n\.\.\.\r\n\.\.x(?:\.x){8999}\r\n
              \.\.\r\n\.\r\nQUIT\r\n\z/x, 'the message';
ok $batch !~ /\r(?!\n)|(?<!\r)\n/, 'has no line ends but CR LF';
QP::Server::write_file("$server->{dir}/program", "#!/bin/sh\nexit 0\n");
chmod 0755, "$server->{dir}/program" or die $!;
$server->expect_log(qr/$plugin: error, .* it has not read all/);
ok t_cmp(deliver($server, '', [$all[0]], "line\n" x 100_000), qr/^452 /,
         'the message is not read');
unlink "$server->{dir}/program";
$server->expect_log(qr/$plugin: error, cannot start \S+: No such file/);
ok t_cmp(deliver($server, '', [$all[0]]), qr/^451 4\.3\.0 /, 'no program');
$server->stop;

# The real one.
SKIP: {
    my $exim = QP::Exim->new;

    if (!$exim) {
        QP::Skips::check('no Exim');
        skip 'no Exim', 10;
    }
    $server = server($exim->program)->start;
    ok t_cmp(deliver($server, 's@example.net', \@all), qr/^250 2\.0\.0 queued /,
             'Exim');
    my $got = $exim->delivered(qr/(?:^\.dot\n.*){3}/ms);

    ok t_cmp($got, qr/^Return-path: <s\@example\.net>$/m, 'the sender')
        or diag $exim->said;
    ok t_cmp(join(' ', sort $got =~ /^Envelope-to: (.*)$/mg),
             '"b c"@example.org a@example.org postmaster@example.org',
             'the recipients');
    ok t_cmp($got, qr/^Subject: x\n(?:.+\n)+\nhello\n\.dot\n\n/m,
             'the message');
    ok t_cmp(deliver($server, '', [$all[0]], "Subject: r\n\na\n.\n.\nb\n"),
             qr/^250 /, 'a bounce with dots alone');
    ok t_cmp($exim->delivered(qr/^b$/m),
             qr/^Return-path:\ <>\n(?:.+\n)+Subject:\ r\n(?:.+\n)+\n
                a\n\.\n\.\nb\n/mx,
             'arrives unharmed');
    ok t_cmp(deliver($server, '', [$all[0]], "Subject: spam\n\n"),
             qr/^552 5\.7\.1 .*spam/, 'Exim refuses it');
    ok t_cmp(deliver($server, '', [$all[0]], "line\n" x 60_000),
             qr/^552 \S+ .*size/i, 'it is too big');
    ok t_cmp(deliver($server, '', [map {"$_\@example.org"} 'a' .. 'd']),
             qr/^[45]52 .*recipients/, 'too many recipients');
    ok t_cmp(scalar(() = $exim->delivered(qr/./) =~ /^Return-path/mg), 4,
             'there is nothing but what was taken');
    $server->stop;
}
ok t_cmp((server('bin/exim')->configtest)[1],
         qr{exim_path: "bin/exim" is not the path of a program}, 'mistake');
