# SPDX-License-Identifier: Apache-2.0
# queue/pipe: what the program gets, what its end comes to, and that nothing in
# an address is special.
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

my $plugin = 'queue/pipe';
my @all = ('a@example.org', '"$(id);`id`|&s b"@example.org');

# The exit status and the reply.
my %ends = (
    0 => qr/^250 2\.0\.0 queued /, 1 => qr/^452 4\.3\.0 /, 64 => qr/^452 /,
    65 => qr/^552 5\.6\.0 /, 67 => qr/^552 5\.1\.1 No such user/,
    68 => qr/^552 5\.1\.2 /, 69 => qr/^552 5\.3\.0 /, 75 => qr/^452 /,
    77 => qr/^552 5\.7\.1 /, 78 => qr/^452 /, 127 => qr/^452 /,
);

plan tests => 12 + keys %ends, QP::Server->need(
    map {"plugins/$_"} 'rcpt_ok', $plugin);

sub server {
    my ($args) = @_;
    my $server = QP::Server->new(
        plugins => ['rcpt_ok', "$plugin $args"],
        config  => { rcpthosts => 'example.org' });

    write_program($server, 'exit 0');
    return $server->start;
}

# A script; it keeps its arguments, a line each, and what it reads.
sub write_program {
    my ($server, $code) = @_;
    my $file = "$server->{dir}/program";

    QP::Server::write_file($file, <<"END");
#!$^X
open my \$out, '>>', '$server->{dir}/spool/got';
print \$out map {"<\$_>\\n"} \@ARGV;
print \$out <STDIN>;
print STDERR "why";
$code;
END
    chmod 0755, $file or die $!;
    return;
}

sub got {
    my ($server) = @_;
    my $text = QP::Server::slurp("$server->{dir}/spool/got");

    unlink "$server->{dir}/spool/got";
    return $text;
}

sub deliver {
    my ($server, $from, @to) = @_;

    return $server->client->hello->send_message(
        $from, [@to], "Subject: x\n\nhello\n.dot\n");
}

my $server = server('@DIR@/program -f %s %%r "a  b;" x%r -- %r');

for my $status (sort { $a <=> $b } keys %ends) {
    write_program($server, "exit $status");
    $server->expect_log(qr/$plugin: error, .*exit status $status why/)
        if $ends{$status} =~ /452/;
    ok t_cmp(deliver($server, 's@example.net', $all[0]), $ends{$status},
             "exit $status");
}
write_program($server, 'exit 0');
got($server);
ok t_cmp(deliver($server, '', @all), qr/^250 /, 'two recipients, no sender');
ok t_cmp(got($server), qr/\A<-f>\n<>\n<%r>\n<a\ \ b;>\n<x%r>\n<-->\n
         <a\@example\.org>\n<\$\(id\);`id`\|&s\ b\@example\.org>\n
         Received:\ .*^Subject:\ x\n\nhello\n\.dot\n\z/msx,
         'arguments and message');
ok t_cmp(deliver($server, '-f@example.net', $all[0]), qr/^552 5\.1\.7 /,
         'a sender that could be an option');
ok t_cmp(deliver($server, '', '-x@example.org'), qr/^552 5\.1\.3 /,
         'a recipient');
ok !-e "$server->{dir}/spool/got", 'the program is not started';
write_program($server, 'kill KILL => $$');
$server->expect_log(qr/$plugin: error, .*: signal 9/);
ok t_cmp(deliver($server, '', $all[0]), qr/^452 4\.3\.0 /, 'a signal');
unlink "$server->{dir}/program";
$server->expect_log(qr/$plugin: error, cannot start \S+: No such file/);
ok t_cmp(deliver($server, '', $all[0]), qr/^451 4\.3\.0 /, 'no program');
$server->stop;

# One after the other.
$server = server('each @DIR@/program %i %r');
ok t_cmp(deliver($server, '', @all), qr/^250 /, 'each');
ok t_cmp(scalar(() = got($server) =~ /^<\w+\.1>\n<.*\@example.org>\nRec/mg), 2,
         'is one run for each');
write_program($server, 'exit($ARGV[1] =~ /^a/ ? 0 : 67)');
ok t_cmp(deliver($server, '', @all), qr/^552 5\.1\.1 /, 'one of two');
$server->stop;

for my $bad (['', qr/program: the program has to be given/],
             ['bin/true', qr{program: "bin/true" is not the path}]) {
    ok t_cmp((QP::Server->new(plugins => ["$plugin $bad->[0]"])
              ->configtest)[1], $bad->[1], "mistake: $bad->[0]");
}
