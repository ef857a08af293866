# SPDX-License-Identifier: Apache-2.0
# resolvable_fromhost against a real name server: which domains can take mail
# (RFC 5321 5.1, RFC 7505), and what comes of a name server that fails (R111).
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Dns;
use QP::Server;

my @good = qw(mx.test six.test a.test aaaa.test alias.test second.test
              MX.Test nullandmx.test manymx.test);
my @bad = qw(nothing.test empty.test badmx.test literalmx.test privatemx.test
             private.test localhost);
my @unknown = qw(silent.fault.test broken.fault.test silentmx.test);

plan tests => 2 * @good + @bad + @unknown + 15,
    QP::Server->need('plugins/resolvable_fromhost', 'bin/nsd');

my $dns = QP::Dns->new;

sub start {
    my ($arguments, %config) = @_;

    return QP::Server->new(
        plugins => ['relay', "resolvable_fromhost $arguments", 'rcpt_ok'],
        config  => { dns_servers => $dns->address, dns_timeout => '1s',
                     invalid_resolvable_fromhost => ['10.', '127.0.0.0/8'],
                     relayclients => ['127.0.0.9'],
                     rcpthosts => ['example.org'], %config })->start;
}

sub mail {
    my ($server, $sender, @more) = @_;
    my $client = $server->client(@more)->hello;
    my $reply = $client->cmd("MAIL FROM:<$sender>");

    $client->close;
    return $reply;
}

my $server = start('');

for my $domain (@good) {
    ok t_cmp(mail($server, "s\@$domain"), qr/^250 /, "$domain is good");
    ok defined $server->wait_log(
        qr/resolvable_fromhost: pass, \Q$domain\E by /i), 'and logged';
}
for my $domain (@bad) {
    ok t_cmp(mail($server, "s\@$domain"),
             qr/^450 4\.1\.8 The domain \Q$domain\E has no address/,
             "$domain is not");
}
for my $domain (@unknown) {
    ok t_cmp(mail($server, "s\@$domain"),
             qr/^450 4\.4\.3 Cannot look up \Q$domain\E now/,
             "nobody knows $domain");
}
ok t_cmp(mail($server, 's@nullmx.test'),
         qr/^550 5\.7\.27 The domain nullmx\.test takes no mail/, 'null MX');
ok t_cmp(mail($server, ''), qr/^250 /, 'the null sender');
ok t_cmp(mail($server, 's@[192.0.2.1]'), qr/^250 /, 'an address literal');
ok t_cmp(mail($server, 's@nothing.test', local => '127.0.0.9'), qr/^250 /,
         'a relay client');
ok defined $server->wait_log(qr/resolvable_fromhost: skip, relay client/),
    'is not looked at';

# Two messages of a session are two questions.
my $client = $server->client->hello;

ok t_cmp($client->cmd('MAIL FROM:<s@nothing.test>'), qr/^450 /, 'a bad one');
ok t_cmp($client->cmd('MAIL FROM:<s@mx.test>'), qr/^250 /, 'then a good one');
$client->expect(250, 'RSET');
ok t_cmp($client->cmd('MAIL FROM:<s@nothing.test>'), qr/^450 /,
         'and a bad one');

# All at once, and the client leaves while it waits.
$client->send("MAIL FROM:<s\@silent.fault.test>\r\n");
$client->close;
ok t_cmp(mail($server, 's@a.test'), qr/^250 /, 'the next one is served');

# Networks that are given up while it runs.
$server->set_config(invalid_resolvable_fromhost => undef);
ok $server->poll(sub { mail($server, 's@private.test') =~ /^250 / }),
    'invalid_resolvable_fromhost is read again';
$server->stop;

$server = start('reject_type perm');
ok t_cmp(mail($server, 's@nothing.test'), qr/^550 5\.1\.8 /,
         'refused for good');
ok t_cmp(mail($server, 's@silent.fault.test'), qr/^450 4\.4\.3 /,
         'but not when nobody knows');
$server->stop;

$server = start('reject no');
ok t_cmp(mail($server, 's@nothing.test'), qr/^250 /, 'tolerated');
ok t_cmp(mail($server, 's@nullmx.test'), qr/^250 /, 'null MX, too');
ok t_cmp(mail($server, 's@broken.fault.test'), qr/^250 /,
         'and one that nobody knows');
$server->stop;
