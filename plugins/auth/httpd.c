/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks httpd's own modules about passwords. It is the one plugin that includes
 * headers of httpd: its whole purpose is to speak to httpd. The request that
 * those modules want to see lives as long as the job that asks them.

=pod

=head1 NAME

auth/httpd - passwords from httpd's authentication providers

=head1 SYNOPSIS

In F<config/plugins>:

    auth/httpd file
    auth/httpd ldap dbd location /smtp-auth

In httpd's configuration:

    <VirtualHost *:587>
        QpsmtpdEngine On
        ...
        <Location "/smtp-auth">
            AuthUserFile "/etc/qpsmtpd/htpasswd"
        </Location>
    </VirtualHost>

=head1 DESCRIPTION

For AUTH PLAIN and LOGIN the providers are asked in their order. They are those
that C<AuthBasicProvider> has for web pages: C<file> (mod_authn_file), C<dbm>
(mod_authn_dbm), C<dbd> (mod_authn_dbd, that is any SQL database), C<ldap>
(mod_authnz_ldap), C<socache> (mod_authn_socache), and whatever other modules
bring. The first one that knows the user decides.

What a provider needs to be told stands where it stands for a web page: in the
C<< <Location> >> of the name C<location>, in the virtual host that receives the
mail or in the main server. Nobody can fetch anything there, as the virtual host
speaks SMTP. For each login a request for this location is made up, which has
the client's address and the virtual host, and is given to the providers in a
job: they may block, and hold up nobody else.

A provider that fails (a file is missing, the database or the directory is
down) makes the answer 454, and the client tries again later. What went wrong
is in httpd's error log, in that module's words.

=head1 EXAMPLE

Users in PostgreSQL; the package is C<libaprutil1-dbd-pgsql>. In the database a
table, and a role that may read it and nothing else:

    CREATE TABLE users (
        name     text PRIMARY KEY,
        password text NOT NULL,
        active   boolean NOT NULL DEFAULT true
    );
    CREATE ROLE smtp LOGIN PASSWORD 'open.the.door';
    GRANT SELECT ON users TO smtp;

The passwords are what C<htpasswd -nbB joe> writes behind the colon. In httpd's
configuration, in a file that only root can read, modules mod_dbd,
mod_authn_dbd and mod_authn_core, and:

    DBDriver pgsql
    DBDPersist Off
    DBDParams "host=127.0.0.1 port=5432 dbname=postgres \
        user=smtp password=open.the.door connect_timeout=5"
    <Location "/smtp-auth">
        AuthDBDUserPWQuery \
            "SELECT password FROM users WHERE active AND name = %s"
    </Location>

In F<config/plugins>:

    auth/httpd dbd

Without C<DBDPersist Off> mod_dbd keeps connections open. Then the first login
on each of them after the database was away is refused for good, 535: the driver
for PostgreSQL cannot tell a connection that has gone from an unknown user.

=head1 CONFIGURATION

=over 4

=item location

The path of the C<< <Location> >>; the default is C</smtp-auth>.

=item providers

All other words: the providers. There must be one at least, and its module must
be loaded.

=back

=head1 DIAGNOSTICS

=over 4

=item auth/httpd: pass, I<USER> (I<PROVIDER>)

=item auth/httpd: fail, wrong password of I<USER> (I<PROVIDER>)

=item auth/httpd: skip, no provider knows this user

The next plugin is asked.

=item auth/httpd: error, I<PROVIDER> has failed for I<USER>; see the log of
httpd

=item auth/httpd: error, this is not httpd

The plugin is run by another program.

=back

=head1 SEE ALSO

L<auth/auth_flat_file>, F<docs/admin.md>, the manual of httpd

=cut

*/

#include <string.h>

#include <apr_strings.h>

#include <httpd.h>
#include <http_config.h>
#include <http_core.h>
#include <http_protocol.h>
#include <http_request.h>
#include <ap_provider.h>
#include <mod_auth.h>

#include "qpsmtpd.h"

struct opts {
    const char *location;
    apr_array_header_t *providers; /* of const char * */
};

static const qp_opt opt_table[] = {
    QP_OPT_STR(struct opts, location, "location", "/smtp-auth"),
    QP_OPT_REST(struct opts, providers, "providers"),
    QP_OPT_END,
};

/* In the job's pool. It sees neither the session nor its connection. */
struct check {
    const struct opts *opt;
    server_rec *server;
    apr_sockaddr_t *client_addr;
    apr_sockaddr_t *local_addr;
    const char *client_ip;
    const char *local_ip;
    const char *user;
    char *password;       /* overwritten when the job is done */
    const char *provider; /* that has decided */
    authn_status status;
};

/* Of one command. */
struct txn {
    struct check *check;
    qp_wait *done;
};

/* The job. --------------------------------------------------------------- */

/* A connection that nothing can be read from. */
static conn_rec *make_connection(const struct check *check, apr_pool_t *pool)
{
    conn_rec *c = apr_pcalloc(pool, sizeof(*c));

    c->pool = pool;
    c->base_server = check->server;
    c->vhost_lookup_data = NULL;
    c->client_addr = check->client_addr;
    c->client_ip = apr_pstrdup(pool, check->client_ip);
    c->local_addr = check->local_addr;
    c->local_ip = apr_pstrdup(pool, check->local_ip);
    c->conn_config = ap_create_conn_config(pool);
    c->notes = apr_table_make(pool, 2);
    c->bucket_alloc = apr_bucket_alloc_create(pool);
    c->keepalive = AP_CONN_CLOSE;
    c->log_id = "smtp-auth";
    return c;
}

/* A request for the location, as far as it comes before authentication. */
static request_rec *make_request(const struct check *check, apr_pool_t *pool)
{
    request_rec *r = ap_create_request(make_connection(check, pool));

    r->method = "GET";
    r->method_number = M_GET;
    r->protocol = apr_pstrdup(r->pool, "HTTP/1.0");
    r->proto_num = HTTP_VERSION(1, 0);
    r->the_request =
        apr_pstrcat(r->pool, "GET ", check->opt->location, " HTTP/1.0", NULL);
    r->unparsed_uri = apr_pstrdup(r->pool, check->opt->location);
    r->uri = apr_pstrdup(r->pool, check->opt->location);
    r->parsed_uri.path = r->uri;
    r->filename = apr_pstrdup(r->pool, check->opt->location);
    r->hostname = check->server->server_hostname;
    r->status = HTTP_OK;
    r->request_time = apr_time_now();
    r->user = apr_pstrdup(r->pool, check->user);
    r->ap_auth_type = apr_pstrdup(r->pool, "Basic");
    r->per_dir_config = check->server->lookup_defaults;
    return ap_location_walk(r) == OK ? r : NULL;
}

static void ask_providers(struct check *check, request_rec *r)
{
    const authn_provider *provider;
    int i;

    check->status = AUTH_USER_NOT_FOUND;
    for (i = 0; i < check->opt->providers->nelts
                && check->status == AUTH_USER_NOT_FOUND;
         i++) {
        check->provider = APR_ARRAY_IDX(check->opt->providers, i, const char *);
        provider = ap_lookup_provider(AUTHN_PROVIDER_GROUP, check->provider,
                                      AUTHN_PROVIDER_VERSION);
        check->status = AUTH_GENERAL_ERROR;
        if (provider != NULL && provider->check_password != NULL) {
            apr_table_setn(r->notes, AUTHN_PROVIDER_NAME_NOTE, check->provider);
            check->status =
                provider->check_password(r, check->user, check->password);
        }
    }
}

static apr_status_t run_check(qp_job *job, void *baton)
{
    struct check *check = baton;
    request_rec *r = make_request(check, qp_job_pool(job));

    check->status = AUTH_GENERAL_ERROR;
    if (r != NULL) {
        ask_providers(check, r);
    }
    qp_secret_wipe(check->password);
    if (r != NULL) {
        apr_pool_destroy(r->pool); /* gives back what the providers hold */
    }
    return APR_SUCCESS;
}

/* The session. ----------------------------------------------------------- */

static apr_sockaddr_t *copy_address(apr_sockaddr_t *from, apr_pool_t *pool)
{
    apr_sockaddr_t *to = NULL;
    char *ip = NULL;

    if (apr_sockaddr_ip_get(&ip, from) != APR_SUCCESS
        || apr_sockaddr_info_get(&to, ip, from->family, from->port, 0, pool)
               != APR_SUCCESS) {
        return NULL;
    }
    return to;
}

static void start_check(const qp_plugin *self, qp_session *qp, struct txn *txn,
                        const qp_auth_arg *arg)
{
    const conn_rec *c = qp_httpd_connection(qp);
    qp_job *job = qp_job_create(qp, qp_txn_pool(qp));
    apr_pool_t *pool = qp_job_pool(job);
    struct check *check = apr_pcalloc(pool, sizeof(*check));

    check->opt = qp_opts(self);
    check->server = c->base_server;
    check->client_addr = copy_address(c->client_addr, pool);
    check->local_addr = copy_address(c->local_addr, pool);
    check->client_ip = apr_pstrdup(pool, qp_conn_remote_ip(qp_connection(qp)));
    check->local_ip = apr_pstrdup(pool, qp_conn_local_ip(qp_connection(qp)));
    check->user = apr_pstrdup(pool, arg->user);
    check->password = apr_pstrdup(pool, arg->password);
    txn->check = check;
    txn->done = qp_job_start(job, run_check, check);
}

static qp_rc judge_status(const qp_plugin *self, qp_session *qp,
                          const struct check *check, authn_status status)
{
    switch (status) {
    case AUTH_GRANTED:
        qp_pass(self, qp, "%s (%s)", check->user, check->provider);
        return QP_OK;
    case AUTH_DENIED:
        qp_fail(self, qp, "wrong password of %s (%s)", check->user,
                check->provider);
        return QP_DENY;
    case AUTH_USER_NOT_FOUND:
        qp_skip(self, qp, "no provider knows this user");
        return QP_DECLINED;
    case AUTH_USER_FOUND:
    case AUTH_GENERAL_ERROR:
        break;
    }
    qp_error(self, qp, "%s has failed for %s; see the log of httpd",
             check->provider != NULL ? check->provider : "the location",
             check->user);
    return QP_DENYSOFT;
}

static qp_rc hook_password(const qp_plugin *self, qp_session *qp,
                           const qp_auth_arg *arg)
{
    struct txn *txn = qp_txn_data(self, qp);

    if (qp_httpd_connection(qp) == NULL) {
        qp_error(self, qp, "this is not httpd");
        return QP_DENYSOFT;
    }
    if (txn->done == NULL) {
        start_check(self, qp, txn, arg);
    }
    if (!qp_ready(txn->done)) {
        return qp_await(qp, txn->done);
    }
    return judge_status(self, qp, txn->check,
                        qp_wait_status(txn->done) == APR_SUCCESS
                            ? txn->check->status
                            : AUTH_GENERAL_ERROR);
}

static const char *setup(qp_plugin *self, apr_pool_t *pconf)
{
    const struct opts *opt = qp_opts(self);
    const char *name;
    int i;

    if (opt->location[0] != '/') {
        return "location: must begin with a slash";
    }
    if (opt->providers == NULL || opt->providers->nelts == 0) {
        return "providers: name one at least, such as file";
    }
    for (i = 0; i < opt->providers->nelts; i++) {
        name = APR_ARRAY_IDX(opt->providers, i, const char *);
        if (ap_lookup_provider(AUTHN_PROVIDER_GROUP, name,
                               AUTHN_PROVIDER_VERSION)
            == NULL) {
            return apr_psprintf(pconf,
                                "providers: httpd knows no \"%s\"; load its "
                                "module, such as mod_authn_%s",
                                name, name);
        }
    }
    return NULL;
}

QP_PLUGIN(auth_httpd) = {
    .opts = opt_table,
    .opts_size = sizeof(struct opts),
    .txn_size = sizeof(struct txn),
    .setup = setup,
    .hooks.auth_plain = hook_password,
    .hooks.auth_login = hook_password,
};
