# SPDX-License-Identifier: Apache-2.0
package QP::Qmqp;

use strict;
use warnings FATAL => 'all';

use File::Temp ();
use IO::Socket::INET ();
use POSIX ();
use QP::Server;

sub new {
    my ($class) = @_;
    my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
                                         Listen => 100) or die $@;
    my $self = bless { dir => File::Temp->newdir, owner => $$,
                       port => $listener->sockport }, $class;

    $self->{pid} = fork // die $!;
    $self->accept_all($listener) if !$self->{pid};
    return $self;
}

sub DESTROY {
    my ($self) = @_;
    local $?;

    return if $self->{owner} != $$;
    kill 'TERM', $self->{pid};
    waitpid $self->{pid}, 0;
    return;
}

sub port { return $_[0]{port} }

sub encode { return length($_[0]) . ":$_[0]," }

# Reads one netstring; undef if there is none.
sub decode {
    my ($in) = @_;
    my ($len, $text, $octet) = ('', '', '');

    while (read $in, $octet, 1) {
        last if $octet eq ':';
        $len .= $octet;
    }
    return if $len !~ /^(?:0|[1-9]\d*)\z/ || read($in, $text, $len) != $len;
    return if !read($in, $octet, 1) || $octet ne ',';
    return $text;
}

sub spurt {
    my ($self, $name, $text) = @_;

    open my $out, '>:raw', "$self->{dir}/.new.$$" or die $!;
    print {$out} $text or die $!;
    close $out or die $!;
    return rename "$self->{dir}/.new.$$", "$self->{dir}/$name";
}

# From now on: "eof", "slow", or octets to be sent in answer to each package.
sub will {
    my ($self, $mode) = @_;

    unlink glob "$self->{dir}/*";
    return $self->spurt('mode', $mode);
}

# Notes of the connections since then: "got", "waits", "left".
sub notes { return glob "$_[0]{dir}/$_[1].*" }

# What was sent since then: [message, sender, recipient...] each.
sub packages {
    my ($self) = @_;
    my @packages;

    for my $file ($self->notes('got')) {
        my @parts;

        open my $in, '<:raw', $file or die $!;
        while (defined(my $part = decode($in))) {
            push @parts, $part;
        }
        push @packages, \@parts;
    }
    return @packages;
}

sub accept_all {
    my ($self, $listener) = @_;

    $SIG{CHLD} = 'IGNORE';
    $SIG{TERM} = 'DEFAULT';
    while (1) {
        my $client = $listener->accept or next;

        next if fork;
        $self->serve($client);
        close $client;
        POSIX::_exit(0);
    }
}

sub serve {
    my ($self, $client) = @_;
    my $mode = QP::Server::slurp("$self->{dir}/mode");

    return if $mode eq 'eof';
    my $package = decode($client) // return;

    $self->spurt("got.$$", $package);
    return print {$client} $mode if $mode ne 'slow';
    $self->spurt("waits.$$", 'x');
    read $client, my $octet, 1;
    return $self->spurt("left.$$", 'x');
}

1;

__END__

=head1 NAME

QP::Qmqp - a QMQP server for tests

=head1 SYNOPSIS

    my $qmqp = QP::Qmqp->new;

    $qmqp->will(QP::Qmqp::encode('Kok'));
    # ... send a message by way of 127.0.0.1 and $qmqp->port
    my ($message, $sender, @rcpts) = @{ ($qmqp->packages)[0] };

=head1 DESCRIPTION

A process of its own on a free port of 127.0.0.1, and one more for each
connection; it ends with the object. C<will("eof")> closes each connection at
once; C<will("slow")> never answers, makes C<notes("waits")> when it has a
message, and C<notes("left")> when the other side has then hung up.

=cut
