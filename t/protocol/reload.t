# SPDX-License-Identifier: Apache-2.0
# Files of the config folder are read again when they change (D15).
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

plan tests => 9, QP::Server->need(qw(plugins/rcpt_ok plugins/queue/discard));

my $server = QP::Server->new(
    plugins => ['rcpt_ok', 'queue/discard'],
    config  => { max_errors => 0,
                 rcpthosts => 'example.org', databytes => 1000 },
)->start;

# The reply to a RCPT in a new session.
sub rcpt {
    my ($rcpt) = @_;
    my $client = $server->client->hello;

    $client->envelope('a@example.net');
    my $reply = $client->cmd("RCPT TO:<$rcpt>");

    $client->close;
    return $reply;
}

# What EHLO says of SIZE.
sub size {
    my $reply = $server->client->hello('HELO x')->cmd('EHLO x');

    return $reply =~ /SIZE (\d+)/ ? $1 : undef;
}

ok t_cmp(rcpt('b@new.example'), qr/^550 /, 'not our domain');
$server->set_config(rcpthosts => ['example.org', 'new.example']);
ok $server->poll(sub { rcpt('b@new.example') =~ /^250/ }),
    'a new domain is seen without a restart';
$server->set_config(rcpthosts => ['new.example']);
ok $server->poll(sub { rcpt('b@example.org') =~ /^550/ }),
    'so is one that has gone';

# In a session that goes on.
my $client = $server->client->hello->envelope('a@example.net');

$server->set_config(rcpthosts => ['example.org']);
ok $server->poll(sub { $client->cmd('RCPT TO:<b@example.org>') =~ /^250/ }),
    'in a session that is open, too';

ok t_cmp(size(), 1000, 'databytes at the start');
$server->set_config(databytes => '2000');
ok $server->poll(sub { size() == 2000 }), 'a new databytes is announced';

# A faulty edit.
$server->expect_log(qr/qpsmtpd:error.*databytes/);
$server->set_config(databytes => "lots\n");
ok $server->poll(sub {
    size();
    return scalar grep {
        m{qpsmtpd:error.*/config/databytes:1: databytes: "lots".*old value}
    } $server->log_lines;
}), 'a faulty edit is logged at ERROR';

# A process of prefork that never saw 2000 has the value of the start.
ok t_cmp(size(), qr/^[12]000$/, 'and the old value stays in force');
$server->set_config(databytes => '3000');
ok $server->poll(sub { size() == 3000 }), 'until it is corrected';
$server->stop;
