# SPDX-License-Identifier: Apache-2.0
# rcpt_ok_maxrelay: rcpt_ok, and the end for those who go on trying.
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

plan tests => 13, QP::Server->need('plugins/rcpt_ok_maxrelay');

my %config = (rcpthosts => ['example.org']);
my $server = QP::Server->new(plugins => ['rcpt_ok_maxrelay 2'],
                             config => \%config)->start;

sub mail {
    my ($from) = @_;
    my $client = $from->client->hello;

    $client->expect(250, 'MAIL FROM:<s@example.net>');
    return $client;
}

my $client = mail($server);

for my $n (1, 2) {
    ok t_cmp($client->cmd('RCPT TO:<a@elsewhere.example>'),
             qr/^550 5\.7\.1 /, "attempt $n");
    ok t_cmp($client->cmd('RCPT TO:<a@example.org>'), qr/^250 /,
             'ours are accepted');
}
ok t_cmp($client->cmd('RCPT TO:<b@elsewhere.example>'), qr/^550 5\.7\.1 /,
         'the third attempt');
ok $client->eof, 'is the last one';
ok defined $server->wait_log(
    qr/rcpt_ok_maxrelay: fail, relaying denied to b\@elsewhere/),
    'the verdict of the parent has the name of the child';
ok defined $server->wait_log(qr/attempt 3 to relay, 2 are allowed/),
    'and the end is logged';

# The count is the connection's, and not the transaction's.
$client = mail($server);
for my $n (1, 2) {
    $client->expect(550, 'RCPT TO:<a@elsewhere.example>');
    $client->expect(250, 'RSET');
    $client->expect(250, 'MAIL FROM:<s@example.net>');
}
ok t_cmp($client->cmd('RCPT TO:<a@elsewhere.example>'), qr/^550 /,
         'RSET does not help');
ok $client->eof, 'the end';
$server->stop;

# 0 is no limit; a faulty number stops the start.
$server = QP::Server->new(plugins => ['rcpt_ok_maxrelay max 0'],
                          config => \%config)->start;
$client = mail($server);
ok t_cmp(scalar(grep {/^550 5\.7\.1 /}
                $client->pipeline(('RCPT TO:<a@elsewhere.example>') x 15)),
         15, 'no limit');
$server->stop;
$server = QP::Server->new(plugins => ['rcpt_ok_maxrelay many']);
my ($status, $said) = $server->configtest;

ok $status != 0, 'a word is no number';
ok t_cmp($said, qr/plugins:1: rcpt_ok_maxrelay: max: .*0\.\.1000/,
         'which is said with its place');
