/* SPDX-License-Identifier: Apache-2.0 */
/* mod_qpsmtpd: an SMTP server inside httpd. This file is the module record and
 * its hooks; a connection begins in process_connection below. State is in the
 * connection; nothing is decided here but whose the connection is. */

#include "httpd/mod_qp.h"
#include "httpd/mod_qp_cache.h"
#include "httpd/mod_qp_count.h"

#include <http_protocol.h>

/* Called once for each connection, and again each time that the MPM gives it
 * back. */
static int process_connection(conn_rec *c)
{
    mod_qp_conf *conf = mod_qp_conf_of(c->base_server);
    mod_qp_conn *m;

    if (conf->server == NULL || conf->child == NULL || c->master != NULL) {
        return DECLINED;
    }
    m = mod_qp_park_of(c);
    if (m == NULL) {
        m = mod_qp_park_begin(c, conf);
    }
    return mod_qp_park_run(m);
}

/* Before whatever reads from a connection on its own: mod_reqtimeout, mod_ssl's
 * blocking handshake, mod_http2 looking for its preface. */
static void register_hooks(apr_pool_t *pool QP_UNUSED)
{
    static const char *const readers[] = { "mod_reqtimeout.c", "mod_ssl.c",
                                           "mod_http2.c", NULL };
    static const char *const ssl[] = { "mod_ssl.c", NULL };

    ap_hook_pre_config(mod_qp_cache_register, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_check_config(mod_qp_conf_check, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(mod_qp_conf_post, NULL, NULL, APR_HOOK_LAST);
    ap_hook_child_init(mod_qp_child_init, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_stopping(mod_qp_child_stopping, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_status(mod_qp_count_child_status, NULL, NULL,
                         APR_HOOK_MIDDLE);
    ap_hook_pre_connection(mod_qp_tls_hold, NULL, ssl, APR_HOOK_FIRST);
    ap_hook_pre_connection(mod_qp_tls_release, ssl, NULL, APR_HOOK_LAST);
    ap_hook_protocol_get(mod_qp_tls_protocol, NULL, NULL, APR_HOOK_FIRST);
    mod_qp_tls_register();
    ap_hook_process_connection(process_connection, NULL, readers,
                               APR_HOOK_REALLY_FIRST);
    ap_hook_suspend_connection(mod_qp_park_suspend, NULL, NULL, APR_HOOK_LAST);
    ap_hook_resume_connection(mod_qp_park_resume, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_pre_close_connection(mod_qp_park_close, NULL, ssl, APR_HOOK_FIRST);
}

AP_DECLARE_MODULE(qpsmtpd) = {
    STANDARD20_MODULE_STUFF,
    NULL, /* no directories */
    NULL,
    mod_qp_conf_create,
    mod_qp_conf_merge,
    mod_qp_directives,
    register_hooks,
    0,
};
