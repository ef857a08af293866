# SPDX-License-Identifier: Apache-2.0
package QP::Spamd;

use strict;
use warnings FATAL => 'all';

use parent qw(QP::Daemon);

use Carp qw(croak);
use IO::Socket::INET ();
use IO::Socket::UNIX ();
use QP::Server ();

# No other plugins and rules, so nothing that asks the network.
my $PRE = "loadplugin Mail::SpamAssassin::Plugin::Check\n";
my $STATUS = '_YESNO_, score=_SCORE_ required=_REQD_ tests=_TESTS_ '
    . 'autolearn=_AUTOLEARN_';
my $RULES = <<"END";
use_bayes 0
required_score 5.0
report_safe 0
body QP_PILLS /buy the pills/i
score QP_PILLS 6.5
body QP_WORSE /many more pills/i
score QP_WORSE 10
header QP_RECEIVED Received =~ /by mx\\.example\\.org/
score QP_RECEIVED 0.7
header QP_SENDER EnvelopeFrom =~ /spammer\\\@/
score QP_SENDER 2.25
add_header all Status "$STATUS"
add_header all Level _STARS(*)_
END

sub wants_port { return $_[0]{tcp} }

sub prepare {
    my ($self) = @_;

    $self->{path} = "$self->{dir}/spamd.sock";
    mkdir "$self->{dir}/$_" or croak $! for qw(rules site home);
    QP::Server::write_file("$self->{dir}/site/test.pre", $PRE);
    QP::Server::write_file("$self->{dir}/rules/test.cf", $RULES);
    return;
}

sub command {
    my ($self) = @_;
    my @where = $self->{tcp}
        ? ("--listen=127.0.0.1:$self->{port}")
        : ("--socketpath=$self->{path}", '--socketmode=0666');

    return ('spamd', '--local', '--nouser-config', '--max-children=2',
            '--min-children=1', "--syslog=$self->{dir}/log",
            "--configpath=$self->{dir}/rules",
            "--siteconfigpath=$self->{dir}/site",
            "--pidfile=$self->{dir}/pid",
            "--helper-home-dir=$self->{dir}/home", @where,
            $> == 0 ? '--username=nobody' : ());
}

sub logs { return "$_[0]{dir}/log" }

sub is_up {
    my ($self) = @_;
    my $socket = $self->{tcp}
        ? IO::Socket::INET->new(PeerAddr => "127.0.0.1:$self->{port}")
        : IO::Socket::UNIX->new(Peer => $self->{path});

    return 0 if !$socket;
    print {$socket} "PING SPAMC/1.4\r\n\r\n";
    shutdown $socket, 1;
    return (readline($socket) // '') =~ /PONG/;
}

sub path { return $_[0]{path} }

1;

__END__

=head1 NAME

QP::Spamd - SpamAssassin's spamd with a few rules, for tests

=head1 SYNOPSIS

    my $spamd = QP::Spamd->new;             # or (tcp => 1)

    # ... spamd_socket $spamd->path, or 127.0.0.1:PORT
    print $spamd->said;

=head1 DESCRIPTION

A L<QP::Daemon>. Rules: "buy the pills" 6.5, "many more pills" 10, a Received of
mx.example.org 0.7, an envelope sender spammer@ 2.25; 5.0 is spam. It asks no
network.

=cut
