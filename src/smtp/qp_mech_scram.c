/* SPDX-License-Identifier: Apache-2.0 */
/* SCRAM-SHA-256 and SCRAM-SHA-256-PLUS as steps of AUTH. Plugins say what is
 * stored; the proof is checked here, in a job, for it takes milliseconds. A
 * user who does not exist is taken through all of it as one who does (R83). */

#include <string.h>

#include <apr_strings.h>

#include "smtp/qp_mech.h"
#include "wire/qp_base64.h"
#include "wire/qp_sasl.h"

#define NONCE_LEN 18 /* octets; 24 characters of base64 */

/* What the job has, in its pool; and what the exchange knows until then. */
struct work {
    qp_verifier verifier;
    char *password; /* its keys are to be made of it; or NULL: they are there */
    const char *auth_message;
    unsigned char proof[QP_SHA256_LEN];
    int is_right;
    const char *answer;
};

static void fail_now(qp_session *qp, qp_rc rc, const char *why)
{
    qp->answer.text = NULL;
    qp->auth->why = why;
    qp_auth_fail(qp, rc);
}

/* The end. --------------------------------------------------------------- */

/* The client has seen our proof and has nothing to add (RFC 4954 4). */
static void take_nothing(qp_session *qp, char *data QP_UNUSED, apr_size_t len)
{
    if (len > 0) {
        qp_auth_malformed(qp);
        return;
    }
    qp_auth_succeed(qp);
}

static void judge_proof(qp_session *qp)
{
    qp_auth *auth = qp->auth;
    const struct work *work = auth->work;

    if (qp_wait_status(auth->done) != APR_SUCCESS) {
        fail_now(qp, QP_DENYSOFT, "the proof could not be checked");
    }
    else if (auth->rc != QP_OK) {
        qp_auth_fail(qp, auth->rc);
    }
    else if (!work->is_right) {
        qp_auth_fail(qp, QP_DENY);
    }
    else {
        qp_auth_ask(qp, work->answer, strlen(work->answer), take_nothing);
    }
}

static apr_status_t check_proof(qp_job *job, void *baton)
{
    struct work *work = baton;
    int is_made = 1;

    if (work->password != NULL) {
        is_made = qp_secret_make_verifier(&work->verifier, work->password);
        qp_secret_wipe(work->password);
    }
    if (is_made) {
        work->is_right =
            qp_scram_verify(work->auth_message, work->proof, &work->verifier,
                            &work->answer, qp_job_pool(job));
    }
    explicit_bzero(&work->verifier, sizeof(work->verifier));
    return is_made ? APR_SUCCESS : APR_EGENERAL;
}

static void start_job(qp_session *qp)
{
    qp_auth *auth = qp->auth;
    qp_job *job = qp_job_create(qp, auth->pool);
    apr_pool_t *pool = qp_job_pool(job);
    struct work *work = apr_pmemdup(pool, auth->work, sizeof(*work));

    work->auth_message = apr_pstrdup(pool, auth->scram.auth_message);
    memcpy(work->proof, auth->scram.proof, sizeof(work->proof));
    if (work->password != NULL) {
        work->password = apr_pstrdup(pool, work->password);
    }
    auth->work = work;
    auth->done = qp_job_start(job, check_proof, work);
    qp_session_pause(qp, auth->done, judge_proof);
}

/* The client's proof. ---------------------------------------------------- */

static void take_final(qp_session *qp, char *data, apr_size_t len)
{
    qp_scram *scram = &qp->auth->scram;
    const unsigned char *binding = NULL;
    apr_size_t binding_len = 0;

    if (scram->flag[0] == 'p') {
        binding = qp_session_binding(qp, scram->flag + 2, &binding_len);
    }
    if (scram->flag[0] == 'p' && binding == NULL) {
        fail_now(qp, QP_DENY, "no such channel binding");
        return;
    }
    switch (qp_scram_read_final(scram, data, len, binding, binding_len)) {
    case QP_SCRAM_MALFORMED:
        qp_auth_malformed(qp);
        return;
    case QP_SCRAM_WRONG:
        fail_now(qp, QP_DENY, "another channel, or another nonce");
        return;
    case QP_SCRAM_GOOD:
        break;
    }
    start_job(qp);
}

/* The challenge. --------------------------------------------------------- */

static void challenge(qp_session *qp, const struct work *work)
{
    qp_auth *auth = qp->auth;
    unsigned char octets[NONCE_LEN];
    const char *text;

    if (apr_generate_random_bytes(octets, sizeof(octets)) != APR_SUCCESS) {
        fail_now(qp, QP_DENYSOFT, "no random octets");
        return;
    }
    text =
        qp_scram_challenge(&auth->scram,
                           qp_base64_encode(octets, sizeof(octets), auth->pool),
                           &work->verifier);
    qp_auth_ask(qp, text, strlen(text), take_final);
}

/* The same salt each time, for the same name: that it were another one would
 * tell that the user does not exist. */
static void choose_salt(const qp_session *qp, qp_verifier *verifier)
{
    unsigned char mac[QP_SHA256_LEN];
    const char *user = qp->auth->user;

    qp_secret_hmac(qp->secret, QP_SERVER_SECRET_LEN, user, strlen(user), mac);
    memcpy(verifier->salt, mac, QP_SCRAM_SALT_LEN);
    verifier->salt_len = QP_SCRAM_SALT_LEN;
    verifier->iterations = QP_SCRAM_ITERATIONS;
}

/* @return whether a plugin's answer is of use */
static int take_stored(qp_session *qp, struct work *work)
{
    qp_auth *auth = qp->auth;
    qp_auth_scram_arg *arg = &auth->scram_arg;

    if (arg->verifier != NULL) {
        return qp_secret_parse_verifier(arg->verifier, &work->verifier,
                                        auth->pool);
    }
    if (arg->password == NULL || arg->password[0] == '\0') {
        return 0;
    }
    work->password = arg->password;
    choose_salt(qp, &work->verifier);
    return 1;
}

static void respond_scram(qp_session *qp, qp_rc rc)
{
    qp_auth *auth = qp->auth;
    struct work *work = apr_pcalloc(auth->pool, sizeof(*work));

    auth->work = work;
    auth->rc = rc;
    qp_auth_keep(auth, &work->verifier, sizeof(work->verifier));
    if (auth->scram_arg.password != NULL) {
        qp_auth_keep(auth, auth->scram_arg.password,
                     strlen(auth->scram_arg.password));
    }
    if (rc == QP_DENYSOFT || rc == QP_DENYSOFT_DISCONNECT) {
        qp_auth_fail(qp, rc);
        return;
    }
    if (rc == QP_OK && !take_stored(qp, work)) {
        qp_session_log(qp, QP_LOG_ERROR, "QP1626",
                       "%s: what it gives for SCRAM is neither a password nor "
                       "a verifier",
                       qp_plugin_name(qp->answered));
        fail_now(qp, QP_DENYSOFT, "no use");
        return;
    }
    if (rc != QP_OK) {
        work->password = apr_pstrdup(auth->pool, "nobody");
        choose_salt(qp, &work->verifier);
    }
    challenge(qp, work);
}

/* The first message. ----------------------------------------------------- */

/* Whether the client's flag fits the mechanism (RFC 5802 6). One that could
 * bind and thinks that we cannot has been lied to.
 * @return NULL, or what is wrong */
static const char *check_flag(qp_session *qp)
{
    const qp_auth *auth = qp->auth;
    const char *flag = auth->scram.flag;
    apr_size_t len;

    if (auth->mech->flags & QP_MECH_BINDS) {
        return flag[0] == 'p' && qp_session_binding(qp, flag + 2, &len) != NULL
                   ? NULL
                   : "no such channel binding";
    }
    if (flag[0] == 'p') {
        return "channel binding without -PLUS";
    }
    if (flag[0] == 'y'
        && qp_mech_check(qp, qp_mech_find("SCRAM-SHA-256-PLUS"))
               == QP_MECH_USABLE) {
        return "somebody hides -PLUS from the client";
    }
    return NULL;
}

void qp_mech_scram_start(qp_session *qp, char *data, apr_size_t len)
{
    qp_auth *auth = qp->auth;
    qp_scram *scram = &auth->scram;
    const char *error;

    scram->pool = auth->pool;
    if (qp_scram_read_first(scram, data, len) != QP_SCRAM_GOOD) {
        qp_auth_malformed(qp);
        return;
    }
    auth->user = scram->user;
    error = check_flag(qp);
    if (error == NULL && scram->authzid[0] != '\0'
        && strcmp(scram->authzid, scram->user) != 0) {
        error = "wants to be somebody else";
    }
    if (error == NULL && !qp_sasl_is_name(scram->user)) {
        error = "this can be nobody's name";
    }
    if (error != NULL) {
        fail_now(qp, QP_DENY, error);
        return;
    }
    auth->scram_arg.mechanism = auth->mech->lower;
    auth->scram_arg.user = scram->user;
    auth->scram_arg.pool = auth->pool;
    qp_start_auth_scram(qp, &auth->scram_arg, respond_scram);
}
