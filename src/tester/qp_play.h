/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_play.h
 * @brief Plays a dialog to the engine, in memory: no httpd, no socket.
 */
#ifndef QP_PLAY_H
#define QP_PLAY_H

#include <apr_hash.h>

#include "tester/qp_dialog.h"
#include "tester/qp_record.h"
#include "tester/qp_stage.h"

/** In what pieces the server sees what the client says. */
typedef struct qp_play_way {
    const char *name; /**< "lines", "octets", "batch", or as it was asked for */
    apr_size_t chunk; /**< octets at once; 0: no limit */
    int by_line;      /**< a line at once */
    int is_batch;     /**< all that may be pipelined together */
} qp_play_way;

/** What the command line says about the server. */
typedef struct qp_play_spec {
    apr_array_header_t *plugin_dirs; /**< of const char *, absolute */
    const char *config_dir;          /**< or NULL */
    apr_hash_t *sets;                /**< key -> lines */
    apr_table_t *defines;
    const char *remote_ip;
    int loglevel;
    FILE *raw; /**< replies go there as they are, log lines to stderr; NULL */
} qp_play_spec;

/** Plays it once, in a folder and with a server of its own. What happens, and
 *  what went wrong, is in @a record. */
void qp_play_dialog(const qp_play_spec *spec, const qp_dialog *dialog,
                    const qp_play_way *way, qp_record *record);

#endif /* QP_PLAY_H */
