# SPDX-License-Identifier: Apache-2.0
# random_error: never with 0, always with 100, and now and then in between.
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

plan tests => 8, QP::Server->need('plugins/random_error');

my @others = ('rcpt_ok', 'queue/discard');
my %config = (rcpthosts => ['example.org']);

# The last replies of so many sessions with a message, counted by code.
sub session {
    my ($server) = @_;
    my $client = $server->client;
    my @steps = ('HELO x', 'MAIL FROM:<a@example.net>',
                 'RCPT TO:<b@example.org>', 'DATA', "Subject: x\r\n\r\n.");
    my $reply = $client->reply;

    while (defined $reply && $reply =~ /^[23]/ && @steps) {
        $reply = $client->cmd(shift @steps);
    }
    my $closed = $client->code =~ /^4/ && !defined $client->cmd('NOOP');

    return ($reply // '', $closed);
}

sub start {
    my ($percent) = @_;

    return QP::Server->new(plugins => ["random_error $percent", @others],
                           config => \%config)->start;
}

my $server = start(0);

ok !grep({ (session($server))[0] !~ /^250 / } 1 .. 20), 'never';
$server->stop;
$server = start(100);
ok t_cmp((session($server))[0], qr/^450 4\.7\.1 Bad luck/, 'always');
$server->stop;

# A chance of 99 of 100 fails at any of the six: 2000 sessions without one of
# them are beyond belief.
my (%seen, $good, $kept, $cut);

$server = start(90);
$server->poll(sub {
    my ($reply, $closed) = session($server);

    $reply =~ /^250 / ? $good++ : $seen{ substr $reply, 0, 3 }++;
    $closed ? $cut++ : $kept++;
    return $good && $kept && $cut && keys %seen == 4;
});
ok $good, 'some get through';
ok $cut, 'some are cut off';
ok $kept, 'others are not';
ok t_cmp(join(' ', sort keys %seen), '421 450 451 452', 'all are temporary');
ok defined $server->wait_log(qr/random_error: fail, by chance, with disc/),
    'logged';
$server->stop;
$server = QP::Server->new(plugins => ['random_error 101']);
ok t_cmp(($server->configtest)[1], qr/random_error: percent: .*0\.\.100/,
         '101 is not allowed');
