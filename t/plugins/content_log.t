# SPDX-License-Identifier: Apache-2.0
# content_log: every message is added to a file, whole or not at all, and mail
# goes on whatever happens to the file.
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use Fcntl qw(:flock);
use POSIX ();
use QP::Server;

use constant CLIENTS => 30;

plan tests => 22, QP::Server->need(map {"plugins/$_"} 'content_log', 'loop',
                                   'queue/discard');

sub server {
    my (%config) = @_;
    my $server = QP::Server->new(
        plugins => ['rcpt_ok', 'content_log dir @DIR@/copies',
                    'loop reject_type perm', 'queue/discard'],
        config => { rcpthosts => 'example.org', %config });

    mkdir $server->dir . '/copies' or die $!;
    chmod 0777, $server->dir . '/copies' or die $!;
    return $server->start;
}

sub deliver {
    my ($client, $text) = @_;

    return $client->send_message('s@example.net', 'a@example.org', $text);
}

sub copies { return join '', map { QP::Server::slurp($_) } glob "$_[0]/*" }

# The default name, and what is in the file.
my $server = server();
my $dir = $server->dir . '/copies';
my $client = $server->client->hello;
my $body = "\n.\n..x\n" . 'y' x 900 . "\nlast\n";

ok t_cmp(deliver($client, "Subject: one\n folded\n$body"), qr/^250 /, 'one');
my ($file) = glob "$dir/mail/*";

ok t_cmp($file, qr{/mail/20\d{6}$}, 'the file of today');
ok t_cmp(sprintf('%o', (stat $file)[2] & 07777), '600', 'is private');
my $text = QP::Server::slurp($file);

ok $text =~ s/\AReceived: (?:.*\n[ \t])*.*\n//, 'it has our Received';
ok $text eq "Subject: one\n folded\n$body", 'and what was sent';
ok t_cmp(deliver($client, "Received: x\n" x 99 . "\nin a loop\n"),
         qr/^552 5\.4\.6 /, 'a message that is refused by a later plugin');
ok t_cmp(scalar(() = QP::Server::slurp($file) =~ /^Received: /mg), 101,
         'is there, too, behind the first');

# Another name, at run time; many at once do not mix.
$server->set_config(content_log_file => 'all');
ok $server->poll(sub {
    deliver($client, "Subject: first\n\n");
    return -e "$dir/all";
}), 'another name, without a restart';
my @clients = map { $server->client->hello } 1 .. CLIENTS;

$_->envelope('s@example.net', 'a@example.org')->expect(354, 'DATA')
    for @clients;
$clients[$_]->send("Subject: n$_\r\n\r\n" . "text $_\r\n" x 3000 . ".\r\n")
    for 0 .. $#clients;
ok t_cmp(scalar(grep { $_->reply =~ /^250 / } @clients), CLIENTS, 'many');
my $all = QP::Server::slurp("$dir/all");
my %seen = map { $_ => 1 }
    $all =~ /^Subject: n(\d+)\n\n(?:text \1\n){3000}/mg;

ok t_cmp(scalar(keys %seen), CLIENTS, 'none is mixed up');
$_->close for @clients;

# Another process writes: it is waited for.
open my $other, '>>', "$dir/all" or die $!;
flock $other, LOCK_EX or die $!;
$client->envelope('s@example.net', 'a@example.org')->expect(354, 'DATA');
$client->send("Subject: late\r\n\r\n.\r\n");
ok !$client->readable(0.3), 'nothing is said while another one writes';
ok t_cmp($server->client->hello->cmd('NOOP'), qr/^250 /, 'to this client');
close $other;
ok t_cmp($client->reply, qr/^250 /, 'then it goes on');
ok t_cmp(copies($dir), qr/^Subject: late$/m, 'and the copy is there');

# It is switched off.
$server->set_config(content_log_enabled => 'no');
ok $server->poll(sub {
    deliver($client, "Subject: off\n\n");
    return $server->said =~ /content_log: skip, not enabled/;
}), 'switched off';
$server->stop;

# Trouble: the mail goes on.
my %trouble = (
    '/dev/full'             => qr{cannot use, since it is no file, /dev/full},
    'no/such/folder'        => qr{cannot open \S+/no/such/folder: No such file},
    '@DIR@/copies/link'     => qr{cannot open \S+/link: Too many levels},
);

for my $name (sort keys %trouble) {
    $server = server(content_log_file => $name);
    symlink 'target', $server->dir . '/copies/link' or die $!;
    $server->expect_log(qr/content_log: error, $trouble{$name}/);
    ok t_cmp(deliver($server->client->hello, "Subject: x\n\n"), qr/^250 /,
             "$name: mail goes on");
    ok defined $server->wait_log($trouble{$name}), 'the log says why';
    $server->stop;
}
ok t_cmp((QP::Server->new(plugins => ['content_log x'])->configtest)[1],
         qr/content_log: .*"?x"?/, 'a mistake');
