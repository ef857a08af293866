# SPDX-License-Identifier: Apache-2.0
package QP::Sasl;

use strict;
use warnings FATAL => 'all';

use Digest::MD5 ();
use Digest::SHA qw(hmac_sha256 sha256);
use MIME::Base64 qw(decode_base64 encode_base64);

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

sub scram {
    my ($client, $mech, $user, $password) = @_;
    my $bare = "n=$user,r=clientnonce";
    my $reply = $client->cmd("AUTH $mech " . b64("n,,$bare"));

    return $reply if $reply !~ /^334 (\S+)/;
    my $challenge = decode_base64($1);
    my ($nonce, $salt, $rounds) = $challenge =~ /^r=(.*),s=(.*),i=(\d+)$/;
    my $final = "c=biws,r=$nonce";
    my $salted = salted($password, decode_base64($salt), $rounds);
    my $key = hmac_sha256('Client Key', $salted);
    my $message = "$bare,$challenge,$final";
    my $proof = $key ^ hmac_sha256($message, sha256($key));

    $reply = $client->cmd(b64("$final,p=" . b64($proof)));
    return $reply if $reply !~ /^334 (\S+)/;
    my $wanted = hmac_sha256($message, hmac_sha256('Server Key', $salted));

    return 'the server does not prove itself'
        if decode_base64($1) ne 'v=' . b64($wanted);
    return $client->cmd('');
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
returns the last reply. With SCRAM the server's proof is checked. C<verifier>
makes what a server stores for SCRAM.
