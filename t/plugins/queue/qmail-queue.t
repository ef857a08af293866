# SPDX-License-Identifier: Apache-2.0
# queue/qmail-queue with a program in qmail-queue's place, which looks at its
# descriptors: what it gets, and what its end comes to.
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

my $plugin = 'queue/qmail-queue';

# How the program ends, the reply, and a line of the log.
my @ends = (
    ['exit 0', qr/^250 2\.0\.0 queued /, qr/pass, message \S+ queued/],
    ['exit 31', qr/^552 5\.3\.0 The message is refused$/,
     qr/fail, message \S+ refused: exit status 31 why/],
    ['exit 11', qr/^552 /, qr/fail, .*exit status 11/],
    ['exit 40', qr/^552 /, qr/fail, .*exit status 40/],
    ['exit 10', qr/^452 /, qr/error, message \S+ not queued: exit status 10/],
    ['exit 41', qr/^452 /, qr/error, .*exit status 41/],
    ['exit 53', qr/^452 4\.3\.0 /, qr/error, .*exit status 53 why/],
    ['exit 91', qr/^452 /, qr/error, .*exit status 91/],
    ['kill KILL => $$', qr/^452 /, qr/error, .*: signal 9/],
);

plan tests => 11 + 2 * @ends, QP::Server->need(
    map {"plugins/$_"} 'rcpt_ok', $plugin);

# Writes the program; it is a script, whose first words are given.
sub write_program {
    my ($server, $code) = @_;
    my $file = "$server->{dir}/program";
    my $to = "$server->{dir}/spool/got";

    QP::Server::write_file($file, <<"END");
#!$^X
$code
END
    chmod 0755, $file or die $!;
    return;
}

my $READ = <<'END';
opendir my $dir, '/proc/self/fd';
my $fds = join ',', grep { (readlink "/proc/self/fd/$_") !~ /proc|program/ }
    sort grep {/\d/} readdir $dir;
closedir $dir;
open my $env, '<&=', 1 or die;
local $/;
my $message = <STDIN>;
my $envelope = <$env>;
print STDERR "why\n";
END

sub deliver {
    my ($server, @to) = @_;

    return $server->client->hello->send_message(
        's@example.net', @to ? [@to] : 'a@example.org',
        "Subject: x\n\nhello\n.dot\n");
}

my $server = QP::Server->new(plugins => ['rcpt_ok', "$plugin \@DIR\@/program"],
                             config => { rcpthosts => 'example.org' });

write_program($server, '');
$server->start;
for my $end (@ends) {
    my ($how, $reply, $log) = @$end;

    write_program($server, "$READ\n$how;");
    $server->expect_log(qr/$plugin: $log/) if $log =~ /error/;
    ok t_cmp(deliver($server), $reply, "$how: the reply");
    ok defined $server->wait_log(qr/$plugin: $log/), "$how: the log";
}

# What it gets.
write_program($server, $READ . <<"END");
open my \$out, '>', '$server->{dir}/spool/got';
print \$out join '|', \$fds, "\@ARGV", join(',', sort keys %ENV),
    \$envelope, \$message;
END
ok t_cmp(deliver($server, '"b c"@example.org', 'postmaster'), qr/^250 /,
         'a program that looks around');
my ($fds, $argv, $env, $envelope, $message) =
    split /\|/, QP::Server::slurp("$server->{dir}/spool/got"), 5;

ok t_cmp($fds, '0,1,2', 'its descriptors');
ok t_cmp("$argv,$env", ',PATH', 'no arguments, no environment');
ok t_cmp($envelope, "Fs\@example.net\0Tb c\@example.org\0"
         . "Tpostmaster\@mx.example.org\0\0", 'the envelope');
ok t_cmp($message, qr/\AReceived: .*^Subject: x\n\nhello\n\.dot\n\z/ms,
         'the message');

# One that does not read, one that does not end, and one that is not there.
write_program($server, 'exit 0;');
$server->expect_log(qr/$plugin: error, .* it has not read all/);
ok t_cmp($server->client->hello->send_message(
             's@example.net', 'a@example.org', "line\n" x 100_000),
         qr/^452 /, 'the message is not read');
unlink "$server->{dir}/program";
$server->expect_log(qr/$plugin: error, cannot start \S+: No such file/);
ok t_cmp(deliver($server), qr/^451 4\.3\.0 /, 'no program');
$server->stop;

$server = QP::Server->new(
    plugins => ['rcpt_ok', "$plugin \@DIR\@/program timeout 1s"],
    config  => { rcpthosts => 'example.org' });
write_program($server, "open my \$o, '>', '$server->{dir}/spool/pid';"
              . ' print $o $$; close $o; select undef, undef, undef, 1000;');
$server->start;
$server->expect_log(qr/QP1103.*$plugin: no answer/);
ok t_cmp(deliver($server), qr/^452 4\.3\.0 Cannot decide now/, 'too slow');
my $pid = QP::Server::slurp("$server->{dir}/spool/pid");

ok $server->poll(sub { return !-e "/proc/$pid" }), 'it is killed';
$server->stop;

for my $bad ('/nowhere/program', 'bin/program') {
    ok t_cmp((QP::Server->new(plugins => ["$plugin $bad"])->configtest)[1],
             qr{program: "$bad" is not the path of a program}, 'mistake');
}
