/* SPDX-License-Identifier: Apache-2.0 */
/* Runs hooks. The table of entries is made at start and lives in pconf; a
 * chain under way is data of its session. What an answer means to the client
 * is not known here: that is qp_verdict's. */

#include "plugin/qp_hook.h"

#include <string.h>

#define HONOUR(name) (1u << (QP_##name - QP_OK))

#define H_DENY       HONOUR(DENY)
#define H_SOFT       HONOUR(DENYSOFT)
#define H_DIS        (HONOUR(DENY_DISCONNECT) | HONOUR(DENYSOFT_DISCONNECT))
#define H_OK         HONOUR(OK)
#define H_DONE       HONOUR(DONE)
#define H_ALL        (H_OK | H_DENY | H_SOFT | H_DIS | H_DONE)

/* What is done around the plugins of a hook. */
#define F_QUIET      1u /* no deny and ok hooks */
#define F_AWAIT      2u /* a plugin may await */
#define F_DEADLY     4u /* a plugin that waits too long counts as DENYSOFT */
#define F_KEEP       8u /* goes on without the client: it may deliver */

typedef struct hook_facts {
    const char *name;
    qp_rc (*call)(const qp_hook_entry *entry, qp_session *qp, void *arg);
    size_t offset; /* of its slot in qp_hooks */
} hook_facts;

/* A typed call and the place of its slot, for each hook. */
#define CALL_SLOT(name, type)                                                  \
    static qp_rc call_##name(const qp_hook_entry *entry, qp_session *qp,       \
                             void *arg)                                        \
    {                                                                          \
        return entry->hooks->name(entry->self, qp, arg);                       \
    }
QP_HOOK_LIST(CALL_SLOT)

#define SLOT_FACTS(name, type) { #name, call_##name, offsetof(qp_hooks, name) },
static const hook_facts facts[] = { QP_HOOK_LIST(SLOT_FACTS) };

/* The answers that a hook honours (hooks.md 11, D2) and what may be done in
 * it. A hook that is not here honours all and allows nothing. */
static const struct {
    unsigned int answers;
    unsigned int flags;
} rules[QP_HOOK_COUNT] = {
    [QP_HOOK_logging] = { H_ALL, F_QUIET },
    [QP_HOOK_config] = { H_OK, F_QUIET },
    [QP_HOOK_user_config] = { H_OK, F_QUIET },
    [QP_HOOK_deny] = { H_ALL, F_QUIET },
    [QP_HOOK_ok] = { H_ALL, F_QUIET },
    [QP_HOOK_pre_connection] = { H_DENY | H_SOFT | H_DIS, F_AWAIT },
    [QP_HOOK_connect] = { H_ALL, F_AWAIT },
    [QP_HOOK_helo] = { H_ALL, F_AWAIT },
    [QP_HOOK_ehlo] = { H_ALL, F_AWAIT },
    [QP_HOOK_auth_plain] = { H_ALL & ~H_DONE, F_AWAIT | F_DEADLY },
    [QP_HOOK_auth_login] = { H_ALL & ~H_DONE, F_AWAIT | F_DEADLY },
    [QP_HOOK_auth_cram_md5] = { H_ALL & ~H_DONE, F_AWAIT | F_DEADLY },
    [QP_HOOK_auth] = { H_ALL & ~H_DONE, F_AWAIT | F_DEADLY },
    [QP_HOOK_auth_scram] = { H_ALL & ~H_DONE, F_AWAIT | F_DEADLY },
    [QP_HOOK_auth_token] = { H_ALL & ~H_DONE, F_AWAIT | F_DEADLY },
    [QP_HOOK_auth_external] = { H_ALL & ~H_DONE, F_AWAIT | F_DEADLY },
    [QP_HOOK_mail_pre] = { H_ALL & ~H_DONE, F_AWAIT },
    [QP_HOOK_mail] = { H_ALL, F_AWAIT },
    [QP_HOOK_rcpt_pre] = { H_ALL & ~H_DONE, F_AWAIT },
    [QP_HOOK_rcpt] = { H_ALL, F_AWAIT | F_DEADLY },
    [QP_HOOK_data] = { H_ALL, F_AWAIT },
    [QP_HOOK_data_headers_end] = { H_DENY | H_SOFT | H_DIS, F_AWAIT },
    [QP_HOOK_data_post_headers] = { H_ALL, F_AWAIT | F_DEADLY | F_KEEP },
    [QP_HOOK_received_line] = { H_OK, 0 },
    [QP_HOOK_data_post] = { H_ALL, F_AWAIT | F_DEADLY | F_KEEP },
    [QP_HOOK_queue_pre] = { H_ALL, F_AWAIT | F_DEADLY | F_KEEP },
    [QP_HOOK_queue] = { H_ALL, F_AWAIT | F_DEADLY | F_KEEP },
    [QP_HOOK_queue_post] = { H_ALL, F_AWAIT | F_KEEP },
    [QP_HOOK_vrfy] = { H_OK | H_DENY | H_DONE, F_AWAIT },
    [QP_HOOK_noop] = { H_DENY | HONOUR(DENY_DISCONNECT) | H_DONE, F_AWAIT },
    [QP_HOOK_help] = { H_OK | H_DENY | H_DONE, F_AWAIT },
    [QP_HOOK_quit] = { H_ALL, F_AWAIT },
    [QP_HOOK_unrecognized_command] = { H_DENY | HONOUR(DENY_DISCONNECT)
                                           | H_DONE,
                                       F_AWAIT },
};

const char *qp_hook_name(qp_hook_id hook)
{
    return facts[hook].name;
}

const char *qp_hook_rc_name(qp_rc rc)
{
    static const char *const names[] = {
        [QP_OK - QP_OK] = "OK",
        [QP_DENY - QP_OK] = "DENY",
        [QP_DENYSOFT - QP_OK] = "DENYSOFT",
        [QP_DENY_DISCONNECT - QP_OK] = "DENY_DISCONNECT",
        [QP_DENYSOFT_DISCONNECT - QP_OK] = "DENYSOFT_DISCONNECT",
        [QP_DECLINED - QP_OK] = "DECLINED",
        [QP_DONE - QP_OK] = "DONE",
        [QP_YIELD - QP_OK] = "YIELD",
    };
    unsigned int i = (unsigned int)rc - QP_OK;

    return i < QP_ARRAY_LEN(names) && names[i] != NULL ? names[i] : "?";
}

/* The table. ------------------------------------------------------------- */

static int has_slot(const qp_hooks *hooks, qp_hook_id hook)
{
    void (*slot)(void);

    memcpy(&slot, (const char *)hooks + facts[hook].offset, sizeof(slot));
    return slot != NULL;
}

/* Whose function it is: the plugin's own or that of its nearest ancestor. */
static const qp_plugin *find_owner(const qp_plugin *plugin, qp_hook_id hook)
{
    while (plugin != NULL && !has_slot(&plugin->hooks, hook)) {
        plugin = plugin->parent;
    }
    return plugin;
}

/* The entries of one hook while they are collected. */
typedef struct entry_list {
    qp_hook_entry *entries;
    int n;
} entry_list;

static void add_entry(entry_list *list, const qp_plugin *self,
                      const qp_hooks *hooks, qp_place place)
{
    qp_hook_entry *at = &list->entries[list->n];

    if (place == QP_BEFORE_ALL) {
        memmove(list->entries + 1, list->entries,
                (size_t)list->n * sizeof(*at));
        at = list->entries;
    }
    at->self = self;
    at->hooks = hooks;
    list->n++;
}

/* Its own function, or an ancestor's; then what it has registered besides. */
static void add_plugin(entry_list *list, const qp_plugin *plugin,
                       qp_hook_id hook)
{
    const qp_plugin *owner = find_owner(plugin, hook);
    const qp_plugin_more *more;

    if (owner != NULL) {
        add_entry(list, owner, &owner->hooks, QP_IN_ORDER);
    }
    for (; plugin != NULL; plugin = plugin->parent) {
        for (more = plugin->more; more != NULL; more = more->next) {
            if (has_slot(&more->hooks, hook)) {
                add_entry(list, plugin, &more->hooks, more->place);
            }
        }
    }
}

/* How many entries a plugin can have on one hook. */
static size_t count_slots(const qp_plugin *plugin)
{
    const qp_plugin_more *more;
    size_t n = 1;

    for (; plugin != NULL; plugin = plugin->parent) {
        for (more = plugin->more; more != NULL; more = more->next) {
            n++;
        }
    }
    return n;
}

/* What every plugin that may queue a message can pass on. */
static unsigned int find_abilities(const qp_hook_table *table)
{
    const qp_hook_entry *entry = table->entries[QP_HOOK_queue];
    const qp_hook_entry *end = entry + table->counts[QP_HOOK_queue];
    unsigned int can = entry != end ? ~0u : 0;

    for (; entry != end; entry++) {
        can &= entry->self->can;
    }
    return can;
}

void qp_hook_table_fill(qp_hook_table *table, const apr_array_header_t *plugins,
                        apr_pool_t *pool)
{
    entry_list list;
    size_t room = 0;
    int hook;
    int i;

    for (i = 0; i < plugins->nelts; i++) {
        room += count_slots(APR_ARRAY_IDX(plugins, i, qp_plugin *));
    }
    for (hook = 0; hook < QP_HOOK_COUNT; hook++) {
        list.entries = apr_pcalloc(pool, sizeof(qp_hook_entry) * (room + 1));
        list.n = 0;
        for (i = 0; i < plugins->nelts; i++) {
            add_plugin(&list, APR_ARRAY_IDX(plugins, i, qp_plugin *),
                       (qp_hook_id)hook);
        }
        table->entries[hook] = list.entries;
        table->counts[hook] = list.n;
    }
    table->can = find_abilities(table);
}

/* One plugin. ------------------------------------------------------------ */

/* Whether it is an answer at all. */
static int is_known(qp_rc rc)
{
    return rc >= QP_OK && rc <= QP_DONE && qp_hook_rc_name(rc)[0] != '?';
}

/* Once for each plugin and hook: a client must not fill the log. */
static void warn_once(const qp_plugin *self, qp_session *qp, qp_hook_id hook,
                      qp_rc rc)
{
    qp_plugin *plugin;
    unsigned int bit = 1u << (hook % 32);

    memcpy(&plugin, &self, sizeof(plugin)); /* warned is the host's */
    if (__atomic_fetch_or(&plugin->warned, bit, __ATOMIC_RELAXED) & bit) {
        return;
    }
    qp_log_write(qp != NULL ? &qp->logger : self->home->logger, QP_LOG_CRIT,
                 "QP1101",
                 "%s: answer %d (%s) is not one of the hook %s: taken as "
                 "DECLINED",
                 self->name, (int)rc, qp_hook_rc_name(rc), qp_hook_name(hook));
}

static qp_rc check_answer(const qp_plugin *self, qp_session *qp,
                          qp_hook_id hook, qp_rc rc)
{
    unsigned int answers =
        rules[hook].answers == 0 ? H_ALL : rules[hook].answers;

    if (rc == QP_DECLINED) {
        return rc;
    }
    if (rc < QP_OK || rc > QP_DONE || (answers & (1u << (rc - QP_OK))) == 0) {
        warn_once(self, qp, hook, rc);
        return QP_DECLINED;
    }
    return rc;
}

static int is_denial(qp_rc rc)
{
    return rc >= QP_DENY && rc <= QP_DENYSOFT_DISCONNECT;
}

/* Tells the deny or ok plugins; their own answers count for nothing. */
static void tell_observers(const qp_hook_table *table, qp_session *qp,
                           const qp_plugin *self, qp_hook_id hook, qp_rc rc)
{
    qp_verdict_arg arg = { self->name, qp_hook_name(hook), rc, "" };
    qp_answer kept;

    if (qp == NULL
        || table->counts[is_denial(rc) ? QP_HOOK_deny : QP_HOOK_ok] == 0) {
        return;
    }
    kept = qp->answer;
    if (kept.text != NULL) {
        arg.text = kept.text;
    }
    if (is_denial(rc)) {
        qp_call_deny(table, qp, &arg);
    }
    else {
        qp_call_ok(table, qp, &arg);
    }
    qp->answer = kept;
    qp->answered = self;
}

/* Asks the plugins from *at on, until one says something else than DECLINED;
 * that one is then *at, and its answer is not checked yet. This is the way of
 * most calls, so it does for each plugin as little as there is to do. */
static qp_rc ask_plugins(const qp_hook_table *table, qp_session *qp,
                         qp_hook_id hook, const qp_hook_entry **at, void *arg)
{
    const qp_hook_entry *end = table->entries[hook] + table->counts[hook];
    const qp_hook_entry *entry = *at;
    qp_rc (*const call)(const qp_hook_entry *, qp_session *, void *) =
        facts[hook].call;
    int is_observed =
        table->counts[QP_HOOK_ok] > 0 && (rules[hook].flags & F_QUIET) == 0;
    const char *outer = qp->current_hook;
    qp_rc rc = QP_DECLINED;

    qp->current_hook = facts[hook].name;
    for (; entry != end; entry++) {
        if (qp->answer.text != NULL) {
            memset(&qp->answer, 0, sizeof(qp->answer));
        }
        rc = call(entry, qp, arg);
        if (rc != QP_DECLINED) {
            qp->answered = entry->self;
            break;
        }
        if (is_observed) {
            tell_observers(table, qp, entry->self, hook, rc);
        }
    }
    *at = entry;
    qp->current_hook = outer;
    return rc;
}

/* The answer of *at counts, or is taken as DECLINED; the observers are told
 * what it was. Then it is the next one's turn. */
static qp_rc settle_plugin(const qp_hook_table *table, qp_session *qp,
                           qp_hook_id hook, const qp_hook_entry **at, qp_rc rc)
{
    const qp_plugin *self = (*at)->self;
    qp_rc checked = check_answer(self, qp, hook, rc);

    if ((rules[hook].flags & F_QUIET) == 0) {
        tell_observers(table, qp, self, hook, is_known(rc) ? rc : checked);
    }
    (*at)++;
    return checked;
}

/* Hooks that answer at once. --------------------------------------------- */

/* Without a session: at the start of a process, and lines of the server. */
static qp_rc call_without_session(const qp_hook_table *table, qp_hook_id hook,
                                  void *arg)
{
    const qp_hook_entry *entry = table->entries[hook];
    const qp_hook_entry *end = entry + table->counts[hook];
    qp_rc rc = QP_DECLINED;

    for (; entry != end && rc == QP_DECLINED; entry++) {
        rc = check_answer(entry->self, NULL, hook,
                          facts[hook].call(entry, NULL, arg));
    }
    return rc;
}

qp_rc qp_hook_call(const qp_hook_table *table, qp_session *qp, qp_hook_id hook,
                   void *arg)
{
    const qp_hook_entry *at = table->entries[hook];
    const qp_hook_entry *end = at + table->counts[hook];
    const qp_plugin *outer;
    qp_rc rc = QP_DECLINED;

    if (qp == NULL) {
        return call_without_session(table, hook, arg);
    }
    outer = qp->answered;
    while (rc == QP_DECLINED && at != end) {
        rc = ask_plugins(table, qp, hook, &at, arg);
        if (at != end) {
            rc = settle_plugin(table, qp, hook, &at, rc);
        }
    }
    if (qp->current_hook[0] != '\0') {
        qp->answered = outer; /* within another hook, which comes back to it */
    }
    return rc;
}

/* Chains that may wait. -------------------------------------------------- */

/* Whether the plugin waits. One that says so without a handle is at fault. */
static int suspend_chain(qp_session *qp, const qp_hook_entry *entry)
{
    qp_chain *chain = &qp->chain;

    if (chain->nwaits == 0 || (rules[chain->hook].flags & F_AWAIT) == 0) {
        qp_session_log(qp, QP_LOG_CRIT, "QP1102",
                       "%s: waits in the hook %s %s: taken as DECLINED",
                       entry->self->name, qp_hook_name((qp_hook_id)chain->hook),
                       chain->nwaits == 0 ? "for nothing" : "where none may");
        chain->nwaits = 0;
        return 0;
    }
    if (chain->deadline == NULL && entry->self->common.timeout > 0) {
        chain->deadline =
            qp_timer(qp, entry->self->common.timeout, qp_session_pcmd(qp));
    }
    return 1;
}

static void finish_chain(qp_session *qp, qp_rc rc)
{
    qp_responder *respond = qp->chain.respond;

    qp->chain.running = 0;
    respond(qp, rc);
}

/* Runs on from chain->next, to the verdict or to the next wait. */
static void advance_chain(qp_session *qp, qp_rc rc)
{
    qp_chain *chain = &qp->chain;
    qp_hook_id hook = (qp_hook_id)chain->hook;
    const qp_hook_entry *before;

    while (rc == QP_DECLINED && chain->next != chain->end) {
        before = chain->next;
        chain->nwaits = 0;
        rc = ask_plugins(qp->hooks, qp, hook, &chain->next, chain->arg);
        if (chain->next != before) {
            chain->deadline = NULL; /* it was another plugin's */
        }
        if (chain->next == chain->end) {
            break;
        }
        if (rc == QP_YIELD) {
            if (suspend_chain(qp, chain->next)) {
                return;
            }
            rc = QP_DECLINED;
        }
        rc = settle_plugin(qp->hooks, qp, hook, &chain->next, rc);
        chain->deadline = NULL;
    }
    finish_chain(qp, rc);
}

void qp_hook_start(qp_session *qp, qp_hook_id hook, void *arg,
                   qp_responder *respond)
{
    qp_chain *chain = &qp->chain;

    QP_ASSERT(!chain->running);
    memset(&qp->answer, 0, sizeof(qp->answer));
    chain->hook = (int)hook;
    chain->next = qp->hooks->entries[hook];
    chain->end = chain->next + qp->hooks->counts[hook];
    chain->arg = arg;
    chain->respond = respond;
    chain->nwaits = 0;
    chain->deadline = NULL;
    chain->running = 1;
    advance_chain(qp, QP_DECLINED);
}

/* Whether what the plugin waits for is there; its deadline aside. */
static int has_waited(const qp_chain *chain)
{
    int ready = 0;
    int i;

    for (i = 0; i < chain->nwaits; i++) {
        ready += qp_ready(chain->waits[i]);
    }
    return chain->want_all ? ready == chain->nwaits : ready > 0;
}

int qp_hook_is_ready(qp_session *qp)
{
    const qp_chain *chain = &qp->chain;

    qp_session_look(qp);
    return has_waited(chain)
           || (chain->deadline != NULL && qp_ready(chain->deadline));
}

int qp_hook_keeps_message(const qp_session *qp)
{
    return (rules[qp->chain.hook].flags & F_KEEP) != 0;
}

apr_interval_time_t qp_hook_timeout(const qp_session *qp)
{
    if (!qp->chain.running) {
        return 0; /* the engine itself waits; see qp_session_pause() */
    }
    return qp->chain.next->self->common.timeout;
}

/* Mail is never accepted because a check took too long (architecture.md
 * 3.5b): where the answer decides about a message, it is DENYSOFT. */
static qp_rc give_up(qp_session *qp)
{
    qp_hook_id hook = (qp_hook_id)qp->chain.hook;

    qp_session_log(qp, QP_LOG_WARN, "QP1103",
                   "%s: no answer in the hook %s within its timeout",
                   qp->chain.next->self->name, qp_hook_name(hook));
    if (rules[hook].flags & F_DEADLY) {
        return qp_return_dsn(qp, QP_DENYSOFT, 3, 0,
                             "Cannot decide now, try again later");
    }
    return QP_DECLINED;
}

void qp_hook_resume(qp_session *qp)
{
    qp_rc rc;

    if (has_waited(&qp->chain)) {
        advance_chain(qp, QP_DECLINED);
        return;
    }
    rc = settle_plugin(qp->hooks, qp, (qp_hook_id)qp->chain.hook,
                       &qp->chain.next, give_up(qp));
    qp->chain.deadline = NULL;
    advance_chain(qp, rc);
}

void qp_hook_cancel(qp_session *qp)
{
    memset(&qp->chain, 0, sizeof(qp->chain));
}
