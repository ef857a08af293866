# SPDX-License-Identifier: Apache-2.0
# The id of a connection and ID.N of its transactions stand in log lines, in
# Received and in the reply (D19).
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

plan tests => 13, QP::Server->need(qw(plugins/rcpt_ok plugins/queue/maildir));

my $server = QP::Server->new(
    plugins => ['rcpt_ok', 'queue/maildir @MAILDIR@'],
    config  => { rcpthosts => 'example.org' },
)->start;
my $client = $server->client->hello;
my $other = $server->client->hello;
my @replies = map {
    $client->send_message('a@example.net', 'b@example.org', "Subject: $_\n\n")
} 1 .. 2;
my ($id) = $replies[0] =~ /^250 2\.0\.0 .*\b([0-9a-z]+)\.1$/;

ok defined $id, 'the reply has the id of the first transaction';
ok t_cmp($replies[1], qr/\b\Q$id\E\.2$/, 'and of the second');
$client->expect(221, 'QUIT');
ok defined $server->wait_log(qr/QP1603: \[$id /), 'the end is logged';

my ($stored) = grep {/Subject: 2/} $server->messages;

ok t_cmp($stored, qr/^Received: from client\.example \(.*\[127\.0\.0\.1\]\)/m,
         'Received says from whom');
ok t_cmp($stored, qr/^Received: [^\n]*(?:\n\s[^\n]*)*\bby mx\.example\.org\b/m,
         'by whom');
ok t_cmp($stored, qr/^Received: [^\n]*(?:\n\s[^\n]*)*\bwith ESMTP id $id\.2\b/m,
         'how, and the id');
ok t_cmp($stored, qr/\bfor <b\@example\.org>/, 'for whom, if it is one');
ok t_cmp($stored, qr/;\s+\w{3}, \d\d? \w{3} \d{4} \d\d:\d\d:\d\d [-+]\d{4}$/m,
         'and when');

# Log lines: TAG: [ID PEER tN] PLUGIN: TEXT
my @lines = grep {/\Q$id\E/} $server->log_lines;

ok @lines >= 6, 'there are log lines of the session';
ok t_cmp(scalar(grep { !/QP\d{4}: \[$id 127\.0\.0\.1(?: t[12])?\] \S/ } @lines),
         0, 'all have the tag, the id and the peer');
ok t_cmp(scalar(grep {/\[$id 127\.0\.0\.1 t2\] rcpt_ok: pass/} @lines), 1,
         'a plugin is named, and the transaction');

# Every session has its own id.
my ($other_id) = $other->send_message('a@example.net', 'b@example.org', '')
    =~ /\b([0-9a-z]+)\.1$/;

ok defined $other_id && $other_id ne $id, 'another session has another id';

# Several recipients: no "for" (R27).
$other->send_message('a@example.net', ['b@example.org', 'c@example.org'],
                     "Subject: three\n\n");
($stored) = grep {/Subject: three/} $server->messages;
ok $stored !~ /\bfor </, 'several recipients are not told of each other';
$server->stop;
