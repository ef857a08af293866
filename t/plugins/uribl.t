# SPDX-License-Identifier: Apache-2.0
# uribl against a real name server: links to listed domains, hidden or not.
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Dns;
use QP::Server;

plan tests => 26, QP::Server->need('plugins/uribl', 'bin/nsd');

my $dns = QP::Dns->new;

sub start {
    my ($arguments, %config) = @_;

    return QP::Server->new(
        plugins => ['relay', "uribl $arguments", 'rcpt_ok',
                    'queue/maildir @MAILDIR@'],
        config  => { dns_servers => $dns->address, dns_timeout => '1s',
                     relayclients => ['127.0.0.9'],
                     rcpthosts => ['example.org'], uribl_zones => ['uri.test'],
                     %config })->start;
}

# The answer to a message with this body.
sub reply {
    my ($server, $body, $header, @more) = @_;
    my $client = $server->client(@more)->hello;
    my $reply = $client->send_message('s@example.net', 'r@example.org',
                                      ($header // "Subject: x\n") . "\n$body");

    $client->close;
    return $reply;
}

my $server = start('');

# With add-header the field tells what was found.
sub field {
    my (@message) = @_;
    my %old = map { $_ => 1 } $server->messages;

    my $reply = reply($server, @message);

    return $reply if $reply !~ /^250 /;
    my ($new) = grep { !$old{$_} } $server->messages;
    my @fields = $new =~ /^X-URIBL-Match: (.*)$/mg;

    return join '|', @fields;
}

ok t_cmp(field("see http://bad.com/\n"),
         'bad.com is listed by uri.test: a bad link', 'a link');
ok t_cmp(field("see http://www.a.b.c.bad.com/\n"),
         'bad.com is listed by uri.test: a bad link', 'a host of the domain');
ok t_cmp(field("http://x.bad.co.uk\n"), 'bad.co.uk is listed by uri.test',
         'a public suffix of two labels');
ok t_cmp(field("http://good.com/ http://co.uk/ http://com/\n"), '',
         'one that is not listed');
ok t_cmp(field("http://deep.good.com/\n"),
         'deep.good.com is listed by uri.test', 'a longer name that is');
ok t_cmp(field("ht=74p://b=\nad.com\n"), qr/^bad\.com is/, 'quoted-printable');
ok t_cmp(field("http://b%61d.com&#47;\n"), qr/^bad\.com is/, 'URL and HTML');
ok t_cmp(field("http://1.2.3.4/\n"),
         '4.3.2.1 is listed by uri.test: a bad address', 'an address');
ok t_cmp(field("http://16909060/ and http://0x1.0x2.772/\n"),
         qr/^4\.3\.2\.1 is/, 'the same in disguise');
ok t_cmp(field("http://limit.com/\n"), '', 'an error code is no listing');
ok t_cmp(field("http://bad.com http://bad.co.uk\n"),
         qr/^bad\.com is [^|]*\|bad\.co\.uk is/, 'two links');
ok t_cmp(field("text\n", "X-URIBL-Match: forged\n"), '', 'a field of others');
ok t_cmp(field("text\n", "Subject: http://bad.com\n"), '',
         'the header is not looked at');
ok defined $server->wait_log(qr/uribl: fail, bad\.com is listed by uri\.test/),
    'a listed link is logged';
ok defined $server->wait_log(qr/uribl: pass, none of 3 hosts is listed/),
    'and others';
ok defined $server->wait_log(qr/uribl: skip, no links/), 'and none';
ok t_cmp(field("http://bad.com\n", undef, local => '127.0.0.9'), '',
         'a relay client');
$server->set_config(uribl_whitelist_domains => ['bad.com']);
ok $server->poll(sub { field("http://x.bad.com/\n") eq '' }),
    'a whitelisted domain';
$server->set_config(uribl_zones => ['silent.fault.test', 'uri.test 4 deny']);
ok $server->poll(sub { reply($server, "http://bad.co.uk/\n")
                       =~ /^552 5\.7\.1 bad\.co\.uk is listed by uri\.test/ }),
    'deny, with a list that does not answer';
ok t_cmp(reply($server, "http://good.com/\n"), qr/^250 /, 'others go on');
$server->set_config(uribl_zones => ['uri.test 2 denysoft', 'uri.test 4 log']);
ok $server->poll(sub { reply($server, "http://1.2.3.4/\n") =~ /^452 / }),
    'denysoft';
ok t_cmp(field("http://deep.good.com/\n"), '', 'log');
$server->stop;

$server = start('action deny scan-headers yes checkip no');
ok t_cmp(reply($server, "text\n", "Subject: http://bad.com\n"),
         qr/^552 5\.7\.1 bad\.com is listed/, 'scan-headers');
ok t_cmp(reply($server, "http://1.2.3.4/\n"), qr/^250 /, 'checkip no');
my $many = join ' ', map {"http://n$_.com"} 1 .. 100;

ok t_cmp(reply($server, "$many http://bad.com\n"), qr/^250 /,
         'no more than max-hosts are asked about');
$server->stop;

$server = QP::Server->new(plugins => ['uribl'],
                          config  => { uribl_zones => ['uri.test 2 refuse'] });
ok t_cmp(($server->configtest)[1], qr/uribl_zones:1: "uri\.test 2 refuse": /,
         'a faulty line stops the start');
