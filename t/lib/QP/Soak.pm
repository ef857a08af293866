# SPDX-License-Identifier: Apache-2.0
package QP::Soak;

use strict;
use warnings FATAL => 'all';

use POSIX ();
use QP::Kinds qw(clear_kinds tls_kinds);
use QP::Server ();
use QP::Tls ();

sub new {
    my ($class, %arg) = @_;
    my $has_tls = !grep {defined} map { QP::Server::lacking($_) }
        qw(ssl socache_shmcb);
    my $tls     = $has_tls ? QP::Tls->new : undef;
    my $self    = bless {
        tls   => $tls,
        kinds => { clear_kinds(), $has_tls ? tls_kinds() : () },
    }, $class;

    # A sanitizer keeps freed memory for a while: not too much of it.
    local $ENV{ASAN_OPTIONS} = $ENV{ASAN_OPTIONS}
        // 'detect_leaks=0:handle_segv=2:handle_sigbus=2'
        . ':quarantine_size_mb=8:thread_local_quarantine_size_kb=64';
    $self->{server} = QP::Server->new(
        plugins  => ['rcpt_ok', 'auth/auth_flat_file', 'queue/discard'],
        config   => { rcpthosts => 'example.org', databytes => 100_000,
                      tls_before_auth => 'no', auth_delay => '1ms',
                      size_threshold => 2000, pipelining => 'lenient',
                      flat_auth_pw => 'user@example.com:sesame' },
        loglevel => 'error',
        # The last of the threads is taken, on a busy machine.
        expected => [qr/AH00484:/],
        $has_tls ? (vhost => $tls->vhost('mx.example.org'),
                    httpd => QP::Tls->conf) : (),
        %arg)->start;
    return $self;
}

sub server { return $_[0]{server} }
sub kinds  { return sort keys %{ $_[0]{kinds} } }

# One session of each kind. Returns the kinds that went wrong.
sub round {
    my ($self, $turn) = @_;
    my @wrong;

    for my $kind ($self->kinds) {
        my ($code, $must_succeed) = @{ $self->{kinds}{$kind} };
        my $client = $self->{server}->client;
        my $is_good = eval {
            $client->expect(220);
            $code->($client, $turn);
            1;
        };

        push @wrong, $kind . ': ' . $@ =~ s/\n.*//sr
            if !$is_good && $must_succeed;
        $client->close;
    }
    return @wrong;
}

# Rounds until the time is over, or there were so many sessions, by so many
# processes at a time. Returns the number of sessions.
sub run {
    my ($self, %arg) = @_;
    my $end = time + ($arg{seconds} // 1e9);
    my $kinds = () = $self->kinds;
    my $rounds = ($arg{sessions} // 1e9) / $kinds / $arg{processes};
    my $sessions = 0;
    my @pids;

    pipe my $in, my $out or die "pipe: $!";
    for my $nth (1 .. $arg{processes}) {
        my $pid = fork // die "fork: $!";

        if ($pid) {
            push @pids, $pid;
            next;
        }
        close $in;
        srand $nth;
        for (my $turn = 0; $turn < $rounds && time < $end; ++$turn) {
            syswrite $out, join "\n", $kinds,
                $self->round($turn + $nth), '';
        }
        POSIX::_exit(0);
    }
    close $out;
    while (defined(my $line = <$in>)) {
        $line =~ /^\d+$/ ? $sessions += $line : push @{ $self->{wrong} }, $line;
    }
    waitpid $_, 0 for @pids;
    return $sessions;
}

# What should have succeeded and did not.
sub wrong { return @{ $_[0]{wrong} // [] } }

# What there is once all sessions have ended: KiB and open descriptors of the
# largest child, files in the spool.
sub measure {
    my ($self) = @_;
    my $server = $self->{server};

    $server->settle;
    my $files = 0;

    for my $child ($server->children) {
        my $count = () = glob "/proc/$child/fd/*";

        $files = $count if $count > $files;
    }
    my $spool = () = $server->spooled;

    return { rss => $server->rss, files => $files, spool => $spool };
}

1;

__END__

=head1 NAME

QP::Soak - sessions of all kinds, and what grows by them

=head1 SYNOPSIS

    my $soak = QP::Soak->new;

    $soak->run(seconds => 5, processes => 2);
    my $before = $soak->measure;

    $soak->run(sessions => 10_000, processes => 4);
    my $after = $soak->measure;
    print $soak->wrong;
    $soak->server->stop;

=head1 DESCRIPTION

The sessions are those of L<QP::Kinds>. C<new> takes what L<QP::Server> takes.

=cut
