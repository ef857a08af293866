/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target of what the next SMTP or LMTP server says, and of all that
 * queue/smtp-forward and queue/lmtp do with it in their job: two messages, to
 * two servers, over connections that are kept. Whatever the server says, it is
 * sent no second message and no password in clear, and only its 2xx behind the
 * whole message says that it has it (R8, R18, R111, R117).
 */
#include "actor.h"

#include "plugins/queue/smtp_job.h"

#define FLAG(bit) ((choice >> (bit)) & 1)

static smtp_way make_way(unsigned int choice)
{
    smtp_way way = { .is_lmtp = FLAG(0),
                     .is_smtps = FLAG(1),
                     .tls_mode = (int)(choice >> 2) & 3,
                     .user = FLAG(4) ? "user" : NULL,
                     .password = "secret",
                     .connect_timeout = apr_time_from_sec(60),
                     .reply_timeout = apr_time_from_sec(60) };

    return way;
}

static smtp_mail make_mail_for(unsigned int choice, apr_pool_t *pool)
{
    static const smtp_rcpt rcpts[] = {
        { .path = "<b@example.org>", .params = " NOTIFY=NEVER" },
        { .path = "<c@example.org>", .params = "" },
        { .path = "<d@example.org>", .params = "" },
    };
    smtp_mail mail = { .reader = actor_message(pool),
                       .sender = "<a@example.net>",
                       .dsn = " RET=HDRS",
                       .nrcpts = 3,
                       .size = 100,
                       .wants_utf8 = FLAG(5),
                       .needs_utf8 = FLAG(5),
                       .wants_8bit = FLAG(6),
                       .is_binary = FLAG(10),
                       .may_send_8bit = FLAG(7),
                       .is_each = FLAG(8),
                       .me = "mx.example.org",
                       .pool = pool };

    mail.rcpts = apr_pmemdup(pool, rcpts, sizeof(rcpts));
    return mail;
}

static void add_servers(apr_array_header_t *servers)
{
    static const smtp_server two[] = { { "next.example", 25, 0, "next" },
                                       { "/next.sock", 0, 0, "socket" } };

    memcpy(apr_array_push(servers), &two[0], sizeof(two[0]));
    memcpy(apr_array_push(servers), &two[1], sizeof(two[1]));
}

/* No end of a line but CR LF, and as many ends of data as messages begun. */
static void check_heard(const actor *server, int is_binary)
{
    const char *heard = server->heard;
    size_t i;

    for (i = 0; i < server->heard_len && !is_binary; i++) {
        fuzz_check(heard[i] != '\n' || (i > 0 && heard[i - 1] == '\r'));
        fuzz_check(heard[i] != '\r' || heard[i + 1] == '\n'
                   || i + 1 == server->heard_len);
    }
    fuzz_check(actor_count(server, "\r\n.\r\n", 5)
               <= actor_count(server, "DATA\r\n", 6));
    fuzz_check(!is_binary || actor_count(server, "DATA\r\n", 6) == 0);
}

/* The whole message came behind the command, however it ends. */
static void check_sent(const actor *server, int is_binary, apr_off_t octets)
{
    static const char tail[] = "\x80 end";
    size_t len = sizeof(tail) - 1;
    char command[64];

    if (!is_binary) {
        fuzz_check(actor_count(server, "\r\n.\r\n", 5) > 0);
        return;
    }
    apr_snprintf(command, sizeof(command), "BDAT %" APR_OFF_T_FMT " LAST\r\n",
                 octets);
    fuzz_check(actor_count(server, command, strlen(command)) > 0);
    fuzz_check(actor_count(server, tail, len) > 0);
}

static void check_outcome(const smtp_job *forward, const actor *server)
{
    const smtp_mail *mail = &forward->mail;
    int code = mail->reply.code / 100;
    int i;

    fuzz_check(fuzz_is_clean(mail->reply.text));
    for (i = 0; i < mail->nrcpts; i++) {
        fuzz_check(mail->rcpts[i].reply == NULL
                   || fuzz_is_clean(mail->rcpts[i].reply->text));
    }
    switch (forward->outcome) {
    case MAIL_SENT:
        fuzz_check(code == 2 && server->heard_len >= 5);
        check_sent(server, mail->is_binary, mail->octets);
        break;
    case MAIL_REFUSED:
        fuzz_check(code >= 3 && code <= 5 && mail->step != NULL);
        break;
    case MAIL_UNSURE:
        fuzz_check(server->is_deaf || actor_count(server, "DATA\r\n", 6) > 0
                   || actor_count(server, " LAST\r\n", 7) > 0);
        break;
    case MAIL_NEXT:
        fuzz_check(forward->troubles->nelts > 0);
        break;
    case MAIL_STALE:
    case MAIL_UNFIT:
    case MAIL_BROKEN:
        fuzz_check(!"an outcome that ends nothing");
    }
}

static void forward_mail(const smtp_job *base, unsigned int choice,
                         actor *server, apr_pool_t *pool)
{
    static const smtp_client client = { "192.0.2.1", "25",     NULL,
                                        "helo+x",    "log in", "ESMTP" };
    smtp_job forward = *base;

    forward.mail = make_mail_for(choice, pool);
    forward.mail.client = FLAG(9) ? &client : NULL;
    forward.troubles = apr_array_make(pool, 2, sizeof(const char *));
    fuzz_check(smtp_job_run(actor_job(pool), &forward) == APR_SUCCESS);
    check_outcome(&forward, server);
    check_heard(server, forward.mail.is_binary);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input in = { data, size };
    apr_pool_t *pool = fuzz_begin();
    unsigned int choice = fuzz_byte(&in) | fuzz_byte(&in) << 8;
    smtp_way way = make_way(choice);
    apr_array_header_t *servers = apr_array_make(pool, 2, sizeof(smtp_server));
    smtp_job base = { .way = &way, .servers = servers, .keep = 1 };
    actor *server;

    add_servers(servers);
    base.pool = smtp_pool_make(pool);
    base.idle = apr_time_from_sec(60);
    smtp_pool_open(base.pool, pool);
    server = actor_begin(&in, choice >> 12);
    server->secrets[0] = "c2VjcmV0";         /* "secret" */
    server->secrets[1] = "AHVzZXIAc2VjcmV0"; /* NUL "user" NUL "secret" */
    forward_mail(&base, choice, server, pool);
    forward_mail(&base, choice, server, pool);
    return fuzz_end(pool);
}
