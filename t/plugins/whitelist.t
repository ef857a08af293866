# SPDX-License-Identifier: Apache-2.0
# whitelist: who is exempt from policy, which badmailfrom and badrcptto are.
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

plan tests => 23, QP::Server->need('plugins/whitelist', 'plugins/user_config',
                                   'plugins/badrcptto');

my %config = (
    rcpthosts        => ['example.org'],
    badmailfrom      => ['/./'],
    badrcptto        => ['@example.org'],
    whitelisthosts   => ['127.0.0.2', '127.0.1.0/24', '127.2', '2001:db8::/32'],
    whitelisthelo    => ['good.example'],
    whitelistsenders => ['friend@example.com', 'example.net',
                         '@at.example', '/^vip\d/'],
    whitelistrcpt    => ['open@example.org'],
);
my @plugins = ('badmailfrom', 'badrcptto', 'rcpt_ok');
my $server = QP::Server->new(plugins => ['whitelist', @plugins],
                             config => \%config)->start;

sub reply_to_mail {
    my ($ip, $from) = @_;

    return $server->client(local => $ip)->hello->cmd("MAIL FROM:<$from>");
}

sub reply_to_rcpt {
    my ($ip, $from, $to) = @_;
    my $client = $server->client(local => $ip)->hello('EHLO good.example');

    $client->expect(250, "MAIL FROM:<$from>");
    return $client->cmd("RCPT TO:<$to>");
}

for my $ip ('127.0.0.2', '127.0.1.0', '127.0.1.255', '127.2.3.4') {
    ok t_cmp(reply_to_mail($ip, 'a@b.example'), qr/^250 /, "host $ip");
}
ok t_cmp(reply_to_mail('127.0.0.1', 'a@b.example'), qr/^550 /, 'another host');
for my $from ('friend@example.com', 'a@EXAMPLE.net', 'a@at.example',
              'vip1@b.example') {
    ok t_cmp(reply_to_mail('127.0.0.1', $from), qr/^250 /, "sender $from");
}
for my $from ('foe@example.com', 'a@sub.example.net', '"example.net"@b') {
    ok t_cmp(reply_to_mail('127.0.0.1', $from), qr/^550 /, "sender $from");
}
ok t_cmp(reply_to_rcpt('127.0.0.1', '', 'open@example.org'), qr/^250 /,
         'a recipient');
ok t_cmp(reply_to_rcpt('127.0.0.1', '', 'shut@example.org'), qr/^550 /,
         'another recipient; the hello does not count at RCPT');
ok t_cmp(reply_to_rcpt('127.0.0.2', '', 'a@elsewhere.example'),
         qr/^550 5\.7\.1 /, 'no permission to relay');
ok defined $server->wait_log(
    qr{whitelist: pass, 127\.0\.1\.0 is in whitelisthosts \(127\.0\.1\.0/24\)}),
    'the line is logged';
$server->stop;

# The lists of each recipient.
my %files = (
    'users/h/whitelisthosts'   => "127.0.0.9\n",
    'users/s/whitelistsenders' => "my\@friend.example\n",
    'users/n/whitelisthelo'    => "good.example\n",
    'users/o/whitelistrcpt'    => "o\@example.org\n",
);
$server = QP::Server->new(
    plugins => ['user_config @DIR@/config/users/%u',
                'whitelist per_recipient 1 merge 0', 'badrcptto', 'rcpt_ok'],
    config  => { %config, whitelisthelo => ['other.example'] },
    files   => \%files,
);
$server->start;
ok t_cmp(reply_to_rcpt('127.0.0.9', 'x@x.example', 'h@example.org'), qr/^250 /,
         'the host in the list of a recipient');
ok t_cmp(reply_to_rcpt('127.0.0.2', 'x@x.example', 'h@example.org'), qr/^550 /,
         'without merge, not in that of the server');
ok t_cmp(reply_to_rcpt('127.0.0.1', 'my@friend.example', 's@example.org'),
         qr/^250 /, 'the sender');
ok t_cmp(reply_to_rcpt('127.0.0.1', 'x@x.example', 'n@example.org'),
         qr/^250 /, 'the hello');
ok t_cmp(reply_to_rcpt('127.0.0.1', 'x@x.example', 'o@example.org'),
         qr/^250 /, 'the recipient');
my $client = $server->client->hello->envelope('my@friend.example',
                                              's@example.org');
ok t_cmp($client->cmd('RCPT TO:<q@example.org>'), qr/^550 /,
         'the next recipient is not exempt');
$server->stop;

$server = QP::Server->new(plugins => ['whitelist', 'rcpt_ok'],
                          config => { whitelisthosts => ['nonsense'] });
ok t_cmp(($server->configtest)[1], qr/whitelisthosts:1: "nonsense": /,
         'a faulty line stops the start');
