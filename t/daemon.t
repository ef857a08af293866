# SPDX-License-Identifier: Apache-2.0
# QP::Daemon, which starts the real services of tests: it comes back when the
# service is up, tries another port, says why one does not come up, and leaves
# no process and no file.
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use IO::Socket::INET ();
use QP::Daemon;
use QP::Server;

package Listener {
    use parent -norequire => 'QP::Daemon';

    my $SCRIPT = <<'END';
use IO::Socket::INET;
$SIG{TERM} = sub { exit 0 };
my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1,
    LocalPort => $ARGV[0]) or die "port: $!\n";
fork // die $! or $SIG{TERM} = 'IGNORE';
open my $out, '>>', $ENV{QP_PIDS} or die $!;
print {$out} "$$\n";
close $out;
$listener->accept while 1;
END

    # The first port that it gets is in use.
    sub choose_port {
        my ($self) = @_;

        return QP::Server::free_port() if $self->{tried}++;
        $self->{rival} = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
                                               Listen => 1) or die $!;
        return $self->{rival}->sockport;
    }

    sub command {
        my ($self) = @_;

        return ($^X, '-e', $self->{script} // $SCRIPT, $self->{port});
    }

    sub environment { return (QP_PIDS => "$_[0]{dir}/pids") }

    sub members { return split /\n/, QP::Server::slurp("$_[0]{dir}/pids") }

    sub is_up { return scalar(@{ [ $_[0]->members ] }) == 2 }
}

# Zombies do not count.
sub running { return grep { defined readlink "/proc/$_/exe" } @_ }

plan tests => 11;

my $daemon = Listener->new;
my ($dir, @pids) = ($daemon->dir, $daemon->members);

ok $daemon->port != $daemon->{rival}->sockport, 'another port';
ok t_cmp($daemon->said, qr/^port: Address already in use$/, 'it was in use');
ok t_cmp(scalar(running(@pids)), 2, 'a process and its child run');
if (!(fork // die $!)) {
    undef $daemon;
    POSIX::_exit(0);
}
wait;
ok $daemon->alive, 'it does not end with a copy of its object';
$daemon->stop;
ok(QP::Server->poll(sub { !running(@pids) }),
   'also who ignores SIGTERM has ended');
ok -d $dir, 'the folder remains';
unlink "$dir/pids";
my $port = $daemon->port;

ok t_cmp($daemon->start->port, $port, 'it starts again, on its port');
@pids = $daemon->members;
undef $daemon;
ok(QP::Server->poll(sub { !running(@pids) }), 'both have ended');
ok !-e $dir, 'the folder has gone';

my $error = eval { Listener->new(tried => 1, script => 'die "no idea\n"') }
    ? '' : $@;

ok t_cmp($error, qr/^Listener does not come up:\nno idea\n/, 'why not');
$error = eval { Listener->new(tried => 1, script => '#');
                1 } ? '' : $@;
ok t_cmp($error, qr/does not come up:\n at /, 'also without a word');
