# SPDX-License-Identifier: Apache-2.0
# A mistake in the configuration stops the start, with one sentence that says
# where and what to do (D14, R112).
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

# Arguments of QP::Server->new; what must be said.
my @mistakes = (
    ['unknown plugin', { plugins => ['rcpt_ok', 'nonsense'] },
     qr{/config/plugins:2: nonsense: no such plugin.*check the name}],
    ['name that is a path', { plugins => ['../rcpt_ok'] },
     qr{/config/plugins:1: \.\./rcpt_ok: .*not a plugin name}],
    ['unknown option', { plugins => ['rcpt_ok_maxrelay 5 maxx 5'] },
     qr{/config/plugins:1: rcpt_ok_maxrelay: unknown option.*known are.*max}],
    ['option of a plugin that has none', { plugins => ['rcpt_ok 1'] },
     qr{/config/plugins:1: rcpt_ok: unknown option}],
    ['bad value',
     { plugins => ['', '# a comment', 'rcpt_ok_maxrelay max 1e9'] },
     qr{/config/plugins:3: rcpt_ok_maxrelay: max: "1e9" is not .*0\.\.1000}],
    ['missing value', { plugins => ['rcpt_ok_maxrelay max'] },
     qr{/config/plugins:1: rcpt_ok_maxrelay: max: .*missing}],
    ['open quote', { plugins => ['rcpt_ok "x'] }, qr{/config/plugins:1: \S}],
    ['setup refuses', { plugins => ['answer nonsense OK'] },
     qr{/config/plugins:1: answer: there is no such hook}],
    ['no plugin at all', { plugins => [] },
     qr{/config/plugins: no plugin is loaded.*rcpt_ok}],
    ['plugin of a newer server', { plugins => ['future_abi'] },
     qr{/config/plugins:1: future_abi: .*ABI 2\.0.*offers 1\.}],
    ['no plugin but a library', { plugins => ['no_plugin'] },
     qr{/config/plugins:1: no_plugin: .*QP_PLUGIN}],
    ['plugin in httpd.conf',
     { vhost => 'QpsmtpdPlugin rcpt_ok_maxrelay max x' },
     qr{/httpd\.conf:\d+: rcpt_ok_maxrelay: max: "x"}],
    ['faulty file', { config => { databytes => ['', '12 monkeys'] } },
     qr{/config/databytes:\d+: databytes: .*"12 monkeys"}],
    ['faulty word', { config => { bare_newline => 'maybe' } },
     qr{/config/bare_newline:1: bare_newline: .*reject.*normalize}],
    ['unknown mechanism', { config => { auth_mechanisms => 'PLAIN,LOGINN' } },
     qr{/auth_mechanisms:1: auth_mechanisms: "LOGINN" is none of .*LOGIN}],
    ['mechanisms without a comma',
     { vhost => 'QpsmtpdSet auth_mechanisms "A B"' },
     qr{auth_mechanisms: "A B" is none of}],
    ['number out of range', { config => { max_line => '100' } },
     qr{/config/max_line:1: max_line: "100"}],
    ['QpsmtpdSet with a bad value', { vhost => 'QpsmtpdSet max_errors many' },
     qr{max_errors: "many" is not}],
    ['QpsmtpdSet of plugins', { vhost => 'QpsmtpdSet plugins rcpt_ok' },
     qr{cannot set plugins; use QpsmtpdPlugin}],
    ['missing include', { config => { me => '$include nothing' } },
     qr{/config/me:1: .*nothing}],
    ['no folder', { vhost => 'QpsmtpdConfigDir @DIR@/nowhere' }, qr{nowhere}],
);

plan tests => 4 + 3 * @mistakes,
    QP::Server->need(qw(plugins/rcpt_ok plugins/rcpt_ok_maxrelay
                        testplugins/answer testplugins/future_abi));

sub make_server {
    my ($arg) = @_;

    return QP::Server->new(plugins => ['rcpt_ok'], testplugins => 1, %$arg);
}

for my $mistake (@mistakes) {
    my ($name, $arg, $want) = @$mistake;
    my ($exit, $said) = make_server($arg)->configtest;
    my @lines = grep { !/^AH00526|AH00014|^\s*$/ } split /\n/, $said;

    ok $exit != 0, "$name: httpd -t fails";
    ok t_cmp($said, $want, "$name: says what is wrong");
    ok t_cmp(scalar(@lines), 1, "$name: in one line");
}

my ($exit, $said) = make_server({})->configtest;

ok t_cmp($exit, 0, 'a good configuration passes');
ok t_cmp($said, qr/\ASyntax OK\s*\z/, 'and nothing else is said');

# Not wrong, but slow: without "smtp" the kernel waits for the client.
my $server = make_server({ listen => 'http' });

$server->expect_log(qr/QP9002/)->start;
ok defined $server->wait_log(qr/qpsmtpd:warn.*QP9002: .*Listen \d+ smtp/),
    'Listen without smtp is warned of';
$server->stop;

# The same mistakes stop a start.
$said = make_server({ plugins => ['nonsense'] })->try_start;
ok t_cmp($said, qr/nonsense: no such plugin/, 'a start fails as well');
