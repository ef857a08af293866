# SPDX-License-Identifier: Apache-2.0
# Parallel sessions never mix names, addresses or texts (R97, R98).
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

use constant { CLIENTS => 30, ROUNDS => 10 };

plan tests => 4, QP::Server->need(qw(plugins/rcpt_ok plugins/queue/maildir));

my $server = QP::Server->new(
    plugins  => ['rcpt_ok', 'queue/maildir @MAILDIR@'],
    config   => { pipelining => 'lenient',
                 rcpthosts => 'example.org', size_threshold => 500 },
    children => 2,
)->start;
my @clients = map { $server->client->hello("EHLO host$_.example") }
    1 .. CLIENTS;

# All that one client says in a round, as a list of writes.
sub script {
    my ($name) = @_;

    return ("MAIL FROM:<from-$name\@example.net>\r\n",
            "RCPT TO:<to-$name\@example.org>\r\nDATA\r\n",
            map {"$name line $_\r\n"} 1 .. 40);
}

my $is_right = 1;

for my $round (1 .. ROUNDS) {
    my @scripts = map { [script("c$_-r$round")] } 1 .. CLIENTS;
    my $last = $#{ $scripts[0] };

    for my $step (0 .. $last) {
        for my $n (map { ($_ * 7 + $step) % CLIENTS } 0 .. CLIENTS - 1) {
            $clients[$n]->send($scripts[$n][$step]);
            $clients[$n]->send("\r\n") if $step == 1;
        }
    }
    $_->send(".\r\n") for @clients;
    for my $n (0 .. $#clients) {
        my $name = 'c' . ($n + 1) . "-r$round";
        my @replies = map { $clients[$n]->reply } 1 .. 4;

        $is_right &&= $replies[0] =~ /^250 .*<from-$name@/
            && $replies[1] =~ /^250 .*<to-$name@/
            && $replies[2] =~ /^354 / && $replies[3] =~ /^250 /;
    }
}
ok $is_right, 'replies go to those who asked';

my @messages = $server->messages;
my %seen;

for my $message (@messages) {
    my ($name) = $message =~ /^Return-Path: <from-(c\d+-r\d+)@/;
    my ($client) = $name =~ /c(\d+)/;
    my $text = join '', map {"$name line $_\n"} 1 .. 40;

    $seen{$name}++ if $message =~ /^Received: from host$client\.example /m
        && $message =~ /^Delivered-To: to-$name@/m
        && $message =~ /\n\n\Q$text\E\z/;
}
ok t_cmp(scalar(@messages), CLIENTS * ROUNDS, 'every message is there');
ok t_cmp(scalar(keys %seen), CLIENTS * ROUNDS, 'and whole, and of one client');
ok t_cmp(scalar($server->spooled), 0, 'nothing is left in spool_dir');
$server->stop;
