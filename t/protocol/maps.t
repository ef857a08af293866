# SPDX-License-Identifier: Apache-2.0
# Maps: morercpthosts.cdb and morerelayclients.cdb, made by tinycdb.
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use File::Temp ();
use QP::Server;

plan tests => 23,
    QP::Server->need('plugins/rcpt_ok', 'plugins/relay', 'bin/cdb');

my $dir = File::Temp->newdir('qpsmtpd-XXXXXXXX', TMPDIR => 1);

# A database of these keys, as octets.
sub make_cdb {
    my (@keys) = @_;

    open my $cdb, '|-', 'cdb', '-c', '-m', "$dir/new.cdb"
        or die "cdb: $!";
    print {$cdb} map {"$_ 1\n"} @keys;
    close $cdb or die "cdb: $?";
    return QP::Server::slurp("$dir/new.cdb");
}

my $server = QP::Server->new(
    plugins => ['relay', 'rcpt_ok'],
    config  => { rcpthosts => ['example.org'], relayclients => ['127.0.0.2'],
                 norelayclients => ['127.5.0.9'] },
    files   => {
        'morercpthosts.cdb' => make_cdb(
            'one.example', '.below.example', map {"d$_.example"} 1 .. 1000),
        'morerelayclients.cdb' => make_cdb('127.0.0.3', '127.4.', '127.5.0.'),
    },
)->start;

sub answer {
    my ($to, %arg) = @_;
    my $client = $server->client(%arg)->hello;

    $client->expect(250, 'MAIL FROM:<s@example.net>');
    return $client->cmd("RCPT TO:<$to>");
}

for my $host ('example.org', 'one.example', 'ONE.example', 'a.below.example',
              'a.b.below.example', 'd1.example', 'd777.example') {
    ok t_cmp(answer("a\@$host"), qr/^250 /, $host);
}
for my $host ('two.example', 'below.example', 'a.one.example', 'd0.example',
              'example') {
    ok t_cmp(answer("a\@$host"), qr/^550 5\.7\.1 /, "not $host");
}
for my $ip ('127.0.0.2', '127.0.0.3', '127.4.1.1', '127.5.0.255') {
    ok t_cmp(answer('a@elsewhere.example', local => $ip), qr/^250 /, $ip);
}
for my $ip ('127.0.0.1', '127.0.0.33', '127.5.0.9', '127.5.1.0') {
    ok t_cmp(answer('a@elsewhere.example', local => $ip), qr/^550 /,
             "not $ip");
}

# A new file counts at once; one that is none is our trouble.
QP::Server::write_file($server->dir . '/config/morercpthosts.cdb',
                       make_cdb('two.example'));
ok t_cmp(answer('a@two.example'), qr/^250 /, 'another map');
$server->expect_log(qr/morercpthosts\.cdb: is no cdb file, or is damaged/,
                    qr/error, the domains that are ours cannot be looked up/);
QP::Server::write_file($server->dir . '/config/morercpthosts.cdb', "text\n");
ok t_cmp(answer('a@two.example'), qr/^4\d\d 4\.4\.3 /, 'no map');
$server->stop;
ok t_cmp(($server->configtest)[1], qr/plugins:2: rcpt_ok: \S+cdb: is no cdb/,
         'stops the start');
