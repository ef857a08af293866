# SPDX-License-Identifier: Apache-2.0
# A list that a plugin reads is no empty list because its file is faulty: such
# a file stops the start, and later the old list stays, in children to come as
# well (R111, R112, D14, D15).
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

# What is in config/rcpthosts, or other arguments; what must be said.
my @faults = (
    ['a NUL', "example.org\nexample\0.net", qr{/config/rcpthosts:2: .*NUL}],
    ['a missing include', "example.org\n\n\$include nothere",
     qr{/config/rcpthosts:3: .*nothere}],
    ['a circle', "\$include more/circle",
     qr{/config/(?:rcpthosts|more/circle):1: .*circle}],
    ['a line without end', 'x' x 70_000, qr{/config/rcpthosts:1: }],
    ['QpsmtpdSet with a bad value', { vhost => "\nQpsmtpdSet max_errors many" },
     qr{QP9001: \S+/httpd\.conf:\d+: .*max_errors.*"many"}],
    ['no config folder', { vhost => 'QpsmtpdConfigDir "@DIR@/nowhere"' },
     qr{/nowhere: the config folder .*QpsmtpdConfigDir}],
);

plan tests => 4 * @faults + 10,
    QP::Server->need(qw(plugins/rcpt_ok plugins/queue/discard));

sub make_server {
    my ($arg) = @_;

    return QP::Server->new(plugins => ['rcpt_ok', 'queue/discard'],
                           files => { 'more/circle' => '$include rcpthosts' },
                           ref $arg ? %$arg
                                    : (config => { rcpthosts => $arg }));
}

for my $fault (@faults) {
    my ($name, $arg, $want) = @$fault;
    my $server = make_server($arg);
    my ($exit, $said) = $server->configtest;

    ok $exit != 0, "$name: httpd -t fails";
    ok t_cmp($said, $want, "$name: says what is wrong");
    $said = make_server($arg)->try_start;
    ok t_cmp($said, $want, "$name: a start fails as well");
    ok t_cmp($said !~ /resuming normal operations/, 1, "$name: at once");
}

# At run time.
my $server = make_server("example.org\nexample.com");

$server->start;

# The code of the reply to a RCPT in a new session.
sub rcpt {
    my ($host) = @_;
    my $client = $server->client->hello->envelope('a@example.net');

    $client->cmd("RCPT TO:<b\@$host>");
    $client->close;
    return $client->code;
}

# Whether one of these processes has said that the file is faulty.
sub is_said_by {
    my %pids = map { $_ => 1 } @_;

    return scalar grep {
        m{qpsmtpd:error\] \[pid (\d+)\b.*/config/rcpthosts:2: .*old value}
            && $pids{$1}
    } $server->log_lines;
}

my @old = $server->children;

$server->expect_log(qr{qpsmtpd:error.*/config/rcpthosts}, qr/exit signal Kill/);
ok t_cmp(rcpt('example.com'), 250, 'a domain of ours');
$server->set_config(rcpthosts => "example.org\n\$include nothere");
ok $server->poll(sub { rcpt('example.com'); is_said_by($server->children) }),
    'a faulty edit is logged at ERROR';
ok t_cmp(rcpt('example.com'), 250, 'the old list stays in force');
ok t_cmp(rcpt('example.edu'), 550, 'all of it');

# Children that start after the edit.
@old = $server->children;
kill 'KILL', @old;
my %old = map { $_ => 1 } @old;
my @new;

ok $server->poll(sub {
    @new = grep { !$old{$_} } $server->children;
    return @new && @new == $server->children;
}), 'new children come';
ok t_cmp(rcpt('example.com'), 250, 'they have the old list');
ok t_cmp(rcpt('example.edu'), 550, 'all of it');
ok $server->poll(sub {
    return rcpt('example.com') eq '250'
        ? is_said_by(grep { !$old{$_} } $server->children) : -1;
}) == 1, 'and log the fault, too';

# Mended.
$server->set_config(rcpthosts => ['example.edu']);
ok $server->poll(sub { rcpt('example.edu') eq '250' }), 'until it is mended';
ok $server->poll(sub { rcpt('example.com') eq '550' }),
    'then the new one holds';
$server->stop;
