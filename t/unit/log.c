/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of base/qp_log: what reaches the sink, and how a line is composed
 * (R113).
 */
#include "tap.h"

#include <stdarg.h>

#include "base/qp_log.h"

/** A sink that keeps the last line. */
struct keeper {
    int threshold;
    int asked;
    int written;
    qp_log_event event;
    char text[2 * QP_LOG_TEXT_MAX];
    char line[2 * QP_LOG_TEXT_MAX];
};

static int is_enabled(void *ctx, int level)
{
    struct keeper *keeper = ctx;

    keeper->asked++;
    return level <= keeper->threshold;
}

static void keep_line(void *ctx, const qp_log_event *event)
{
    struct keeper *keeper = ctx;

    keeper->written++;
    keeper->event = *event;
    snprintf(keeper->text, sizeof(keeper->text), "%s", event->text);
    keeper->event.text = keeper->text;
    qp_log_compose(event, keeper->line, sizeof(keeper->line));
}

static const qp_log_sink sink = { is_enabled, keep_line };

QP_PRINTF(5, 6)
static void log_plugin(const qp_logger *logger, const char *plugin,
                       const char *hook, const char *lead, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    qp_log_vplugin(logger, QP_LOG_INFO, QP_TAG_FAIL, plugin, hook, lead, fmt,
                   ap);
    va_end(ap);
}

static void test_filter(void)
{
    struct keeper keeper = { .threshold = QP_LOG_INFO };
    qp_logger logger = { &sink, &keeper, NULL, NULL, 0 };
    qp_logger silent = { NULL, NULL, NULL, NULL, 0 };

    is_int(qp_log_enabled(&logger, QP_LOG_INFO), 1, "INFO is wanted");
    is_int(qp_log_enabled(&logger, QP_LOG_DEBUG), 0, "DEBUG is not");
    is_int(qp_log_enabled(&silent, QP_LOG_EMERG), 0, "nothing without sink");
    qp_log_write(&silent, QP_LOG_EMERG, "QP1001", "x");
    qp_log_write(&logger, QP_LOG_DEBUG, "QP1002", "x");
    is_int(keeper.written, 0, "a line that is not wanted is not written");
    keeper.threshold = QP_LOG_ERROR;
    log_plugin(&logger, "p", "rcpt", NULL, "x");
    is_int(keeper.written, 0, "neither is one of a plugin");
    is_int(keeper.asked, 4, "the sink is asked each time");
}

static void test_event(void)
{
    struct keeper keeper = { .threshold = QP_LOG_DEBUG };
    qp_logger logger = { &sink, &keeper, "6f31a0", "203.0.113.9", 2 };

    qp_log_write(&logger, QP_LOG_WARN, "QP1001", "%s is %d", "spool", 7);
    is_int(keeper.event.level, QP_LOG_WARN, "level");
    is_str(keeper.event.tag, "QP1001", "tag");
    is_str(keeper.event.id, "6f31a0", "id");
    is_str(keeper.event.peer, "203.0.113.9", "peer");
    is_int(keeper.event.txn, 2, "transaction");
    is_str(keeper.event.hook, "", "no hook");
    is_str(keeper.event.plugin, "", "no plugin");
    is_str(keeper.event.text, "spool is 7", "text");
    is_str(keeper.line, "QP1001: [6f31a0 203.0.113.9 t2] spool is 7", "line");

    log_plugin(&logger, "rcpt_ok", "rcpt", "fail, ", "relaying denied <%s>",
               "x@example.org");
    is_int(keeper.event.level, QP_LOG_INFO, "level");
    is_str(keeper.event.tag, QP_TAG_FAIL, "tag");
    is_str(keeper.event.hook, "rcpt", "hook");
    is_str(keeper.event.plugin, "rcpt_ok", "plugin");
    is_str(keeper.event.text, "fail, relaying denied <x@example.org>", "text");
    is_str(keeper.line,
           "QP2002: [6f31a0 203.0.113.9 t2] rcpt_ok: "
           "fail, relaying denied <x@example.org>",
           "line");
    log_plugin(&logger, NULL, NULL, NULL, "%s", "");
    is_str(keeper.event.plugin, "", "no plugin");
    is_str(keeper.event.hook, "", "no hook");
    is_str(keeper.event.text, "", "no text");
}

static void test_escape(void)
{
    struct keeper keeper = { .threshold = QP_LOG_DEBUG };
    qp_logger logger = { &sink, &keeper, NULL, NULL, 0 };
    char big[3 * QP_LOG_TEXT_MAX];
    size_t len;

    qp_log_write(&logger, QP_LOG_INFO, "QP1001", "<%s%c%s>",
                 "a\r\nQP9999: b\t\\", 0, "\033[2J\200 %s");
    is_str(keeper.text, "<a\\x0d\\x0aQP9999: b\\x09\\\\\\x00\\x1b[2J\\x80 %s>",
           "what a stranger sent is escaped");
    for (len = QP_LOG_TEXT_MAX - 2; len < QP_LOG_TEXT_MAX + 3; len++) {
        memset(big, 'a', len);
        big[len] = '\0';
        qp_log_write(&logger, QP_LOG_INFO, "QP1001", "%s", big);
        is_int((long long)strlen(keeper.text),
               len < QP_LOG_TEXT_MAX ? (long long)len : QP_LOG_TEXT_MAX,
               "%d octets", (int)len);
        is_int(strstr(keeper.text, "...") != NULL, len > QP_LOG_TEXT_MAX,
               "%d octets: marked when it is cut", (int)len);
    }
    memset(big, 'a', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    log_plugin(&logger, "p", "rcpt", "pass, ", "%s", big);
    is_int((long long)strlen(keeper.text), QP_LOG_TEXT_MAX, "far too long");
    ok(strncmp(keeper.text, "pass, aaa", 9) == 0, "with a lead");
    log_plugin(&logger, "p", "rcpt", big, "%s", big);
    is_int((long long)strlen(keeper.text), QP_LOG_TEXT_MAX, "an absurd lead");
    memset(big, '\001', sizeof(big) - 1);
    log_plugin(&logger, "p", "rcpt", NULL, "%s", big);
    ok(strlen(keeper.text) <= QP_LOG_TEXT_MAX
           && strstr(keeper.text, "\\x01...") != NULL,
       "controls only");
}

static const struct {
    qp_log_event event;
    const char *want;
} lines[] = {
    { { 6, "QP1001", NULL, NULL, 0, "", "", "x" }, "QP1001: x" },
    { { 6, "QP1001", "", "1.2.3.4", 1, "", "", "x" }, "QP1001: x" },
    { { 6, "QP1001", "a1", NULL, 0, "", "", "x" }, "QP1001: [a1] x" },
    { { 6, "QP1001", "a1", NULL, 4294967295u, "", "", "x" },
      "QP1001: [a1 t4294967295] x" },
    { { 6, "QP1001", "a1", "::1", 0, "", "", "x" }, "QP1001: [a1 ::1] x" },
    { { 6, "QP1001", NULL, NULL, 0, "rcpt", "p:1", "x" }, "QP1001: p:1: x" },
    { { 6, "QP1001", NULL, NULL, 0, NULL, NULL, "" }, "QP1001: " },
};

static void test_compose(void)
{
    char out[64];
    char full[64];
    size_t size;
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(lines); i++) {
        is_int((long long)qp_log_compose(&lines[i].event, out, sizeof(out)),
               (long long)strlen(lines[i].want), "length of %s", lines[i].want);
        is_str(out, lines[i].want, "line %s", lines[i].want);
    }
    qp_log_compose(&lines[3].event, full, sizeof(full));
    for (size = 1; size < 30; size++) {
        memset(out, '!', sizeof(out));
        is_int((long long)qp_log_compose(&lines[3].event, out, size),
               size < 27 ? (long long)size - 1 : 26, "cut to %d", (int)size);
        ok(strlen(out) < size && strncmp(out, full, strlen(out)) == 0
               && out[size] == '!',
           "cut to %d: text", (int)size);
    }
    is_int((long long)qp_log_compose(&lines[0].event, NULL, 0), 0, "no room");
}

int main(void)
{
    test_filter();
    test_event();
    test_escape();
    test_compose();
    return done_testing();
}
