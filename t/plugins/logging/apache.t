# SPDX-License-Identifier: Apache-2.0
# logging/apache: which lines go on to httpd's error log.
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

plan tests => 8, QP::Server->need('plugins/logging/apache', 'plugins/rcpt_ok');

# How many lines there are of a level.
sub play {
    my ($line, $loglevel) = @_;
    my $server = QP::Server->new(
        plugins  => ['rcpt_ok'],
        config   => { logging => [$line] },
        loglevel => $loglevel,
    )->start;
    my %count = (info => 0, debug => 0);

    $server->client->hello->expect(221, 'QUIT');
    $server->graceful;
    for my $text ($server->log_lines) {
        $count{$1}++ if $text =~ /\[qpsmtpd:(\w+)\]/;
    }
    $server->stop;
    return \%count;
}

my $count = play('logging/apache', 'debug');

ok t_cmp($count->{debug} > 0, 1, 'debug passes without an argument');
ok t_cmp($count->{info} > 0, 1, 'and so does info');
$count = play('logging/apache info', 'debug');
ok t_cmp($count->{debug}, 0, 'debug does not pass');
ok t_cmp($count->{info} > 0, 1, 'info passes');
$count = play('logging/apache loglevel WARN', 'debug');
ok t_cmp($count->{debug} + $count->{info}, 0, 'none of them passes');
$count = play('logging/apache debug', 'info');
ok t_cmp($count->{debug}, 0, 'LogLevel has its say');
ok t_cmp($count->{info} > 0, 1, 'and lets info pass');
my $server = QP::Server->new(plugins => ['rcpt_ok'],
                             config => { logging => ['logging/apache all'] });

ok t_cmp(($server->configtest)[1], qr/logging:1: logging\/apache: loglevel: /,
         'a faulty level stops the start');
