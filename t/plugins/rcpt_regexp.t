# SPDX-License-Identifier: Apache-2.0
# rcpt_regexp: recipients are answered by a list of expressions.
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

plan tests => 15, QP::Server->need('plugins/rcpt_regexp');

my %config = (
    rcpthosts   => ['example.org'],
    rcpt_regexp => ['postmaster@example.com OK is ours',
                    '/^info-\d+@example\.org$/ DENYSOFT Try again tomorrow',
                    'later@example.org declined',
                    '/^(late|bad)/ DENY', 'out@example.org DENY_DISCONNECT Out',
                    'a.b@example.org DENY Literally'],
);
my $server = QP::Server->new(plugins => ['rcpt_regexp', 'rcpt_ok'],
                             config => \%config)->start;

sub answer {
    my ($to) = @_;
    my $client = $server->client->hello;

    $client->expect(250, 'MAIL FROM:<s@example.net>');
    return $client->cmd("RCPT TO:<$to>");
}

my %answer = (
    'postmaster@example.com' => qr/^250 /,
    'POSTMASTER@EXAMPLE.COM' => qr/^250 /,
    'other@example.com'      => qr/^550 5\.7\.1 /,
    'info-12@example.org'    => qr/^450 4\.\d\.\d Try again tomorrow$/,
    'INFO-12@example.ORG'    => qr/^450 /,
    'later@example.org'      => qr/^250 /,
    'late@example.org'       => qr/^550 5\.1\.1 /,
    'a.b@example.org'        => qr/^550 \S+ Literally$/,
    'axb@example.org'        => qr/^250 /,
    'out@example.org'        => qr/^550 \S+ Out$/,
    'postmaster'             => qr/^250 /,
);
for my $to (sort keys %answer) {
    ok t_cmp(answer($to), $answer{$to}, $to);
}
ok defined $server->wait_log(
    qr/rcpt_regexp: fail, late\@example\.org matches \/\^\(late/), 'logged';

# A change with a fault is not taken up.
$server->expect_log(qr/rcpt_regexp:1: "MAYBE": behind the pattern stands OK/);
$server->set_config(rcpt_regexp => ['x@example.org MAYBE']);
ok $server->poll(sub {
    answer('x@example.org');
    return grep {/the old value stays in force/} $server->log_lines;
}), 'a fault is logged';
ok t_cmp(answer('late@example.org'), qr/^550 5\.1\.1 /, 'the old list counts');
$server->stop;
$server = QP::Server->new(plugins => ['rcpt_regexp', 'rcpt_ok'],
                          config => { rcpt_regexp => ['/(/ OK'] });
ok t_cmp(($server->configtest)[1], qr/:1: "\/\(\/" is no regular expression/,
         'a faulty expression stops the start');
