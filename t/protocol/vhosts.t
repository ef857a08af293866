# SPDX-License-Identifier: Apache-2.0
# Virtual hosts: each is SMTP or is not, whatever the main server is, and each
# has a config folder of its own (D14).
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Client;
use QP::Server;

plan tests => 20, QP::Server->need(qw(plugins/rcpt_ok plugins/queue/discard
                                      authz_core));

my $libexec = QP::Server::libexecdir();
my $dirs = 'QpsmtpdPluginDirs "' . QP::Server::builddir() . '/lib/plugins"';
my $web = <<"END";
LoadModule authz_core_module "$libexec/mod_authz_core.so"
DocumentRoot "\@DIR\@/www"
END

# The server of the test library is a virtual host with \@DIR\@/config; other
# things are put in front of it.
sub server {
    my ($httpd) = @_;

    return QP::Server->new(
        plugins => ['rcpt_ok', 'queue/discard'],
        config  => { rcpthosts => 'example.org' },
        files   => { '../www/hello' => "hello\n", '../other/me' => "mx2.test\n",
                     '../other/rcpthosts' => "example.net\n",
                     '../other/plugins' => "rcpt_ok\nqueue/discard\n" },
        httpd   => $web . $httpd);
}

sub vhost {
    my ($port, $protocol, @lines) = @_;

    return join "\n", "Listen 127.0.0.1:$port $protocol",
        "<VirtualHost 127.0.0.1:$port>", 'ServerName www.example.org', @lines,
        "</VirtualHost>\n";
}

sub smtp_vhost {
    my ($port) = @_;

    return vhost($port, 'smtp', 'QpsmtpdEngine On', $dirs,
                 'QpsmtpdConfigDir "@DIR@/other"');
}

# What a web server answers.
sub get {
    my ($port) = @_;
    my $client = QP::Client->new(port => $port);

    $client->send("GET /hello HTTP/1.0\r\n\r\n");
    return $client->drain;
}

# The greeting, and the replies to two recipients.
sub talk {
    my ($port) = @_;
    my $client = QP::Client->new(port => $port);
    my $greeting = $client->expect(220);

    $client->expect(250, 'EHLO client.example');
    $client->envelope('a@example.com');
    return map { /^(220 \S+|\d+)/ ? $1 : '' } $greeting,
        map { $client->cmd("RCPT TO:<b\@$_>") } qw(example.org example.net);
}

# The main server speaks SMTP, and a virtual host without a word of ours HTTP.
my ($main, $http, $other) = map { QP::Server::free_port() } 1 .. 3;
my $server = server(
    "QpsmtpdEngine On\n$dirs\nQpsmtpdConfigDir \"\@DIR\@/config\"\n"
    . "Listen 127.0.0.1:$main smtp\n" . vhost($http, 'http'));
my ($exit, $said) = $server->configtest;

ok t_cmp($exit, 0, 'the engine in the main server: httpd -t passes');
ok t_cmp($said, qr/\ASyntax OK\s*\z/, 'and says nothing else');
$server->start;
ok t_cmp(get($http), qr{\AHTTP/1\.[01] 200 .*\r\n\r\nhello\n\z}s,
         'a virtual host without a directive is left alone');
ok t_cmp(join(' ', talk($main)), '220 mx.example.org 250 550',
         'the main server speaks SMTP');
ok t_cmp(join(' ', talk($server->port)), '220 mx.example.org 250 550',
         'so does a virtual host that says so');
$server->graceful;
ok t_cmp(get($http), qr{\AHTTP/1\.[01] 200 }, 'the same after a restart');
ok t_cmp((talk($main))[0], '220 mx.example.org', 'of all');
$server->stop;

# The other way round, with two that speak SMTP, each from its own folder.
$server = server(vhost($http, 'http') . smtp_vhost($other))->start;
ok t_cmp(get($http), qr{\AHTTP/1\.[01] 200 }, 'HTTP beside SMTP');
ok t_cmp(join(' ', talk($server->port)), '220 mx.example.org 250 550',
         'one that speaks SMTP');
ok t_cmp(join(' ', talk($other)), '220 mx2.test 550 250',
         'another, with its own folder');
QP::Server::write_file($server->dir . '/other/rcpthosts', "example.org\n");
ok $server->poll(sub { join(' ', talk($other)) eq '220 mx2.test 250 550' }),
    'which is read again when it changes';
ok t_cmp(join(' ', talk($server->port)), '220 mx.example.org 250 550',
         'the first one is as it was');
$server->stop;

# A fault in the folder of the second one.
$server = server(smtp_vhost($other));
QP::Server::write_file($server->dir . '/other/plugins', "rcpt_ok\nnothing\n");
($exit, $said) = $server->configtest;
ok $exit != 0, 'a fault in the second folder: httpd -t fails';
ok t_cmp($said, qr{QP9001: \S+/other/plugins:2: nothing: }, 'and says where');

# httpd gives a connection to the first virtual host of its address.
my $mail = "<VirtualHost 127.0.0.1:$http>\nServerName mail.example.org\n"
    . "QpsmtpdEngine On\n$dirs\nQpsmtpdConfigDir \"\@DIR\@/other\"\n"
    . "</VirtualHost>\n";
my $late = "<VirtualHost 127.0.0.1:$other>\nServerName www.example.net\n"
    . "</VirtualHost>\n";

$server = server(vhost($http, 'http') . $mail);
$server->expect_log(qr/QP9004/, qr/QP9002: .*port $http /)->start;
my $line = $server->wait_log(qr{qpsmtpd:warn.*QP9004: .*does not count});

ok defined $line, 'a virtual host that is never reached is warned of';
ok $line =~ /httpd\.conf:(\d+) .*in line (\d+)/ && $1 > $2,
    'and called by its own line';
ok t_cmp(get($http), qr{\AHTTP/1\.[01] 200 }, 'the first one decides');
ok t_cmp(scalar(grep {/QP9004/} $server->log_lines), 1, 'it is said once');
$server->stop;

$server = server(smtp_vhost($other) . $late);
$server->expect_log(qr/QP9004/)->start;
ok defined $server->wait_log(qr{QP9004: .*does not count}),
    'also the other way round';
ok t_cmp((talk($other))[0], '220 mx2.test', 'the first one decides');
$server->stop;
