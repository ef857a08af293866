# SPDX-License-Identifier: Apache-2.0
# For t/bench/plugins and t/bench/count: instructions of a session over memory,
# counted by callgrind from its beginning to the end of the program.

build=${QP_BUILDDIR:?the folder of the build}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

printf 'example.com\n' >"$dir/rcpthosts"
printf 'mx.example.com\n' >"$dir/me"
printf 'lenient\n' >"$dir/pipelining"

# A session with so many messages.
write_session() {
    local n

    printf '%s\r\n' 'EHLO client.example'
    for ((n = 0; n < $1; n++)); do
        printf '%s\r\n' 'MAIL FROM:<a@example.org>' \
            'RCPT TO:<user@example.com>' DATA 'Subject: bench' ''
        for _ in $(seq 14); do
            printf '%s\r\n' \
                'A line of text such as a message has, seventy octets long, some more.'
        done
        printf '%s\r\n' .
    done
    printf '%s\r\n' QUIT
}

# Instructions of a session with so many messages and declining plugins.
count() {
    local messages=$1 plugin=$2 i

    : >"$dir/plugins"
    for ((i = 0; i < 30; i++)); do
        if [[ -n $plugin ]]; then
            printf '%s:%d\n' "$plugin" "$i" >>"$dir/plugins"
        fi
    done
    printf 'rcpt_ok\nqueue/discard\n' >>"$dir/plugins"
    write_session "$messages" >"$dir/session"
    valgrind --tool=callgrind --callgrind-out-file=/dev/null \
        --zero-before=qp_engine_begin \
        "$build/qpsmtpd-plugin-test" --config "$dir" --lines \
        --plugin-dir "$build/lib/plugins" \
        --plugin-dir "$build/lib/testplugins" \
        <"$dir/session" 2>&1 >"$dir/replies" | sed -n 's/.*Collected : //p'
    if (($(grep -c '^354' "$dir/replies") != messages)); then
        echo 'a message was not taken' >&2
        exit 1
    fi
}
