# SPDX-License-Identifier: Apache-2.0
# queue/discard: messages are accepted and gone.
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

plan tests => 7, QP::Server->need('plugins/queue/discard',
                                  'plugins/queue/maildir');

sub deliver {
    my ($server) = @_;

    return $server->client->hello
        ->send_message('s@example.net', 'a@example.org',
                       "Subject: x\n\nhello\n");
}

my %config = (rcpthosts => ['example.org']);
my $server = QP::Server->new(
    plugins => ['rcpt_ok', 'queue/discard', 'queue/maildir @MAILDIR@'],
    config  => \%config)->start;

ok t_cmp(deliver($server), qr/^250 2\.\d\.0 queued as \w+\.\d+$/, 'accepted');
ok t_cmp(scalar($server->messages), 0, 'and gone');
ok t_cmp(scalar($server->spooled), 0, 'from the spool as well');
ok defined $server->wait_log(qr{queue/discard: pass, discarded message \w}),
    'but not from the log';
$server->stop;

$server = QP::Server->new(
    plugins => ['rcpt_ok', 'queue/discard if_noted',
                'queue/maildir @MAILDIR@'],
    config  => \%config)->start;
ok t_cmp(deliver($server), qr/^250 /, 'if_noted');
ok t_cmp(scalar($server->messages), 1, 'what is not marked is delivered');
ok defined $server->wait_log(qr{queue/discard: skip, message is not marked}),
    'and skipped';
