# SPDX-License-Identifier: Apache-2.0
# Clients that do not read hold no thread at their end either (R90): while many
# more than there are threads run into their Timeout, a new one is served.
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

use constant { STUCK => 20, RECEIVE => 2048, SEND => 16_384, LINES => 2000 };

plan tests => 7, QP::Server->need(qw(event plugins/rcpt_ok
                                     testplugins/delay_rcpt));

# httpd waits 2 s for each that it has to flush: 10 s for all of them, with four
# threads. What comes before that is told by a hook that began to wait earlier,
# in another virtual host, whose Timeout is longer.
my $port = QP::Server::free_port();
my $server = QP::Server->new(
    plugins => ['delay_rcpt delay 10s', 'rcpt_ok'], testplugins => 1,
    config  => { pipelining => 'lenient', max_commands => 0,
                 rcpthosts => 'example.org', max_errors => 0 },
    vhost   => 'Timeout 4',
    httpd   => <<"END")->start;
SendBufferSize 4096
Listen 127.0.0.1:$port smtp
<VirtualHost 127.0.0.1:$port>
QpsmtpdEngine On
QpsmtpdConfigDir "\@DIR\@/config"
QpsmtpdPluginDirs "@{[QP::Server::builddir()]}/lib/plugins"
QpsmtpdPluginDirs "@{[QP::Server::builddir()]}/lib/testplugins"
</VirtualHost>
END
my $clock = $server->client(port => $port)->hello->envelope('a@example.net');

$clock->send("RCPT TO:<clock\@example.org>\r\n");
$server->wait_log(qr/delay_rcpt: clock waits/);

my @stuck = map { $server->client(rcvbuf => RECEIVE, sndbuf => SEND) }
    1 .. STUCK;

for (my $quiet = 0; $quiet < 30;) {
    my $sent = 0;

    $sent += $_->send_some("EHLO x\r\n" x LINES) // 0 for @stuck;
    $quiet = $sent ? 0 : $quiet + 1;
    select undef, undef, undef, 0.01 if $quiet;
}

ok defined $server->wait_log(qr/QP1603/),
    'the first one of those that do not read has run out of time';

my $new = $server->client(port => $port)->hello;

ok t_cmp($new->cmd('NOOP'), qr/^250 /, 'a new one is served');
ok defined $server->wait_log(qr/QP1603/, STUCK), 'all have run out of time';
ok t_cmp($new->cmd('NOOP'), qr/^250 /, 'the new one is, too');
ok !$clock->readable, 'before the clock has struck';
ok t_cmp($clock->reply, qr/^250 /, 'as it does then');
ok t_cmp(scalar(grep {/QP1603: .*connection lost/} $server->log_lines), STUCK,
         'they are told nothing, since they do not listen');
$_->abort for @stuck;
$server->stop;
