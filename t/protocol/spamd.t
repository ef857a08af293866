# SPDX-License-Identifier: Apache-2.0
# A spamd of SpamAssassin that is reached by TCP, goes away and comes again.
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;
use QP::Spamd;

plan tests => 8, QP::Server->need(
    (map {"plugins/$_"} qw(spamassassin queue/maildir)), 'bin/spamd');

my $tcp = QP::Spamd->new(tcp => 1);
my $port = $tcp->port;
my $server = QP::Server->new(
    plugins => ['rcpt_ok', "spamassassin spamd_socket 127.0.0.1:$port reject"
                    . ' userprefs headers none spamd_user vpopmail'
                    . ' leave_old_headers keep', 'queue/maildir @MAILDIR@'],
    config => { rcpthosts => 'example.org' })->start;
my $client = $server->client->hello;

sub deliver {
    my ($to, $text) = @_;

    return $to->send_message('s@example.net', 'a@example.org', $text);
}

# What it requires; no fields at all.
ok t_cmp(deliver($client, "\nbuy the pills\n"),
         qr/^552 5\.7\.1 The message looks like spam \(score 7\.2\)$/,
         'what SpamAssassin requires');
ok t_cmp(deliver($client, "X-Spam-Flag: NO\n\nhello\n"), qr/^250 /, 'ham');
ok t_cmp(join('', map { /^(X-.*)/mg } $server->messages), 'X-Spam-Flag: NO',
         'no fields, and old ones are kept');
ok defined $server->wait_log(qr/pass, ham, 0\.7 of 5\.0, tests QP_RECEIVED$/),
    'the tests are known all the same';
ok t_cmp($tcp->said, qr/for a\@example\.org/, 'the recipient is the user');

# spamd goes away, and comes again.
$tcp->stop;
$server->expect_log(qr/cannot connect to 127\.0\.0\.1:$port: Connection refu/);
ok t_cmp(deliver($client, "\nbuy the pills\n"), qr/^250 /,
         'without spamd mail goes on');
ok defined $server->wait_log(qr/spamassassin: error, cannot connect to/),
    'and the log says so';
$tcp->start;
ok t_cmp(deliver($client, "\nbuy the pills\n"), qr/^552 /, 'it is back');
$server->stop;
