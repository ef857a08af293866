# SPDX-License-Identifier: Apache-2.0
# http_config: values from a web server, which may be slow, faulty or gone.
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use File::Temp ();
use IO::Socket::INET ();
use QP::Server;

plan tests => 27, QP::Server->need('plugins/http_config', 'plugins/rcpt_ok');

# A web server: answers with the files of a folder. "STATUS n" in the first
# line is another status, "TO url" a redirection, "HANG" no answer at all. Each
# request is noted.
my $root = File::Temp->newdir;
my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 64);
my $web = 'http://127.0.0.1:' . $listen->sockport;
my $pid = fork // die $!;

serve() if $pid == 0;
close $listen;

sub serve {
    my @hanging;

    $SIG{TERM} = 'DEFAULT';
    while (1) {
        my $client = $listen->accept or next;
        my ($request, $chunk) = ('', '');

        $request .= $chunk
            while $request !~ /\r\n\r\n/ && sysread $client, $chunk, 4096;
        my $reply = answer($request);
        syswrite $client, $reply;
        push @hanging, $client if $reply eq '';
    }
}

sub answer {
    my ($request) = @_;
    my ($path) = $request =~ m{^GET /(\S+) HTTP/1} or return '';
    my $text = QP::Server::slurp("$root/$path");
    my $etag = '"' . unpack('%32C*', $text) . '"';
    my $status = $text =~ s/\ASTATUS (\d+)\n// ? $1
        : $text =~ /\ATO / ? 302 : -e "$root/$path" ? 200 : 404;

    $status = 304 if $request =~ /^If-None-Match: \Q$etag\E\r$/mi;
    open my $log, '>>', "$root/requests" or die $!;
    print {$log} "$path $status $request\n" and close $log or die $!;
    return '' if $text eq "HANG\n";
    my $to = $text =~ /\ATO (\S+)/ ? "Location: $1\r\n" : '';

    return "HTTP/1.1 $status X\r\nETag: $etag\r\nConnection: close\r\n$to"
        . "\r\n$text";
}

END {
    local $?;
    if ($pid) { kill 'TERM', $pid; waitpid $pid, 0 }
}

sub put { return QP::Server::write_file("$root/$_[0]", $_[1]) }
sub requests { return QP::Server::slurp("$root/requests") }

sub make {
    return QP::Server->new(plugins => ["http_config $_[0]", 'rcpt_ok'],
                           config  => { rcpthosts => ['file.example'] });
}

# Which of the domains are ours.
sub ours {
    my ($server) = @_;
    my $client = $server->client->hello;

    $client->expect(250, 'MAIL FROM:<>');
    return join ' ', grep { $client->cmd("RCPT TO:<a\@$_.example>") =~ /^250/ }
        qw(file web new second third);
}

put('a/rcpthosts', "# ours\n\n web.example \r\nthird.example\n");
my $server = make("$web/a/ $web/b/ keys rcpthosts refresh 200ms wait 20s");

$server->start;
ok t_cmp(ours($server), 'web third', 'the value is there from the start');
ok t_cmp(scalar(grep { !m{^[ab]/rcpthosts \d} } grep {m{^\w+/}}
                split /\n/, requests()), 0, 'no other key is asked for');
ok $server->poll(sub { requests() =~ m{^a/rcpthosts 304 }m }),
    'an unchanged value is not sent again';
put('a/rcpthosts', "new.example\n");
ok $server->poll(sub { my @lines = grep {/: 1 lines/} $server->log_lines;
                       !grep { my $pid = $_; !grep {/pid $pid\b/} @lines }
                           $server->children }), 'a change is taken up';

# Failures leave it in force.
$server->expect_log(qr/http_config: rcpthosts: .*; the old value stays/);
for my $case (["STATUS 500\nfile.example\n", qr/answer is 500/, 'a fault'],
              ["x\0y\n", qr/there is a NUL in it/, 'no text'],
              ["x\n" x 600_000, qr/larger than max_size/, 'a large one'],
              ["TO $web/a/rcpthosts\n", qr/redirects/, 'a circle'],
              ["TO file:///etc/passwd\n", qr/protocol/i, 'another protocol']) {
    my ($text, $said, $what) = @$case;

    put('a/rcpthosts', $text);
    ok defined $server->wait_log($said), "$what: it is said";
    ok t_cmp(ours($server), 'new', "$what: the old value stays");
    put('a/rcpthosts', "new.example\n# $what\n");
    my $old = length requests();
    $server->poll(sub { substr(requests(), $old) =~ m{^a/rcpthosts 304}m });
}
put('a/rcpthosts', "TO /c\n");
put('c', "web.example\n");
ok $server->poll(sub { ours($server) eq 'web' }), 'a redirection is followed';

# It is gone: the next URL counts, and then the file.
put('b/rcpthosts', "second.example\n");
put('a/rcpthosts', "# nothing\n");
ok $server->poll(sub { ours($server) eq 'second' }), 'the second URL';
unlink "$root/b/rcpthosts" or die $!;
ok $server->poll(sub { ours($server) eq 'file' }), 'the file';
$server->stop;

# Without keys, as soon as one is needed; a password is not logged.
put('a/rcpthosts', "web.example\n");
$server = make($web =~ s{//}{//me:secret\@}r . '/a/')->start;
ok $server->poll(sub { ours($server) eq 'web' }), 'at first use';
ok $server->poll(sub { requests() =~ m{^a/max_line }m }),
    'other keys are asked for, too';
ok t_cmp(requests(), qr{^Authorization: Basic bWU6c2VjcmV0\r$}m, 'a password');
ok t_cmp(scalar(grep {/secret/} $server->log_lines), 0, 'is not logged');
$server->stop;

# Nobody waits for a web server, neither a session nor the end: it would be an
# hour.
put('a/rcpthosts', "HANG\n");
$server = make("$web/a/ keys rcpthosts wait 500ms timeout 1h")->start;
ok t_cmp(ours($server), 'file', 'the file, as nothing has come');
$server->stop;
$server = make("$web/a/ keys rcpthosts timeout 100ms")
    ->expect_log(qr/rcpthosts: .*; the old value stays/)->start;
ok defined $server->wait_log(qr/Timeout was reached; the old/), 'a time-out';
$server->stop;
for my $case (['', qr/url: a URL must/], ['ftp://x/', qr/none of http or/],
              ["$web/ wait 2s", qr/wait: say which/],
              ["$web/ keys a wait 2m", qr/wait: at most/]) {
    ok t_cmp((make($case->[0])->configtest)[1], $case->[1], "refused: @$case");
}
