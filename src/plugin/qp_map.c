/* SPDX-License-Identifier: Apache-2.0 */
/* Maps for plugins. Nothing is kept: the file is opened for each question, so
 * that a new one counts at once. */

#include "plugin/qp_map.h"

#include <apr_strings.h>

#include "wire/qp_cdb.h"

static const char *map_file(const char *dir, const char *key, apr_pool_t *pool)
{
    return apr_pstrcat(pool, dir, "/", key, ".cdb", NULL);
}

/* How to mend it. */
static const char *explain(const char *file, apr_status_t rv, apr_pool_t *pool)
{
    char why[128];

    if (rv == APR_EINVAL) {
        return apr_psprintf(pool,
                            "%s: is no cdb file, or is damaged; make it "
                            "again, with cdb -c",
                            file);
    }
    return apr_psprintf(pool, "%s: cannot be read: %s", file,
                        apr_strerror(rv, why, sizeof(why)));
}

apr_status_t qp_map_find(qp_session *qp, const char *key, const char *name,
                         const char **value)
{
    apr_pool_t *pool = qp_session_pcmd(qp);
    const char *file = map_file(qp_config_dir(qp->config), key, pool);
    apr_status_t rv = qp_cdb_find(file, name, value, pool);

    if (rv != APR_SUCCESS && !APR_STATUS_IS_NOTFOUND(rv)) {
        qp_log_write(&qp->logger, QP_LOG_ERROR, "QP1611", "%s",
                     explain(file, rv, pool));
    }
    return rv;
}

const char *qp_map_check(qp_plugin *self, const char *key)
{
    const char *file;
    apr_status_t rv;

    if (self->home->path->config_dir == NULL) {
        return NULL;
    }
    file = map_file(self->home->path->config_dir, key, self->home->pool);
    rv = qp_cdb_check(file);
    return rv == APR_SUCCESS || APR_STATUS_IS_NOTFOUND(rv)
               ? NULL
               : explain(file, rv, self->home->pool);
}
