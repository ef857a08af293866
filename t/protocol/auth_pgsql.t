# SPDX-License-Identifier: Apache-2.0
# auth/httpd with the example of its manual: users in PostgreSQL, which goes
# away and comes again.
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Postgres;
use QP::Sasl;
use QP::Server;

my $lacks = !QP::Postgres::is_there() ? 'no PostgreSQL'
    : !glob('/usr/lib/*/apr-util-1/apr_dbd_pgsql.so') ? 'no apr_dbd_pgsql'
    : undef;

if ($lacks) {
    QP::Skips::check($lacks);
    plan skip_all => $lacks;
}
plan tests => 13, QP::Server->need('plugins/auth/httpd', 'plugins/rcpt_ok',
                                   qw(authn_core dbd authn_dbd));

# The pieces of the example: SQL, httpd's configuration, a line of plugins.
my ($pod) = QP::Server::slurp("$ENV{QP_SRCDIR}/plugins/auth/httpd.c")
    =~ /^=head1 EXAMPLE\n(.*?)^=head1/ms;
my ($sql, $conf, $line) = map {s/^ {4}//gmr}
    $pod =~ /^( {4}.*\n(?: {4}.*\n|\n)*)/mg;
my $postgres = QP::Postgres->new;
my $port = $postgres->port;
my $hash = qx(htpasswd -nbB joe sesame) =~ s/^joe:|\s//gr;

$conf =~ s/port=5432/port=$port/ or die $conf;
$postgres->sql("$sql; INSERT INTO users VALUES ('joe', '$hash', true),
                ('gone', '$hash', false), ('J\303\266rg', '$hash', true)");

my $libexec = QP::Server::libexecdir();
my $server = QP::Server->new(
    plugins => [$line, 'rcpt_ok'], vhost => $conf,
    config  => { tls_before_auth => 'no', auth_delay => '10ms' },
    httpd   => join '', map {"LoadModule ${_}_module $libexec/mod_$_.so\n"}
        qw(authn_core dbd authn_dbd authz_core))->start;

sub login {
    my ($user, $password, $mech) = @_;

    return QP::Sasl::login($server->client->hello, $mech // 'PLAIN', $user,
                           $password);
}

ok t_cmp(login('joe', 'sesame'), qr/^235 /, 'PLAIN');
ok t_cmp(login('joe', 'sesame', 'LOGIN'), qr/^235 /, 'LOGIN');
ok t_cmp(login('joe', 'Sesame'), qr/^535 /, 'a wrong password');
ok t_cmp(login("J\303\266rg", 'sesame'), qr/^235 /, 'in UTF-8');
for my $user ('gone', 'nobody', "' OR '1'='1", "joe'--") {
    ok t_cmp(login($user, 'sesame'), qr/^535 /, $user);
}
$postgres->sql(q{UPDATE users SET active = false WHERE name = 'joe'});
ok t_cmp(login('joe', 'sesame'), qr/^535 /, 'a change counts at once');
$postgres->stop;
$server->expect_log(qr{auth/httpd: error, dbd has failed for }, qr/\[dbd:/,
                    qr/\[authn_dbd:/);
ok t_cmp(login("J\303\266rg", 'sesame'), qr/^454 4\.7\.0 /, 'no database');
$postgres->start;
ok t_cmp(login("J\303\266rg", 'sesame'), qr/^235 /, 'it is back');
ok !grep({/sesame|open\.the\.door/i} $server->log_lines),
    'the log has no password';
$server->stop;
ok !grep({/sesame/} split /\n/, $postgres->said), 'nor has that of PostgreSQL';
