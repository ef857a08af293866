# SPDX-License-Identifier: Apache-2.0
# Clients that vanish by a reset, close, or say no more, at every step of a
# session: in clear, in the middle of a handshake, in TLS, in AUTH and in chunks
# (R22, R96). Nothing incomplete is delivered, nothing complete twice (R23), no
# process is harmed, and the next session is served.
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;
use QP::Tls;

plan tests => 9, QP::Server->need(
    qw(plugins/auth/auth_flat_file plugins/rcpt_ok plugins/queue/maildir
       testplugins/linger ssl socache_shmcb));

my $server = QP::Server->new(
    plugins  => ['auth/auth_flat_file', 'rcpt_ok',
                 'linger go @DIR@/spool/go next on', 'queue/maildir @MAILDIR@'],
    config   => { rcpthosts => 'example.org', size_threshold => 50,
                  flat_auth_pw => 'joe@example.org:open sesame',
                  tls_before_auth => 0 },
    vhost    => QP::Tls->new->vhost('mx.example.org'),
    httpd    => QP::Tls->conf, testplugins => 1)->start;
my @children = $server->children;
my $sessions = 0;
my $text = "Subject: partial\r\n\r\n" . ('x' x 70 . "\r\n") x 100;
my @envelope = map {"$_\r\n"} 'EHLO client.example',
    'MAIL FROM:<a@example.net>', 'RCPT TO:<b@example.org>';

# What is sent, step by step; each is answered before the next.
my %scripts = (
    data  => [@envelope, "DATA\r\n", "$text\r\n."],
    dots  => [@envelope, "DATA\r\n", "$text\r\n.\r"],
    chunk => [@envelope, "BDAT 10\r\n0123456789",
              'BDAT ' . length($text) . " LAST\r\n" . substr $text, 1],
    plain => [$envelope[0], "AUTH PLAIN\r\n", "am9lAGpvZQBvcGVu"],
    cram  => [$envelope[0], "AUTH CRAM-MD5\r\n", 'am9lI'],
);

# Without a word by TLS.
sub vanish {
    my ($client, $way) = @_;

    $client->socket->stop_SSL(SSL_no_shutdown => 1) if delete $client->{tls};
    return $client->$way;
}

sub leave {
    my ($client, $way) = @_;

    $sessions++;
    vanish($client, $way);
    $client->drain if $way eq 'shutdown_write';
    $client->close;
    return;
}

# Behind the N-th step, or in the middle of the next.
sub play {
    my ($script, $n, $is_middle, $with_tls) = @_;
    my $client = $server->client;

    $client->hello->expect(220, 'STARTTLS') if $with_tls;
    $with_tls ? $client->start_tls || die 'no TLS' : $client->expect(220);
    for my $step (@$script[0 .. $n - 1]) {
        $client->send($step);
        $client->reply;
    }
    my $length = length($script->[$n]) / ($is_middle ? 2 : 1);

    $client->send(substr $script->[$n], 0, $length)
        if $is_middle || $n == $#$script;
    return $client;
}

for my $with_tls (0, 1) {
    for my $way (qw(abort close shutdown_write)) {
        for my $script (map { $scripts{$_} } sort keys %scripts) {
            for my $place (0 .. 2 * @$script - 1) {
                next if $with_tls && $place % 3 != 1;    # it takes its time
                leave(play($script, int $place / 2, $place % 2, $with_tls),
                      $way);
            }
        }
    }
    ok defined $server->wait_log(qr/QP1603: /, $sessions),
        "$sessions sessions end" . ($with_tls ? ', also in TLS' : '');
}

# In the handshake: nothing, a part of the first record, all of it.
for my $octets (0, 5, 40, 10_000) {
    for my $way (qw(abort close shutdown_write)) {
        my $client = $server->client->hello;

        $client->expect(220, 'STARTTLS');
        if ($octets == 10_000) {
            IO::Socket::SSL->start_SSL($client->socket, SSL_verify_mode => 0,
                                       SSL_startHandshake => 0);
            $client->{tls} = 1;
            $client->socket->connect_SSL;
        }
        else {
            $client->send(substr "\x16\3\1\2\0\1" . 'x' x 50, 0, $octets);
        }
        leave($client, $way);
    }
}
ok defined $server->wait_log(qr/QP1603: /, $sessions),
    "$sessions, also in the handshake";
ok t_cmp(scalar($server->messages), 0, 'nothing is delivered');

# Between the last octet and the reply, while the queue plugin waits.
my @waiting;

sub count_waiting {
    my %id = map { $_ => 1 } $server->said =~ /(\w+) \S+ t1\] linger: queue/g;
    return scalar keys %id;
}

for my $with_tls (0, 1) {
    for my $way (qw(abort close shutdown_write)) {
        my @steps = (@envelope, "DATA\r\n",
                     "Subject: whole-$with_tls-$way\r\n\r\nx\r\n.\r\n");
        my $client = play(\@steps, $#steps, 0, $with_tls);

        $server->poll(sub { count_waiting() > @waiting });
        vanish($client, $way);
        push @waiting, $client;
        $sessions++;
    }
}
QP::Server::write_file($server->spool . '/go', '');
$server->wait_log(qr/QP1603: /, $sessions);
my %copies;
$copies{$_}++ for map {/^Subject: (\S+)/m} $server->messages;
ok t_cmp(scalar(grep { $_ > 1 } values %copies), 0, 'nothing is there twice');
ok t_cmp(join(' ', sort grep { !/abort/ } keys %copies),
         'whole-0-close whole-0-shutdown_write whole-1-close '
         . 'whole-1-shutdown_write', 'what was handed over is delivered');
ok t_cmp(join(' ', grep { kill 0, $_ } @children), "@children",
         'no process has ended');
ok t_cmp($server->client->hello->send_message('a@example.net',
         'b@example.org', "Subject: x\n\nx\n"), qr/^250 /, 'and all goes on');
ok $server->poll(sub { !grep { !/go\z/ } $server->spooled }),
    'nothing is left in spool_dir';
$server->stop;
