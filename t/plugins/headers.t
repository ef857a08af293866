# SPDX-License-Identifier: Apache-2.0
# headers: fields that are missing, double, or out of time.
# t/dialog/headers*.smtp have the fine points.
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use POSIX ();
use QP::Server;

use constant DAY => 86400;

plan tests => 17, QP::Server->need(
    map {"plugins/$_"} qw(headers relay queue/maildir));

sub server {
    return QP::Server->new(
        plugins => ['relay', "headers $_[0]", 'rcpt_ok',
                    'queue/maildir @MAILDIR@'],
        config => { rcpthosts => 'example.org', relayclients => '127.0.0.2',
                    max_header => 1048576 })->start;
}

sub deliver {
    my ($client, $text) = @_;

    return $client->send_message('s@example.net', 'a@example.org', $text);
}

sub dated {
    my ($days) = @_;
    my $date = POSIX::strftime('%d %b %Y %H:%M:%S +0000',
                               gmtime(time + $days * DAY));

    return "From: me\nDate: $date\n\nhello\n";
}

my $server = server('require From,Date past 30 future 2');
my $client = $server->client->hello;

ok t_cmp(deliver($client, ''), qr/^552 5\.6\.0 The message is empty$/,
         'nothing at all');
ok t_cmp(deliver($client, "Date: x\n\nhello\n"),
         qr/^552 5\.6\.0 The field From is missing$/, 'without From');
ok t_cmp(deliver($client, "From: x\n\nhello\n"),
         qr/^552 5\.6\.0 The field Date is missing$/, 'without Date');
ok t_cmp(deliver($client, dated(0)), qr/^250 /, 'of today');
ok t_cmp(deliver($client, dated(-29)), qr/^250 /, 'of last month');
ok t_cmp(deliver($client, dated(-31)),
         qr/^552 5\.6\.0 The Date is too far in the past$/, 'too old');
ok t_cmp(deliver($client, dated(1)), qr/^250 /, 'of tomorrow');
ok t_cmp(deliver($client, dated(3)),
         qr/^552 5\.6\.0 The Date is too far in the future$/, 'too new');
ok t_cmp(deliver($client, "To: a\n" . dated(0) =~ s/\n\n/\nTo: b\n\n/r),
         qr/^552 5\.6\.0 There is more than one field To$/, 'two of To');
ok t_cmp(deliver($client, "From: me\nDate: when it suits me\n\n"), qr/^250 /,
         'a date that is none');
ok defined $server->wait_log(qr/headers: the date cannot be read/),
    'is told to the log';
ok t_cmp(scalar($server->messages), 4, 'what is refused is not there');

# A hundred thousand fields (R92).
ok t_cmp(deliver($client, "Cc:\n" x 100_000 . dated(0)),
         qr/^552 5\.6\.0 There is more than one field Cc$/, 'very many fields');
ok t_cmp(deliver($server->client(local => '127.0.0.2')->hello, "Subject: x\n"),
         qr/^250 /, 'a relay client');
ok t_cmp(deliver($server->client(local => '127.0.0.2')->hello, ''),
         qr/^552 5\.6\.0 /, 'may not send nothing');
$server->stop;

$server = server('3 reject_type temp');
ok t_cmp(deliver($server->client->hello, dated(-4)), qr/^452 4\.6\.0 /,
         'the word of older versions');
$server->stop;
ok t_cmp((QP::Server->new(plugins => ['headers past never'])->configtest)[1],
         qr/headers: past: "never" is not /, 'a mistake');
