# SPDX-License-Identifier: Apache-2.0
# queue/postfix-queue and queue/smtp-forward with Debian's Postfix: a message
# arrives as it was sent, and what Postfix says becomes the answer.
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Postfix;
use QP::Server;
use QP::Skips;

my $plugin = 'queue/postfix-queue';
my $forward = 'queue/smtp-forward';
my @all = ('a@example.org', '"b c"@example.org');

if (!QP::Postfix::is_there()) {
    QP::Skips::check('no Postfix');
    plan skip_all => 'no Postfix';
}
plan tests => 24, QP::Server->need(
    map {"plugins/$_"} 'rcpt_ok', $plugin, $forward);

sub server {
    my ($line) = @_;

    return QP::Server->new(plugins => ['rcpt_ok', $line],
                           config  => { rcpthosts => 'example.org' })->start;
}

sub deliver {
    my ($server, $from, $to, $text) = @_;

    return $server->client->hello->send_message(
        $from, $to, $text // "Subject: x\n\nhello\n.dot\n");
}

# Postfix adds fields to the header.
sub body { return (split /\n\n/, $_[0], 2)[1] // '' }

my $postfix = QP::Postfix->new(
    'message_size_limit = 200000', 'always_bcc = bcc@example.org',
    'header_checks = regexp:{{/^Subject: spam/ REJECT it is spam},'
    . ' {/^Subject: later/ REJECT 4.7.1 not now}}');

my $server = server("$plugin " . $postfix->socket . ' FLAG_FILTER');
ok t_cmp(deliver($server, 's@example.net', \@all),
         qr/^250 2\.0\.0 queued as [0-9A-F]+ /, 'Postfix');
my @got = $postfix->messages(2);

ok t_cmp(scalar(@got), 2, 'two have it') or diag $postfix->said;
ok t_cmp(join(' ', sort map {/^X-Original-To: (.*)$/m} @got),
         '"b c"@example.org a@example.org', 'the recipients');
ok t_cmp(scalar(grep {/^Return-Path: <s\@example\.net>$/m} @got), 2,
         'the sender');
ok t_cmp(scalar(grep {/^Subject: x\n(?:.+\n)*\nhello\n\.dot\n\z/m} @got), 2,
         'the message');
my $text = "Subject: big\n\n.\n..\n" . 'x' x 50_000 . "\n\n" . 'y' x 2048
    . "\n" . 'line' x 20 . "\n";

ok t_cmp(deliver($server, '', [$all[0]], $text), qr/^250 /, 'long lines');
@got = $postfix->messages(1);
ok body($got[0]) eq body($text),
    'arrive unharmed';
ok t_cmp($got[0], qr/^Return-Path: <>$/m, 'no sender');
ok t_cmp(deliver($server, '', [$all[0]], "Subject: spam\n\nx\n"),
         qr/^552 5\.7\.1 it is spam$/, 'a header check');
ok t_cmp(deliver($server, '', [$all[0]], "Subject: later\n\nx\n"),
         qr/^452 4\.7\.1 not now$/, 'one for now');
ok t_cmp(deliver($server, '', [$all[0]], "line\n" x 60_000),
         qr/^552 5\.3\.4 /, 'it is too big');
$server->stop;
$server = server("$plugin " . $postfix->socket . ' FLAG_MASK_EXTERNAL');
ok t_cmp(deliver($server, 's@example.net', [$all[0]]), qr/^250 /, 'maps');
ok t_cmp(join(' ', sort map {/^X-Original-To: (.*)$/m}
              $postfix->messages(2)), 'a@example.org bcc@example.org',
         'are applied');
$server->stop;
$server = server("$plugin " . $postfix->socket . ' FLAG_HOLD');
my ($id) = deliver($server, 's@example.net', [$all[0]]) =~ /as (\w+) /;

ok t_cmp(join(' ', $postfix->held), $id, 'on hold');
$server->stop;

# By SMTP.
$server = server("$forward 127.0.0.1 " . $postfix->port);
ok t_cmp(deliver($server, 's@example.net', \@all),
         qr/^250 2\.0\.0 queued: Ok: queued as [0-9A-F]+ /, 'its smtpd');
@got = $postfix->messages(3);
ok t_cmp(join(' ', sort map {/^X-Original-To: (.*)$/m} @got),
         '"b c"@example.org a@example.org bcc@example.org',
         'three have it');
ok t_cmp(scalar(grep {/^Subject: x\n(?:.+\n)*\nhello\n\.dot\n\z/m} @got), 3,
         'unharmed');
ok t_cmp(deliver($server, '', [$all[0]], $text), qr/^250 /, 'long lines');
@got = $postfix->messages(2);
ok body($got[0]) eq body($text),
    'arrive unharmed';
ok t_cmp(deliver($server, '', [$all[0]], "Subject: spam\n\nx\n"),
         qr/^552 5\.7\.1 it is spam$/, 'refused');
ok t_cmp(deliver($server, '', [$all[0]], "Subject: later\n\nx\n"),
         qr/^452 4\.7\.1 not now$/, 'refused for now');
ok t_cmp(deliver($server, '', [$all[0]], "line\n" x 60_000),
         qr/^552 5\.3\.4 /, 'refused for its size');
$server->stop;

# Without it.
$server = server("$plugin " . $postfix->socket);
$postfix->stop;
$server->expect_log(qr/cannot connect to \S+: Connection refused/);
ok t_cmp(deliver($server, '', [$all[0]]), qr/^451 4\.3\.0 /, 'stopped');
$server->stop;
ok t_cmp($postfix->said, qr/postfix\/virtual/, 'it has said so itself');
