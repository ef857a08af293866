# SPDX-License-Identifier: Apache-2.0
package QP::Tls;

use strict;
use warnings FATAL => 'all';

use Carp qw(croak);
use File::Temp ();
use QP::Server;

# Makes a folder with a CA.
sub new {
    my ($class) = @_;
    my $self = bless { dir => File::Temp->newdir }, $class;

    chmod 0755, $self->dir or croak $self->dir . ": $!";
    $self->request('ca', 'Test CA', '-x509', '-days', 30);
    return $self;
}

sub dir { return $_[0]{dir}->dirname }
sub ca  { return $_[0]->dir . '/ca.pem' }

sub openssl {
    my ($self, @args) = @_;

    open my $old, '>&', \*STDERR or croak $!;
    open STDERR, '>', '/dev/null' or croak $!;
    my $rc = system 'openssl', @args;
    open STDERR, '>&', $old or croak $!;
    croak "openssl @args: failed" if $rc != 0;
    return;
}

sub request {
    my ($self, $file, $name, @args) = @_;
    my $path = $self->dir . "/$file";

    $self->openssl(qw(req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes),
                   '-subj', "/CN=$name", '-keyout', "$path.key", '-out',
                   "$path.pem", @args);
    return $path;
}

# A certificate of the CA; again for a name: another one in its place. Returns
# the names of its file and its key's.
sub certificate {
    my ($self, $name) = @_;
    my $path = $self->request("$name.new", $name);
    my $ca = $self->dir . '/ca';
    my $final = $self->dir . "/$name";

    $self->openssl(qw(x509 -req -days 30), '-in', "$path.pem", '-out',
                   "$path.crt", '-CA', "$ca.pem", '-CAkey', "$ca.key",
                   '-set_serial', 1 + int rand 1 << 30);
    rename "$path.crt", "$final.pem" or croak "$final.pem: $!";
    rename "$path.key", "$final.key" or croak "$final.key: $!";
    unlink "$path.pem";
    return ("$final.pem", "$final.key");
}

# A certificate for a client: SUBJECT as openssl takes it, "/CN=joe", SAN as
# "email:joe@example.org", or undef; as certificate() else.
sub client_certificate {
    my ($self, $name, $subject, $san) = @_;
    my $ca = $self->dir . '/ca';
    my $path = $self->request($name, '', '-subj', $subject, qw(-x509 -days 30),
                              '-CA', "$ca.pem", '-CAkey', "$ca.key",
                              $san ? ('-addext', "subjectAltName=$san") : ());

    return ("$path.pem", "$path.key");
}

# Lines for the whole server.
sub conf {
    my $libexec = QP::Server::libexecdir();

    return <<"END";
LoadModule socache_shmcb_module "$libexec/mod_socache_shmcb.so"
LoadModule ssl_module "$libexec/mod_ssl.so"
SSLSessionCache shmcb:\@DIR\@/run/scache(512000)
END
}

# Lines for a virtual host with a certificate for a name.
sub vhost {
    my ($self, $name) = @_;
    my ($file, $key) = $self->certificate($name);

    return <<"END";
SSLEngine on
SSLCertificateFile "$file"
SSLCertificateKeyFile "$key"
END
}

# What httpd needs for a further port, with TLS from the first octet on and the
# config folder of the server; TEXT is for its virtual host.
sub implicit {
    my ($self, $port, $text) = @_;
    my $dir = QP::Server::builddir();

    return $self->conf . <<"END";
Listen 127.0.0.1:$port smtp
<VirtualHost 127.0.0.1:$port>
ServerName mx.example.org
QpsmtpdEngine On
QpsmtpdConfigDir "\@DIR\@/config"
QpsmtpdPluginDirs "$dir/lib/plugins"
${text}QpsmtpdTLS implicit
</VirtualHost>
END
}

# What s_client prints, fed with lines; all of TLS is openssl's.
sub s_client {
    my ($self, $port, $lines, @args) = @_;
    my $text = join '', map {"$_\n"} @$lines;
    my $input = $self->dir . '/input';

    QP::Server::write_file($input, $text);
    my $command = join ' ', 'timeout 20 openssl s_client -connect',
        "127.0.0.1:$port -crlf -ign_eof -CAfile", $self->ca, @args;
    my $said = qx($command <$input 2>&1) =~ s/\r//gr;

    return $said;
}

1;

__END__

=head1 NAME

QP::Tls - certificates, and what httpd and openssl need to use them

=head1 SYNOPSIS

    my $tls = QP::Tls->new;
    my $server = QP::Server->new(
        httpd => QP::Tls->conf,
        vhost => $tls->vhost('mx.example.org') . 'QpsmtpdTLS required',
    )->start;
    my $client = $server->client->hello;

    $client->expect(220, 'STARTTLS');
    ok $client->start_tls(SSL_ca_file => $tls->ca);

=head1 METHODS

new, dir, ca, certificate(NAME), client_certificate(NAME, SUBJECT, SAN), conf,
vhost(NAME), implicit(PORT, TEXT),
s_client(PORT, [LINE...], ARGUMENT...). The folder goes with the object.

=cut
