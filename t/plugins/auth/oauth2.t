# SPDX-License-Identifier: Apache-2.0
# auth/oauth2: what an endpoint says of a token counts, and nothing that it
# should not say does (RFC 7662; R111).
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Introspection;
use QP::Sasl;
use QP::Server;
use QP::Tls;

my $future = time + 100_000;
my $good = '"active":true,"username":"joe","scope":"mail.read mail.send",'
    . '"aud":["web","smtp"],"iss":"https://id.example/"';

# Answers, without braces; the code of the reply, and what is logged.
my @answers = (
    [$good, 235, 'pass, joe$'],
    ["$good,\"exp\":$future,\"nbf\":1,\"x\":[{\"y\":null}]", 235, 'pass, joe$'],
    [$good =~ s/\[.*\]/"smtp"/r, 235, 'pass, joe$'],
    ["$good,\"exp\":1", 535, 'refused: it has expired'],
    ["$good,\"nbf\":$future", 535, 'refused: it is not valid yet'],
    ['"active":false', 535, 'refused: it is not active'],
    [$good =~ s/mail.send/mail.sendx/r, 535, 'refused: it lacks a scope'],
    [$good =~ s/mail.send/xmail.send/r, 535, 'refused: it lacks a scope'],
    [$good =~ s/"scope"/"Scope"/r, 535, 'refused: it lacks a scope'],
    [$good =~ s/"smtp"/"smtps"/r, 535, 'refused: it is for another audience'],
    [$good =~ s/\[.*\]/{"smtp":1}/r, 535, 'refused: it is for another audien'],
    [$good =~ s/example/example.net/r, 535, 'refused: it is from another iss'],
    [$good =~ s/"iss"/"issuer"/r, 535, 'refused: it is from another issuer'],
    [$good =~ s/joe//r, 535, 'refused: there is no name'],
    [$good =~ s/joe/'j' x 257/er, 535, 'refused: there is no name'],
    [$good =~ s/joe/a\\nb/r, 535, 'pass, a.*b'],
    [$good =~ s/"username"/"sub"/r, 535, 'refused: there is no name'],
    [$good =~ s/"joe"/["joe"]/r, 454, 'no answer of use: the name is no text'],
    [$good =~ s/true/"true"/r, 454, 'of use: it does not say "active"'],
    [$good =~ s/true/1/r, 454, 'of use: it does not say "active"'],
    [$good =~ s/"active":true,//r, 454, 'of use: it does not say "active"'],
    ["$good,\"active\":true", 454, 'of use: it is no JSON'],
    ["$good,", 454, 'of use: it is no JSON'],
    [$good =~ s/joe/joe\\u0000/r, 454, 'of use: it is no JSON'],
    [$good =~ s/joe/jo\377e/r, 454, 'of use: it is no JSON'],
    ["$good} {", 454, 'of use: it is no JSON'],
    ["$good,\"exp\":\"$future\"", 454, 'of use: exp or nbf is no time'],
    ["$good,\"exp\":1e300", 454, 'of use: exp or nbf is no time'],
    ["$good,\"exp\":-1", 454, 'of use: exp or nbf is no time'],
    ["$good,\"exp\":99999999999999999999", 454, 'of use: it is no JSON'],
    [$good =~ s/"mail.*send"/["mail.send"]/r, 454, 'of use: scope or iss'],
    ["$good,\"x\":" . '[' x 5000 . ']' x 5000, 454, 'of use: it is no JSON'],
);
# Other ways to go wrong: what the endpoint does, and what is logged.
my @faults = (
    [says => "{$good}", '500 no'] => 'the answer is 500',
    [says => "{$good}", '204 no'] => 'the answer is 204',
    [says => "{$good}", '401 no'] => 'the answer is 401',
    [says => "{$good}", '302 no', 'Location: https://localhost/']
        => 'the answer is 302',
    [says => "{$good}", '200 OK', 'Content-Type: text/html']
        => 'the answer is not of type application/json',
    [says => "{$good}", '200 OK', 'X-Y: z']
        => 'the answer is not of type application/json',
    [says => "[{$good}]"] => 'no answer of use: it is no JSON object',
    [says => ''] => 'no answer of use: it is no JSON object',
    [says => "{$good}" . ' ' x 65536] => 'the answer is too large',
    [will => 'flood'] => 'the answer is too large',
    [will => 'eof'] => 'cannot be asked: SSL', [will => 'mute'] => 'Timeout',
);

plan tests => 2 * @answers + @faults / 2 + 1, QP::Server->need(
    qw(plugins/auth/oauth2 plugins/rcpt_ok ssl socache_shmcb));

my $tls = QP::Tls->new;
my $endpoint = QP::Introspection->new($tls);
my $token = 'sEcReT-token._~+/==';

my $wants = 'scope mail.send audience smtp issuer https://id.example/ ca_file '
    . $tls->ca . ' discovery https://id.example/conf timeout 5s';
my $server = $endpoint->server($tls, "$wants cache 0")->start;

$server->expect_log(qr{auth/oauth2: error, });

sub login { return QP::Introspection::login($server->tls_client(''), $token) }

for my $answer (@answers) {
    my ($json, $code, $log) = @$answer;
    my $count = grep {/$log/} $server->log_lines;

    $endpoint->says("{$json}");
    ok t_cmp(login(), qr/^$code /, substr $json, 0, 200);
    ok defined $server->wait_log(qr{auth/oauth2: .*$log}, $count + 1), $log;
}
while (my ($fault, $log) = splice @faults, 0, 2) {
    my ($method, @args) = @$fault;

    $endpoint->$method(@args);
    ok login() =~ /^454 4\.7\.0 /
        && defined $server->wait_log(qr{auth/oauth2: error, .*$log}), $log;
}
my $secret = QP::Sasl::forms($token);

ok !grep({$_ =~ $secret} $server->log_lines), 'the log has no token';
