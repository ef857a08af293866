# SPDX-License-Identifier: Apache-2.0
package QP::Fake;

use strict;
use warnings FATAL => 'all';

use File::Temp ();
use IO::Poll qw(POLLHUP);
use IO::Socket::INET ();
use IO::Socket::UNIX ();
use POSIX ();
use QP::Server;

sub new {
    my ($class, %arg) = @_;
    my $self = bless { dir => File::Temp->newdir, owner => $$, %arg }, $class;
    my $listener = $self->{unix} ? $self->listen_unix : $self->listen_tcp;

    $self->{pid} = fork // die $!;
    $self->accept_all($listener) if !$self->{pid};
    POSIX::setpgid($self->{pid}, $self->{pid});
    return $self;
}

sub listen_tcp {
    my ($self) = @_;
    my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
                                         Listen => 100) or die $@;

    $self->{port} = $listener->sockport;
    return $listener;
}

# Everybody may connect: httpd's children are another user.
sub listen_unix {
    my ($self) = @_;

    $self->{path} = "$self->{dir}/socket";
    my $listener = IO::Socket::UNIX->new(Local => $self->{path},
                                         Listen => 100) or die $!;

    chmod 0755, "$self->{dir}" or die $!;
    chmod 0777, $self->{path} or die $!;
    return $listener;
}

sub DESTROY {
    my ($self) = @_;
    local $?;

    return if $self->{owner} != $$;
    kill 'TERM', -$self->{pid};
    waitpid $self->{pid}, 0;
    return;
}

sub port { return $_[0]{port} }
sub path { return $_[0]{path} }

sub spurt {
    my ($self, $name, $text) = @_;

    open my $out, '>:raw', "$self->{dir}/.new.$$" or die $!;
    print {$out} $text or die $!;
    close $out or die $!;
    return rename "$self->{dir}/.new.$$", "$self->{dir}/$name";
}

# From now on connections are served in this way.
sub will {
    my ($self, $mode) = @_;

    unlink grep { !-S $_ } glob "$self->{dir}/*";
    return $self->spurt('mode', $mode);
}

# Files that were left since then by note(): their names, or their texts.
sub notes {
    my ($self, $name) = @_;
    my @files = glob "$self->{dir}/$name.*";

    return @files;
}

sub texts { return map { QP::Server::slurp($_) } $_[0]->notes($_[1]) }

# In a connection: leaves a file.
sub note { return $_[0]->spurt("$_[1].$$", $_[2] // 'x') }

sub accept_all {
    my ($self, $listener) = @_;

    POSIX::setpgid(0, 0);
    $SIG{CHLD} = 'IGNORE';
    $SIG{TERM} = 'DEFAULT';
    $SIG{PIPE} = 'IGNORE';
    while (1) {
        my $client = $listener->accept or next;

        next if fork;
        $self->serve($client, QP::Server::slurp("$self->{dir}/mode"));
        close $client;
        POSIX::_exit(0);
    }
}

sub serve {
    my ($self, $client, $mode) = @_;

    return $self->{serve}->($self, $client, $mode);
}

# The other side has shut its sending side, or closed; until it has closed.
sub wait_for_close {
    my ($client) = @_;
    my $poll = IO::Poll->new;

    $poll->mask($client => POLLHUP);
    $poll->poll(60);
    return;
}

# The ways in which any service can go wrong. Returns whether it was one.
sub misbehave {
    my ($self, $client, $mode) = @_;

    if ($mode eq 'flood') {
        1 while print {$client} 'x' x 65536;
    }
    elsif ($mode eq 'dribble') {
        1 while syswrite($client, 'x') && !select undef, undef, undef, 0.05;
    }
    elsif ($mode eq 'mute') {
        $self->note('waits');
        1 while sysread $client, my $octets, 65536;
        wait_for_close($client) if $self->{unix};
    }
    elsif ($mode ne 'eof') {
        return 0;
    }
    $self->note('left');
    return 1;
}

1;

__END__

=head1 NAME

QP::Fake - a service that answers tests as it is told

=head1 SYNOPSIS

    my $fake = QP::Fake->new(serve => sub {
        my ($fake, $client, $mode) = @_;

        return if $fake->misbehave($client, $mode);
        print {$client} "$mode\n";
    });

    $fake->will('hello');
    # ... let something connect to 127.0.0.1 and $fake->port
    ok scalar $fake->notes('left');

=head1 DESCRIPTION

A process of its own on a free port of 127.0.0.1, or with C<unix =E<gt> 1> on a
socket C<path>, and one more for each connection; it ends with the object. What
C<serve> does with a connection is up to the test; C<will> tells it what to do
in the connections that come. C<note(NAME, TEXT)> leaves a file for the test.

C<misbehave> knows the modes C<eof> (closes at once), C<mute> (reads and says
nothing, until the other side has left), C<dribble> (an octet now and then) and
C<flood> (octets without end).

=cut
