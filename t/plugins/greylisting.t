# SPDX-License-Identifier: Apache-2.0
# greylisting: in files, and with a Redis server that goes away.
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Redis;
use QP::Server;

plan tests => 48, QP::Server->need('plugins/greylisting', 'plugins/whitelist',
                                   'plugins/user_config', 'bin/redis-server');

my $GREY = qr/^450 4\.7\.1 Not known yet/;
my $server;

sub start {
    my ($args, %arg) = @_;
    my $config = { rcpthosts => ['example.org'], %{ $arg{config} // {} } };

    $server->stop if $server;
    $server = QP::Server->new(
        plugins => [@{ $arg{above} // [] }, "greylisting $args", 'rcpt_ok',
                    'queue/discard'], config => $config,
        files => $arg{files} // {});
    $server->expect_log($arg{log}) if $arg{log};
    $server->start;
    return;
}

# The replies to MAIL and RCPT, up to the first refusal, and to a message.
sub try {
    my ($from, $to, %arg) = @_;
    my $client = $server->client(local => $arg{ip} // '127.0.0.1')->hello;
    my $reply = $client->cmd("MAIL FROM:<$from>");

    $reply = $client->cmd("RCPT TO:<$to>") if $reply =~ /^250/;
    $reply = $client->cmd('DATA') if $reply =~ /^250/ && $arg{data};
    return $reply;
}

# Black, and then known; with no time between, as black_timeout is 0.
start('');
ok t_cmp(try('a@b.example', 'x@example.org'), $GREY, 'new');
ok t_cmp(try('a@b.example', 'x@example.org'), $GREY, 'too early');
ok defined $server->wait_log(qr/greylisting: 127\.0\.0\.1 is new/), 'new';
ok defined $server->wait_log(qr/0\.1 came too early, \d+ s are left/), 'black';
ok -s $server->dir . '/spool/store/greylist.pag', 'there is a file';
start('black_timeout 0');
ok t_cmp(try('a@b.example', 'x@example.org'), $GREY, 'new');
ok t_cmp(try('c@d.example', 'y@example.org'), qr/^250 /, 'known');
ok t_cmp(try('a@b.example', 'x@example.org', ip => '127.0.0.2'), $GREY,
         'another address');
ok defined $server->wait_log(qr/pass, 127\.0\.0\.1 is known, message 1/),
    'logged';

# Keys.
start('black_timeout 0 sender 1 ipv4_prefix 24');
ok t_cmp(try('a@b.example', 'x@example.org'), $GREY, 'new');
ok t_cmp(try('A@B.example', 'x@example.org'), qr/^250 /, 'the same sender');
ok t_cmp(try('c@b.example', 'x@example.org'), $GREY, 'another one');
ok t_cmp(try('c@b.example', 'x@example.org', ip => '127.0.0.7'), qr/^250 /,
         'the same network');
ok t_cmp(try('c@b.example', 'x@example.org', ip => '127.0.1.7'), $GREY,
         'another one');
start('black_timeout 0 recipient 1');
ok t_cmp(try('a@b.example', 'x@example.org'), $GREY, 'new');
ok t_cmp(try('a@b.example', 'x@example.org'), qr/^250 /, 'the same recipient');
ok t_cmp(try('a@b.example', 'y@example.org'), $GREY, 'another one');
ok t_cmp(try('', 'z@example.org'), qr/^250 /, 'the null sender may ask');
ok t_cmp(try('', 'v@example.org', data => 1), qr/^451 4\.7\.1 /, 'at DATA');

# deny_late, and recipients that are whitelisted.
start('black_timeout 3000 deny_late 1 recipient 1', above => ['whitelist'],
      config => { whitelistrcpt => ['w@example.org', 'no@elsewhere.example'],
                  whitelisthosts => ['127.0.0.3'] });
ok t_cmp(try('a@b.example', 'x@example.org'), qr/^250 /, 'nothing before DATA');
ok t_cmp(try('a@b.example', 'x@example.org', data => 1), qr/^451 /, 'at DATA');
ok t_cmp(try('a@b.example', 'w@example.org', data => 1), qr/^354 /,
         'a recipient that is whitelisted');
my $client = $server->client->hello->envelope('a@b.example', 'w@example.org',
                                              'y@example.org');
ok t_cmp($client->cmd('DATA'), qr/^451 /, 'not all are');
$client = $server->client->hello->envelope('a@b.example', 'q@example.org');
$client->expect(550, 'RCPT TO:<no@elsewhere.example>');
ok t_cmp($client->cmd('DATA'), qr/^451 /, 'one that is, and is refused');
ok t_cmp(try('a@b.example', 'x@example.org', data => 1, ip => '127.0.0.3'),
         qr/^354 /, 'a host that is');

# Exceptions.
start('', config => { greylist_exclude_files => ['@DIR@/config/ex.1',
                                                 'exceptions'],
                      exceptions => ['127.0.2.0/24'] },
      files => { 'ex.1' => "127.0.0.9\n127.0.1.\n" });
for my $ip ('127.0.0.9', '127.0.1.77', '127.0.2.255') {
    ok t_cmp(try('a@b.example', 'x@example.org', ip => $ip), qr/^250 /, $ip);
}
ok t_cmp(try('a@b.example', 'x@example.org', ip => '127.0.3.1'), $GREY,
         'another one');
ok defined $server->wait_log(qr/skip, 127\.0\.2\.255 is in exceptions/),
    'logged';

# The old file, and that of a recipient.
start('', config => { denysoft_greylist => ['black_timeout 0', 'mode off'] });
ok t_cmp(try('a@b.example', 'x@example.org'), qr/^250 /, 'off');
$server->set_config(denysoft_greylist => ['black_timeout 0']);
ok $server->poll(sub { try('a@b.example', 'x@example.org') =~ $GREY }),
    'a change of the file';
ok t_cmp(try('a@b.example', 'x@example.org'), qr/^250 /, 'its black_timeout');
start('mode testonly black_timeout 3000');
ok t_cmp(try('a@b.example', 'x@example.org'), qr/^250 /, 'testonly');
ok defined $server->wait_log(qr/fail, tolerated, as the mode is testonly/),
    'logged';
start('per_recipient 1', above => ['user_config @DIR@/config/users/%u'],
      files => { 'users/off/denysoft_greylist' => "mode off\n" });
ok t_cmp(try('a@b.example', 'off@example.org'), qr/^250 /, 'a recipient');
ok t_cmp(try('a@b.example', 'on@example.org'), $GREY, 'another one');

# Redis; the same server is used by the next one, and after a time by none.
my $redis = QP::Redis->new;
my $where = 'redis:127.0.0.1:' . $redis->port;
start("store $where black_timeout 0");
ok t_cmp(try('a@b.example', 'x@example.org'), $GREY, 'new');
ok t_cmp(try('a@b.example', 'x@example.org'), qr/^250 /, 'known');
start('redis 127.0.0.1:' . $redis->port . ' black_timeout 0',
      log => qr/error, the store cannot be asked, so it passes: redis: cannot/);
ok t_cmp(try('a@b.example', 'x@example.org'), qr/^250 /, 'in Redis');
ok t_cmp(try('a@b.example', 'x@example.org', ip => '127.0.0.4'), $GREY, 'new');
$redis->freeze;
ok t_cmp(try('a@b.example', 'x@example.org', ip => '127.0.0.5'), qr/^250 /,
         'passes if Redis does not answer');
ok defined $server->wait_log(qr/so it passes: redis: .* it takes too long/),
    'and that is logged';
$redis->thaw;
ok t_cmp(try('a@b.example', 'x@example.org', ip => '127.0.0.6'), $GREY,
         'when it answers again');
$redis->stop;
ok t_cmp(try('a@b.example', 'x@example.org', ip => '127.0.0.7'), qr/^250 /,
         'passes without Redis');
ok defined $server->wait_log(qr/so it passes: redis: .*Connection refused/),
    'and that is logged';
$server->stop;

for my $case (['store mysql:x', qr/store: "mysql:x" is none of dbm/],
              ['black_timeout x', qr/black_timeout: /]) {
    my ($args, $said) = @$case;

    $server = QP::Server->new(plugins => ["greylisting $args", 'rcpt_ok']);
    ok t_cmp(($server->configtest)[1], $said, "$args stops the start");
}
