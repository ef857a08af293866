# SPDX-License-Identifier: Apache-2.0
# Stores of plugins in httpd's own small object caches: in memory for all
# children, in a file, and in Redis or memcached for several front ends.
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Memcached;
use QP::Redis;
use QP::Server;

my @providers = qw(shmcb dbm redis memcache);

plan tests => 36, QP::Server->need(
    'plugins/greylisting', 'bin/redis-server', 'bin/memcached',
    map {"socache_$_"} @providers);

my $GREY = qr/^450 4\.7\.1 Not known yet/;
my $KNOWN = qr/^250 2\.1\.5 /;

sub server {
    my ($store, %arg) = @_;
    my $libexec = QP::Server::libexecdir();
    my $load = join '', map {
        qq(LoadModule socache_${_}_module "$libexec/mod_socache_$_.so"\n)
    } @{ $arg{load} // \@providers };

    return QP::Server->new(
        plugins => ["greylisting black_timeout 0 store $store", 'rcpt_ok',
                    'queue/discard'], config => { rcpthosts => 'example.org' },
        children => 2, httpd => $load);
}

# The reply to RCPT, or to MAIL if that is refused; the session stays.
sub try {
    my ($server, $ip) = @_;
    my $client = $server->client(local => $ip // '127.0.0.1')->hello;
    my $reply = $client->cmd('MAIL FROM:<a@example.net>');

    $reply = $client->cmd('RCPT TO:<b@example.org>') if $reply =~ /^250/;
    return wantarray ? ($reply, $client) : $reply;
}

# The children that have judged a client, by the log.
sub judges {
    my ($server, $ip) = @_;
    my $log = QP::Server::slurp($server->dir . '/logs/error.log');
    my %pids = map { $_ => 1 }
        $log =~ /\[pid (\d+)\b[^\n]*greylisting: (?:pass, )?\Q$ip\E is /g;

    return keys %pids;
}

# In memory. On prefork the first session holds its child, so that the second
# one is another child's.
my $server = server('socache:shmcb')->start;
my ($reply, $held) = try($server);

ok t_cmp($reply, $GREY, 'shmcb: new');
my ($again, $other) = try($server);

ok t_cmp($again, $KNOWN, 'known, to another child');
ok $server->poll(sub {
    return judges($server, '127.0.0.1')
        >= (QP::Server->mpm eq 'prefork' ? 2 : 1);
}), 'on prefork there are two';
$_->close for $held, $other;
ok t_cmp(try($server, '127.0.0.2'), $GREY, 'another client');

# Many at once, of which each is the first once: nothing is lost.
my @clients = map { $server->client(local => '127.0.0.9')->hello } 1 .. 20;

$_->send("MAIL FROM:<a\@example.net>\r\n") for @clients;
my @replies = map { $_->reply } @clients;

ok t_cmp(scalar(grep {/$GREY/} @replies), 1, 'one of many is the first');
ok t_cmp(scalar(grep {/^250/} @replies), 19, 'and the others are not');
ok $server->poll(sub {
    my $log = QP::Server::slurp($server->dir . '/logs/error.log');

    return $log =~ /127\.0\.0\.9 is known, message 19\b/;
}), 'all are counted';
$_->close for @clients;

# Neither kind outlives a restart.
$server->graceful;
ok t_cmp(try($server), $GREY, 'memory is empty after a restart');
$server->stop;
$server = server('socache:shmcb:@DIR@/run/cache(64000)')->start;
ok t_cmp(try($server), $GREY, 'shmcb with a file and a size: new');
ok t_cmp(try($server), $KNOWN, 'known');
$server->stop;
$server = server('socache:dbm:@DIR@/spool/cache')->start;
ok t_cmp(try($server), $GREY, 'dbm: new');
ok t_cmp(try($server), $KNOWN, 'known');
$server->graceful;
ok t_cmp(try($server), $GREY, 'the file is new after a restart');
$server->stop;

# Two front ends, one server.
for my $class (qw(QP::Redis QP::Memcached)) {
    my $cache = $class->new;
    my $name = $class eq 'QP::Redis' ? 'redis' : 'memcache';
    my $where = "socache:$name:127.0.0.1:" . $cache->port;
    my @front = map { server($where)->start } 1, 2;

    ok t_cmp(try($front[0]), $GREY, "$name: new to one front end");
    ok t_cmp(try($front[1]), $KNOWN, 'known to the other');
    ok t_cmp(try($front[1], '127.0.0.2'), $GREY, 'another client is new');
    $front[1]->graceful;
    ok t_cmp(try($front[1], '127.0.0.2'), $KNOWN, 'known after a restart');
    $_->expect_log(qr/cannot be asked, so it passes: socache: cannot /,
                   qr/redis|memcache|AH0/i) for @front;
    $cache->stop;
    ok t_cmp(try($front[0], '127.0.0.3'), $KNOWN, 'without it mail passes');
    ok defined $front[0]->wait_log(
        qr/passes: socache: cannot (?:read|write): /), 'and that is logged';
    $_->stop for @front;
}

# Its module waits for memcached without an end, and the session does not.
my $memcached = QP::Memcached->new;
my $last = 3;

$server = server('socache:memcache:127.0.0.1:' . $memcached->port
                 . ' timeout 2s')->start;
$server->expect_log(qr/QP1103: .* greylisting: no answer in the hook mail/);
$memcached->freeze;
ok t_cmp(try($server), $KNOWN, 'memcached hangs: mail passes');
$memcached->thaw;
ok $server->poll(sub { try($server, '127.0.0.' . ++$last) =~ $GREY }), 'until';
$server->stop;

# What stops the start.
for my $case (
    ['socache', [], qr{plugins:1: greylisting: store: httpd has no cache ""; }],
    ['socache:redis:localhost', [],
     qr{plugins:1: greylisting: .* "redis"; load its module mod_socache_redis}],
    ['socache:redis', ['shmcb'], qr/or take one of: .*shmcb/],
    ['socache:shmcb:x(12)', ['shmcb'], qr/store: socache:shmcb:x\(12\): /])
{
    my ($store, $load, $said) = @$case;
    my ($status, $text) = server($store, load => $load)->configtest;

    ok t_cmp($status, qr/^[1-9]/, "$store stops the start");
    ok t_cmp($text, $said, 'and why');
}
ok t_cmp((server('socache:shmcb')->configtest)[1], qr/Syntax OK/,
         'a good one does not');
