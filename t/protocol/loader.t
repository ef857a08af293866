# SPDX-License-Identifier: Apache-2.0
# Plugins that are no shared objects: a loader takes their files (D16).
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

my $scripts = QP::Server::srcdir() . '/t/testplugins';

# Files of the config folder, which is a plugin folder as well.
my %files = (
    greet       => "#!reply\nconnect DENY go away\n",
    'sub/deep'  => "#!reply\nhelp OK no help\n",
    wrong       => "#!reply\nnoop DENY x\n\nnoop\n",
    nohook      => "#!reply\nnap OK x\n",
    unknown     => "#!other\n",
    empty       => '',
    rcpt_ok     => "#!reply\nnoop DENY the script\n",
);

# Lines of config/plugins; what is said of them.
my @mistakes = (
    [['loader', 'wrong'], qr{:2: wrong: \S+/wrong: line 4: each line is HOOK}],
    [['loader', 'nohook'], qr{:2: nohook: \S+: line 2: there is no hook nap$}m],
    [['loader', 'unknown'], qr{:2: unknown: \S+ is not a shared object, and }],
    [['loader', 'empty'], qr{:2: empty: \S+ is not a shared object}],
    [['greet', 'loader'], qr{:1: greet: .*no plugin above it loads such file}],
    [['loader', 'nobody'], qr{:2: nobody: no such plugin: nobody\.so is not}],
    [['loader', 'not_today max 1'], qr{:2: not_today: unknown option "max"}],
    [['loader', 'sub'], qr{:2: sub: no such plugin}],
);

plan tests => 8 + 3 * @mistakes, QP::Server->need(
    qw(plugins/rcpt_ok plugins/queue/discard testplugins/loader));

sub server {
    return QP::Server->new(
        plugins => [@_], testplugins => 1, files => \%files,
        config => { plugin_dirs => [$scripts, '.'],
                    rcpthosts => 'example.org' });
}

my $server = server('loader', 'not_today', 'not_today:1', 'sub/deep',
                    'rcpt_ok', 'queue/discard')->start;
my $client = $server->client->hello;

ok t_cmp($client->cmd('NOOP'), qr/^500 5\.5\.1 not_today: not today$/,
         'a script');
ok t_cmp($client->cmd('VRFY x'), qr/^250 2\.1\.5 not_today: everybody is /,
         'has several hooks');
ok t_cmp($client->cmd('HELP'), qr{^214 2\.0\.0 sub/deep: no help$},
         'one in a folder');
ok t_cmp($client->send_message('a@example.net', 'b@example.org', 'x'),
         qr/^250 /, 'shared objects are found as ever');
ok t_cmp($client->cmd('RCPT TO:<b@example.org>'), qr/^503 /,
         'and nobody minds');
$server->stop;

$server = server('loader', 'greet')->start;
ok t_cmp($server->client->reply, qr/^550 5\.7\.1 greet: go away$/, 'greeting');
$server->graceful;
ok t_cmp($server->client->reply, qr/^550 5\.7\.1 greet: go away$/,
         'after a restart as well');
$server->stop;

for my $mistake (@mistakes) {
    my ($plugins, $want) = @$mistake;
    my ($exit, $said) = server(@$plugins)->configtest;
    my @lines = grep { !/^AH00526|AH00014|^\s*$/ } split /\n/, $said;

    ok $exit != 0, "@$plugins: httpd -t fails";
    ok t_cmp($said, $want, 'it says why');
    ok t_cmp(scalar(@lines), 1, 'in one line');
}

# Where there are both.
$server = server('loader', 'rcpt_ok', 'queue/discard')->start;
ok t_cmp($server->client->hello->cmd('NOOP'), qr/^250 /,
         'a shared object comes before a script');
$server->stop;
