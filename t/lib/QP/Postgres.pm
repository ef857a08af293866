# SPDX-License-Identifier: Apache-2.0
package QP::Postgres;

use strict;
use warnings FATAL => 'all';

use parent qw(QP::Daemon);

use Carp qw(croak);
use QP::Server ();

# The newest that is installed.
sub find_program {
    my ($name) = @_;
    my ($file) = sort { ($b =~ /(\d+)/)[0] <=> ($a =~ /(\d+)/)[0] }
        glob "/usr/lib/postgresql/*/bin/$name";

    return $file;
}

# Whether it can be started.
sub is_there {
    return defined find_program('postgres')
        && ($> != 0 || defined getpwnam 'postgres');
}

# It refuses to run as root.
sub as_user {
    my (@command) = @_;

    return @command if $> != 0;
    return (qw(setpriv --reuid=postgres --regid=postgres --clear-groups --),
            @command);
}

sub run {
    my ($self, @command) = @_;

    $self->spawn(as_user(@command));
    waitpid delete $self->{pid}, 0;
    croak "$command[0]: " . $self->said if $? != 0;
    return;
}

sub prepare {
    my ($self) = @_;
    my $data = "$self->{dir}/data";
    my @user = $> == 0 ? (getpwnam 'postgres')[2, 3] : ($>, -1);

    mkdir $data, 0700 or croak "$data: $!";
    chown @user, $data or croak "$data: $!";
    $self->run(find_program('initdb'), '-D', $data, qw(-A scram-sha-256),
               '--pwfile', $self->password_file, qw(-U admin -E UTF8),
               qw(--no-locale --no-sync --no-instructions));
    return;
}

sub password_file {
    my ($self) = @_;
    my $file = "$self->{dir}/password";

    QP::Server::write_file($file, "adminpw\n");
    return $file;
}

# Nothing has to survive. SIGINT: it does not wait for its clients.
sub command {
    my ($self) = @_;

    return as_user(find_program('postgres'), '-D', "$self->{dir}/data",
                   '-c', 'listen_addresses=127.0.0.1', '-p', $self->{port},
                   '-c', 'unix_socket_directories=', qw(-c fsync=off));
}

sub end_signal { return 'INT' }

# Whether it answers queries already.
sub is_up { return eval { $_[0]->sql('SELECT 1'); 1 } }

# Runs statements as its administrator.
sub sql {
    my ($self, $text) = @_;

    local $ENV{PGPASSWORD} = 'adminpw';
    open my $out, '-|', 'psql', '-qAtX', '-h', '127.0.0.1', '-p',
        $self->{port}, '-U', 'admin', '-v', 'ON_ERROR_STOP=1', '-c', $text,
        'postgres' or croak "psql: $!";
    local $/;
    my $said = <$out>;

    close $out or croak "psql: $?";
    return $said;
}

1;

__END__

=head1 NAME

QP::Postgres - a PostgreSQL for a test

=head1 SYNOPSIS

    if (QP::Postgres::is_there()) {
        my $postgres = QP::Postgres->new;

        $postgres->sql('CREATE TABLE users (name text)');
        $postgres->port;
    }

=head1 DESCRIPTION

A L<QP::Daemon> with a database cluster of its own, whose administrator is
C<admin> with the password C<adminpw>; the database is C<postgres>. When root
runs the test, it runs as the user C<postgres>.
