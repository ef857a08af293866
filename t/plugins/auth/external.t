# SPDX-License-Identifier: Apache-2.0
# auth/external: who has a certificate of the CA is let in by the name in it, or
# by that in the list of fingerprints, and nobody else is; with the clients curl
# and openssl (RFC 4422 A, R82).
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Sasl;
use QP::Server;
use QP::Tls;

# What of a certificate counts; its subject and its alternative names; who the
# client wants to be; the code, and who it is.
my @cases = (
    ['subject_cn', '/CN=joe/O=Example', undef, '', 235, 'joe'],
    ['subject_cn', '/CN=joe/O=Example', undef, 'joe', 235, 'joe'],
    ['subject_cn', '/CN=Joe', undef, 'jOE', 235, 'Joe'],
    ['subject_cn', '/CN=joe', undef, 'ann', 535],
    ['subject_cn', '/CN=joe', undef, 'joe,O=Example', 535],
    ['subject_cn', '/CN=joe', undef, 'jo', 535],
    ['subject_cn', '/CN=joe/CN=ann', undef, '', 535],
    ['subject_cn', '/CN=joe/CN=ann', undef, 'ann', 535],
    ['subject_cn', '/O=Example', 'email:a@example.org', '', 535],
    ['subject_cn', '/CN=a/O=b', undef, "a\0b", 501],
    ['subject_cn', '/CN=a b', undef, "a\nb", 535],
    ['san_email', '/CN=joe', 'email:a@example.org', '', 235, 'a@example.org'],
    ['san_email', '/CN=joe', 'email:a@example.org,email:b@example.org', '', 235,
     'a@example.org'],
    ['san_email', '/CN=joe', 'email:a@example.org,email:b@example.org',
     'b@example.org', 235, 'b@example.org'],
    ['san_email', '/CN=joe', 'email:a@example.org', 'joe', 535],
    ['san_email', '/CN=joe', 'DNS:a.example.org', '', 535],
    ['san_email', '/CN=joe', undef, '', 535],
    ['san_dns', '/CN=joe', 'email:a@example.org,DNS:a.example.org', '', 235,
     'a.example.org'],
    ['san_upn', '/CN=joe',
     'otherName:1.3.6.1.4.1.311.20.2.3;UTF8:joe@EXAMPLE', '', 235,
     'joe@EXAMPLE'],
    ['subject_dn', '/O=Example/CN=joe', undef, '', 235, 'CN=joe,O=Example'],
    ['listed', '/CN=joe', undef, '', 535],
);

plan tests => 3 * @cases + 22, QP::Server->need(
    qw(plugins/auth/external plugins/rcpt_ok ssl socache_shmcb));

my $tls = QP::Tls->new;

sub server {
    my ($plugin, $verify, @list) = @_;

    return QP::Server->new(
        plugins => [$plugin, 'rcpt_ok'],
        config => { auth_delay => '0', client_certs => \@list },
        vhost => $tls->vhost('localhost') . 'SSLCACertificateFile '
            . $tls->ca . "\nSSLVerifyClient $verify\n",
        httpd => QP::Tls->conf, expected => [qr/AH01909/]);
}

# A client with a certificate, and what it is offered.
sub connect_with {
    my ($server, $cert, $key) = @_;
    my $client = $server->tls_client('', $cert ? (SSL_cert_file => $cert,
                                                  SSL_key_file => $key) : ());

    return ($client, $client->expect(250, 'EHLO c.example') =~ /^250.AUTH (.*)/m
        ? $1 : '');
}

my %servers = map { $_ => server("auth/external user $_", 'optional')->start }
    qw(subject_cn san_email san_dns san_upn subject_dn listed);

for my $case (@cases) {
    my ($field, $subject, $san, $wanted, $code, $user) = @$case;
    my $server = $servers{$field};
    my @cert = $tls->client_certificate('client', $subject, $san);
    my ($client, $offer) = connect_with($server, @cert);
    my $name = "$field, $subject, " . ($wanted =~ s/[^ -~]/?/gr || 'nobody');

    ok t_cmp($offer, 'EXTERNAL', 'it is offered');
    ok t_cmp($client->cmd('AUTH EXTERNAL ' . (QP::Sasl::b64($wanted) || '=')),
             qr/^$code /, $name);
    ok defined $user
        ? $server->wait_log(qr/authenticated as \Q$user\E by EXTERNAL/)
        : $client->cmd('MAIL FROM:<a@example.net>') =~ /^250/, 'who it is';
}
my $server = $servers{subject_cn};
my @joe = $tls->client_certificate('joe', '/CN=joe');
my ($client, $offer) = connect_with($server);

ok t_cmp($offer, '', 'nothing is offered without a certificate');
ok t_cmp($client->cmd('AUTH EXTERNAL ='), qr/^504 /, 'and nobody is let in');
$client = $server->client->hello;
ok t_cmp($client->cmd('AUTH EXTERNAL ='), qr/^538 5\.7\.11 /, 'nor in clear');
($client) = connect_with($server, @joe);
for my $answer (['*', 501], ['!', 501], ['', 235]) {
    ok t_cmp($client->cmd('AUTH EXTERNAL'), qr/^334 $/, 'a challenge');
    ok t_cmp($client->cmd($answer->[0]), qr/^$answer->[1] /, $answer->[0]);
}
my $port = $server->port;

ok t_cmp(qx(printf 'Subject: x\r\n\r\nx\r\n' | curl -sSk --ssl-reqd -T - \\
    --cert $joe[0] --key $joe[1] -u joe: --login-options AUTH=EXTERNAL \\
    --mail-from a\@example.net --mail-rcpt a\@elsewhere.example \\
    -v smtp://127.0.0.1:$port/c.example 2>&1), qr/^< 235 .*^< 250 .*^> DATA/ms,
    'curl, and may relay');
ok t_cmp($tls->s_client($port, ['EHLO c.example', 'AUTH EXTERNAL am9l', 'QUIT'],
                        qw(-starttls smtp -quiet -cert), $joe[0], '-key',
                        $joe[1]), qr/^235 /m, 'openssl');

# The list, and certificates of others.
my $other = QP::Tls->new;
my @foreign = $other->client_certificate('joe', '/CN=joe');
my ($print, $foreign) = map {
    qx(openssl x509 -in $_ -noout -fingerprint -sha256) =~ /=(\S+)/ ? $1 : die
} $joe[0], $foreign[0];
my $listed = server('auth/external user listed', 'optional_no_ca',
                    lc($print =~ s/://gr) . ' Joe B.', "$print  second",
                    "$foreign joe")->start;

for my $case ([@joe, '', 235], [@joe, 'Joe B.', 235], [@joe, 'second', 235],
              [@joe, 'joe', 535], [@foreign, '', 504]) {
    my ($cert, $key, $wanted, $code) = @$case;

    ($client) = connect_with($listed, $cert, $key);
    ok t_cmp($client->cmd('AUTH EXTERNAL ' . (QP::Sasl::b64($wanted) || '=')),
             qr/^$code /, "listed: $wanted");
}
ok defined $listed->wait_log(qr/authenticated as Joe B\. by/), 'the first name';
ok !eval { connect_with($server, @foreign); 1 }, 'no TLS for a foreign one';
$server->expect_log(qr/\[ssl:/);
for my $fault ("$print", 'joe ' . $print, "$print:00 joe", 'ab:cd joe') {
    ok t_cmp((server('auth/external', 'optional', $fault)->configtest)[1],
             qr/client_certs:1: .*fingerprint/, $fault);
}
