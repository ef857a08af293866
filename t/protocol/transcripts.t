# SPDX-License-Identifier: Apache-2.0
# Where a requirement is only recommended, we answer as Postfix, Exim or
# OpenSMTPD does (R105). What they say stands below; where they can be started,
# they are asked again, so that it is true.
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Exim;
use QP::Opensmtpd;
use QP::Postfix;
use QP::Server;
use QP::Skips;

# What has been said before, by letters.
my %STEPS = (H => 'EHLO client.example', M => 'MAIL FROM:<a@example.net>',
             R => 'RCPT TO:<b@example.org>');

# Each line: requirement; steps before; the codes of Postfix, of Exim, of
# OpenSMTPD, and ours; what is said. Behind "--" stands why ours is none of
# theirs.
my @rows;

while (my $row = <DATA>) {
    my ($number, $steps, $codes, $line, $why) =
        $row =~ /^R(\d+) (\S+) ((?:\d+ ){4})\|(.*?)\|(?: -- (.+))?$/
        or die "not a row: $row";
    my %codes;

    @codes{qw(postfix exim opensmtpd ours)} = split ' ', $codes;
    push @rows, { %codes, line => $line =~ s/\\x(..)/chr hex $1/er, why => $why,
                  name => "R$number: $steps $line",
                  before => [grep {defined} @STEPS{ split //, $steps }] };
}

# Rows of which the server on the port says something else.
sub differences {
    my ($port, $who) = @_;
    my @wrong;

    for my $row (@rows) {
        my $client = QP::Client->new(port => $port);

        $client->expect(220);
        $client->cmd($_) for @{ $row->{before} };
        $client->cmd($row->{line});
        push @wrong, sprintf '%s: %s, not %s', $row->{name}, $client->code,
            $row->{$who}
            if $client->code ne $row->{$who};
        $client->close;
    }
    return join "\n", @wrong;
}

my $postfix = QP::Postfix::is_there()
    ? QP::Postfix->new(
        'smtpd_helo_required = yes', 'strict_rfc821_envelopes = yes',
        'message_size_limit = 200000', 'smtpd_error_sleep_time = 0')
    : undef;
my $exim = QP::Exim->new;
my $opensmtpd = QP::Opensmtpd->new;

QP::Skips::check($postfix ? () : 'no Postfix', $exim ? () : 'no Exim',
                 $opensmtpd ? () : 'no OpenSMTPD');
plan tests => 2 + !!$postfix + !!$exim + !!$opensmtpd,
    QP::Server->need(qw(plugins/rcpt_ok plugins/queue/discard));

my $server = QP::Server->new(
    plugins => ['rcpt_ok', 'queue/discard'],
    config  => { rcpthosts => 'example.org', databytes => 200_000 })->start;

ok t_cmp(differences($server->port, 'ours'), '', 'ours');
$server->stop;
ok t_cmp(join("\n", map { $_->{name} } grep {
            my $row = $_;
            my $is_other = !grep { $row->{ours} == $row->{$_} }
                qw(postfix exim opensmtpd);

            $is_other != !!$row->{why} } @rows), '',
         'are those of another, or else it is said why');
ok t_cmp(differences($postfix->port, 'postfix'), '', 'Postfix says so')
    if $postfix;
if ($exim) {
    my ($pid, $port) = $exim->serve;

    ok t_cmp(differences($port, 'exim'), '', 'Exim says so');
    kill 'TERM', $pid;
    waitpid $pid, 0;
}
ok t_cmp(differences($opensmtpd->port, 'opensmtpd'), '', 'OpenSMTPD says so')
    if $opensmtpd;

__DATA__
R40 - 503 503 503 503 |MAIL FROM:<a@example.net>|
R41 HM 554 503 503 503 |DATA|
R42 HMR 503 503 503 503 |MAIL FROM:<a@example.net>|
R44 HM 250 250 503 250 |EHLO client.example|
R46 - 250 250 250 250 |NOOP|
R46 - 250 250 503 250 |RSET|
R46 - 252 501 500 252 |VRFY b|
R46 - 500 214 214 214 |HELP|
R46 - 221 221 221 221 |QUIT|
R46 HMR 501 501 500 501 |DATA x|
R46 H 501 501 500 501 |RSET x|
R47 H 250 250 500 250 |RSET  |
R48 H 500 500 500 502 |SEND FROM:<a@example.net>| -- it is known, and not done
R48 H 500 500 500 500 |LHLO client.example|
R48 H 500 500 500 502 |TURN| -- it is known, and not done
R48 H 550 500 500 550 |XCLIENT ADDR=192.0.2.1|
R48 H 500 500 500 500 |BOGUS|
R49 H 252 252 500 252 |VRFY nobody@example.org|
R49 H 500 550 500 502 |EXPN b| -- it is known, and not done
R52 H 501 250 553 501 |MAIL FROM:a@example.net|
R52 H 250 501 553 501 |MAIL FROM:<<a@example.net>>|
R52 H 250 501 553 501 |MAIL FROM:<a@b@example.net>|
R52 H 501 501 553 501 |MAIL FROM:|
R52 H 501 501 553 501 |MAIL FROM:<@example.net>|
R52 H 501 501 503 501 |MAIL FROM:<a@example.net>x|
R52 H 501 501 553 501 |MAIL FROM:<a b@example.net>|
R52 H 501 501 553 501 |MAIL FROM:<"a@example.net>|
R52 H 501 501 553 501 |MAIL FROM:<a@[1.2.3]>|
R52 HM 501 501 501 501 |RCPT TO:<>|
R52 HM 555 501 503 501 |RCPT TO:<a@example.org> <b@example.org>|
R55 H 500 250 553 553 |MAIL FROM:<\xe4@example.net>|
R58 H 555 501 503 555 |MAIL FROM:<a@example.net> FOO=bar|
R58 HM 555 501 503 555 |RCPT TO:<b@example.org> FOO=bar|
R59 H 552 552 250 552 |MAIL FROM:<a@example.net> SIZE=99999999999|
R59 H 552 552 250 552 |MAIL FROM:<a@example.net> SIZE=999999999999999999999|
R59 H 501 250 250 501 |MAIL FROM:<a@example.net> SIZE=x|
R59 H 501 552 250 501 |MAIL FROM:<a@example.net> SIZE=-1|
R60 H 555 501 503 501 |MAIL FROM:<a@example.net> BODY=9BIT|
R60 H 501 250 250 501 |MAIL FROM:<a@example.net> RET=X|
R60 HM 501 501 553 501 |RCPT TO:<b@example.org> NOTIFY=NEVER,DELAY|
