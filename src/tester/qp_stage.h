/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_stage.h
 * @brief The folder in which a dialog is played: config, spool, Maildir.
 */
#ifndef QP_STAGE_H
#define QP_STAGE_H

#include <apr_tables.h>

#include "tester/qp_dialog.h"

/** Gone, with the folder, when its pool is cleared. */
typedef struct qp_stage {
    const char *dir;
    const char *config_dir;
    const char *spool_dir;
    const qp_dialog *dialog;
} qp_stage;

/**
 * Makes the folder.
 * @param base     a config folder whose files hold unless the dialog says
 *                 otherwise; or NULL
 * @param defines  NAME -> VALUE: @NAME@ in settings stands for VALUE
 * @return NULL, or what is wrong
 */
const char *qp_stage_create(qp_stage **out, const qp_dialog *dialog,
                            const char *base, const apr_table_t *defines,
                            apr_pool_t *pool) QP_CHECKED;

/** Files that are in the spool folder. */
int qp_stage_spooled(const qp_stage *stage, apr_pool_t *pool);

/** An error of the server, with the dialog's file and line in place of those
 *  of the config file that was made of it. */
const char *qp_stage_explain(const qp_stage *stage, const char *error,
                             apr_pool_t *pool);

#endif /* QP_STAGE_H */
