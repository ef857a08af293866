# SPDX-License-Identifier: Apache-2.0
# auth/auth_checkpassword: what the program exits with decides; what it gets
# is on descriptor 3 and nowhere else.
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Sasl;
use QP::Server;

# User, password, what the client is told.
my @cases = (
    ['joe', 'right', qr/^235 /], ['joe', 'wrong', qr/^535 /],
    ['joe', 'exit 0; right', qr/^535 /], ['$(touch x)', 'x', qr/^535 /],
    ['down', 'x', qr/^454 4\.7\.0 /], ['killed', 'x', qr/^454 /],
    ['joe', 'x' x 600, qr/^535 /],
);

plan tests => 2 * @cases + 4,
    QP::Server->need('plugins/auth/auth_checkpassword', 'plugins/rcpt_ok');

my $server = QP::Server->new(
    plugins => ['auth/auth_checkpassword checkpw @DIR@/check timeout 2s',
                'rcpt_ok'],
    config  => { tls_before_auth => 'no', auth_delay => '10ms' });
my $dir = $server->dir;

QP::Server::write_file("$dir/check", <<'END');
#!/usr/bin/perl
open my $in, '<&=', 3 or exit 2;
local $/;
my ($user, $password, $time, $rest) = split /\0/, scalar <$in>, -1;
exit 2 if !defined $time || $rest ne '' || @ARGV != 1;
exit 2 if grep { -e "/proc/self/fd/$_" && $_ > 4 } 5 .. 60;
exit 111 if $user eq 'down';
kill 'KILL', $$ if $user eq 'killed';
select undef, undef, undef, 60 if $user eq 'slow';
exit 1 if $user ne 'joe' || $password ne 'right';
exec {$ARGV[0]} $ARGV[0];
END
chmod 0755, "$dir/check" or die $!;
$server->expect_log(qr{auth_checkpassword: error, .*/check: exit status 111},
                    qr{auth_checkpassword: error, .*/check: ended by signal 9},
                    qr/QP1103/)->start;

for my $case (@cases) {
    my ($user, $password, $reply) = @$case;

    for my $mech (qw(PLAIN LOGIN)) {
        ok t_cmp(QP::Sasl::login($server->client->hello, $mech, $user,
                                 $password),
                 $reply, "$mech: $user " . substr $password, 0, 20);
    }
}
ok t_cmp(QP::Sasl::login($server->client->hello, 'PLAIN', 'slow', 'x'),
         qr/^454 /, 'a program that takes too long');
ok $server->poll(sub { !grep { QP::Server::slurp("/proc/$_/cmdline")
                                   =~ m{^/usr/bin/perl\0\Q$dir\E/check} }
                       map { m{/proc/(\d+)} } glob '/proc/[0-9]*' }),
    'is ended';
$server->stop;
$server = QP::Server->new(
    plugins => ['auth/auth_checkpassword', 'rcpt_ok'],
    config  => { tls_before_auth => 'no', auth_delay => '10ms',
                 'smtpauth-checkpassword' => '/bin/true /bin/true' })->start;
ok t_cmp(QP::Sasl::login($server->client->hello, 'PLAIN', 'any', 'x'),
         qr/^235 /, 'the old config file');
$server->stop;
ok t_cmp((QP::Server->new(plugins => ['auth/auth_checkpassword checkpw x'])
          ->configtest)[1], qr/plugins:1: .*: checkpw: .* absolute path/,
         'a relative path');
