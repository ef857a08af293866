# SPDX-License-Identifier: Apache-2.0
# logging/warn: what it writes to standard error, and what it leaves to others.
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

plan tests => 11, QP::Server->need('plugins/logging/warn', 'plugins/rcpt_ok');

sub start {
    my (@logging) = @_;

    return QP::Server->new(
        plugins  => ['rcpt_ok'],
        config   => { logging => \@logging, rcpthosts => ['example.org'] },
        loglevel => 'debug',
    )->start;
}

# A session with a recipient; returns what httpd has in its log of it.
sub play {
    my ($server) = @_;
    my $client = $server->client->hello;

    $client->expect(250, 'MAIL FROM:<s@example.net>');
    $client->expect(250, 'RCPT TO:<a@example.org>');
    $client->expect(221, 'QUIT');
    $server->wait_log(qr/< QUIT/);
    return grep {/\[qpsmtpd:\w+\]/} $server->log_lines;
}

my $pass = qr/^\d+ \w+\.1 \(rcpt\) rcpt_ok: pass, /;
my $server = start('logging/warn info');
my @httpd = play($server);

ok defined $server->wait_log($pass), 'the line of a plugin';
ok defined $server->wait_log(qr/^\d+ [^.\s]+ connect to /),
    'a line of the server has neither hook nor plugin';
ok t_cmp(scalar(grep {/rcpt_ok: pass/} @httpd), 0,
         'httpd does not write it once more');
ok t_cmp(scalar(grep {/:debug\].*MAIL FROM/i} @httpd) > 0, 1,
         'what is above the level goes to httpd');
$server->set_config(max_errors => 'many');
ok $server->poll(sub { play($server);
                       grep {/^\d+ - .*max_errors/} $server->log_lines }),
    'a line that belongs to no session';
$server->stop;

$server = start('logging/warn');
@httpd = play($server);
ok t_cmp(scalar(grep {/rcpt_ok: pass/} @httpd), 1,
         'its level is warn unless told otherwise');
$server->stop;

$server = start('logging/warn loglevel LOGINFO tee');
@httpd = play($server);
ok defined $server->wait_log($pass), 'with tee: it writes';
ok t_cmp(scalar(grep {/rcpt_ok: pass/} @httpd), 1, 'and so does httpd');
$server->stop;

for my $case (['loud', qr/logging:1: logging\/warn: loglevel: "loud" is none/],
              ['8', qr/logging:1: logging\/warn: loglevel: "8" is none of/],
              ['info noisy', qr/unknown option "noisy"/]) {
    my $faulty = QP::Server->new(
        plugins => ['rcpt_ok'],
        config  => { logging => ["logging/warn $case->[0]"] });

    ok t_cmp(($faulty->configtest)[1], $case->[1], "refused: $case->[0]");
}
