# SPDX-License-Identifier: Apache-2.0
# help: texts of files, and nothing but these files.
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

plan tests => 17, QP::Server->need('plugins/help');

my %files = ('help/mail' => "MAIL FROM:<you\@example.net>\n\ncaf\xe9\r\n",
             'help/big' => 'x' x 65537, 'secret' => "password\n",
             'help/full' => 'y' x 65536);
my $server = QP::Server->new(plugins => ['help', 'rcpt_ok'], files => \%files)
    ->start;
my $client = $server->client->hello;

ok t_cmp($client->cmd('HELP Mail'),
         qr/\A214-2\.0\.0 MAIL FROM:<you\@example\.net>
214-2\.0\.0
214 2\.0\.0 caf\?\z/, 'a text');
ok t_cmp($client->cmd('HELP'), qr/^214 2\.0\.0 Say HELP and a word/, 'a hint');
ok t_cmp($client->cmd('HELP rcpt now'),
         qr/^214 2\.0\.0 There is no help on rcpt$/, 'no help');
for my $word ('../secret', '.', '/etc/passwd', "a\xe9", '%s') {
    ok t_cmp($client->cmd("HELP $word"), qr/^502 5\.5\.1 /, "no word: $word");
}
$server->expect_log(qr{help: error, \S+help/big: more than 65536 octets});
ok t_cmp($client->cmd('HELP big'), qr/^214 .*no help/, 'too big');
ok t_cmp($client->cmd('HELP full'), qr/^214 2\.0\.0 y+$/, 'just not');
$server->set_config('help/help' => 'Ask postmaster.');
ok t_cmp($client->cmd('help'), qr/^214 2\.0\.0 Ask postmaster\.$/,
         'a file that came later');
ok t_cmp($client->cmd('NOOP'), qr/^250 /, 'and on it goes');
$server->stop;

# Two instances would answer the same question; each has files of its own.
$server = QP::Server->new(
    plugins => ["help QUIT secret help_dir \@DIR\@/config", 'rcpt_ok'],
    files => \%files)->start;
$client = $server->client->hello;
ok t_cmp($client->cmd('HELP quit'), qr/^214 2\.0\.0 password$/, 'a pair');
$server->stop;

$server = QP::Server->new(plugins => ['help not_implemented yes', 'rcpt_ok'])
    ->start;
ok t_cmp($server->client->hello->cmd('HELP'), qr/^502 5\.5\.1 /,
         'not implemented');
$server->stop;

my %wrong = ('help' => qr{there is no folder \S+/help; make it},
             'help QUIT' => qr/"QUIT" has no file behind it/,
             'help QUIT nosuch' => qr{files: \S+/help/nosuch is no file});

for my $line (sort keys %wrong) {
    $server = QP::Server->new(plugins => [$line]);
    ok t_cmp(($server->configtest)[1], $wrong{$line}, $line);
}
