# SPDX-License-Identifier: Apache-2.0
# queue/smtp-forward: TLS, with and without a look at the certificate, and AUTH.
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use Digest::HMAC_MD5 qw(hmac_md5_hex);
use MIME::Base64 qw(decode_base64 encode_base64);
use QP::Server;
use QP::Smtpd;
use QP::Tls;

my $plugin = 'queue/smtp-forward';
my $EHLO = '250-fake.example\n250-STARTTLS\n250 ';

plan tests => 25, QP::Server->need(map {"plugins/$_"} 'rcpt_ok', $plugin);

my $tls = QP::Tls->new;
my $ca = $tls->ca;
my ($cert, $key) = $tls->certificate('localhost');
my $smtpd = QP::Smtpd->new(cert => $cert, key => $key);
my $port = $smtpd->port;
my $auth = $tls->dir . '/auth';

QP::Server::write_file($auth, "user\@x:pass:word\nmore\n");

# Sends a message by way of the server; checks the reply, and returns what the
# server has seen.
sub try_it {
    my ($name, $args, $reply, $error) = @_;
    my $server = QP::Server->new(
        plugins => ['rcpt_ok', "$plugin $args"],
        config  => { rcpthosts => 'example.org' })->start;

    $server->expect_log($error) if $error;
    ok t_cmp($server->client->hello->send_message(
                 's@example.net', 'a@example.org', "Subject: x\n\nhello\n"),
             $reply, $name);
    $server->stop;
    return join ' ', map {/^(\w+)/} $smtpd->commands;
}

my $ok = qr/^250 2\.0\.0 queued: /;
my $no = qr/^451 4\.4\.1 /;
my $all = 'EHLO STARTTLS TLS EHLO MAIL RCPT DATA';

$smtpd->will(EHLO => $EHLO . 'HELP');
ok t_cmp(try_it('may', "localhost $port", $ok), $all, 'TLS is used');
$smtpd->will(EHLO => $EHLO . 'HELP');
ok t_cmp(try_it('no', "localhost $port tls no", $ok), 'EHLO MAIL RCPT DATA',
         'or not');
$smtpd->will(EHLO => $EHLO . 'HELP');
ok t_cmp(try_it('verify', "localhost $port tls verify tls_ca $ca", $ok), $all,
         'TLS with the right name');
$smtpd->will(EHLO => $EHLO . 'HELP');
ok t_cmp(try_it('another name', "127.0.0.1 $port tls verify tls_ca $ca", $no,
                qr/start TLS with 127\.0\.0\.1:\d+: \S/),
         qr/^EHLO STARTTLS (?:no|TLS)(?!.*MAIL)/, 'is refused');
$smtpd->will(EHLO => $EHLO . 'HELP');
ok t_cmp(try_it('its right name',
                "127.0.0.1 $port tls verify tls_ca $ca tls_name localhost",
                $ok), $all, 'is an option');
$smtpd->will(EHLO => $EHLO . 'HELP');
try_it('a CA that nobody knows', "localhost $port tls verify", $no,
       qr/start TLS with \S+: (?:self.signed|unable to get)/);
$smtpd->will;
ok t_cmp(try_it('must', "localhost $port tls must", $no,
                qr/it does not offer STARTTLS/), 'EHLO', 'no STARTTLS');
$smtpd->will(EHLO => $EHLO . 'HELP', STARTTLS => '454 4.7.0 no');
ok t_cmp(try_it('may', "localhost $port", $ok),
         'EHLO STARTTLS EHLO MAIL RCPT DATA', 'in clear if it must be');
$smtpd->will(EHLO => $EHLO . 'HELP', STARTTLS => '220 go\n250 injected');
try_it('an answer in clear behind STARTTLS', "localhost $port tls must", $no,
       qr/it goes on in clear behind STARTTLS/);

# AUTH.
my $plain = encode_base64("\0user\@x\0pass:word", '');

for my $way (['LOGIN PLAIN', "PLAIN $plain"], ['LOGIN', 'LOGIN']) {
    $smtpd->will(EHLO => "${EHLO}AUTH $way->[0]");
    try_it("AUTH $way->[0]", "localhost $port tls must auth $auth", $ok);
    my @said = $smtpd->commands;

    shift @said while @said && $said[0] !~ /^AUTH/;
    ok t_cmp(shift @said, "AUTH $way->[1]", 'what is said');
    ok t_cmp(join('|', map { decode_base64($_) } @said[0, 1]),
             'user@x|pass:word', 'and then') if $way->[1] eq 'LOGIN';
}
$smtpd->will(EHLO => '250-fake.example\n250 AUTH CRAM-MD5 PLAIN');
try_it('AUTH CRAM-MD5', "localhost $port auth $auth", $ok);
my ($answer) = grep {m{^[\w+/]+=*\z}} map { $_ eq 'DATA' ? '' : $_ }
    grep { length > 20 } $smtpd->commands;

ok t_cmp(decode_base64($answer), 'user@x '
         . hmac_md5_hex('<1.2@fake.example>', 'pass:word'), 'in clear');
$smtpd->will(EHLO => '250-fake.example\n250 AUTH PLAIN LOGIN');
try_it('no password in clear', "localhost $port auth $auth", $no,
       qr/it offers no way to log in without telling the password/);
$smtpd->will(EHLO => "${EHLO}AUTH PLAIN", LOGIN => '535 5.7.8 no');
try_it('a wrong password', "localhost $port auth $auth", $no,
       qr/it is "535 no" to AUTH/);
