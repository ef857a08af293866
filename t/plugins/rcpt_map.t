# SPDX-License-Identifier: Apache-2.0
# rcpt_map: the recipients of a domain are those of a file.
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

my %answer = (
    'a@example.org'      => qr/^250 /,
    'A@EXAMPLE.org'      => qr/^250 /,
    'gone@example.org'   => qr/^550 5\.1\.1 Has left us$/,
    'moving@example.org' => qr/^450 4\.1\.1 Try again$/,
    'below@example.org'  => qr/^550 5\.7\.1 /,
    'x@example.org'      => qr/^550 5\.1\.1 No such user$/,
    'a@example.net'      => qr/^550 5\.1\.1 Unknown here$/,
    'n@example.net'      => qr/^250 /,
    'a@elsewhere'        => qr/^550 5\.7\.1 /,
);
my @FAULTS = (
    ['file map/none domain example.org',
     qr{map/none: there has to be a line in it}],
    ['file map/org', qr/file and domain have to be given/],
    ['domain example.org', qr/file and domain have to be given/],
    ['file map/org domain example.org default NO=x', qr/default: must be an/],
    ['file map/bad domain example.org', qr{map/bad:1: "a" is no address}],
    ['file map/worse domain example.org', qr{map/worse:1: "": behind the addr}],
);

plan tests => keys(%answer) + 4 + @FAULTS,
    QP::Server->need('plugins/rcpt_map');

my %files = (
    'map/org'   => "# ours\na\@example.org OK\n\ngone\@example.org  DENY  "
        . "Has left us\nmoving\@example.org DENYSOFT Try again\n"
        . "below\@example.org DECLINED\na\@example.org DENY second\n",
    'map/net'   => "N\@example.net ok\n",
    'map/bad'   => "a OK\n",
    'map/worse' => "a\@b\n",
);
my $server = QP::Server->new(
    plugins => ['rcpt_map file map/org domain example.org',
                'rcpt_map:1 domain EXAMPLE.net file map/net default '
                . 'DENY=Unknown_here', 'rcpt_ok'],
    files   => \%files,
)->start;

sub answer {
    my ($to) = @_;
    my $client = $server->client->hello;

    $client->expect(250, 'MAIL FROM:<s@example.net>');
    return $client->cmd("RCPT TO:<$to>");
}

for my $to (sort keys %answer) {
    ok t_cmp(answer($to), $answer{$to}, $to);
}

# Changes.
$server->set_config('map/org' => ['x@example.org OK', 'a@example.org OK']);
ok $server->poll(sub { answer('x@example.org') =~ /^250 / }), 'a change';
$server->expect_log(qr{map/org:1: "x" is no address});
$server->set_config('map/org' => ['x']);
ok $server->poll(sub {
    answer('x@example.org');
    return grep {/the old value stays in force/} $server->log_lines;
}), 'a fault is logged';
ok t_cmp(answer('a@example.org'), qr/^250 /, 'and the old map counts');
$server->expect_log(qr{rcpt_map: error, \S+map/org has no lines});
$server->set_config('map/org' => undef);
ok $server->poll(sub { answer('x@example.org') =~ /^45\d 4\.4\.3 / }),
    'a map that has gone is our trouble';
$server->stop;

for my $case (@FAULTS) {
    my ($args, $said) = @$case;

    $server = QP::Server->new(plugins => ["rcpt_map $args", 'rcpt_ok'],
                              files => \%files);
    ok t_cmp(($server->configtest)[1], $said, $args);
}
