# SPDX-License-Identifier: Apache-2.0
# queue/smtp-forward with two Postfix servers, of which one is stopped, hangs,
# or has no room, while messages of several clients are under way: what was
# answered 250 is delivered once, by one of them; the rest comes again (R18).
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Postfix;
use QP::Server;
use QP::Skips;

use constant { CLIENTS => 6, TRIES => 20 };

if (!QP::Postfix::is_there()) {
    QP::Skips::check('no Postfix');
    plan skip_all => 'no Postfix';
}
plan tests => 18, QP::Server->need(
    map {"plugins/$_"} 'rcpt_ok', 'queue/smtp-forward');

my ($number, %answers, %delivered);

my ($one, $two) = map { QP::Postfix->new } 1, 2;
my $busy = QP::Postfix->new('smtpd_delay_reject = no',
                            'smtpd_sender_restrictions = defer');

sub server {
    my ($first, $second, $options) = @_;
    my $hosts = join ',', map { '127.0.0.1:' . $_->port } $first, $second;
    my $server = QP::Server->new(
        plugins => ['rcpt_ok', "queue/smtp-forward hosts $hosts $options"],
        config => { rcpthosts => 'example.org' });

    return $server->expect_log(qr{queue/smtp-forward: }, qr/QP1103/)->start;
}

# A message of each client is under way when something happens; the numbers of
# those that were not answered 250.
sub send_round {
    my ($server, $happens, @clients) = @_;
    my @again;

    for my $client (@clients) {
        $client->{number} = ++$number;
        $client->envelope('s@example.net', 'a@example.org');
        $client->expect(354, 'DATA');
    }
    $_->send("Subject: =$_->{number}=\r\n\r\nx\r\n.\r\n") for @clients;
    $happens->();
    for my $client (@clients) {
        my $reply = $client->reply;

        $answers{ $client->{number} } = $reply;
        push @again, $client if $reply !~ /^250/;
    }
    return @again;
}

# Until all have their 250. @return how often one had to come again
sub send_all {
    my ($server, $happens) = @_;
    my @clients = map { $server->client->hello } 1 .. CLIENTS;
    my @left = send_round($server, $happens, @clients);
    my $again = 0;

    for (1 .. TRIES) {
        $again += @left;
        @left = send_round($server, sub { }, @left) if @left;
    }
    return @left ? "@{[scalar @left]} never" : $again;
}

sub count_delivered {
    for my $postfix ($one, $two, $busy) {
        $delivered{$_}{$postfix}++
            for map {/^Subject: =(\d+)=$/m} $postfix->messages(0);
    }
    return !grep { $answers{$_} =~ /^250/ && !$delivered{$_} } keys %answers;
}

# Nothing happens.
my $server = server($one, $two, 'timeout 20s');
my $nothing = sub { };

ok t_cmp(send_all($server, $nothing), 0, 'both are up') for 1 .. 2;

# One is stopped, and is there again.
ok t_cmp(send_all($server, sub { $one->stop }), qr/^\d+$/, 'one is stopped');
ok t_cmp(send_all($server, $nothing), 0, 'it is down');
$one->start;
ok t_cmp(send_all($server, sub { $two->stop }), qr/^\d+$/, 'the other is');
ok t_cmp(send_all($server, $nothing), 0, 'it is down');
$one->stop;
my ($left) = send_round($server, $nothing, $server->client->hello);

ok t_cmp($answers{$number}, qr/^4\d\d 4\./, 'both are down: for now');
$_->start for $one, $two;
ok t_cmp(send_all($server, $nothing), qr/^\d+$/, 'both are up again');
$server->stop;

# One hangs: with a message that it has whole, and then from the start.
$server = server($one, $two, 'timeout 6s reply_timeout 1s');
ok t_cmp(send_all($server, $nothing), qr/^\d+$/, 'connections are kept');
ok t_cmp(send_all($server, sub { $one->freeze }), qr/^\d+$/, 'one hangs');
ok t_cmp(send_all($server, $nothing), qr/^\d+$/, 'it still does');
$one->thaw;
ok t_cmp(send_all($server, sub { $two->freeze }), qr/^\d+$/, 'the other does');
$two->thaw;
$server->stop;

# One refuses all for now.
$server = server($busy, $two, 'timeout 20s');
ok t_cmp(send_all($server, $nothing), 0, 'one has no room') for 1 .. 2;
$server->stop;

# The account.
ok t_cmp($server->poll(\&count_delivered), 1, 'what has its 250 is delivered');
my @good = grep { $answers{$_} =~ /^250/ } keys %answers;

ok t_cmp(scalar(grep { join('', values %{ $delivered{$_} }) ne '1' } @good), 0,
         'once, by one of them');
ok t_cmp(scalar(@good), 13 * CLIENTS, 'and it is all of it');
ok t_cmp(scalar(grep { !$answers{$_} } keys %delivered), 0,
         'there is nothing else');
diag scalar(keys %answers) . ' attempts, ' . @good . ' answered 250, '
    . keys(%delivered) . ' delivered' if $ENV{QP_VERBOSE};
