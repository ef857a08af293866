# SPDX-License-Identifier: Apache-2.0
# Tokens: what the endpoint is asked, what clients are told, who they may be,
# for how long a token is remembered (RFC 7628, RFC 7662).
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use MIME::Base64 qw(encode_base64);
use QP::Introspection;
use QP::Sasl;
use QP::Server;
use QP::Tls;

plan tests => 45, QP::Server->need(
    qw(plugins/auth/oauth2 plugins/rcpt_ok ssl socache_shmcb));

my $tls = QP::Tls->new;
my $ca = 'ca_file ' . $tls->ca;
my $endpoint = QP::Introspection->new($tls);
my $token = 'sEcReT-token._~+/==';
my $joe = '{"active":true,"username":"Joe","scope":"b a","exp":%s}';
my $future = time + 100_000;

sub start {
    my ($options) = @_;
    my $server = $endpoint->server($tls, $options);

    QP::Server::write_file($server->dir . '/credentials', "s mtp:p:%\@ss\n");
    return $server->start;
}

sub login {
    my ($server, $user, $other) = @_;

    return QP::Introspection::login($server->tls_client(''), $other // $token,
                                    $user);
}

# What is asked.
my $server = start("scope a,b $ca credentials \@DIR\@/credentials cache 1h"
                   . ' discovery https://id.example/conf');

$endpoint->says(sprintf $joe, $future);
ok t_cmp(login($server), qr/^235 /, 'a good token');
my ($request) = $endpoint->asked;

ok t_cmp($request, qr{\APOST /introspect HTTP/}, 'POST');
ok t_cmp($request, qr{\btoken=sEcReT-token\._~%2B%2F%3D%3D\b}, 'the token');
ok t_cmp($request, qr{^Authorization: Basic @{[
    encode_base64('s%20mtp:p%3A%25%40ss', '')]}\r$}m, 'the credentials');

# What clients are told.
my $client = $server->client;

$client->expect(220);
ok $client->cmd('EHLO c.example') !~ /AUTH/, 'none is offered in clear';
ok t_cmp($client->cmd('AUTH OAUTHBEARER'), qr/^538 5\.7\.11 /, 'nor accepted');
$client = $server->tls_client('');
ok t_cmp($client->cmd('EHLO c.example'), qr/AUTH OAUTHBEARER XOAUTH2$/m,
         'both are offered');
$endpoint->says('{"active":false}');
my ($reply, $error) = QP::Introspection::login($client, 'bad');

ok t_cmp($error, '{"status":"invalid_token","scope":"a b",'
         . '"openid-configuration":"https://id.example/conf"}', 'the error');
ok t_cmp($reply, qr/^535 5\.7\.8 /, 'and the reply');
ok t_cmp($client->cmd('AUTH OAUTHBEARER '
    . QP::Sasl::b64("n,,\1auth=Bearer bad\1\1")), qr/^334 /, 'an error');
ok t_cmp($client->cmd('*'), qr/^501 /, 'that the client does not like');
ok t_cmp($client->cmd('AUTH XOAUTH2 '
    . QP::Sasl::b64("user=joe\1auth=Bearer bad\1\1")), qr/^334 /, 'XOAUTH2');
ok t_cmp($client->cmd(''), qr/^535 /, 'refused, too');
for my $wrong ("n,,\1auth=Bearer b d\1\1", "n,,\1auth=Bearer \1\1", "\0",
               "n,,\1auth=Bearer x\1", "n,,\1auth=Basic x\1\1", 'n,,') {
    ok t_cmp($client->cmd('AUTH OAUTHBEARER ' . QP::Sasl::b64($wrong)),
             qr/^501 /, 'malformed');
}
ok t_cmp($client->cmd('NOOP'), qr/^250 /, 'the session goes on');
ok !grep({/=x\b|b%20d/} $endpoint->asked), 'and nobody is asked about that';

# Who they may be; and what was good before is not asked again.
$endpoint->says('{"active":false}');
ok t_cmp(login($server, 'joe'), qr/^235 /, 'remembered');
ok t_cmp(login($server, 'ann'), qr/^535 /, 'but for nobody else');
ok defined $server->wait_log(qr{pass, Joe \(remembered\)}), 'as it says';
ok t_cmp(scalar(() = $endpoint->asked), 0, 'and not asked again');
ok t_cmp(login($server, undef, "x$token"), qr/^535 /, 'another token is');
$client = $server->tls_client('');
$client->expect(250, 'EHLO c.example');
ok t_cmp($client->cmd('AUTH XOAUTH2 '
    . QP::Sasl::b64("user=JOE\1auth=Bearer $token\1\1")), qr/^235 /, 'XOAUTH2');
$client->expect(250, 'MAIL FROM:<joe@example.org>');
ok t_cmp($client->cmd('RCPT TO:<a@elsewhere.example>'), qr/^250 /, 'may relay');
my $port = $server->port;

$endpoint->says(sprintf $joe, $future);
for my $mech (qw(OAUTHBEARER XOAUTH2)) {
    ok t_cmp(qx(printf 'x: y\\r\\n' | curl -sSkv --ssl-reqd -T - \\
        --oauth2-bearer '$mech' -u joe: --login-options AUTH=$mech \\
        --mail-from a\@example.net --mail-rcpt a\@elsewhere.example \\
        smtp://127.0.0.1:$port/c.example 2>&1), qr/^< 235 .*^> DATA/ms,
        "curl by $mech");
}
ok !grep({/sEcReT|c0VjUmVU|NFY1JlV|zRWNSZV/} $server->log_lines),
    'no token in the log';

# Its end is the end of what is remembered of it.
my $short = 'short';

ok($server->poll(sub {
    $endpoint->says(sprintf $joe, time + 2);
    return login($server, undef, $short .= 'r') =~ /^235 /;
}), 'a short one');
$endpoint->says('{"active":false}');
ok($server->poll(sub { login($server, undef, $short) =~ /^535 / }), 'is over');
ok scalar(() = $endpoint->asked) > 0, 'since the endpoint is asked';

# Others, with the same store, do not share it; a client that leaves.
$server->stop;
my $store = 'store dbm:' . $server->dir . '/spool/store/oauth2';
my $other = start("scope a,c $ca $store timeout 40s");

$endpoint->says(sprintf $joe, $future);
ok t_cmp(login($other), qr/^535 /, 'who want more do not take it from there');
$endpoint->will('mute');
$client = $other->tls_client('');
$client->expect(250, 'EHLO c.example');
$client->send('AUTH OAUTHBEARER '
              . QP::Sasl::b64("n,,\1auth=Bearer slow\1\1") . "\r\n");
ok($other->poll(sub { scalar $endpoint->notes('waits') }), 'it waits');
$client->abort;
ok($other->poll(sub { scalar $endpoint->notes('left') }), 'for nobody now');
$other->stop;

# An endpoint with a certificate that nobody vouches for, and faulty lines.
$other = start('scope a cache 0')->expect_log(qr{auth/oauth2: error, });
$endpoint->says(sprintf $joe, $future);
ok t_cmp(login($other), qr/^454 /, 'not asked without its certificate');
ok t_cmp(scalar(() = $endpoint->asked), 0, 'it has seen no token');
$other->stop;
for my $fault (['https://a.example/', qr/scope, audience: one of them must be/],
               ['http://a.example/ scope a', qr/endpoint: a URL with https/],
               ['https://a:b@c.example scope a', qr/endpoint: names and passw/],
               ['https://a.example scope a timeout 41s', qr/timeout: .* 40s/],
               ['https://a.example scope a cache 2h', qr/cache: at most 1h/],
               ['https://a.example scope a credentials /none', qr/cannot/]) {
    $server = QP::Server->new(plugins => ["auth/oauth2 $fault->[0]"]);
    ok t_cmp(($server->configtest)[1], $fault->[1], $fault->[0]);
}
