/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes log lines: asks whether anybody wants them, formats, escapes, hands
 * them to the sink. All on the stack, nothing is kept. It knows neither where
 * lines go nor how levels are filtered.
 */
#include "base/qp_log.h"

#include <stdio.h>
#include <string.h>

#include "base/qp_str.h"

/** What a line says besides its text. */
struct origin {
    int level;
    const char *tag;
    const char *plugin;
    const char *hook;
    const char *lead;
};

/** Appends as much as fits. */
struct appender {
    char *out;
    apr_size_t len;
    apr_size_t size;
};

static const char *or_empty(const char *text)
{
    return text != NULL ? text : "";
}

static void put(struct appender *to, const char *text)
{
    apr_size_t len = strlen(text);
    apr_size_t room = to->size - to->len - 1;

    len = len < room ? len : room;
    memcpy(to->out + to->len, text, len);
    to->len += len;
    to->out[to->len] = '\0';
}

int qp_log_enabled(const qp_logger *logger, int level)
{
    return logger->sink != NULL && logger->sink->enabled(logger->ctx, level);
}

static void send_event(const qp_logger *logger, const struct origin *origin,
                       const char *text)
{
    qp_log_event event;

    event.level = origin->level;
    event.tag = origin->tag;
    event.id = logger->id;
    event.peer = logger->peer;
    event.txn = logger->txn;
    event.hook = or_empty(origin->hook);
    event.plugin = or_empty(origin->plugin);
    event.text = text;
    logger->sink->write(logger->ctx, &event);
}

/* The raw text has one octet more than the escaped one may have: thus the
 * escaping sees, and marks, that it was cut. */
QP_PRINTF(3, 0)
static void write_line(const qp_logger *logger, const struct origin *origin,
                       const char *fmt, va_list ap)
{
    char raw[QP_LOG_TEXT_MAX + 2];
    char text[QP_LOG_TEXT_MAX + 1];
    struct appender lead = { raw, 0, sizeof(raw) };
    apr_size_t len;
    int n;

    raw[0] = '\0';
    put(&lead, or_empty(origin->lead));
    n = vsnprintf(raw + lead.len, sizeof(raw) - lead.len, fmt, ap);
    len = n > 0 ? lead.len + (apr_size_t)n : lead.len;
    if (len > sizeof(raw) - 1) {
        len = sizeof(raw) - 1;
    }
    qp_str_escape(text, sizeof(text), raw, len);
    send_event(logger, origin, text);
}

void qp_log_write(const qp_logger *logger, int level, const char *tag,
                  const char *fmt, ...)
{
    struct origin origin = { level, tag, NULL, NULL, NULL };
    va_list ap;

    if (!qp_log_enabled(logger, level)) {
        return;
    }
    va_start(ap, fmt);
    write_line(logger, &origin, fmt, ap);
    va_end(ap);
}

QP_PRINTF(7, 0)
void qp_log_vplugin(const qp_logger *logger, int level, const char *tag,
                    const char *plugin, const char *hook, const char *lead,
                    const char *fmt, va_list ap)
{
    struct origin origin = { level, tag, plugin, hook, lead };

    if (qp_log_enabled(logger, level)) {
        write_line(logger, &origin, fmt, ap);
    }
}

/* "[ID PEER tN] ", for a line that belongs to a connection. */
static void put_session(struct appender *to, const qp_log_event *event)
{
    char txn[16];

    put(to, "[");
    put(to, event->id);
    if (event->peer != NULL && event->peer[0] != '\0') {
        put(to, " ");
        put(to, event->peer);
    }
    if (event->txn > 0) {
        snprintf(txn, sizeof(txn), " t%u", event->txn);
        put(to, txn);
    }
    put(to, "] ");
}

apr_size_t qp_log_compose(const qp_log_event *event, char *out, apr_size_t size)
{
    struct appender to = { out, 0, size };

    if (size == 0) {
        return 0;
    }
    out[0] = '\0';
    put(&to, event->tag);
    put(&to, ": ");
    if (event->id != NULL && event->id[0] != '\0') {
        put_session(&to, event);
    }
    if (event->plugin != NULL && event->plugin[0] != '\0') {
        put(&to, event->plugin);
        put(&to, ": ");
    }
    put(&to, event->text);
    return to.len;
}
