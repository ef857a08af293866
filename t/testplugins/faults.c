/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plugins with a fault each, which must stop the start with a sentence. The
 * test gives this file the name of each of them. They keep no data.
 */
#include "qpsmtpd.h"

static const char *refuse(qp_plugin *self, apr_pool_t *pconf)
{
    return "the moon is in the wrong phase";
}

QP_PLUGIN(fault_setup) = { .setup = refuse };

/* Parents. */
QP_PLUGIN(fault_orphan) = { .parent = "fault_nobody" };
QP_PLUGIN(fault_orphans_child) = { .parent = "fault_orphan" };
QP_PLUGIN(fault_setups_child) = { .parent = "fault_setup" };
QP_PLUGIN(fault_self) = { .parent = "fault_self" };
QP_PLUGIN(fault_circle) = { .parent = "fault_circle2" };
QP_PLUGIN(fault_circle2) = { .parent = "fault_circle3" };
QP_PLUGIN(fault_circle3) = { .parent = "fault_circle2" };
QP_PLUGIN(fault_path) = { .parent = "../fault_self" };
QP_PLUGIN(fault_stales_child) = { .parent = "fault_minor" };

/* Records of other servers. */
#define FOREIGN(sym, magic, major, minor, size, hooks_size)                    \
    extern QP_EXPORT const qp_abi qp_abi_##sym;                                \
    extern QP_EXPORT const qp_plugin_def qp_plugin_##sym;                      \
    const qp_abi qp_abi_##sym = { magic, major, minor, size, hooks_size };     \
    const qp_plugin_def qp_plugin_##sym = { .parent = NULL }

FOREIGN(fault_magic, 0x12345678, QP_ABI_MAJOR, QP_ABI_MINOR,
        sizeof(qp_plugin_def), sizeof(qp_hooks));
FOREIGN(fault_major, QP_ABI_MAGIC, QP_ABI_MAJOR - 1, 7, sizeof(qp_plugin_def),
        sizeof(qp_hooks));
FOREIGN(fault_minor, QP_ABI_MAGIC, QP_ABI_MAJOR, QP_ABI_MINOR + 1,
        sizeof(qp_plugin_def) + 8, sizeof(qp_hooks) + 8);
FOREIGN(fault_hooks, QP_ABI_MAGIC, QP_ABI_MAJOR, QP_ABI_MINOR,
        sizeof(qp_plugin_def) + 8, sizeof(qp_hooks) + 8);
FOREIGN(fault_size, QP_ABI_MAGIC, QP_ABI_MAJOR, QP_ABI_MINOR, 8,
        sizeof(qp_hooks));

/* Options. */
struct opts {
    int number, yes, word, flag;
    apr_off_t size;
    apr_interval_time_t time;
    apr_array_header_t *list;
};

static const char *const words[] = { "red", "green", NULL };

static const qp_opt opt_table[] = {
    QP_OPT_WORD_INT(1, struct opts, number, "number", "1", -5, 5),
    QP_OPT_BOOL(struct opts, yes, "yes", "no"),
    QP_OPT_ENUM(struct opts, word, "word", "red", words),
    QP_OPT_FLAG(struct opts, flag, "flag"),
    QP_OPT_SIZE(struct opts, size, "size", "1k"),
    QP_OPT_TIME(struct opts, time, "time", "1s"),
    QP_OPT_LIST(struct opts, list, "list", NULL),
    QP_OPT_END,
};

QP_PLUGIN(fault_options) = { .opts = opt_table,
                             .opts_size = sizeof(struct opts) };

static const qp_opt bad_table[] = {
    QP_OPT_INT(struct opts, number, "number", "many", 0, 5),
    QP_OPT_END,
};

QP_PLUGIN(fault_default) = { .opts = bad_table,
                             .opts_size = sizeof(struct opts) };
