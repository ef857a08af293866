# SPDX-License-Identifier: Apache-2.0
package QP::Soak;

use strict;
use warnings FATAL => 'all';

use POSIX ();
use QP::Server ();
use QP::Tls ();

my $BODY    = "Subject: soak\r\n\r\n" . ('x' x 70 . "\r\n") x 20;
my $LARGE   = "Subject: large\r\n\r\n" . ('y' x 70 . "\r\n") x 400;
my @TO      = ('MAIL FROM:<a@example.net>', 'RCPT TO:<b@example.org>');
my @SESSION = ('EHLO client.example', @TO, 'DATA', $BODY . '.', 'RSET', @TO,
               "BDAT 6\r\nabcd", 'QUIT');

# Each is given a client that has read the greeting.
my %KINDS = (
    plain => sub {
        my ($client) = @_;

        $client->expect(250, 'EHLO client.example');
        $client->send_message('a@example.net', 'b@example.org', $BODY);
        $client->send_message('a@example.net', 'b@example.org', $LARGE);
        $client->cmd('QUIT');
    },
    pipelined => sub {
        my ($client) = @_;

        $client->expect(250, 'EHLO client.example');
        for (1 .. 3) {
            $client->pipeline(@TO, 'RCPT TO:<stranger@example.com>', 'DATA');
            $client->cmd($BODY . '.');
        }
        $client->cmd('QUIT');
    },
    chunks => sub {
        my ($client) = @_;
        my $size = length $LARGE;

        $client->expect(250, 'EHLO client.example');
        $client->pipeline(@TO);
        $client->send("BDAT $size\r\n$LARGE" . "BDAT 2 LAST\r\n\r\n");
        $client->reply for 1 .. 2;
        $client->pipeline(@TO);
        $client->send("BDAT $size\r\n" . substr $LARGE, 0, 10);
        $client->abort;
    },
    mistakes => sub {
        my ($client) = @_;

        $client->pipeline(('BOGUS', 'MAIL FROM:<', 'RCPT TO:<x@example.org>',
                           'x' x 5000) x 6);
    },
    # Leaves behind the step that is its turn, or in the middle of it.
    aborted => sub {
        my ($client, $turn) = @_;
        my $steps = $turn / 2 % @SESSION;

        $client->cmd($_) for @SESSION[0 .. $steps - 1];
        $client->send(substr $SESSION[$steps], 0,
                      $turn % 2 ? length($SESSION[$steps]) / 2 : 1);
        $turn % 3 ? $client->close : $client->abort;
    },
    large_aborted => sub {
        my ($client) = @_;

        $client->expect(250, 'EHLO client.example');
        $client->pipeline(@TO, 'DATA');
        $client->send($LARGE);
        $client->abort;
    },
);

my %TLS_KINDS = (
    tls => sub {
        my ($client) = @_;

        $client->expect(250, 'EHLO client.example');
        $client->expect(220, 'STARTTLS');
        $client->start_tls or return;
        $KINDS{pipelined}->($client);
    },
    tls_aborted => sub {
        my ($client, $turn) = @_;

        $client->expect(250, 'EHLO client.example');
        $client->expect(220, 'STARTTLS');
        $client->send("\x16\x03\x01\x02\x00") if $turn % 2;
        $client->abort;
    },
);

sub new {
    my ($class, %arg) = @_;
    my $has_tls = !grep {defined} map { QP::Server::lacking($_) }
        qw(ssl socache_shmcb);
    my $tls     = $has_tls ? QP::Tls->new : undef;
    my $self    = bless {
        tls   => $tls,
        kinds => { %KINDS, $has_tls ? %TLS_KINDS : () },
    }, $class;

    $self->{server} = QP::Server->new(
        plugins  => ['rcpt_ok', 'queue/discard'],
        config   => { rcpthosts => 'example.org', databytes => 100_000 },
        loglevel => 'error',
        $has_tls ? (vhost => $tls->vhost('mx.example.org'),
                    httpd => QP::Tls->conf) : (),
        %arg)->start;
    return $self;
}

sub server { return $_[0]{server} }
sub kinds  { return sort keys %{ $_[0]{kinds} } }

# One session of each kind.
sub round {
    my ($self, $turn) = @_;

    for my $kind ($self->kinds) {
        my $client = $self->{server}->client;

        eval {
            $client->expect(220);
            $self->{kinds}{$kind}->($client, $turn);
        };
        $client->close;
    }
    return;
}

# Rounds until the time is over, by so many processes at a time. Returns the
# number of sessions.
sub run {
    my ($self, $seconds, $processes) = @_;
    my $end = time + $seconds;
    my $kinds = () = $self->kinds;
    my $sessions = 0;
    my @pids;

    pipe my $in, my $out or die "pipe: $!";
    for my $nth (1 .. $processes) {
        my $pid = fork // die "fork: $!";

        if ($pid) {
            push @pids, $pid;
            next;
        }
        my $turn = $nth;

        close $in;
        while (time < $end) {
            $self->round($turn++);
            syswrite $out, '.';
        }
        POSIX::_exit(0);
    }
    close $out;
    while (sysread $in, my $dots, 4096) {
        $sessions += length($dots) * $kinds;
    }
    waitpid $_, 0 for @pids;
    return $sessions;
}

# What there is once all sessions have ended: KiB of the largest child, open
# descriptors of all, files in the spool.
sub measure {
    my ($self) = @_;
    my $server = $self->{server};

    $server->settle;
    my $files = () = map { glob "/proc/$_/fd/*" } $server->children;
    my $spool = () = $server->spooled;

    return { rss => $server->rss, files => $files, spool => $spool };
}

1;

__END__

=head1 NAME

QP::Soak - sessions of all kinds, and what grows by them

=head1 SYNOPSIS

    my $soak = QP::Soak->new;

    $soak->run(5, 2);
    my $before = $soak->measure;

    $soak->run(60, 4);
    my $after = $soak->measure;
    $soak->server->stop;

=head1 DESCRIPTION

Sessions are plain, pipelined, in chunks, full of mistakes, in TLS, and aborted
at every step. C<new> takes what L<QP::Server> takes.

=cut
