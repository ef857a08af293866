# SPDX-License-Identifier: Apache-2.0
# hosts_allow: limits for an address over all children (R54, R88, R115), and a
# list of addresses.
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

plan tests => 20, QP::Server->need('plugins/hosts_allow');

my $server = QP::Server->new(
    plugins => ['hosts_allow max_conn 4', 'rcpt_ok'],
    config  => { hosts_allow => ['127.0.1.1 OK', '127.0.1.2 DECLINED',
                                 '127.0.1.0/24 DENY No %s mail, please',
                                 '127.0.2. DENYSOFT'] },
    httpd   => QP::Server::several_children(),
)->start;
my @open;

# Greeted, or the refusal and whether it closes.
sub connect_from {
    my ($ip) = @_;
    my $client = $server->client(local => $ip);
    my $reply = $client->reply;

    push @open, $client if $reply =~ /^220/;
    return wantarray ? ($reply, $reply =~ /^220/ || $client->eof) : $reply;
}

# Connections that are just ending may still count.
sub fill {
    my ($ip, $n) = @_;

    return $server->poll(sub { connect_from($ip); return @open >= $n });
}

ok fill('127.0.0.1', 4), 'four connections of an address';
my ($reply, $closed) = connect_from('127.0.0.1');

ok t_cmp($reply, qr/^451 4\.7\.0 Too many connections from 127\.0\.0\.1, of/,
         'the fifth is refused, in words');
ok t_cmp($reply, qr/4 are allowed at a time/, 'that have the limit');
ok $closed, 'and closed';
ok defined $server->wait_log(
    qr/hosts_allow: fail, 5 connections, 4 are allowed/), 'logged';
ok t_cmp(scalar connect_from('127.0.0.2'), qr/^220 /, 'others are served');
$open[0]->close;
splice @open, 0, 1;
ok fill('127.0.0.1', 5), 'one that goes makes room';
ok t_cmp(scalar connect_from('127.0.0.1'), qr/^451 /, 'for one');
$_->close for splice @open;

ok fill('127.0.1.1', 8), 'OK has no limit';
$_->close for splice @open;
ok fill('127.0.1.2', 4), 'DECLINED';
ok t_cmp(scalar connect_from('127.0.1.2'), qr/^451 /, 'has one');
$_->close for splice @open;
($reply, $closed) = connect_from('127.0.1.3');
ok t_cmp($reply, qr/^550 5\.7\.1 No %s mail, please$/, 'DENY, with its text');
ok $closed, 'is closed';
ok defined $server->wait_log(qr{fail, listed \(127\.0\.1\.0/24 DENY No %s}),
    'logged';
ok t_cmp(scalar connect_from('127.0.2.255'), qr/^451 4\.7\.1 /, 'DENYSOFT');
ok t_cmp(scalar connect_from('127.0.3.1'), qr/^220 /, 'who is not listed');
$_->close for splice @open;

$server->set_config(hosts_allow => ['127.0.3.1 DENY']);
ok $server->poll(sub {
    my $reply = connect_from('127.0.3.1');

    $_->close for splice @open;
    return $reply =~ /^550 /;
}), 'the list is read again';
$server->stop;
$server = QP::Server->new(plugins => ['hosts_allow', 'rcpt_ok'])->start;
ok fill('127.0.0.1', 8), 'no limit of its own';
$_->close for splice @open;
$server->stop;

for my $line ('127.0.0.1 MAYBE', '127.0.0.256 DENY') {
    $server = QP::Server->new(plugins => ['hosts_allow'],
                              config => { hosts_allow => ['# x', $line] });
    ok t_cmp(($server->configtest)[1], qr/hosts_allow:2: "/,
             "$line stops the start");
}
