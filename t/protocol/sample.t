# SPDX-License-Identifier: Apache-2.0
# The samples of the configuration: as installed they make a server that is no
# open relay, and no line that they suggest is wrong.
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

my $SAMPLES = QP::Server::srcdir() . '/conf/config';

# Suggestions that need what a test machine lacks, and what is said then.
my %LACKS = (
    'auth/auth_checkpassword' => 'no checkpassword',
    'auth/httpd'              => 'no module with the provider',
    'queue/exim-bsmtp'        => 'no Exim',
    'queue/pipe'              => 'no sendmail',
    'queue/qmail-queue'       => 'no qmail',
);

my @keys = map { s{.*/}{}r } glob "$SAMPLES/*";
my %sample = map { $_ => slurp("$SAMPLES/$_") } @keys;

sub slurp {
    my ($file) = @_;

    open my $in, '<', $file or die "$file: $!";
    local $/;
    return scalar <$in>;
}

# A sample with all that it suggests: such lines have no blank behind the mark.
sub suggested {
    my ($text) = @_;

    return $text =~ s/^#(?=[^\s#])//mgr;
}

sub names {
    my ($text) = @_;

    return $text =~ /^([^\s#]\S*)/mg;
}

# The lines of plugins that are built here and can start.
sub loadable {
    my ($text) = @_;
    my $built = QP::Server::builddir() . '/lib/plugins';

    return $text =~ s{^([^\s#]\S*).*\n}{
        $LACKS{$1} || !-e "$built/$1.so" ? '' : $&}mger;
}

sub make_server {
    my ($samples, @set) = @_;
    my %config = %$samples;
    my $plugins = delete $config{plugins};
    my $vhost = join "\n", 'QpsmtpdSet spool_dir @DIR@/spool', @set;

    return QP::Server->new(plugins => $plugins, config => \%config,
                           vhost => $vhost,
                           files => {
                               'help/help' => "Good luck.\n",
                               greylist_exceptions => "192.0.2.1\n",
                               'map/example.org' => "joe\@example.org OK\n",
                           });
}

plan tests => 9, QP::Server->need('plugins/queue/maildir');

my $server = make_server(\%sample, 'QpsmtpdSet rcpthosts example.org')->start;
my $client = $server->client->hello;

ok t_cmp($client->cmd('MAIL FROM:<a@example.net>'), qr/^250 /, 'a sender');
ok t_cmp($client->cmd('RCPT TO:<a@example.com>'), qr/^550 5\.7\.1 /,
         'no relaying');
ok t_cmp($client->cmd('RCPT TO:<a@example.org>'), qr/^250 /, 'our domain');
ok t_cmp($client->cmd('QUIT'), qr/^221 /, 'the end');
ok $server->stop, 'nothing is amiss in the log';

# As they are, without a domain of ours.
$server = make_server(\%sample);
my ($exit, $said) = $server->configtest;
ok t_cmp($said, qr/\ASyntax OK\s*\z/, 'apachectl -t');

# All that is suggested, too.
my %all = map { $_ => suggested($sample{$_}) } @keys;
my $source = QP::Server::srcdir() . '/plugins';

ok t_cmp(join(' ', grep { !-e "$source/$_.c" } names($all{plugins}),
              names($all{logging})), '', 'plugins that there are');
$all{$_} = loadable($all{$_}) for qw(plugins logging);
($exit, $said) = make_server(\%all)->configtest;
ok t_cmp($exit, 0, 'all that is suggested');
ok t_cmp(join('', grep { !/ QP2000: tls: / } split /^/m, $said),
         qr/\ASyntax OK\s*\z/, 'nothing is said of it');
