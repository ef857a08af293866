# SPDX-License-Identifier: Apache-2.0
# user_config: values of single mailboxes, and no way out of their folders
# (R57).
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

plan tests => 29, QP::Server->need('plugins/user_config',
                                   'testplugins/show_user_config');

my $server = QP::Server->new(
    plugins     => ['user_config @DIR@/users/%h/%u/conf', 'show_user_config'],
    config      => { colour => ['server'] },
    testplugins => 1,
);
my $users = $server->dir . '/users/example.org';

sub put {
    my ($file, $text) = @_;

    QP::Server::write_file("$users/$file", $text);
    return;
}

put('ann/conf/colour',
    "# hers\n\n  light green\t\r\nred\n#blue\n \$include /x");
put('empty/conf/colour', '');
put('comment/conf/colour', "# nothing\n");
put('conf/colour', 'outside');
put('large/conf/colour', "x\n" x 33000);
put('nul/conf/colour', "a\0b\n");
put('+tag-1_x/conf/colour', 'tag');
put('%u/conf/colour', 'percent');
put('.hidden/conf/colour', 'hidden');
put('fifo/conf/other', '');
put('link/conf/other', '');
put('dir/conf/colour/other', '');
symlink "$users/ann/conf/colour", "$users/link/conf/colour" or die $!;
system('mkfifo', "$users/fifo/conf/colour") == 0 or die 'mkfifo';
$server->expect_log(qr{user_config: \S+/(?:large|nul|fifo|link|dir)/conf/},
                    qr{/\.\./conf/colour: not the name of a config file})
    ->start;
my $client = $server->client->hello;

sub ask {
    my ($address, $key) = @_;

    $key //= 'colour';
    return $client->cmd("VRFY $key <$address>") =~ s/^250 (?:\d\.\d\.\d )?//r;
}

for my $case (
    ['ann@example.org', '3: light green|red|$include /x', 'lines'],
    ['ann@EXAMPLE.org', '3: light green|red|$include /x', 'any case of a host'],
    ['Ann@example.org', '1: server', 'but one case of a local part'],
    ['bob@example.org', '1: server', 'one who has no file'],
    ['ann@example.net', '1: server', 'one elsewhere'],
    ['empty@example.org', '0: ', 'an empty file is a value'],
    ['comment@example.org', '0: ', 'and so is one of comments'],
    ['+tag-1_x@example.org', '1: tag', 'other characters'],
    ['%u@example.org', '1: percent', 'what is replaced is not looked at again'],
    ['..@example.org', '1: server', 'a folder above'],
    ['.@example.org', '1: server', 'the same folder'],
    ['@example.org', '1: server', 'no local part'],
    ['ann', '1: server', 'no host'],
    ['.hidden@example.org', '1: server', 'a hidden one'],
    ['example.org/ann@', '1: server', 'a slash in place of a host'],
    ['bob/../ann@example.org', '1: server', 'a slash in the local part'],
    ['ann@bob/../example.org', '1: server', 'a slash in the host'],
    ['ann@..', '1: server', 'dots for a host'],
    ['x' x 256 . '@example.org', '1: server', 'a name too long for a folder'],
) {
    my ($address, $value, $what) = @$case;

    ok t_cmp(ask($address), $value, $what);
}
ok t_cmp(ask('ann@example.org', '../conf/colour'), '0: ', 'a key with a slash');
for my $case (['large', 'is larger'], ['nul', 'is no text'],
              ['fifo', 'is no plain file'], ['link', 'is a symbolic link'],
              ['dir', 'is no plain file']) {
    $client = $server->client->hello;
    ask("$case->[0]\@example.org") for 1 .. 3;
    ok t_cmp(scalar(grep {/$case->[0].*$case->[1]/} $server->log_lines), 1,
             "$case->[0]: said once in a connection");
}
put('bob/conf/colour', 'late');
ok t_cmp(ask('bob@example.org'), '1: late', 'a new file');
$server->stop;

for my $case (['', qr/path: the absolute path/], ['home/%u', qr/the absolute/],
              ['/home/%x', qr/path: behind % there must be/]) {
    ok t_cmp((QP::Server->new(plugins => ["user_config $case->[0]"])
                  ->configtest)[1], $case->[1], "refused: $case->[0]");
}
