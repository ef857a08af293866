# SPDX-License-Identifier: Apache-2.0
# What qpsmtpd.h offers plugins for a message: envelope, header, body, files,
# notes. In memory and in a file it is the same.
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

my $header = "Subject: a\n\tfolded\n  line\nX-Twice: 1\nX-Many: a\nx-many: b\n"
    . "X-Twice: 2\n";
my @bodies = ("hello\n\nlast\n", ".a line\n" x 20_000, "\n", '');

# What change_header() leaves, but for Received.
my $changed = "Subject: a\n\tfolded\n  line\nX-Twice: new\n"
    . "X-End: evil Bcc: x\n";

my %says = (
    id               => qr/^\w+\.\d+$/,
    sender           => '<s@example.net>',
    'size param'     => '300000',
    rcpts            => 'a@example.org b@example.org b@example.org',
    'rcpts replaced' => 'a@example.org c@example.org b@example.org',
    'replaced b'     => '1',
    'replaced d'     => '0',
    'removed b'      => '1',
    'removed it again' => '0',
    'rcpts changed'  => 'a@example.org c@example.org d@example.org',
    fields           => 'Received Subject X-Twice X-Many x-many X-Twice',
    two              => '2',
    none             => '0',
    folded           => 'a|\x09folded|  line',
    second           => '2',
    third            => '(none)',
    'replaced second' => '1',
    'replaced third'  => '0',
    'deleted first'   => '1',
    'deleted all'     => '2',
    'deleted none'    => '0',
    'fields changed' => 'X-Top Received Subject X-Twice X-End',
    'txn notes'       => '- 0 0',
    'txn notes again' => 'text 1 0',
    (map { ("ways of $_" => 'equal') } 'body', 'message', 'body crlf',
     'message crlf'),
);

plan tests => @bodies * (10 + keys %says) + 7, QP::Server->need(
    qw(plugins/rcpt_ok plugins/queue/maildir testplugins/message));

sub server {
    return QP::Server->new(
        plugins => ["message @_", 'rcpt_ok', 'queue/maildir @MAILDIR@'],
        config => { rcpthosts => 'example.org', size_threshold => 10_000 },
        testplugins => 1)->start;
}

sub deliver {
    my ($client, $body) = @_;

    $client->expect(250, 'MAIL FROM:<s@example.net> SIZE=300000');
    $client->expect(250, "RCPT TO:<$_\@example.org>") for qw(a b b);
    $client->expect(354, 'DATA');
    $client->send("$header\n$body" =~ s/^\./../mgr =~ s/\n/\r\n/gr . ".\r\n");
    return $client->reply;
}

# The newest "KEY: VALUE" of each key.
sub said {
    my ($server) = @_;

    return map { / message: ([\w ]+): (.*)/ ? ("$1" => $2) : () }
        map {s/\\\\/\\/gr} $server->log_lines;
}

sub tally {
    my ($text) = @_;

    return length($text) . ' octets, sum ' . unpack '%32C*', $text;
}

sub crlf { return $_[0] =~ s/\n/\r\n/gr }

my $server = server();
my $client = $server->client->hello;
my $round = 0;

for my $body (@bodies) {
    my $name = length($body) . ' octets';
    my $reply = deliver($client, $body);
    my %said = said($server);

    ok t_cmp($reply, qr/^250 /, "$name are queued");
    for my $key (sort keys %says) {
        my $want = $says{$key};

        ok t_cmp($said{$key}, ref $want ? $want : qr/^\Q$want\E$/,
                 "$name: $key");
    }
    my ($octets) = $said{header} =~ /^(\d+) octets$/;

    ok t_cmp($said{body}, tally($body), "$name: body");
    ok t_cmp($said{'body crlf'}, tally(crlf($body)), "$name: body crlf");
    ok t_cmp($said{detached}, tally($body), "$name: detached");
    ok t_cmp($said{file}, tally($body), "$name: file");
    ok t_cmp($said{'length of message'}, $octets + 1 + length $body,
             "$name: length");
    ok t_cmp($said{sizes}, qr/, body @{[ length $body ]}$/, "$name: sizes");
    ok t_cmp($said{'conn notes'}, ($round ? 'text ' : '- ') . $round++ . ' 0',
             "$name: the notes of the connection stay");
    ok t_cmp(join(' ', map { -e $said{$_} ? 1 : 0 } 'temp file', 'temp dir',
                  'path', 'lasting dir'), '0 0 0 1', "$name: files");
    ok t_cmp(($server->messages)[-1], qr/\AReturn-Path: <new\@example\.net>
Delivered-To: a\@example\.org
Delivered-To: c\@example\.org
Delivered-To: d\@example\.org
X-Top: a\n b
Received: from client\.example .*\n(?:[ \t].*\n)*\Q$changed\E\n\Q$body\E\z/,
             "$name: the message") if length $body < 1000;
    ok +($server->messages)[-1] =~ /\Q$changed\E\n\Q$body\E\z/,
        "$name: the message" if length $body >= 1000;
}
my @left = map { s{.*/}{}r } glob $server->spool . '/*';

ok t_cmp(scalar(grep {/^dir-/} @left), scalar(@bodies),
         'nothing stays but what shall');
ok t_cmp(scalar(@left), scalar(@bodies), 'nor anything else');
$server->stop;

# Changes of the body.
for my $case (['append "-- \nfoot"' => '%s-- \nfoot'],
              ['rewrite append end' => '%U%send']) {
    my ($options, $want) = @$case;

    $server = server($options);
    $client = $server->client->hello;
    for my $body (@bodies[0, 1]) {
        my $all = $want =~ s/%U%s/uc $body/er =~ s/%s/$body/r;

        deliver($client, $body);
        ok +($server->messages)[-1] =~ /\nX-End: .*\n\n\Q$all\E\z/,
            "$options: " . length $body;
    }
    $server->stop;
}
ok t_cmp((QP::Server->new(plugins => ['message append'], testplugins => 1)
          ->configtest)[1], qr/message: append: a value is missing/, 'options');
