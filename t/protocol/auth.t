# SPDX-License-Identifier: Apache-2.0
# AUTH with the clients that people use, by STARTTLS (587) and by TLS from the
# start (465), and a submission server that wants both (R77, R84, R86).
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use POSIX ();
use QP::Sasl;
use QP::Server;
use QP::Tls;

my %clients = (
    swaks => [qw(PLAIN LOGIN CRAM-MD5)],
    msmtp => [qw(plain login cram-md5 scram-sha-256)],
    curl  => [qw(PLAIN LOGIN CRAM-MD5)],
    smtplib => [qw(PLAIN LOGIN CRAM-MD5)],
    gsasl => [qw(PLAIN LOGIN CRAM-MD5 SCRAM-SHA-256 SCRAM-SHA-256-PLUS)],
);
my $count = 0;

$count += @$_ for values %clients;
plan tests => 2 * ($count + 1) + 8, QP::Server->need(
    qw(plugins/auth/auth_flat_file plugins/rcpt_ok plugins/queue/maildir ssl
       socache_shmcb));

my $tls = QP::Tls->new;
my $user = 'joe@example.org';
my $password = 'open sesame';

sub server {
    my ($mode) = @_;

    return QP::Server->new(
        loglevel => 'trace8', testplugins => 0,
        plugins  => ['auth/auth_flat_file', 'rcpt_ok',
                     'queue/maildir @MAILDIR@'],
        config   => { auth_required => 'yes', auth_delay => '10ms',
                      flat_auth_pw => ["$user:$password"] },
        listen   => $mode eq 'implicit' ? 'https' : 'smtp',
        vhost    => $tls->vhost('localhost') . "QpsmtpdTLS $mode\n",
        httpd    => QP::Tls->conf, expected => [qr/AH01909/])->start;
}

# The command line of a client; it reads a message from standard input.
sub command {
    my ($client, $mech, $mode, $port, $word) = @_;
    my $implicit = $mode eq 'implicit';
    my ($from, $to) = ($user, 'a@elsewhere.example');

    return ('swaks', '--server', "127.0.0.1:$port", '--auth', $mech,
            '--auth-user', $user, '--auth-password', $word, '--from', $from,
            '--to', $to, $implicit ? '-tlsc' : '-tls') if $client eq 'swaks';
    return ('msmtp', '--host=127.0.0.1', "--port=$port", "--auth=$mech",
            '--tls=on', '--tls-starttls=' . ($implicit ? 'off' : 'on'),
            '--tls-certcheck=off', "--user=$user",
            "--passwordeval=echo '$word'", "--from=$from", $to)
        if $client eq 'msmtp';
    return ('curl', '-sS', '--crlf', '-k', ($implicit ? () : '--ssl-reqd'),
            ($implicit ? 'smtps' : 'smtp') . "://127.0.0.1:$port/c.example",
            '--login-options', "AUTH=$mech", '-u', "$user:$word",
            '--mail-from', $from, '--mail-rcpt', $to, '-T', '-')
        if $client eq 'curl';
    return ('gsasl', '--client', '--smtp', "--mechanism=$mech",
            "--authentication-id=$user", "--password=$word",
            '--x509-ca-file=' . $tls->ca, '--hostname=mx.example.org',
            '--service=smtp', '--connect=localhost:' . $port,
            $mech =~ /PLUS/ ? () : '--no-cb')
        if $client eq 'gsasl';
    return ('python3', '-c', <<'END', $implicit, $port, $mech, $user, $word,
import smtplib, ssl, sys
implicit, port, mech, user, word, sender, to = sys.argv[1:]
context = ssl._create_unverified_context()
if implicit:
    s = smtplib.SMTP_SSL('127.0.0.1', int(port), context=context)
else:
    s = smtplib.SMTP('127.0.0.1', int(port))
    s.starttls(context=context)
s.ehlo()
s.esmtp_features['auth'] = mech
s.login(user, word)
s.sendmail(sender, [to], 'Subject: x\r\n\r\nhello\r\n')
s.quit()
END
            $from, $to);
}

# Whether a client gets in, and its message.
sub submits {
    my ($server, @command) = @_;
    my $file = $server->dir . '/client';
    my $pid = fork() // die "fork: $!";

    if (!$pid) {
        QP::Server::write_file("$file.in", "Subject: x\n\nhello\n");
        open STDIN, '<', "$file.in" or die $!;
        open STDOUT, '>', $file or die $!;
        open STDERR, '>&', \*STDOUT or die $!;
        { no warnings 'exec'; exec {$command[0]} @command; }
        POSIX::_exit(127);
    }
    waitpid $pid, 0;
    return $? == 0 ? 'yes' : "no: $?: " . QP::Server::slurp($file);
}

for my $mode (qw(required implicit)) {
    my $server = server($mode);
    my $sent = 0;

    for my $client (sort keys %clients) {
        for my $mech (@{ $clients{$client} }) {
            if ($client eq 'gsasl' && $mode eq 'implicit') {
                ok 1, 'gsasl speaks STARTTLS only';
                next;
            }
            $sent++ if $client ne 'gsasl';
            ok t_cmp(submits($server, command($client, $mech, $mode,
                                              $server->port, $password)),
                     'yes', "$client by $mech, $mode");
        }
    }
    ok t_cmp(scalar(grep {/with ESMTPSA id/} $server->messages), $sent,
             'all messages are there');
    if ($mode eq 'required') {
        my ($message) = $server->messages;

        ok t_cmp($message, qr/^\s*auth=pass \(\S+\) smtp\.auth=\Q$user\E$/m,
                 'Authentication-Results');
        my $client = $server->client->hello;

        ok submits($server, command('swaks', 'PLAIN', $mode, $server->port,
                                    'wrong')) =~ /535 5\.7\.8/, 'a wrong one';
        ok $client->cmd('EHLO c.example') !~ /AUTH/, 'no offer in clear (R77)';
        ok t_cmp(QP::Sasl::login($client, 'PLAIN', $user, $password),
                 qr/^530 5\.7\.0 /, 'no AUTH in clear (R77)');
        ok $client->start_tls(SSL_verify_mode => 0), 'TLS'
            if $client->expect(220, 'STARTTLS');
        $client->expect(250, 'EHLO client.example');
        ok t_cmp($client->cmd('MAIL FROM:<a@example.org>'), qr/^530 5\.7\.0 /,
                 'no mail without AUTH');
        ok t_cmp(QP::Sasl::login($client, 'SCRAM-SHA-256', $user, $password),
                 qr/^235 /, 'AUTH');
    }
    $server->stop;
    ok !grep({/sesame|b3Blbi|c2VzYW/} $server->log_lines),
        'no password in the log' if $mode eq 'implicit';
}
