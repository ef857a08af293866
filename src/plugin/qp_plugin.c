/* SPDX-License-Identifier: Apache-2.0 */
/* Instances of plugins, made at start from the lines of config/plugins, and
 * the services that need to know which plugin asks. Instances live in pconf
 * and do not change while the server runs. Hooks are run by qp_hook. */

#include "plugin/qp_plugin.h"

#include <ctype.h>
#include <string.h>

#include <apr_strings.h>

/* How deep isa_plugin may go; more is a circle. */
#define MAX_PARENTS 8

/* Octets of the note naughty: a client can bring about many texts. */
#define MAX_NAUGHTY 1000

static const char *const reject_words[] = { "0",   "no",      "1",
                                            "yes", "naughty", NULL };
enum { REJECT_0, REJECT_NO, REJECT_1, REJECT_YES, REJECT_NAUGHTY };

static const char *const type_words[] = {
    "perm", "hard", "temp", "soft", "disconnect", "temp_disconnect", NULL
};
static const qp_rc type_answers[] = { QP_DENY,
                                      QP_DENY,
                                      QP_DENYSOFT,
                                      QP_DENYSOFT,
                                      QP_DENY_DISCONNECT,
                                      QP_DENYSOFT_DISCONNECT };

static const qp_opt common_opts[] = {
    QP_OPT_ENUM(qp_plugin_common, reject, "reject", "yes", reject_words),
    QP_OPT_ENUM(qp_plugin_common, reject_type, "reject_type", NULL, type_words),
    QP_OPT_STR(qp_plugin_common, loglevel, "loglevel", NULL),
    QP_OPT_TIME(qp_plugin_common, timeout, "timeout", "30s"),
    QP_OPT_END,
};

/* The name without its :N; :: belongs to the name. */
static const char *file_name(const char *name, apr_pool_t *pool)
{
    const char *colon = strrchr(name, ':');

    if (colon == NULL || colon == name || colon[-1] == ':' || colon[1] == '\0'
        || strspn(colon + 1, "0123456789") != strlen(colon + 1)) {
        return name;
    }
    return apr_pstrmemdup(pool, name, (apr_size_t)(colon - name));
}

static const char *check_loglevel(const qp_plugin_common *common)
{
    apr_int64_t level;

    if (common->loglevel != NULL
        && (!qp_str_number(common->loglevel, &level) || level < -7
            || level > 7)) {
        return "loglevel: must be 0 to 7, or a shift such as +1 or -2";
    }
    return NULL;
}

/* The options of a parent are read from the child's words: a word that the
 * child's table does not know is the parent's. */
static const char *read_options(qp_plugin *plugin,
                                const apr_array_header_t *args,
                                apr_pool_t *pconf)
{
    qp_opt_target targets[MAX_PARENTS + 2];
    qp_plugin *each = plugin;
    const char *error;
    int n = 0;

    while (each != NULL) {
        each->opts = apr_pcalloc(pconf, each->def.opts_size + 1);
        targets[n].table = each->def.opts;
        targets[n].dest = each->opts;
        n++;
        each = each->parent;
    }
    plugin->common.reject_type = QP_REJECT_TYPE_NONE;
    targets[n].table = common_opts;
    targets[n].dest = &plugin->common;
    error = qp_opt_parse(targets, n + 1, args, plugin->home->path->config_dir,
                         pconf);
    if (error == NULL) {
        error = check_loglevel(&plugin->common);
    }
    for (each = plugin->parent; each != NULL; each = each->parent) {
        each->common = plugin->common;
    }
    return error;
}

/* Loads a plugin and, below it, what it is derived from. */
static const char *load_family(const char *file, const char *name,
                               qp_plugin_home *home, qp_plugin **out,
                               apr_pool_t *pconf)
{
    qp_plugin **link = out;
    qp_plugin *plugin;
    qp_load_result loaded;
    const char *error;
    int depth;

    for (depth = 0; file != NULL; depth++) {
        if (depth == MAX_PARENTS) {
            return "is derived from itself, by way of its parents";
        }
        plugin = apr_pcalloc(pconf, sizeof(*plugin));
        error = qp_load_plugin(file, home->path, &loaded, pconf);
        if (error != NULL) {
            return depth == 0
                       ? error
                       : apr_psprintf(pconf, "its parent %s: %s", file, error);
        }
        plugin->name = name;
        plugin->def = loaded.def;
        plugin->baton = loaded.baton;
        plugin->hooks = plugin->def.hooks;
        plugin->home = home;
        plugin->conn_slot = plugin->def.conn_size > 0 ? home->nconn++ : -1;
        plugin->txn_slot = plugin->def.txn_size > 0 ? home->ntxn++ : -1;
        *link = plugin;
        link = &plugin->parent;
        file = plugin->def.parent;
    }
    return NULL;
}

/* Parents first, as init() does. */
static const char *run_setup(qp_plugin *plugin, apr_pool_t *pconf)
{
    const char *error = NULL;

    if (plugin->parent != NULL) {
        error = run_setup(plugin->parent, pconf);
    }
    if (error == NULL && plugin->def.setup != NULL) {
        error = plugin->def.setup(plugin, pconf);
    }
    return error;
}

const char *qp_plugin_create(const qp_plugin_line *line, qp_plugin_home *home,
                             qp_plugin **out, apr_pool_t *pconf)
{
    const char *error;

    error =
        load_family(file_name(line->name, pconf), line->name, home, out, pconf);
    if (error == NULL) {
        error = read_options(*out, line->args, pconf);
    }
    if (error == NULL) {
        error = run_setup(*out, pconf);
    }
    if (error == NULL) {
        return NULL;
    }
    return apr_pstrcat(pconf, line->where, ": ", line->name, ": ", error, NULL);
}

/* Services for plugins. -------------------------------------------------- */

const void *qp_opts(const qp_plugin *self)
{
    return self->opts;
}

void *qp_opts_edit(qp_plugin *self)
{
    return self->opts;
}

const char *qp_plugin_name(const qp_plugin *self)
{
    return self->name;
}

void qp_plugin_declare(qp_plugin *self, unsigned int can)
{
    self->can |= can;
}

qp_hooks *qp_plugin_hooks(qp_plugin *self)
{
    return &self->hooks;
}

qp_hooks *qp_plugin_add_hooks(qp_plugin *self, qp_place place)
{
    qp_plugin_more **link = &self->more;

    while (*link != NULL) {
        link = &(*link)->next;
    }
    *link = apr_pcalloc(self->home->pool, sizeof(**link));
    (*link)->place = place;
    return &(*link)->hooks;
}

void qp_add_loader(qp_plugin *self, qp_loader *loader)
{
    APR_ARRAY_PUSH(self->home->path->loaders, qp_loader *) = loader;
}

void *qp_loader_baton(const qp_plugin *self)
{
    return self->baton;
}

/* The nearest ancestor; a hook that it lacks is its own parent's to have. */
const qp_hooks *qp_super(const qp_plugin *self, const qp_plugin **parent)
{
    *parent = self->parent;
    return self->parent != NULL ? &self->parent->hooks : NULL;
}

void *qp_conn_data(const qp_plugin *self, qp_session *qp)
{
    QP_ASSERT(self->conn_slot >= 0);
    return qp_slots_get(&qp->conn->slots, self->conn_slot, self->home->nconn,
                        self->def.conn_size, qp->conn->pool);
}

void *qp_txn_data(const qp_plugin *self, qp_session *qp)
{
    QP_ASSERT(self->txn_slot >= 0);
    if (qp->txn == NULL) {
        return qp_slots_get(&qp->slots, self->txn_slot, self->home->ntxn,
                            self->def.txn_size, qp_session_pcmd(qp));
    }
    return qp_slots_get(&qp->txn->slots, self->txn_slot, self->home->ntxn,
                        self->def.txn_size, qp->txn->pool);
}

static int shift_level(const qp_plugin *self, int level)
{
    const char *word = self->common.loglevel;
    apr_int64_t by = 0;

    if (word == NULL || !qp_str_number(word, &by)) {
        return level;
    }
    if (word[0] != '+' && word[0] != '-') {
        return (int)by;
    }
    by += level;
    if (by < QP_LOG_EMERG) {
        return QP_LOG_EMERG;
    }
    return by > QP_LOG_DEBUG ? QP_LOG_DEBUG : (int)by;
}

static void log_line(const qp_plugin *self, qp_session *qp, int level,
                     const char *tag, const char *lead, const char *fmt,
                     va_list ap) QP_PRINTF(6, 0);

static void log_line(const qp_plugin *self, qp_session *qp, int level,
                     const char *tag, const char *lead, const char *fmt,
                     va_list ap)
{
    qp_log_vplugin(qp != NULL ? &qp->logger : self->home->logger,
                   shift_level(self, level), tag, self->name,
                   qp != NULL ? qp->current_hook : "", lead, fmt, ap);
}

void qp_log(const qp_plugin *self, qp_session *qp, int level, const char *fmt,
            ...)
{
    va_list ap;

    va_start(ap, fmt);
    log_line(self, qp, level, QP_TAG_PLUGIN, NULL, fmt, ap);
    va_end(ap);
}

void qp_pass(const qp_plugin *self, qp_session *qp, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    log_line(self, qp, QP_LOG_INFO, QP_TAG_PASS, "pass, ", fmt, ap);
    va_end(ap);
}

void qp_fail(const qp_plugin *self, qp_session *qp, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    log_line(self, qp, QP_LOG_INFO, QP_TAG_FAIL, "fail, ", fmt, ap);
    va_end(ap);
}

void qp_skip(const qp_plugin *self, qp_session *qp, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    log_line(self, qp, QP_LOG_INFO, QP_TAG_SKIP, "skip, ", fmt, ap);
    va_end(ap);
}

void qp_error(const qp_plugin *self, qp_session *qp, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    log_line(self, qp, QP_LOG_ERROR, QP_TAG_ERROR, "error, ", fmt, ap);
    va_end(ap);
}

qp_rc qp_fault(const qp_plugin *self, qp_session *qp, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    log_line(self, qp, QP_LOG_CRIT, QP_TAG_FAULT, "fault, ", fmt, ap);
    va_end(ap);
    return QP_DECLINED;
}

static int has_note(const qp_notes *notes, const char *key)
{
    return notes != NULL && qp_note_get(notes, key) != NULL;
}

/* Why policy is not for this client; or NULL. */
static const char *find_immunity(const qp_session *qp)
{
    const qp_notes *conn = qp->conn->notes;
    const qp_notes *txn = qp->txn != NULL ? qp->txn->notes : NULL;

    if (qp->conn->relay_client) {
        return "relay client";
    }
    if (has_note(conn, QP_NOTE_WHITELISTHOST)) {
        return "whitelisted host";
    }
    if (has_note(txn, QP_NOTE_WHITELISTSENDER)) {
        return "whitelisted sender";
    }
    if (has_note(conn, QP_NOTE_WHITELISTHELO)
        && (strcmp(qp->current_hook, "helo") == 0
            || strcmp(qp->current_hook, "ehlo") == 0)) {
        return "whitelisted hello";
    }
    if (has_note(txn, QP_NOTE_WHITELISTED)
        && strcmp(qp->current_hook, "rcpt") == 0) {
        return "whitelisted for this recipient";
    }
    return NULL;
}

int qp_is_immune(const qp_plugin *self, qp_session *qp)
{
    const char *why = find_immunity(qp);

    if (why != NULL) {
        qp_skip(self, qp, "%s", why);
    }
    return why != NULL;
}

qp_rc qp_reject_type(const qp_plugin *self, qp_rc def)
{
    return self->common.reject_type != QP_REJECT_TYPE_NONE
               ? type_answers[self->common.reject_type]
               : def;
}

/* Whether one of the lines of @a all is @a text. */
static int has_line(const char *all, const char *text)
{
    apr_size_t len = strlen(text);
    const char *at = all;

    while ((at = strstr(at, text)) != NULL) {
        if ((at == all || at[-1] == '\n')
            && (at[len] == '\0' || at[len] == '\n')) {
            return 1;
        }
        at++;
    }
    return 0;
}

/* Texts of several plugins are kept line by line (core.md 11). */
static void mark_naughty(const qp_plugin *self, qp_session *qp,
                         const char *text)
{
    qp_notes *notes = qp_conn_notes(qp->conn);
    const char *before = qp_note_get(notes, QP_NOTE_NAUGHTY);

    if (self->common.reject_type != QP_REJECT_TYPE_NONE) {
        qp_note_set(notes, QP_NOTE_NAUGHTY_REJECT_TYPE,
                    type_words[self->common.reject_type]);
    }
    if (before == NULL) {
        text = apr_pstrndup(qp_session_pcmd(qp), text, MAX_NAUGHTY);
    }
    else if (has_line(before, text)
             || strlen(before) + strlen(text) >= MAX_NAUGHTY) {
        return;
    }
    else {
        text = apr_pstrcat(qp_session_pcmd(qp), before, "\n", text, NULL);
    }
    qp_note_set(notes, QP_NOTE_NAUGHTY, text);
}

void qp_naughty_add(const qp_plugin *self, qp_session *qp, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    mark_naughty(self, qp, apr_pvsprintf(qp_session_pcmd(qp), fmt, ap));
    va_end(ap);
}

const char *qp_naughty(qp_session *qp, qp_rc *type)
{
    const qp_notes *notes = qp_conn_notes(qp->conn);
    const char *word = qp_note_get(notes, QP_NOTE_NAUGHTY_REJECT_TYPE);
    int i;

    *type = QP_DECLINED;
    for (i = 0; word != NULL && type_words[i] != NULL; i++) {
        if (strcmp(word, type_words[i]) == 0) {
            *type = type_answers[i];
        }
    }
    return qp_note_get(notes, QP_NOTE_NAUGHTY);
}

void qp_naughty_clear(qp_session *qp)
{
    qp_notes *notes = qp_conn_notes(qp->conn);

    qp_note_set(notes, QP_NOTE_NAUGHTY, NULL);
    qp_note_set(notes, QP_NOTE_NAUGHTY_REJECT_TYPE, NULL);
}

static qp_rc reject(const qp_plugin *self, qp_session *qp, int subject,
                    int detail, const char *text)
{
    if (self->common.reject == REJECT_0 || self->common.reject == REJECT_NO) {
        qp_fail(self, qp, "tolerated, %s", text);
        return QP_DECLINED;
    }
    if (self->common.reject == REJECT_NAUGHTY) {
        qp_fail(self, qp, "naughty, %s", text);
        mark_naughty(self, qp, text);
        return QP_DECLINED;
    }
    qp_fail(self, qp, "%s", text);
    return qp_return_dsn(qp, qp_reject_type(self, QP_DENY), subject, detail,
                         "%s", text);
}

qp_rc qp_reject(const qp_plugin *self, qp_session *qp, const char *fmt, ...)
{
    va_list ap;
    const char *text;

    va_start(ap, fmt);
    text = apr_pvsprintf(qp_session_pcmd(qp), fmt, ap);
    va_end(ap);
    return reject(self, qp, 0, 0, text);
}

qp_rc qp_reject_dsn(const qp_plugin *self, qp_session *qp, int subject,
                    int detail, const char *fmt, ...)
{
    va_list ap;
    const char *text;

    va_start(ap, fmt);
    text = apr_pvsprintf(qp_session_pcmd(qp), fmt, ap);
    va_end(ap);
    return reject(self, qp, subject, detail, text);
}
