# SPDX-License-Identifier: Apache-2.0
# rcpt_ok: our domains are accepted, others are not (R51, R53).
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

my @ours = ('a@example.org', 'a@EXAMPLE.org', 'a@x.y.lists.example.org',
            'a@mx.example.org', 'postmaster', 'PostMaster',
            'postmaster@example.org', '"a b"@example.org',
            '@elsewhere.example:a@example.org');
my @theirs = ('a@elsewhere.example', 'a@lists.example.org',
              'a@sub.example.org', 'a@example.org.elsewhere.example',
              '@example.org:a@elsewhere.example',
              'a%elsewhere.example@example.org',
              'elsewhere.example!a@example.org',
              '"a@elsewhere.example"@example.org', 'a@[127.0.0.1]');

plan tests => @ours + @theirs + 7,
    QP::Server->need('plugins/rcpt_ok', 'plugins/relay');

my $server = QP::Server->new(
    plugins => ['relay', 'rcpt_ok'],
    config  => { max_errors => 0,
                 rcpthosts    => ['example.org', '.lists.example.org'],
                 relayclients => ['127.0.0.2'] },
)->start;
my $client = $server->client->hello;

$client->expect(250, 'MAIL FROM:<s@example.net>');
for my $rcpt (@ours) {
    ok t_cmp($client->cmd("RCPT TO:<$rcpt>"), qr/^250 2\.1\.5 /, $rcpt);
}
$client->expect(250, 'RSET');
$client->expect(250, 'MAIL FROM:<s@example.net>');
for my $rcpt (@theirs) {
    ok t_cmp($client->cmd("RCPT TO:<$rcpt>"),
             qr/^550 5\.7\.1 Relaying denied$/, $rcpt);
}
ok t_cmp($client->cmd('DATA'), qr/^50?3|^554/, 'nobody is left to send to');
ok defined $server->wait_log(qr/rcpt_ok: pass, local domain example\.org/),
    'the log knows what passed';
ok defined $server->wait_log(
    qr/rcpt_ok: fail, relaying denied to a\@elsewhere\.example/),
    'and what did not';

# A relay client may send to all of them.
my $relay = $server->client(local => '127.0.0.2')->hello;

$relay->expect(250, 'MAIL FROM:<s@example.net>');
ok t_cmp(join(' ', map { substr $relay->cmd("RCPT TO:<$_>"), 0, 3 } @theirs),
         join(' ', map {250} @theirs), 'a relay client');

# A new domain counts without a restart.
$server->set_config(rcpthosts => ['new.example']);
ok $server->poll(sub { $client->cmd('RCPT TO:<a@new.example>') =~ /^250/ }),
    'rcpthosts is read again';
ok t_cmp($client->cmd('RCPT TO:<a@example.org>'), qr/^550 5\.7\.1 /,
         'what is gone is gone');
ok t_cmp($client->cmd('RCPT TO:<a@mx.example.org>'), qr/^250 /,
         'the name of the server stays');
