# SPDX-License-Identifier: Apache-2.0
# Exchanges of AUTH as they should not be, on TLS by STARTTLS and from the start
# on: one reply to each line, the session goes on, and no secret is in the log,
# at any level (R77 to R86, RFC 4954 4).
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Sasl;
use QP::Server;
use QP::Tls;

# Lines, behind EHLO; {TEXT} is base64 of it, with | for NUL.
my $NFC = "j\303\274rg";
my @exchanges = (
    ['AUTH PLAIN {|user|sesame}', '235'],
    ['auth plain {user|user|sesame}  ', '235'],
    ["AUTH PLAIN\n{|user|sesame}\nAUTH PLAIN {|user|sesame}", '334 235 503'],
    ["AUTH PLAIN {|$NFC|$NFC}", '235'],
    ["AUTH LOGIN\n{$NFC}\n{$NFC}", '334 334 235'],
    ["AUTH PLAIN {|ju\314\210rg|$NFC}", '535'],
    ["AUTH PLAIN {|$NFC|ju\314\210rg}", '535'],
    ["AUTH PLAIN {|j\374rg|j\374rg}", '535'],
    ["AUTH PLAIN {|\300\265ser|sesame}", '535'],
    ["AUTH PLAIN {|us\302\255er|sesame}", '535'],
    map({ ["AUTH PLAIN {$_}", '535'] }
        '|user|wr0ng', '|user|Sesame', '|user|sesam', '|user|sesames',
        "|user|sesame\n", '|nobody|wr0ng', '|user|', '||sesame',
        "|us\ner|sesame", 'other|user|sesame', '|user,|sesame',
        '|' . 'u' x 5000 . '|sesame', '|user|' . 'wr0ng' x 1000),
    map({ ["AUTH PLAIN {$_}", '501'], ["AUTH PLAIN\n{$_}", '334 501'] }
        '|user|sesame|', '|user|sesame|more', 'user|sesame', 'user', '|'),
    map({ ["AUTH PLAIN $_", '501'], ["AUTH PLAIN\n$_\nNOOP", '334 501 250'] }
        '=A==', '*', '**', '====', 'A===', 'AB==', 'AHVzZXIAc2VzYW1l=',
        'AHVzZXIAc2VzYW1', 'AHVzZXIAc2V!YW1l', 'AHVz=XIAc2VzYW1l',
        "\303\244AAA", "AAA\177", 'AAAA-___'),
    map({ ["AUTH PLAIN $_", '500'], ["AUTH PLAIN\n$_\nNOOP", '334 501 250'] }
        "\0", "AHVz\0XIAc2VzYW1l"),
    ['AUTH PLAIN =', '501'],
    ["AUTH PLAIN\n=", '334 501'],
    ["AUTH PLAIN\n", '334 501'],
    ['AUTH PLAIN AAAA BBBB', '501'],
    ["AUTH PLAIN\nQUIT", '334 501'],
    ["AUTH PLAIN\nMAIL FROM:<a\@b.example>\nNOOP", '334 501 250'],
    ["AUTH PLAIN\n" . 'A' x 12284, '334 501'],
    ["AUTH PLAIN\n" . 'A' x 12288 . "\nNOOP", '334 500 250'],
    ["AUTH PLAIN\n" . '*' x 200_000 . "\nNOOP", '334 500 250'],
    ['AUTH PLAIN ' . 'A' x 12272, '501'],
    ['AUTH PLAIN ' . 'A' x 20_000 . "\nNOOP", '500 250'],
    ["AUTH LOGIN\n{user}\n{sesame}", '334 334 235'],
    ["AUTH LOGIN {user}\n{sesame}", '334 235'],
    ["AUTH LOGIN\n{user}\n{wr0ng}", '334 334 535'],
    ["AUTH LOGIN\n{nobody}\n{sesame}", '334 334 535'],
    ["AUTH LOGIN\n\n{sesame}", '334 334 535'],
    ["AUTH LOGIN =\n{sesame}", '334 535'],
    ["AUTH LOGIN\n{user}\n", '334 334 535'],
    ["AUTH LOGIN\n{us|er}\n{sesame}", '334 334 535'],
    ["AUTH LOGIN\n{user}\n{sesame|}", '334 334 501'],
    ["AUTH LOGIN\n*\nNOOP", '334 501 250'],
    ["AUTH LOGIN\n{user}\n*\nNOOP", '334 334 501 250'],
    ["AUTH LOGIN\n?\nNOOP", '334 501 250'],
    ["AUTH LOGIN\n" . 'A' x 20_000 . "\nNOOP", '334 500 250'],
    ["AUTH LOGIN\n{user}\n" . 'A' x 20_000 . "\nNOOP", '334 334 500 250'],
    ["AUTH CRAM-MD5\n*", '334 501'],
    ["AUTH CRAM-MD5 {user}", '501'],
    ['AUTH CRAM-MD5 =', '501'],
    map({ ["AUTH CRAM-MD5\n{$_}\nNOOP", '334 501 250'] }
        '', 'user', 'user ', 'user 0123', 'user ' . '0' x 31 . 'g',
        'user ' . '0' x 33, 'us|er ' . '0' x 32, 'user ' . '0' x 32 . '|'),
    map({ ["AUTH CRAM-MD5\n{$_}\nNOOP", '334 535 250'] }
        'user ' . '0' x 32, 'nobody ' . '0' x 32, ' ' . '0' x 32),
    (map { ["AUTH$_", '501'] } '', '  '),
    (map { ["AUTH $_", '504'] } 'ANONYMOUS {sesame}', 'SCRAM-SHA-1', '=PLAIN',
         'EXTERNAL =', 'OAUTHBEARER', 'XOAUTH2 =', "PLAIN\177", 'A' x 100),
    ["AUTH ANONYMOUS\n{user}\n{sesame}\nNOOP", '504 500 500 250'],
    ["MAIL FROM:<a\@b.example>\nAUTH PLAIN {|user|sesame}\nRSET",
     '250 503 250'],
    ["HELO x.example\nAUTH PLAIN {|user|sesame}", '250 503'],
    ["AUTH PLAIN {|user|sesame}\nRSET\nMAIL FROM:<a\@b.example>\n"
         . "AUTH PLAIN {|user|sesame}", '235 250 250 503'],
);

plan tests => 4 * @exchanges + 3, QP::Server->need(
    qw(plugins/auth/auth_flat_file plugins/rcpt_ok ssl socache_shmcb));

my $tls = QP::Tls->new;
my ($right, $wrong) = map { QP::Sasl::forms($_) } qw(sesame wr0ng);

# Only a reply too many can come before that to NOOP.
sub ends_well { return $_[0]->cmd('NOOP') =~ /^250 2\.0\.0 / ? '' : ' no NOOP' }

sub by_lines {
    my ($client, @lines) = @_;

    return join(' ', map { $client->cmd($_); $client->code } @lines)
        . ends_well($client);
}

sub at_once {
    my ($client, @lines) = @_;

    return join(' ', map { substr $_, 0, 3 } $client->pipeline(@lines))
        . ends_well($client);
}

ok QP::Sasl::expand('{|user|sesame}') =~ $right, 'secrets can be found';
for my $mode (qw(required implicit)) {
    my $server = QP::Sasl::server($tls, $mode, 'user:sesame', "$NFC:$NFC");
    my $client = $server->tls_client($mode);

    for my $exchange (@exchanges) {
        my ($text, $codes) = @$exchange;
        my @lines = split /\n/, QP::Sasl::expand($text), -1;

        for my $way (\&by_lines, \&at_once) {
            $client->expect(250, 'EHLO client.example');
            ok t_cmp($way->($client, @lines), $codes,
                     substr($text, 0, 60) =~ s/[^ -~]/./gr);
            $client = $server->tls_client($mode) if $codes =~ /235/;
        }
    }
    $server->stop;
    ok !grep({ $_ =~ $right || $_ =~ $wrong } $server->log_lines),
        "$mode: no secret in the log";
}
