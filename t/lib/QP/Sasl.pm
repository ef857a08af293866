# SPDX-License-Identifier: Apache-2.0
package QP::Sasl;

use strict;
use warnings FATAL => 'all';

use Digest::MD5 ();
use Digest::SHA qw(hmac_sha256 sha256);
use MIME::Base64 qw(decode_base64 encode_base64);
use QP::Server;
use QP::Tls;

# A server with TLS, "required" or "implicit", and with users, NAME:PASSWORD. It
# logs as much as it can, and bears any number of mistakes.
sub server {
    my ($tls, $mode, @users) = @_;

    return QP::Server->new(
        loglevel => 'trace8', plugins => ['auth/auth_flat_file', 'rcpt_ok'],
        config => { auth_delay => '0', max_errors => 0, max_auth_errors => 0,
                    flat_auth_pw => \@users },
        listen => $mode eq 'implicit' ? 'https' : 'smtp',
        vhost => $tls->vhost('localhost') . "QpsmtpdTLS $mode\n",
        httpd => QP::Tls->conf, expected => [qr/AH01909/])->start;
}

sub b64 { return encode_base64($_[0], '') }

# PBKDF2 with one block (RFC 8018 5.2).
sub salted {
    my ($password, $salt, $rounds) = @_;
    my $u = hmac_sha256($salt . pack('N', 1), $password);
    my $sum = $u;

    for (2 .. $rounds) {
        $u = hmac_sha256($u, $password);
        $sum ^= $u;
    }
    return $sum;
}

# What a server stores (RFC 5803).
sub verifier {
    my ($password) = @_;
    my ($salt, $rounds) = ('0123456789abcdef', 4096);
    my $salted = salted($password, $salt, $rounds);

    return join '', "SCRAM-SHA-256\$$rounds:", b64($salt), '$',
        b64(sha256(hmac_sha256('Client Key', $salted))), ':',
        b64(hmac_sha256('Server Key', $salted));
}

# HMAC-MD5 in hexadecimal digits (RFC 2104).
sub hmac_md5 {
    my ($data, $key) = @_;

    $key = Digest::MD5::md5($key) if length $key > 64;
    $key .= "\0" x (64 - length $key);
    return Digest::MD5::md5_hex(
        ($key ^ "\x5c" x 64) . Digest::MD5::md5(($key ^ "\x36" x 64) . $data));
}

# What identifies the client's TLS channel (RFC 9266).
sub channel {
    my ($client) = @_;

    return Net::SSLeay::export_keying_material(
        $client->socket->_get_ssl_object, 32, 'EXPORTER-Channel-Binding', '');
}

# SCRAM, as it should be or with faults: "header" of GS2, "binding" to the
# channel, "first" and "final" change messages before they are sent.
sub scram {
    my ($client, $mech, $user, $password, %fault) = @_;
    my $header = $fault{header} // 'n,,';
    my $bare = "n=$user,r=clientnonce";
    my $first = $fault{first} ? $fault{first}->("$header$bare")
        : "$header$bare";
    my $reply = $client->cmd("AUTH $mech " . (b64($first) || '='));

    return $reply if $reply !~ /^334 (\S+)/;
    my $challenge = decode_base64($1);
    my ($nonce, $salt, $rounds) = $challenge =~ /^r=(.*),s=(.*),i=(\d+)$/;
    my $final = 'c=' . b64($header . ($fault{binding} // '')) . ",r=$nonce";
    my $salted = salted($password, decode_base64($salt), $rounds);
    my $key = hmac_sha256('Client Key', $salted);
    my $message = "$bare,$challenge,$final";
    my $proof = $key ^ hmac_sha256($message, sha256($key));
    my $last = "$final,p=" . b64($proof);

    $reply = $client->cmd(b64($fault{final} ? $fault{final}->($last) : $last));
    return $reply if $reply !~ /^334 (\S+)/;
    my $wanted = hmac_sha256($message, hmac_sha256('Server Key', $salted));

    return 'the server does not prove itself'
        if decode_base64($1) ne 'v=' . b64($wanted);
    return $client->cmd('');
}

# {TEXT} is base64 of it, with | for NUL and ^ for ^A.
sub expand {
    my ($lines) = @_;

    return $lines =~ s/\{([^}]*)\}/b64($1 =~ tr{|^}{\0\1}r)/ger;
}

# What octets look like in clear, in hexadecimal digits, and within base64.
sub forms {
    my ($octets) = @_;
    my @forms = (quotemeta $octets, unpack 'H*', $octets);

    for my $before (0 .. 2) {
        my $text = encode_base64(('x' x $before) . $octets, '');

        # Digits that have bits of something else do not count.
        my $from = int((8 * $before + 5) / 6);
        my $to = int(8 * ($before + length $octets) / 6);

        push @forms, quotemeta substr $text, $from, $to - $from;
    }
    my $any = join '|', @forms;

    return qr/$any/i;
}

# Logs in. Returns the last reply.
sub login {
    my ($client, $mech, $user, $password) = @_;

    if ($mech eq 'PLAIN') {
        return $client->cmd('AUTH PLAIN ' . b64("\0$user\0$password"));
    }
    return scram(@_) if $mech =~ /^SCRAM/;
    my $reply = $client->cmd("AUTH $mech");

    return $reply if $reply !~ /^334 (\S+)/;
    if ($mech eq 'LOGIN') {
        $reply = $client->cmd(b64($user));
        return $reply =~ /^334/ ? $client->cmd(b64($password)) : $reply;
    }
    return $client->cmd(
        b64("$user " . hmac_md5(decode_base64($1), $password)));
}

1;

__END__

=head1 NAME

QP::Sasl - the client's side of AUTH

=head1 SYNOPSIS

    my $reply = QP::Sasl::login($client, 'SCRAM-SHA-256', 'joe', 'secret');

=head1 DESCRIPTION

C<login> does a whole exchange with PLAIN, LOGIN, CRAM-MD5 or SCRAM-SHA-256, and
returns the last reply. With SCRAM the server's proof is checked; C<scram> can
make mistakes. C<verifier> makes what a server stores for SCRAM. C<expand> makes
lines of a text with base64, C<forms> a regex that finds a secret in a log;
C<server> starts a server with TLS.
