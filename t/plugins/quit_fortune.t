# SPDX-License-Identifier: Apache-2.0
# quit_fortune: a fortune for those who say HELO.
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

plan tests => 6, QP::Server->need('plugins/quit_fortune');

my $server = QP::Server->new(plugins => ['quit_fortune', 'rcpt_ok'],
                             config => { fortunes => ['one\ntwo'] })->start;

sub farewell {
    my ($hello) = @_;
    my $client = $server->client;

    $client->expect(220);
    $client->expect(250, $hello) if defined $hello;
    return ($client->cmd('QUIT'), $client->eof);
}

my ($reply, $closed) = farewell('HELO client.example');

ok t_cmp($reply, qr{\A221-2\.0\.0 mx\.example\.org closing connection
221-2\.0\.0   / one
221 2\.0\.0   / two\z}, 'a fortune of two lines');
ok $closed, 'and the end';
ok t_cmp((farewell('EHLO client.example'))[0], qr/\A221 2\.0\.0 .*\z/,
         'no fortune for a program');
ok t_cmp((farewell())[0], qr/\A221 2\.0\.0 .*\z/, 'none without a hello');

$server->set_config(fortunes => ['red', 'green', 'blue']);
my %seen;

ok $server->poll(sub {
    $seen{$1} = 1 if (farewell('HELO x'))[0] =~ m{/ (red|green|blue)$};
    return keys %seen == 3;
}), 'all lines come up';
$server->set_config(fortunes => undef);
ok $server->poll(sub { (farewell('HELO x'))[0] =~ /\A221 2\.0\.0 .*\z/ }),
    'without fortunes the plain reply';
