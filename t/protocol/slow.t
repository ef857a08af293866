# SPDX-License-Identifier: Apache-2.0
# Clients that send slowly or do not read stop nobody else (R90): four times
# as many of them as there are threads.
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

use constant { SLOW => 16, HELPS => 400_000, BUFFER => 65_536 };

plan tests => 8, QP::Server->need(qw(event plugins/rcpt_ok
                                     plugins/queue/maildir));

my $server = QP::Server->new(
    plugins => ['rcpt_ok', 'queue/maildir @MAILDIR@'],
    config  => { max_commands => 0,
                 rcpthosts => 'example.org', size_threshold => 100 },
)->start;

# Messages that come octet by octet, in turns.
my @slow = map { $server->client->hello } 1 .. SLOW;

for my $client (@slow) {
    $client->envelope('a@example.net', 'b@example.org');
    $client->expect(354, 'DATA');
}
my $text = "Subject: slow\r\n\r\n" . "0123456789\r\n" x 20 . ".\r\n";

for my $octet (split //, $text) {
    $_->send($octet) for @slow;
    if ($octet eq '9' && !$slow[0]{looked}++) {
        ok t_cmp($server->client->hello->cmd('NOOP'), qr/^250 /,
                 'another client is served in the meantime');
    }
}
ok t_cmp(scalar(grep { $_->reply =~ /^250 / } @slow), SLOW,
         'all messages are taken');
ok t_cmp(scalar(grep { /(?:^0123456789\n){20}\z/m } $server->messages), SLOW,
         'and stored whole');
ok t_cmp(scalar($server->spooled), 0, 'no spool file is left');

# Clients that send and send and do not read.
my @deaf = map { $server->client(rcvbuf => BUFFER, sndbuf => BUFFER)->hello }
    1 .. SLOW;
my %left = map { $_ => "HELP\r\n" x HELPS } 0 .. $#deaf;

# Sends what goes; returns how many octets that was.
sub push_all {
    my $sum = 0;

    for my $n (keys %left) {
        my $sent = $deaf[$n]->send_some($left{$n}) // length $left{$n};

        substr $left{$n}, 0, $sent, '';
        $sum += $sent;
    }
    return $sum;
}

# Until the server has taken nothing for a while.
for (my $quiet = 0; $quiet < 20;) {
    $quiet = push_all() ? 0 : $quiet + 1;
    select undef, undef, undef, 0.02 if $quiet;
}
ok t_cmp(scalar(grep { length $left{$_} } keys %left), SLOW,
         'the server does not read what it cannot answer');
ok t_cmp($server->client->hello->cmd('NOOP'), qr/^250 /,
         'clients that do not read hold no thread');
ok t_cmp($server->rss < 150_000, 1, 'what they do not read is bounded');

# One of them reads after all and gets every reply.
my $deaf = $deaf[0];
my $count = 0;

while ($count < HELPS) {
    my $sent = $deaf->send_some($left{0});

    substr $left{0}, 0, $sent, '' if $sent;
    $deaf->fill;
    $count += () = $deaf->{buffer} =~ /^214 [^\n]*\n/mg;
    $deaf->{buffer} =~ s/\A.*\n//s;
}
ok t_cmp($count, HELPS, 'who reads after all gets all replies');
$_->abort for @deaf;
$server->stop;
