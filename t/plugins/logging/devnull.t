# SPDX-License-Identifier: Apache-2.0
# logging/devnull: nothing of the server is logged any more.
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

plan tests => 5, QP::Server->need('plugins/logging/devnull',
                                  'plugins/logging/warn', 'plugins/rcpt_ok');

sub play {
    my (@logging) = @_;
    my $server = QP::Server->new(
        plugins  => ['rcpt_ok'],
        config   => { logging => \@logging },
        loglevel => 'debug',
    )->start;
    my $client = $server->client->hello;

    $client->expect(250, 'NOOP');
    $client->expect(221, 'QUIT');
    # In the log, lines of the session would stand in front of this one.
    $server->graceful;
    my @lines = $server->log_lines;

    $server->stop;
    return @lines;
}

my @lines = play();

ok t_cmp(scalar(grep {/connect to/} @lines), 1, 'a line without the plugin');
@lines = play('logging/devnull');
ok t_cmp(scalar(grep {/connect to|NOOP/} @lines), 0, 'none with it');
ok t_cmp(scalar(grep {/resuming normal operations/} @lines), 2,
         'httpd has its own');
@lines = play('logging/warn info', 'logging/devnull');
ok t_cmp(scalar(grep {/^\d+ \w+ connect to/} @lines), 1,
         'a plugin above has its lines');
ok t_cmp(scalar(grep {/qpsmtpd:.*(?:connect to|NOOP)/} @lines), 0,
         'and httpd none');
