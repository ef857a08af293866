/* SPDX-License-Identifier: Apache-2.0 */
/* Lists for plugins. A form lives as long as its value, of which the command
 * holds a reference. What a line means is up to the readers. */

#include "plugin/qp_list.h"

#include <string.h>
#include <strings.h>

#include <apr_strings.h>

#include "plugin/qp_plugin.h"
#include "wire/qp_pattern.h"

static apr_status_t release_value(void *data)
{
    qp_config_value_release(data);
    return APR_SUCCESS;
}

static const void *keep_form(qp_session *qp, const qp_config_query *query,
                             const void *whole)
{
    if (query->fault != NULL) {
        qp_log_write(&qp->logger, QP_LOG_WARN, "QP1606",
                     "%s; this line is left out", query->fault);
    }
    apr_pool_cleanup_register(qp_session_pcmd(qp), query->value, release_value,
                              apr_pool_cleanup_null);
    return whole;
}

static const void *read_lines(qp_session *qp, const char *key,
                              const apr_array_header_t *lines,
                              qp_list_reader *read)
{
    qp_config_query query = { .read = read };
    const void *whole = qp_config_form_lines(qp->config, key, lines, &query);

    return keep_form(qp, &query, whole);
}

const void *qp_list(qp_session *qp, const char *key, qp_list_reader *read)
{
    const apr_array_header_t *lines = qp_config_ask(qp, key);
    qp_config_query query = { .read = read };
    const void *whole;

    if (lines != NULL) {
        return read_lines(qp, key, lines, read);
    }
    whole = qp_config_form(qp->config, key, &query);
    return keep_form(qp, &query, whole);
}

/* The lines that the user_config hooks have; NULL if all decline. */
static const apr_array_header_t *ask_user(qp_session *qp, const qp_addr *addr,
                                          const char *key)
{
    qp_user_config_arg arg = { addr, key, qp_session_pcmd(qp), NULL };
    qp_answer kept = qp->answer;
    qp_rc rc;

    rc = qp_call_user_config(qp->hooks, qp, &arg);
    qp->answer = kept;
    return rc == QP_OK ? arg.lines : NULL;
}

const apr_array_header_t *qp_user_config(qp_session *qp, const qp_addr *addr,
                                         const char *key)
{
    const apr_array_header_t *lines = ask_user(qp, addr, key);

    return lines != NULL ? lines : qp_config(qp, key);
}

const void *qp_user_list(qp_session *qp, const qp_addr *addr, const char *key,
                         qp_list_reader *read)
{
    const apr_array_header_t *lines = ask_user(qp, addr, key);

    return lines != NULL ? read_lines(qp, key, lines, read)
                         : qp_list(qp, key, read);
}

static const char *check_list(qp_plugin *self, const char *key,
                              qp_list_reader *read, int min)
{
    qp_config_query query = { .read = read };
    const char *fault;

    if (self->home->config == NULL) {
        return NULL;
    }
    QP_IGNORE(qp_config_form(self->home->config, key, &query),
              "only the fault is of interest");
    fault = query.fault;
    if (fault == NULL && query.value->lines->nelts < min) {
        fault = apr_pstrcat(self->home->pool, query.value->where,
                            ": there has to be a line in it", NULL);
    }
    if (fault != NULL) {
        fault = apr_pstrdup(self->home->pool, fault);
    }
    qp_config_value_release(query.value);
    return fault;
}

const char *qp_list_check(qp_plugin *self, const char *key,
                          qp_list_reader *read)
{
    return check_list(self, key, read, 0);
}

const char *qp_list_require(qp_plugin *self, const char *key,
                            qp_list_reader *read)
{
    return check_list(self, key, read, 1);
}

int qp_rc_named(const char *word, qp_rc *rc)
{
    static const struct {
        const char *word;
        qp_rc rc;
    } names[] = {
        { "OK", QP_OK },
        { "DENY", QP_DENY },
        { "DENYSOFT", QP_DENYSOFT },
        { "DENYHARD", QP_DENY_DISCONNECT },
        { "DENY_DISCONNECT", QP_DENY_DISCONNECT },
        { "DENYSOFT_DISCONNECT", QP_DENYSOFT_DISCONNECT },
        { "DECLINED", QP_DECLINED },
    };
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(names); i++) {
        if (strcasecmp(names[i].word, word) == 0) {
            *rc = names[i].rc;
            return 1;
        }
    }
    return 0;
}

/* Networks. -------------------------------------------------------------- */

/* A line that is a network. */
typedef struct net_line {
    const char *text;
    qp_net net;
} net_line;

const char *qp_net_lines(const char *line, void **whole, apr_pool_t *pool)
{
    net_line entry = { apr_pstrdup(pool, line), { { { 0 } }, 0 } };
    const char *fault = qp_net_parse(line, &entry.net);

    if (fault != NULL) {
        return apr_psprintf(pool, "\"%s\": %s", line, fault);
    }
    if (*whole == NULL) {
        *whole = apr_array_make(pool, 8, sizeof(entry));
    }
    APR_ARRAY_PUSH((apr_array_header_t *)*whole, net_line) = entry;
    return NULL;
}

const char *qp_net_line(qp_session *qp, const char *key, const char *ip)
{
    const apr_array_header_t *list = qp_list(qp, key, qp_net_lines);
    const net_line *entry;
    qp_ip client;
    int i;

    if (list == NULL || !qp_net_ip(ip, &client)) {
        return NULL;
    }
    for (i = 0; i < list->nelts; i++) {
        entry = &APR_ARRAY_IDX(list, i, const net_line);
        if (qp_net_has(&entry->net, &client)) {
            return entry->text;
        }
    }
    return NULL;
}

/* Patterns. -------------------------------------------------------------- */

int qp_pattern_matches(const qp_plugin *self, qp_session *qp,
                       const qp_pattern *pattern, const char *text)
{
    int rc = qp_pattern_match(pattern, text);

    if (rc < 0 && qp_pattern_first_fault(pattern)) {
        qp_log(self, qp, QP_LOG_WARN,
               "\"%s\": takes too many steps for \"%s\"; write it simpler",
               qp_pattern_text(pattern), text);
    }
    return rc > 0;
}

const qp_pattern *qp_pattern_find(const qp_plugin *self, qp_session *qp,
                                  const void *list, const char *text)
{
    const apr_array_header_t *patterns = list;
    const qp_pattern *pattern;
    int i;

    for (i = 0; patterns != NULL && i < patterns->nelts; i++) {
        pattern = APR_ARRAY_IDX(patterns, i, const qp_pattern *);
        if (qp_pattern_matches(self, qp, pattern, text)) {
            return pattern;
        }
    }
    return NULL;
}

const qp_pattern *qp_pattern_find_addr(const qp_plugin *self, qp_session *qp,
                                       const void *list, const qp_addr *addr)
{
    return qp_pattern_find(self, qp, list,
                           apr_pstrcat(qp_session_pcmd(qp), addr->user, "@",
                                       addr->host, NULL));
}
