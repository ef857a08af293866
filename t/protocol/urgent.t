# SPDX-License-Identifier: Apache-2.0
# R96: urgent data (MSG_OOB) at every step of a session, in clear and in TLS, in
# AUTH, in chunks and in a message, and clients that never read. The session
# ends or goes on as if the urgent octets were not there; what is answered 250
# is delivered once, nobody else is delayed, and no process ends (R90).
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;
use QP::Tls;
use Socket qw(MSG_OOB);

use constant MUTE => 20;

plan tests => 9, QP::Server->need(
    qw(plugins/auth/auth_flat_file plugins/rcpt_ok plugins/queue/maildir ssl
       socache_shmcb));

my $server = QP::Server->new(
    plugins  => ['auth/auth_flat_file', 'rcpt_ok', 'queue/maildir @MAILDIR@'],
    config   => { rcpthosts => 'example.org', size_threshold => 50,
                  flat_auth_pw => 'joe@example.org:open sesame',
                  tls_before_auth => 0 },
    vhost    => QP::Tls->new->vhost('mx.example.org'),
    httpd    => QP::Tls->conf)->start;
my @children = $server->children;
my @session = map {"$_\r\n"} 'EHLO client.example', 'AUTH LOGIN',
    'am9lQGV4YW1wbGUub3Jn', 'b3BlbiBzZXNhbWU=', 'MAIL FROM:<a@example.net>',
    'RCPT TO:<b@example.org>', 'DATA', "Subject: data\r\n\r\nthe end\r\n.",
    'MAIL FROM:<a@example.net>', 'RCPT TO:<b@example.org>',
    "BDAT 16\r\nSubject: chunk", "BDAT 11 LAST\r\n\r\nthe end", 'QUIT';

sub shout {
    my ($client) = @_;

    return defined send $client->socket, '!', MSG_OOB;
}

# Returns the codes of the replies. The urgent octet is in front of each step,
# or in the middle. There is one at a time: an older one would be as any other.
sub talk {
    my ($with_tls, $part) = @_;
    my $client = $server->client;
    my @codes;

    $client->expect(220);
    if ($with_tls) {
        $client->expect(250, $session[0] =~ s/\r\n//r);
        shout($client);
        $client->expect(220, 'STARTTLS');
        shout($client);
        $client->start_tls or die 'no TLS';
    }
    for my $step (@session) {
        my $length = length($step) * $part;

        $client->send(substr $step, 0, $length);
        shout($client);
        $client->send(substr $step, $length);
        $client->reply;
        push @codes, $client->code;
    }
    return "@codes";
}

for my $with_tls (0, 1) {
    for my $part (0, 0.5) {
        ok t_cmp(talk($with_tls, $part),
                 '250 334 334 235 250 250 354 250 250 250 250 250 221',
                 $with_tls ? 'and in TLS' : 'urgent octets do no harm');
    }
}
my @messages = $server->messages;

ok t_cmp(scalar(@messages), 8, 'each message is there');
ok t_cmp(scalar(grep { !/the end\n\z/ || /!/ } @messages), 0, 'as it was');

# They ask and never read. Replies wait for them, but nobody else does.
my @mute = map { $server->client(rcvbuf => 2048, sndbuf => 4096) } 1 .. MUTE;

for my $client (@mute) {
    my $sent = 1;

    $sent = $client->send_some("EHLO client.example\r\n" x 50)
        while $sent && $client->{sent}++ < 1000;
}
ok t_cmp($server->client->hello->send_message('a@example.net',
         'b@example.org', "Subject: x\n\nx\n"), qr/^250 /, 'others are served');
$_->abort for @mute;
ok t_cmp($server->client->hello->cmd('QUIT'), qr/^221 /, 'also afterwards');
ok t_cmp(join(' ', grep { kill 0, $_ } @children), "@children",
         'no process has ended');
$server->stop;
