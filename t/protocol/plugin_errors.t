# SPDX-License-Identifier: Apache-2.0
# A faulty plugin stops the start with one sentence, and crashes nothing (D14).
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

# A line of config/plugins; what is said behind the name of the plugin.
my @faults = (
    ['setup', qr{the moon is in the wrong phase$}],
    ['orphan', qr{its parent fault_nobody: no such plugin: fault_nobody\.so }],
    ['orphans_child', qr{its parent fault_nobody: no such plugin: \S+ is not}],
    ['setups_child', qr{the moon is in the wrong phase$}],
    ['self', qr{is derived from itself}],
    ['circle', qr{is derived from itself}],
    ['path', qr{its parent \.\./fault_self: is not a plugin name: letters}],
    ['stales_child', qr{its parent fault_minor: \S+ is built for plugin ABI}],
    ['magic', qr{\S+/fault_magic\.so is not a plugin for mod_qpsmtpd; build}],
    ['major', qr{\S+ is built for plugin ABI 0\.7; this server offers 1\.}],
    ['minor', qr{\S+ is built for plugin ABI 1\.\d; this server offers 1\.}],
    ['hooks', qr{\S+ claims plugin ABI 1\.\d, but its record is of another }],
    ['size', qr{\S+ claims plugin ABI 1\.\d, but its record is of another }],
    ['name', qr{\S+ declares no QP_PLUGIN\(fault_name\); the name behind}],
    ['symbol', qr{\S+ uses a function that this server lacks \(.*qp_of_the_fu}],
    ['text', qr{cannot be loaded: \S+}],
    ['empty', qr{cannot be loaded: \S+}],
    ['folder', qr{no such plugin: fault_folder\.so is not in }],
    ['default', qr{number: "many" is not a number within 0\.\.5$}],
    ['options six', qr{number: "six" is not a number within -5\.\.5$}],
    ['options 6', qr{number: "6" is not a number within -5\.\.5$}],
    ['options number 99999999999999999999', qr{number: "9+" is not a number}],
    ['options 1 2', qr{unknown option "2"; known are number, yes, word, flag}],
    ['options 1 number 2', qr{number: given twice; remove one$}],
    ['options yes maybe', qr{yes: "maybe" is neither yes nor no }],
    ['options word blue', qr{word: "blue" is none of red, green$}],
    ['options flag flag', qr{flag: given twice}],
    ['options flag no', qr{number: "no" is not a number}],
    ['options size 1T', qr{size: "1T" is not }],
    ['options size -1', qr{size: "-1" is not }],
    ['options time 1y', qr{time: "1y" is not }],
    ['options time', qr{time: a value is missing behind it$}],
    ['options reject perhaps', qr{reject: "perhaps" is none of .*, naughty}],
    ['options reject_type gone', qr{reject_type: "gone" is none of perm, }],
    ['options timeout soon', qr{timeout: "soon" is not }],
    ['options loglevel 9', qr{loglevel: must be 0 to 7, or a shift such as}],
);

plan tests => 2 + 3 * @faults, QP::Server->need(
    qw(testplugins/faults testplugins/fault_symbol));

my $built = QP::Server::builddir() . '/lib/testplugins';

# Every plugin of faults.so has a name of its own.
sub server {
    my (@lines) = @_;
    my $server = QP::Server->new(
        plugins => ['# a comment', map {"fault_$_"} @lines],
        config => { plugin_dirs => 'so' },
        files => { 'so/fault_text.so' => "#!/bin/sh\n",
                   'so/fault_empty.so' => '' });
    my $dir = $server->dir . '/config/so';

    mkdir "$dir/fault_folder.so" or die $!;
    symlink "$built/faults.so", "$dir/fault_$_.so" or die $!
        for qw(setup orphan orphans_child setups_child self circle circle2
               circle3 path stales_child magic major minor hooks size name
               options default);
    symlink "$built/fault_symbol.so", "$dir/fault_symbol.so" or die $!;
    return $server;
}

for my $fault (@faults) {
    my ($line, $want) = @$fault;
    my ($name) = $line =~ /^(\S+)/;
    my ($exit, $said) = server($line)->configtest;
    my @lines = grep { !/^AH00526|AH00014|^\s*$/ } split /\n/, $said;

    ok t_cmp($exit, 1, "$line: httpd -t fails");
    ok t_cmp($lines[0], qr{/config/plugins:2: fault_$name: $want},
             'it says where and why');
    ok t_cmp(scalar(@lines), 1, 'in one line');
}

# The same options, all in order.
my $server = server('options -5 yes on word green flag size 3M time 2h list a,b'
                    . ' list c reject no reject_type soft timeout 0'
                    . ' loglevel +1', 'options:1 flag 5');

ok t_cmp($server->try_start, '', 'good options');
ok t_cmp($server->client->reply, qr/^220 /, 'are no trouble');
$server->stop;
