/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Refuses messages whose header section is not what RFC 5322 wants. Keeps
 * nothing. It does not correct anything, and does not read addresses.

=pod

=head1 NAME

headers - refuse messages with faulty headers

=head1 SYNOPSIS

In F<config/plugins>:

    headers
    headers require From,Date past 30 future 2 reject_type temp

=head1 DESCRIPTION

These messages are refused:

=over 4

=item *

empty ones;

=item *

those without a field that C<require> names;

=item *

those in which a field stands twice that may stand once only: C<Date>, C<From>,
C<Sender>, C<Reply-To>, C<To>, C<Cc>, C<Bcc>, C<Message-Id>, C<In-Reply-To>,
C<References>, C<Subject>;

=item *

those whose C<Date> is older than C<past> days, or more than C<future> days
ahead, if these are given. A C<Date> that is none is not refused for that.

=back

The first fault is what the client is told. Clients that may relay or are
whitelisted may send all but empty messages.

=head1 CONFIGURATION

=over 4

=item require

Names of fields, with commas between them. The default is C<From>.

=item past

=item future

How many days the date may lie in the past, and in the future. The default is
0: it does not matter.

=item days

The same number for both, and C<From> and C<Date> are required. This is the
argument of older versions, and may be given without its name, as the first
word.

=back

The common arguments C<reject> and C<reject_type> are honoured.

=head1 DIAGNOSTICS

=over 4

=item headers: pass, all is as it should be

=item headers: the date cannot be read

The message has a C<Date> that is none, while C<past> or C<future> is given.

=item headers: fail, I<WHY>

The karma of the connection falls by 1.

=back

=head1 SEE ALSO

RFC 5322, section 3.6

=cut

*/

#include <string.h>

#include <apr_strings.h>

#include "qpsmtpd.h"

struct opts {
    apr_array_header_t *require;
    int past;
    int future;
    int days;
};

#define MAX_DAYS 36500

static const qp_opt opt_table[] = {
    QP_OPT_LIST(struct opts, require, "require", "From"),
    QP_OPT_INT(struct opts, past, "past", "0", 0, MAX_DAYS),
    QP_OPT_INT(struct opts, future, "future", "0", 0, MAX_DAYS),
    QP_OPT_WORD_INT(1, struct opts, days, "days", "0", 0, MAX_DAYS),
    QP_OPT_END,
};

/* RFC 5322 3.6: at most one of each. */
static const char *const singles[] = {
    "Date", "From",       "Sender",      "Reply-To",   "To",     "Cc",
    "Bcc",  "Message-Id", "In-Reply-To", "References", "Subject"
};
#define NSINGLES (sizeof(singles) / sizeof(singles[0]))

/* @return the name of a field that is missing, or NULL */
static const char *find_missing(const struct opts *opt, const qp_header *header)
{
    const char *name;
    int i;

    for (i = 0; i < opt->require->nelts; i++) {
        name = APR_ARRAY_IDX(opt->require, i, const char *);
        if (qp_header_count(header, name) == 0) {
            return name;
        }
    }
    if (opt->days > 0 && qp_header_count(header, "From") == 0) {
        return "From";
    }
    return opt->days > 0 && qp_header_count(header, "Date") == 0 ? "Date"
                                                                 : NULL;
}

static const char *find_double(const qp_header *header)
{
    size_t i;

    for (i = 0; i < NSINGLES; i++) {
        if (qp_header_count(header, singles[i]) > 1) {
            return singles[i];
        }
    }
    return NULL;
}

/* @return NULL, or what is wrong with the date */
static const char *judge_date(const qp_plugin *self, qp_session *qp,
                              const qp_header *header)
{
    const struct opts *opt = qp_opts(self);
    int past = opt->past > 0 ? opt->past : opt->days;
    int future = opt->future > 0 ? opt->future : opt->days;
    const char *date = qp_header_get(header, "Date", 0);
    apr_time_t now = apr_time_now();
    apr_time_t when;

    if (date == NULL || (past == 0 && future == 0)) {
        return NULL;
    }
    if (!qp_date_parse(date, &when)) {
        qp_log(self, qp, QP_LOG_INFO, "the date cannot be read");
        return NULL;
    }
    if (past > 0 && when < now - apr_time_from_sec(past * 86400LL)) {
        return "The Date is too far in the past";
    }
    if (future > 0 && when > now + apr_time_from_sec(future * 86400LL)) {
        return "The Date is too far in the future";
    }
    return NULL;
}

/* @return NULL, or what is wrong with the header */
static const char *find_fault(const qp_plugin *self, qp_session *qp)
{
    const qp_header *header = qp_txn_header(qp_transaction(qp));
    const char *name = find_missing(qp_opts(self), header);

    if (name != NULL) {
        return apr_psprintf(qp_pool(qp), "The field %s is missing", name);
    }
    name = find_double(header);
    if (name != NULL) {
        return apr_psprintf(qp_pool(qp), "There is more than one field %s",
                            name);
    }
    return judge_date(self, qp, header);
}

static qp_rc hook_data_post(const qp_plugin *self, qp_session *qp,
                            const qp_data_arg *arg)
{
    const char *fault = NULL;

    if (qp_txn_data_size(qp_transaction(qp)) == 0) {
        fault = "The message is empty";
    }
    else if (qp_is_immune(self, qp)) {
        return QP_DECLINED;
    }
    else {
        fault = find_fault(self, qp);
    }
    if (fault == NULL) {
        qp_pass(self, qp, "all is as it should be");
        return QP_DECLINED;
    }
    qp_karma_adjust(qp, -1);
    return qp_reject_dsn(self, qp, 6, 0, "%s", fault);
}

static const char *setup(qp_plugin *self, apr_pool_t *pconf)
{
    const struct opts *opt = qp_opts(self);
    const char *name;
    int i;

    for (i = 0; i < opt->require->nelts; i++) {
        name = APR_ARRAY_IDX(opt->require, i, const char *);
        if (name[0] == '\0' || strpbrk(name, ": \t") != NULL) {
            return apr_psprintf(pconf, "require: \"%s\" is no name of a field",
                                name);
        }
    }
    return NULL;
}

QP_PLUGIN(headers) = {
    .opts = opt_table,
    .opts_size = sizeof(struct opts),
    .setup = setup,
    .hooks.data_post = hook_data_post,
};
