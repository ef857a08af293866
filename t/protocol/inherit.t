# SPDX-License-Identifier: Apache-2.0
# Plugins that are derived from each other, over three levels: a from b from c.
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

# Line of config/plugins; what MAIL FROM:<u@example.net> is answered, twice.
my @families = (
    ['family_a', '550 5.7.1 c old 1 aub', '550 5.7.1 c old 2 aub'],
    ['family_a x', '550 5.7.1 c old 1 xub', '550 5.7.1 c old 2 xub'],
    ['family_a motto new more 3 prefix y', '550 5.7.1 c new 1 yubbb',
     '550 5.7.1 c new 2 yubbb'],
    ['family_b more 0', '450 4.7.1 c old 1 u', '450 4.7.1 c old 2 u'],
    ['family_c motto "my own"', '450 4.7.1 c my own 1 u',
     '450 4.7.1 c my own 2 u'],
    ['family_a:7', '550 5.7.1 c old 1 aub', '550 5.7.1 c old 2 aub'],
);

# Line of config/plugins; what is said of it.
my @mistakes = (
    ['family_a nonsense 1',
     qr{:1: family_a: unknown option .*prefix.*more.*motto.*reject}],
    ['family_a more 11', qr{:1: family_a: more: "11" is not .*0\.\.10}],
    ['family_b x', qr{:1: family_b: unknown option "x"}],
    ['family_a motto wrong', qr{:1: family_a: motto: c does not like it$}m],
);

plan tests => 12 + 2 * @families + @mistakes, QP::Server->need(
    map {"testplugins/$_"} qw(family_a family_b family_c Module/Path));

sub server {
    return QP::Server->new(
        plugins => [@_], testplugins => 1,
        vhost => 'QpsmtpdModulePath ' . QP::Server::builddir()
        . '/lib/testplugins');
}

for my $family (@families) {
    my ($line, @want) = @$family;
    my $server = server($line)->start;
    my $client = $server->client->hello;

    ok t_cmp($client->cmd('MAIL FROM:<u@example.net>'), $_, "$line: mail")
        for @want;
    $server->stop;
}
for my $mistake (@mistakes) {
    my ($line, $want) = @$mistake;

    ok t_cmp((server($line)->configtest)[1], $want, $line);
}

# Hooks that only some have.
my $server = server('family_a motto x', 'family_b:1 motto y')->start;
my $client = $server->client->hello;

ok t_cmp($client->cmd('VRFY u'), '250 2.1.5 c x u by family_a',
         "the grandparent's hook");
ok t_cmp($client->cmd('NOOP'), '500 5.5.1 c has waited in noop',
         'called by QP_SUPER; it may wait');
ok t_cmp($client->cmd('HELP'), '214 2.0.0 a declines', 'nobody above has it');
ok t_cmp($client->cmd('MAIL FROM:<u@example.net>'), '550 5.7.1 c x 1 aub',
         'the first of two families');
my $other = $server->client->hello;

ok t_cmp($other->cmd('MAIL FROM:<u@example.net>'), '550 5.7.1 c x 1 aub',
         'each connection counts for itself');
$server->graceful;
ok t_cmp($server->client->hello->cmd('VRFY u'), '250 2.1.5 c x u by family_a',
         'after a restart as well');
$server->stop;

# Each line has data of its own.
$server = server('family_a reject_type soft', 'family_c motto z')->start;
ok t_cmp($server->client->hello->cmd('VRFY u'), '250 2.1.5 c old u by family_a',
         'options of two lines are apart');
$server->stop;

# The module path.
$server = server('Module::Path', 'Module::Path:2')->start;
ok t_cmp($server->client->hello->cmd('NOOP'),
         '500 5.5.1 Module::Path was found', 'a name with ::');
$server->stop;
$server = server('Module/Path:2')->start;
ok t_cmp($server->client->hello->cmd('NOOP'),
         '500 5.5.1 Module/Path:2 was found', 'the same as a path');
$server->stop;
ok t_cmp((server('Module::Nothing')->configtest)[1],
         qr{no such plugin: Module/Nothing\.so is not in .*QpsmtpdModulePath$}m,
         'one that is not there');
ok t_cmp((server('::Path')->configtest)[1], qr{::Path: }, 'no module');
ok t_cmp((server('Module::')->configtest)[1], qr{Module::: }, 'no name');
