# SPDX-License-Identifier: Apache-2.0
package QP::Introspection;

use strict;
use warnings FATAL => 'all';

use parent qw(QP::Fake);

use IO::Socket::SSL ();
use QP::Sasl ();
use QP::Server ();
use QP::Tls ();

# With the certificate of a QP::Tls.
sub new {
    my ($class, $tls) = @_;
    my ($cert, $key) = $tls->certificate('localhost');

    return $class->SUPER::new(cert => $cert, key => $key);
}

sub url { return 'https://localhost:' . $_[0]->port . '/introspect' }

# From now on it answers this: an object of JSON, and maybe another status and
# header fields; or a way to misbehave.
sub says {
    my ($self, $json, $status, @fields) = @_;

    @fields = ('Content-Type: application/json') if !@fields;
    return $self->will(join "\r\n", 'HTTP/1.1 ' . ($status // '200 OK'),
        @fields, 'Content-Length: ' . length $json, '', $json);
}

# A server, not started, whose plugin has these options and asks it; it logs as
# much as it can.
sub server {
    my ($self, $tls, $options) = @_;

    return QP::Server->new(
        plugins => ['auth/oauth2 ' . $self->url . " $options", 'rcpt_ok'],
        config => { auth_delay => '0', max_errors => 0, max_auth_errors => 0 },
        loglevel => 'trace8', httpd => QP::Tls->conf,
        vhost => $tls->vhost('localhost'), expected => [qr/AH01909/]);
}

# Logs in by OAUTHBEARER. Returns the last reply, and the error in a challenge.
sub login {
    my ($client, $token, $user) = @_;
    my $wanted = defined $user ? "a=$user" : '';

    $client->expect(250, 'EHLO c.example');
    my $reply = $client->cmd('AUTH OAUTHBEARER '
        . QP::Sasl::b64("n,$wanted,\1auth=Bearer $token\1\1"));

    return $reply if $reply !~ /^334 (.*)/;
    my $error = MIME::Base64::decode_base64($1);

    return wantarray ? ($client->cmd('AQ=='), $error) : $client->cmd('AQ==');
}

# The requests since then.
sub asked { return $_[0]->texts('asked') }

sub serve {
    my ($self, $client, $mode) = @_;

    return $self->note('left') if $mode eq 'eof';
    IO::Socket::SSL->start_SSL(
        $client, SSL_server => 1, SSL_cert_file => $self->{cert},
        SSL_key_file => $self->{key}) or return $self->note('no_tls');
    my $request = '';

    while (my $line = <$client>) {
        $request .= $line;
        last if $line eq "\r\n";
    }
    my ($len) = $request =~ /^Content-Length: (\d+)/mi;

    read $client, my $body, $len // 0;
    $self->note('asked', $request . ($body // ''));
    if ($mode eq 'flood') {
        print {$client} "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            . "\r\n[";
    }
    return if $self->misbehave($client, $mode);
    return print {$client} $mode;
}

1;

__END__

=head1 NAME

QP::Introspection - a stand-in for a token introspection endpoint (RFC 7662)

=head1 SYNOPSIS

    my $endpoint = QP::Introspection->new(my $tls = QP::Tls->new);

    $endpoint->says('{"active":true,"username":"joe","scope":"mail"}');
    my $server = $endpoint->server($tls, 'scope mail ca_file ' . $tls->ca);
    my ($reply, $error) = QP::Introspection::login($client, 'token');
    my @requests = $endpoint->asked;

    $endpoint->will('mute');            # as any QP::Fake
