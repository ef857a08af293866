# SPDX-License-Identifier: Apache-2.0
# SCRAM-SHA-256 and CRAM-MD5 with a real client that makes one mistake at a
# time, on TLS by either way: one reply to each line, the session goes on, and
# no secret is in the log, at any level (R78 to R86; RFC 5802, RFC 9266).
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use MIME::Base64 qw(decode_base64);
use QP::Sasl;
use QP::Server;
use QP::Tls;

my $NFC = "j\303\274rg";

# What a client does: name, password, what is wrong, the code of the last reply.
my @scrams = (
    ['the right password', 'user', 'sesame', {}, 235],
    ['an authzid', 'user', 'sesame', { header => 'n,a=user,' }, 235],
    ['in UTF-8', $NFC, $NFC, {}, 235],
    ['a wrong one', 'user', 'wr0ng', {}, 535],
    ['decomposed', $NFC, "ju\314\210rg", {}, 535],
    ['another form of the name', "ju\314\210rg", $NFC, {}, 535],
    ['no UTF-8', "j\374rg", $NFC, {}, 535],
    ['nobody', 'nobody', 'sesame', {}, 535],
    ['somebody else', 'user', 'sesame', { header => 'n,a=other,' }, 535],
    ['no -PLUS offered, it says', 'user', 'sesame', { header => 'y,,' }, 535],
    ['bound, but not by -PLUS', 'user', 'sesame',
     { header => 'p=tls-exporter,,' }, 535],
);
# A message that is changed, as $_, before it is sent.
my @changes = (
    ['an extension', 535, first => sub { s/\z/,e=1/ }],
    ['another nonce', 535, final => sub { s/r=client/r=Client/ }],
    ['a shorter nonce', 535, final => sub { s/(r=.*).,p/$1,p/ }],
    ['a longer nonce', 535, final => sub { s/,p/x,p/ }],
    ['its own nonce only', 535, final => sub { s/r=.*?,/r=clientnonce,/ }],
    ['another header', 535, final => sub { s/biws/eSws/ }],
    ['a longer header', 535, final => sub { s/biws/biwsAAAA/ }],
    ['another proof', 535, final => sub { s/p=.*/'p=' . 'A' x 43 . '='/e }],
    ['a shorter proof', 501, final => sub { s/p=..../p=/ }],
    ['a longer proof', 501, final => sub { s/p=/p=AAAA/ }],
    ['no proof', 501, final => sub { s/,p=.*// }],
    ['something behind it', 501, final => sub { s/\z/,x=1/ }],
    ['another order', 501, final => sub { s/(c=.*),(r=.*),p/$2,$1,p/ }],
    ['nothing', 501, final => sub { $_ = '' }],
    ['a NUL at last', 501, final => sub { s/,p/\0,p/ }],
    ['a NUL at first', 501, first => sub { s/user/us\0er/ }],
    ['an extension that must be known', 501,
     first => sub { s/n=user/m=1,n=user/ }],
    ['a name with =', 501, first => sub { s/user/us=er/ }],
    ['no name', 535, first => sub { s/n=user/n=/ }],
    ['no nonce', 501, first => sub { s/r=.*/r=/ }],
    ['no header', 501, first => sub { s/n,,// }],
    ['half a header', 501, first => sub { s/n,,/n,/ }],
    ['another letter', 501, first => sub { s/n,,/x,,/ }],
    ['nothing at first', 501, first => sub { $_ = '' }],
);
my @pluses = (
    ['bound', 'user', 'sesame', { bound => 32 }, 235],
    ['bound, a wrong password', 'user', 'wr0ng', { bound => 32 }, 535],
    ['to another channel', 'user', 'sesame', { binding => 'x' x 32 }, 535],
    ['to a part of it', 'user', 'sesame', { bound => 31 }, 535],
    ['bound to nothing', 'user', 'sesame', {}, 535],
    ['of an unknown type', 'user', 'sesame',
     { header => 'p=tls-unique,,', bound => 32 }, 535],
    ['not bound', 'user', 'sesame', { header => 'n,,' }, 535],
);
my @crams = (
    ['the right password', sub {}, 235],
    ['in capitals', sub { s/(\S+)\z/uc $1/e }, 235],
    ['another digest', sub { s/(\S+)\z/$1 =~ tr{0-9a-f}{1-9a-f0}r/e }, 535],
    ['somebody else', sub { s/user/User2/ }, 535],
    ['a digit less', sub { s/.\z// }, 501],
    ['a digit more', sub { s/\z/0/ }, 501],
    ['no digit', sub { s/.\z/x/ }, 501],
    ['no blank', sub { s/ // }, 501],
    ['a NUL', sub { s/user/user\0/ }, 501],
);

plan tests => 2 * (@scrams + @changes + @pluses + @crams + 1), QP::Server->need(
    qw(plugins/auth/auth_flat_file plugins/rcpt_ok ssl socache_shmcb));

my $tls = QP::Tls->new;
my ($right, $wrong) = map { QP::Sasl::forms($_) } qw(sesame wr0ng);

sub plus {
    my ($client, $user, $password, $fault) = @_;
    my $bound = $fault->{bound} ? QP::Sasl::channel($client) : '';

    return QP::Sasl::scram($client, 'SCRAM-SHA-256-PLUS', $user, $password,
                           header  => 'p=tls-exporter,,',
                           binding => substr($bound, 0, $fault->{bound} // 0),
                           %$fault);
}

sub cram {
    my ($client, $change) = @_;
    my $ticket = decode_base64($client->cmd('AUTH CRAM-MD5') =~ s/^334 //r);

    local $_ = 'user ' . QP::Sasl::hmac_md5($ticket, 'sesame');
    $change->();
    return $client->cmd(QP::Sasl::b64($_));
}

for my $mode (qw(required implicit)) {
    my $server = QP::Sasl::server($tls, $mode, 'user:sesame', "$NFC:$NFC");
    my $client = $server->tls_client($mode);
    my $check = sub {
        my ($name, $code, $talk) = @_;

        $client->expect(250, 'EHLO client.example');
        my $reply = $talk->();

        $client->expect(250, 'NOOP');
        ok t_cmp($reply, qr/^$code /, "$mode: $name");
        $client = $server->tls_client($mode) if $code == 235;
    };

    for my $case (@scrams) {
        my ($name, $user, $password, $fault, $code) = @$case;
        my @args = ('SCRAM-SHA-256', $user, $password, %$fault);

        $check->($name, $code, sub { QP::Sasl::scram($client, @args) });
    }
    for my $case (@changes) {
        my ($name, $code, $message, $change) = @$case;
        my @args = (qw(SCRAM-SHA-256 user sesame), $message => sub {
            local $_ = $_[0];
            $change->();
            return $_;
        });

        $check->($name, $code, sub { QP::Sasl::scram($client, @args) });
    }
    for my $case (@pluses) {
        my ($name, @args) = @$case;

        $check->($name, pop @args, sub { plus($client, @args) });
    }
    for my $case (@crams) {
        my ($name, $change, $code) = @$case;

        $check->($name, $code, sub { cram($client, $change) });
    }
    $server->stop;
    ok !grep({ $_ =~ $right || $_ =~ $wrong } $server->log_lines),
        "$mode: no secret in the log";
}
