# SPDX-License-Identifier: Apache-2.0
# QpsmtpdTLS, and what it finds wrong with the virtual host (R112): at
# apachectl -t already. A renewed certificate is in force after a graceful
# restart, while old sessions go on.
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;
use QP::Tls;

plan tests => 24, QP::Server->need(qw(plugins/rcpt_ok ssl socache_shmcb));

my $tls = QP::Tls->new;
my $ssl = $tls->vhost('mx.example.org');
my $bare = "SSLEngine on\n";
my $modules = QP::Tls->conf;

sub server {
    my ($httpd, $vhost) = @_;

    return QP::Server->new(plugins => ['rcpt_ok'], httpd => $httpd,
                           vhost => $vhost);
}

sub tried {
    my ($httpd, $vhost) = @_;

    return server($httpd, $vhost)->configtest;
}

# What must not start: httpd's conf, the virtual host's, the reason.
my @faults = (
    ['', 'QpsmtpdTLS starttls', 'mod_ssl is not loaded', 'no mod_ssl'],
    [$modules, 'QpsmtpdTLS required', 'mod_ssl is off here', 'no SSLEngine'],
    [$modules, "QpsmtpdTLS implicit\nSSLEngine off", 'mod_ssl is off here',
     'SSLEngine off'],
    [$modules, $bare, 'there is no certificate', 'no certificate'],
    [$modules, "${bare}QpsmtpdTLS starttls", 'there is no certificate',
     'no certificate, in so many words'],
    [$modules, "${ssl}QpsmtpdTLS maybe",
     'QpsmtpdTLS is starttls, required, implicit or off', 'no such word'],
);

for my $fault (@faults) {
    my ($httpd, $vhost, $reason, $what) = @$fault;
    my ($exit, $said) = tried($httpd, $vhost);

    ok $exit != 0, "$what: httpd -t fails";
    my $where = qr/httpd\.conf:\d+: (?:\w.*: )?|line \d+ of .*\n/;

    ok t_cmp($said, qr/$where$reason/, 'and says where and why');
}

# What may.
my @good = (
    [$modules,        "${ssl}QpsmtpdTLS starttls", 'starttls'],
    [$modules,        "${ssl}QpsmtpdTLS Off",      'off'],
    ['',              '',                          'nothing of it'],
    ["$modules$bare", $ssl =~ s/SSLEngine on\n//r, 'SSLEngine of the server'],
);

for my $good (@good) {
    my ($exit, $said) = tried(@$good[0, 1]);

    ok t_cmp($exit, 0, "$good->[2]: $said");
}

# Off means off, also where mod_ssl is on.
my $server = server($modules, "${ssl}QpsmtpdTLS off")->start;
my $client = $server->client;

$client->expect(220);
ok $client->cmd('EHLO c.example') !~ /STARTTLS/, 'off: not offered';
ok t_cmp($client->cmd('STARTTLS'), qr/^500 /, 'nor known');
$server->stop;

# A new certificate.
$server = server($modules, $ssl)->start;
my $old = $server->client->hello;
my $idle = $server->client->hello;

$old->expect(220, 'STARTTLS');
ok $old->start_tls, 'a session with the old certificate';
$old->expect(250, 'EHLO c.example');
$old->envelope('a@example.net');
my $before = $old->socket->get_fingerprint;

$tls->certificate('mx.example.org');
$server->graceful;
$client = $server->client->hello;
$client->expect(220, 'STARTTLS');
ok $client->start_tls, 'a session behind the restart';
ok $client->socket->get_fingerprint ne $before, 'has the new one';
ok t_cmp($old->cmd('RSET'), qr/^250 /, 'the old session goes on');
ok t_cmp(scalar($old->drain // ''), qr/\A(?:421 4\.3\.2 .*)?\z/s,
         'until its transaction is over');
ok t_cmp(scalar($idle->drain // ''), qr/\A421 4\.3\.2 /,
         'an idle one is told to come again')
    if QP::Server::mpm() ne 'prefork';
ok 1, 'prefork tells it at its next command'
    if QP::Server::mpm() eq 'prefork';
$server->stop;
