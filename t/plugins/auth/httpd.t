# SPDX-License-Identifier: Apache-2.0
# auth/httpd: users of an htpasswd file, of SQLite by mod_dbd, and of slapd by
# mod_authnz_ldap; what happens when these are out of order.
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Sasl;
use QP::Server;
use QP::Slapd;

plan tests => 21, QP::Server->need('plugins/auth/httpd', 'plugins/rcpt_ok',
    qw(authn_core authn_file dbd authn_dbd ldap authnz_ldap));

my $slapd = QP::Slapd->new;
my $libexec = QP::Server::libexecdir();
my $modules = join '', map {"LoadModule ${_}_module $libexec/mod_$_.so\n"}
    qw(authn_core authn_file dbd authn_dbd authz_core ldap authnz_ldap);
my $hash = qx(htpasswd -nbB user sesame) =~ s/^user:|\s//gr;
my $ldap = 'ldap://127.0.0.1:' . $slapd->port . '/dc=example?uid?one';

sub server {
    my ($providers) = @_;
    my $dbd = $providers =~ /dbd/
        ? "DBDriver sqlite3\nDBDParams \@DIR\@/users.db\n" : '';

    return QP::Server->new(
        plugins => ["auth/httpd $providers", 'rcpt_ok'],
        config  => { tls_before_auth => 'no', auth_delay => '10ms' },
        httpd   => "${modules}LDAPCacheEntries 0\n", vhost => $dbd . <<"END");
<Location "/smtp-auth">
    AuthUserFile "\@DIR\@/htpasswd"
    AuthDBDUserPWQuery "SELECT password FROM users WHERE name = %s"
    AuthLDAPURL "$ldap"
</Location>
<Location "/elsewhere">
    AuthUserFile "\@DIR\@/none"
</Location>
END
}

sub login {
    my ($server, $user, $password, $mech) = @_;

    return QP::Sasl::login($server->client->hello, $mech // 'PLAIN', $user,
                           $password);
}

my $server = server('file dbd ldap');
my $dir = $server->dir;

QP::Server::write_file("$dir/htpasswd", "filed:$hash\n");
system 'sqlite3', "$dir/users.db",
    "CREATE TABLE users (name, password);
     INSERT INTO users VALUES ('tabled', '$hash')" and die 'sqlite3';
$server->start;
for my $user (qw(filed tabled listed)) {
    ok t_cmp(login($server, $user, 'sesame'), qr/^235 /, $user);
    ok t_cmp(login($server, $user, 'sesame', 'LOGIN'), qr/^235 /, 'LOGIN');
    ok t_cmp(login($server, $user, 'Sesame'), qr/^535 /, 'a wrong password');
}
for my $user ('nobody', "x' OR '1'='1", '*', 'list*', '*)(uid=*') {
    ok t_cmp(login($server, $user, 'sesame'), qr/^535 /, $user);
}
ok defined $server->wait_log(qr{auth/httpd: pass, tabled \(dbd\)}), 'the log';
ok defined $server->wait_log(qr{auth/httpd: skip, no provider knows this user}),
    'of all';
ok !grep({/sesame/i} $server->log_lines), 'has no password';

# Out of order.
$slapd->stop;
$server->expect_log(qr{auth/httpd: error, ldap has failed for listed},
                    qr/authnz_ldap|\[ldap:/);
ok t_cmp(login($server, 'listed', 'sesame'), qr/^454 4\.7\.0 /,
         'no directory');
ok t_cmp(login($server, 'filed', 'sesame'), qr/^235 /, 'the others go on');
$server->stop;
$server = server('file location /elsewhere')->start;
$server->expect_log(qr{auth/httpd: error, file has failed}, qr/authn_file/);
ok t_cmp(login($server, 'filed', 'sesame'), qr/^454 /, 'no file');
$server->stop;
ok t_cmp((server('magic')->configtest)[1],
         qr/providers: httpd knows no "magic"/, 'a provider that is not there');
