# SPDX-License-Identifier: Apache-2.0
# Services that are slow, mute, talk nonsense or do not stop talking: mail goes
# on or is deferred, as the plugin is told, and no session waits for another
# one's service (R111).
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Fake;
use QP::Server;

# More than one kind of job has threads in a child; of prefork and worker each
# holds a child or a thread.
use constant { CLIENTS => QP::Server->mpm eq 'event' ? 80 : 40, TIMEOUT => 2 };

my $lost = qr/(?:send to|pass a file to|get an answer from) \S+: \S/;
my $odd = qr/use the answer of \S+:/;
my $late = qr/it takes too long|no verdict of \S+ in time/;
my $ok = "SPAMD/1.1 0 EX_OK\r\n";
my $verdict = "Spam: True ; 7 / 5\r\n";
my @any = (['eof', $lost], ['mute', $late], ['dribble', qr/$late|$odd/],
           ['flood', qr/$lost|$odd/]);

# For each plugin: its arguments, what services of its kind say, and what is
# then said of it.
my %plugins = (
    'spamassassin' => {
        args => 'spamd_socket', troubles => [
            ["SPAMD/1.0 76 Bad header line\r\n", qr/$odd it says "SPAMD/],
            ["220 mx \e[1m\r\n", qr/$odd it says "220 mx \\x1b/],
            ["SPAMD/1.1 0 EX_OK", $lost],
            [$ok, $lost],
            ["$ok\r\n", qr/$odd it has no verdict/],
            ["${ok}Spam: True ; nan / 5\r\n\r\n", qr/$odd its verdict cannot/],
            ["${ok}Spam: Maybe ; 7 / 5\r\n\r\n", qr/$odd its verdict/],
            ["$ok${verdict}Content-length: 5x\r\n\r\n", qr/$odd its length/],
            ["$ok${verdict}Content-length: 9\r\n\r\nX-S", $lost],
            ["$ok${verdict}nonsense\r\n\r\n", qr/$odd it is not that/],
            [$ok . "A: b\r\n" x 60, qr/$odd it does not end/],
            [$ok . 'A: ' . 'b' x 2000 . "\r\n\r\n", $odd],
        ],
    },
    'virus/clamdscan' => {
        args => 'max_size 500 method instream clamd_socket', troubles => [
            ["stream: OK", undef],
            ["stream: OK\n", undef],
            ["stream: OK\0stream: Virus FOUND\0", undef],
            ["stream: No memory ERROR\0", qr/$odd it says "stream: No m/],
            ["stream:  FOUND\0", qr/$odd it says "stream:  FOUND"/],
            ["fd[5]: OK\0", qr/$odd it says "fd\[5\]: OK"/],
            ["stream: OK ERROR\0", qr/$odd it says/],
            ["OK\0", qr/$odd it says "OK"/],
            ["\0", qr/$odd it says ""/],
            ["UNKNOWN COMMAND\0", qr/$odd it says "UNKNOWN COMMAND"/],
            ['x' x 5000, qr/$odd it is too long/],
        ],
    },
);

my $ntroubles = 2 * @any + map { @{ $_->{troubles} } } values %plugins;

plan tests => 2 * $ntroubles + 7 * keys(%plugins),
    QP::Server->need(map {"plugins/$_"} keys %plugins, 'headers',
                     'queue/maildir', 'queue/pipe');

my $fake = QP::Fake->new(unix => 1, serve => sub {
    my ($self, $client, $mode) = @_;

    return if $self->misbehave($client, $mode);
    # All of a message to spamd, or to clamd, or so much of it.
    sysread $client, my $first, 65536;
    until ($first =~ /\0\0\0\0\z/ || !sysread $client, my $more, 65536) {
        $first .= $more;
    }
    print {$client} $mode;
});

sub server {
    my ($plugin, $more, $queue) = @_;
    my $args = $plugins{$plugin}{args};
    my $path = $fake->path;

    return QP::Server->new(
        plugins => ['rcpt_ok', 'headers require Subject',
                    "$plugin $args $path timeout $more",
                    $queue // 'queue/maildir @MAILDIR@'],
        config => { rcpthosts => 'example.org' })->start;
}

sub deliver {
    my ($client) = @_;

    return $client->send_message('s@example.net', 'a@example.org',
                                 "Subject: x\n\nhello\n" . "line\n" x 20000);
}

sub name_of { return substr $_[0] =~ s/[^ -~]/./gr, 0, 30 }

for my $plugin (sort keys %plugins) {
    my @troubles = (@any, @{ $plugins{$plugin}{troubles} });
    my $pass = server($plugin, TIMEOUT . 's');
    my $defer = server($plugin, TIMEOUT . 's defer_on_error yes');

    for my $trouble (@troubles) {
        my ($mode, $why) = @$trouble;

        $fake->will($mode);
        for my $server ($pass, $defer) {
            $server->expect_log(qr/$plugin: error, (?:cannot )?$why/)
                if defined $why;
        }
        my $name = "$plugin, " . name_of($mode);

        ok t_cmp(deliver($pass->client->hello), qr/^250 /,
                 "$name: mail goes on");
        ok t_cmp(deliver($defer->client->hello),
                 defined $why ? qr/^452 4\.3\.0 The message cannot be checked /
                              : qr/^250 /, "$name: or is deferred");
    }
    ok t_cmp(scalar($pass->messages), scalar(@troubles), 'all are there');
    ok t_cmp(scalar($pass->spooled) + $defer->spooled, 0, 'nothing is left');
    $_->stop for $pass, $defer;

    # Many sessions with a mute service; others go on meanwhile.
    my $server = server($plugin, '1m defer_on_error yes',
                        'queue/pipe /usr/bin/wc -c');

    $fake->will('mute');
    my $left = $fake->notes('left');
    my @clients = map {
        $server->client->hello->envelope('s@example.net', 'a@example.org')
    } 1 .. CLIENTS;

    $_->expect(354, 'DATA') for @clients;
    $_->send("Subject: x\r\n\r\nhello\r\n.\r\n") for @clients;
    $server->wait_log(qr/headers: pass/, CLIENTS);
    ok $server->poll(sub { $fake->notes('waits') >= 20 }), "$plugin: many wait";
    ok t_cmp($server->client->hello->cmd('NOOP'), qr/^250 /, 'others do not');

    # One that is too big for it goes past it, to another plugin's job.
    ok t_cmp($server->client->hello->send_message(
                 's@b.example', 'a@example.org', "Subject:\n\n" . "x\n" x 3e5),
             qr/^250 /, 'a message is queued meanwhile');
    ok t_cmp(scalar($fake->notes('left')), $left, 'while all still wait');
    $server->stop;
    ok $server->poll(sub { return $fake->notes('left') >= 20 }),
        'at the end of the process all is given up';
    $_->close for @clients;
}
