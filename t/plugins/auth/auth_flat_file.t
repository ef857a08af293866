# SPDX-License-Identifier: Apache-2.0
# auth/auth_flat_file: every form of password, by every mechanism; no
# credential in a log at the highest level (R86).
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use MIME::Base64 qw(encode_base64);
use QP::Sasl;
use QP::Server;

# Of "sesame".
my %stored = (
    clear => 'sesame', plain => '{PLAIN}sesame',
    apr1  => crypt_by('-nbm'), bcrypt => crypt_by('-nbB'),
    sha   => crypt_by('-nbs'), crypt => crypt('sesame', '$6$abcdefgh$'),
    scram => QP::Sasl::verifier('sesame'),
);
my @mechs = qw(PLAIN LOGIN CRAM-MD5 SCRAM-SHA-256);
my %can = (clear => "@mechs", plain => "@mechs",
           scram => 'PLAIN LOGIN SCRAM-SHA-256');

sub crypt_by {
    my ($flag) = @_;

    return qx(htpasswd $flag user sesame) =~ s/^user:|\s//gr;
}

plan tests => 2 * keys(%stored) * @mechs + 7, QP::Server->need(
    'plugins/auth/auth_flat_file', 'plugins/rcpt_ok', 'plugins/relay');

my $server = QP::Server->new(
    loglevel => 'trace8', plugins => ['auth/auth_flat_file', 'rcpt_ok'],
    config => { tls_before_auth => 'no', auth_delay => '10ms',
                flat_auth_pw => ['no colon', map {"$_\@example.com:$stored{$_}"}
                                 sort keys %stored] })->start;

sub login {
    my ($mech, $user, $password) = @_;
    my $client = $server->client->hello;
    my $reply = QP::Sasl::login($client, $mech, $user, $password);

    return ($reply, $client);
}

for my $form (sort keys %stored) {
    for my $mech (@mechs) {
        my $wanted = ($can{$form} // 'PLAIN LOGIN') =~ /\b$mech\b/
            ? qr/^235 2\.7\.0 / : qr/^535 5\.7\.8 /;

        ok t_cmp((login($mech, "$form\@example.com", 'sesame'))[0], $wanted,
                 "$form by $mech");
        ok t_cmp((login($mech, "$form\@example.com", 'sesamf'))[0],
                 qr/^535 5\.7\.8 /, "$form by $mech: a wrong password");
    }
}
my ($reply, $client) = login('PLAIN', 'CLEAR@Example.com', 'sesame');

ok t_cmp($reply, qr/^235 /, 'names in any case');
$client->expect(250, 'MAIL FROM:<clear@example.com>');
ok t_cmp($client->cmd('RCPT TO:<a@elsewhere.example>'), qr/^250 /,
         'and may relay');
ok t_cmp((login('PLAIN', 'nobody', 'sesame'))[0], qr/^535 /, 'nobody');
ok t_cmp((login('PLAIN', 'nobody:sesame', 'x'))[0], qr/^535 /,
         'a password in the name');
ok defined $server->wait_log(
    qr{auth/auth_flat_file: skip, this user is not in the list}), 'the log';
ok !grep({/sesam|c2VzYW|Nlc2Ft|zZXNhb/} $server->log_lines),
    'no password in it, in whatever form';
$server->set_config(flat_auth_pw => ['new:sesame']);
ok $server->poll(sub { (login('PLAIN', 'new', 'sesame'))[0] =~ /^235 / }),
    'the list is read again';
