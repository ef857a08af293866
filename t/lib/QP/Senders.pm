# SPDX-License-Identifier: Apache-2.0
package QP::Senders;

use strict;
use warnings FATAL => 'all';

use Carp qw(croak);
use POSIX ();
use QP::Client ();
use QP::Server ();
use Time::HiRes ();

use constant LINE => 'x' x 60 . "\n";

# Processes that send messages until they are told to stop. Each message has an
# id of its own; those of the messages that were answered 250 are written down.
sub start {
    my ($class, $server, $count) = @_;
    my $self = bless { server => $server, stop => $server->dir . '/stop',
                       acked => $server->dir . '/acked', pids => [],
                       owner => $$ }, $class;

    for my $sender (1 .. $count) {
        my $pid = fork // croak "fork: $!";

        if (!$pid) {
            $self->send_all($sender);
            POSIX::_exit(0);
        }
        push @{ $self->{pids} }, $pid;
    }
    return $self;
}

# A test that dies says nothing, but is gone.
sub is_over {
    my ($self) = @_;

    return -e $self->{stop} || getppid != $self->{owner};
}

# Connections that break, or are refused, are made anew.
sub send_all {
    my ($self, $sender) = @_;
    my $n = 0;

    open my $out, '>>', $self->{acked} or die "$self->{acked}: $!";
    while (!$self->is_over) {
        eval {
            my $client = QP::Client->new(port => $self->{server}->port,
                                         timeout => 10);

            $client->hello;
            while (!$self->is_over) {
                my $id = "m-$sender-" . ++$n . '-';

                # Every other one goes through a file in spool_dir.
                my $reply = $client->send_message('a@b.example',
                    'user@example.org', "Subject: $id\n\n"
                        . LINE x ($n % 2 ? 100 : 2000) . "the end\n");

                syswrite $out, "$id\n" if $reply =~ /^250/;
            }
        };
        Time::HiRes::sleep(0.01);
    }
    return;
}

sub acked { return split /\n/, QP::Server::slurp($_[0]{acked}) }

# Waits until so many more have been answered 250.
sub wait_more {
    my ($self, $more) = @_;
    my $before = () = $self->acked;

    return $self->{server}->poll(sub { $self->acked >= $before + $more });
}

sub finish {
    my ($self) = @_;

    QP::Server::write_file($self->{stop}, '');
    waitpid $_, 0 for @{ $self->{pids} };
    return $self;
}

# What is wrong with what is in the Maildir; nothing: "".
sub count_mail {
    my ($self) = @_;
    my (%found, %wrong);

    for my $text ($self->{server}->messages) {
        $found{$1}++ if $text =~ /^Subject: (m-\S+)/m;
        $wrong{cut}++ if $text !~ /\nthe end\n\z/;
    }
    $wrong{lost} = grep { !$found{$_} } $self->acked;
    $wrong{twice} = grep { $_ > 1 } values %found;
    return join ' ', map {"$wrong{$_} $_"} grep { $wrong{$_} } sort keys %wrong;
}

1;

__END__

=head1 NAME

QP::Senders - load of which each message is known

=head1 SYNOPSIS

    my $senders = QP::Senders->start($server, 6);

    $senders->wait_more(100);
    ...                                  # what should not harm
    $senders->wait_more(100);
    $senders->finish;
    is $senders->count_mail, '', 'nothing is lost, twice or cut';

=head1 METHODS

start(SERVER, COUNT), acked, wait_more(COUNT), finish, count_mail.

=cut
