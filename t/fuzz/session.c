/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target of a whole session with a scripted plugin, over memory: whatever
 * comes, replies are well formed and no more than the lines that came, what is
 * stored has been acknowledged, and it does not matter how the input is cut
 * (R5, R9, R32 to R35, R68, R100, R103, R104).
 */
#include "fuzz.h"

#include "t/unit/engine_kit.h"

/** What the input begins with. */
struct choice {
    unsigned int protocol; /**< smtp; lmtp; smtp, with all clients trusted */
    unsigned int chunk;
    kit_script script;
};

/** Of a session: the options of the plugin that queues. */
struct queue {
    int count;
};

static engine_kit *kits[3];
static kit_script script;
static struct queue queued;

static qp_rc hook_rcpt(const qp_plugin *self, qp_session *qp,
                       const qp_rcpt_arg *arg)
{
    if (strcmp(arg->rcpt->host, "example.org") == 0) {
        return QP_OK;
    }
    return arg->rcpt->host[0] == '\0' ? QP_OK : QP_DECLINED;
}

static qp_rc hook_queue(const qp_plugin *self, qp_session *qp,
                        const qp_data_arg *arg)
{
    struct queue *queue = self->opts;
    qp_reader *reader =
        qp_txn_reader(qp_transaction(qp), QP_READ_MESSAGE, qp_pool(qp));
    const char *data;
    apr_size_t len;

    while (qp_reader_block(reader, &data, &len) == APR_SUCCESS) {
        fuzz_check(len > 0);
    }
    queue->count++;
    return qp_return(qp, QP_OK, "stored as number %d", queue->count);
}

static const qp_plugin_def queue_def = {
    .hooks = { .rcpt = hook_rcpt, .queue = hook_queue },
};

static engine_kit *make_kit(unsigned int protocol)
{
    engine_kit *kit = kit_create(fuzz_begin());

    kit_set(kit, "pipelining", "lenient");
    kit_set(kit, "databytes", "3000");
    kit_set(kit, "size_threshold", "500");
    kit_set(kit, "max_errors", "5");
    if (protocol == 1) {
        kit_set(kit, "protocol", "lmtp");
    }
    if (protocol == 2) {
        kit_set(kit, "xclient_hosts", "0.0.0.0/0");
        kit_set(kit, "xforward_hosts", "0.0.0.0/0");
        kit_set(kit, "bare_newline", "accept-in-body");
    }
    kit_plugin(kit, &kit_script_def, "script", &script);
    kit_plugin(kit, &queue_def, "queue", &queued);
    fuzz_check(kit_start(kit) == NULL);
    kit->carrier.tls_mode = QP_TLS_STARTTLS;
    return kit;
}

static void remove_kits(void)
{
    int i;

    for (i = 0; i < 3; i++) {
        if (kits[i] != NULL) {
            apr_pool_destroy(kits[i]->pool);
        }
    }
}

static engine_kit *find_kit(unsigned int protocol)
{
    if (kits[0] == NULL && kits[1] == NULL && kits[2] == NULL) {
        atexit(remove_kits);
    }
    if (kits[protocol] == NULL) {
        kits[protocol] = make_kit(protocol);
    }
    return kits[protocol];
}

static struct choice read_choice(fuzz_input *in)
{
    static const int answers[] = { QP_DECLINED,
                                   QP_OK,
                                   QP_DENY,
                                   QP_DENYSOFT,
                                   QP_DENY_DISCONNECT,
                                   QP_DENYSOFT_DISCONNECT,
                                   QP_DONE,
                                   0 };
    unsigned int first = fuzz_byte(in);
    struct choice choice = { .protocol = first % 3, .chunk = 1 + first / 16 };

    /* Most sessions have no plugin that refuses. */
    choice.script.hook = QP_HOOK_logging;
    choice.script.rc = QP_DECLINED;
    if ((first & 8) != 0) {
        first = fuzz_byte(in);
        choice.script.hook = (qp_hook_id)(first % QP_HOOK_COUNT);
        choice.script.rc = answers[fuzz_byte(in) & 7];
        choice.script.text = (first & 128) != 0 ? "it says\nthis" : NULL;
    }
    return choice;
}

/* @return how many replies there are */
static int check_replies(const char *out)
{
    int count = 0;

    while (*out != '\0') {
        const char *end = strstr(out, "\r\n");
        size_t i;

        fuzz_check(end != NULL && end - out >= 4 && end - out <= 510);
        fuzz_check(out[0] >= '2' && out[0] <= '5' && out[1] >= '0'
                   && out[1] <= '5' && out[2] >= '0' && out[2] <= '9');
        fuzz_check(out[3] == ' ' || out[3] == '-');
        for (i = 3; out + i < end; i++) {
            fuzz_check((out[i] >= ' ' && out[i] <= '~') || out[i] == '\t');
        }
        fuzz_check(out[3] == ' ' || strncmp(out, end + 2, 3) == 0);
        count += out[3] == ' ';
        out = end + 2;
    }
    return count;
}

static const char *play(const struct choice *choice, fuzz_input in,
                        unsigned int chunk)
{
    static const qp_tls tls = { "TLSv1.3", "TLS_AES_128_GCM_SHA256",
                                "mx.example.org", NULL, 0 };
    engine_kit *kit = find_kit(choice->protocol);
    int lines = 0;
    int copies = choice->protocol == 1 ? 100 : 1;
    const char *out;
    size_t i;

    script = choice->script;
    queued.count = 0;
    kit_open(kit);
    kit->tls = &tls;
    kit_run(kit);
    kit->io->chunk = chunk;
    kit->io->at_end = APR_EOF;
    mem_io_feed(kit->io, (const char *)in.next, in.left);
    kit_run(kit);
    fuzz_check(kit->want == QP_WANT_CLOSE);
    for (i = 0; i < in.left; i++) {
        lines += in.next[i] == '\n';
    }
    out = mem_io_output(kit->io);
    fuzz_check(check_replies(out) <= copies * (lines + 2));
    fuzz_check(kit_count(out, "stored as number") >= queued.count);
    out = strdup(kit_normal(kit, out));
    fuzz_check(out != NULL);
    kit_close(kit);
    return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input in = { data, size };
    struct choice choice = read_choice(&in);
    const char *whole = play(&choice, in, 0);
    const char *cut = play(&choice, in, choice.chunk);

    fuzz_check(strcmp(whole, cut) == 0);
    free((void *)(uintptr_t)whole);
    free((void *)(uintptr_t)cut);
    return 0;
}
