/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers HELP from files. Their names live as long as the configuration, their
 * texts as long as the command. Only files that the administrator has named, or
 * put into the one folder, are read.

=pod

=head1 NAME

help - answer HELP with texts of your own

=head1 SYNOPSIS

In F<config/plugins>, one of

    help
    help help_dir /etc/qpsmtpd/texts
    help QUIT quit.txt VRFY /etc/qpsmtpd/vrfy.txt
    help not_implemented yes

=head1 DESCRIPTION

C<HELP WORD> is answered 214 with the text of a file: the one that an argument
names, else the one in the folder C<help_dir> that is called like the word in
lower case. C<HELP MAIL> shows F<help/mail>. Words have letters, digits and
underscores only; others are answered 502. If there is no file, the client is
told that there is no help on this.

C<HELP> alone shows the text for the word C<help>. If there is none, it hints at
giving a word.

A text may have up to 64 KiB of ASCII; each of its lines is a line of the reply.
A changed file needs no restart.

=head1 CONFIGURATION

=over 4

=item help_dir

The folder with the texts, relative to the config folder; the default is
F<help>. It must exist, unless files are named.

=item not_implemented

With C<not_implemented yes> every HELP is answered 502, as RFC 5321 4.2.4 has it
for a command that is switched off. The default is no.

=item files

All other words are pairs: a word to be explained, in any case, and the file
with its text, relative to C<help_dir>. A file that is not there stops the
start.

=back

=head1 DIAGNOSTICS

=over 4

=item help: pass, I<WORD>

There was help.

=item help: skip, no help on "I<WORD>"

=item help: skip, not implemented

=item help: error, I<FILE>: I<REASON>

A file cannot be read. The client is told that there is no help.

=back

=head1 SEE ALSO

F<docs/plugins.md>

=cut

*/

#include <string.h>
#include <strings.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "qpsmtpd.h"

#define MAX_TEXT 65536

struct opts {
    const char *help_dir;
    int not_implemented;
    apr_array_header_t *files; /* WORD FILE ... */
};

static const qp_opt opt_table[] = {
    QP_OPT_PATH(struct opts, help_dir, "help_dir", "help"),
    QP_OPT_BOOL(struct opts, not_implemented, "not_implemented", "no"),
    QP_OPT_REST(struct opts, files, "files"),
    QP_OPT_END,
};

/* Letters, digits and underscores cannot lead out of a folder. */
static int is_word(const char *text)
{
    while (apr_isalnum(*text) || *text == '_') {
        text++;
    }
    return *text == '\0';
}

static const char *full_path(const struct opts *opt, const char *file,
                             apr_pool_t *pool)
{
    return file[0] == '/' ? file
                          : apr_pstrcat(pool, opt->help_dir, "/", file, NULL);
}

/* The file for a word, whether it exists or not. */
static const char *choose_file(const struct opts *opt, const char *word,
                               apr_pool_t *pool)
{
    char *lower;
    char *p;
    int i;

    for (i = 0; opt->files != NULL && i < opt->files->nelts; i += 2) {
        if (strcasecmp(APR_ARRAY_IDX(opt->files, i, const char *), word) == 0) {
            return full_path(opt,
                             APR_ARRAY_IDX(opt->files, i + 1, const char *),
                             pool);
        }
    }
    lower = apr_pstrdup(pool, word);
    for (p = lower; *p != '\0'; p++) {
        *p = apr_tolower(*p);
    }
    return full_path(opt, lower, pool);
}

/* @param text  out, with APR_SUCCESS */
static apr_status_t read_text(const char *path, char **text, apr_pool_t *pool)
{
    apr_file_t *file = NULL;
    apr_finfo_t info;
    apr_size_t len = 0;
    apr_status_t rv = apr_stat(&info, path, APR_FINFO_TYPE, pool);

    if (rv == APR_SUCCESS && info.filetype != APR_REG) {
        return APR_EBADPATH; /* it could block */
    }
    if (rv == APR_SUCCESS) {
        rv = apr_file_open(&file, path, APR_FOPEN_READ, 0, pool);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    *text = apr_palloc(pool, MAX_TEXT + 1);
    rv = apr_file_read_full(file, *text, MAX_TEXT + 1, &len);
    apr_file_close(file);
    if (rv == APR_SUCCESS) {
        return APR_ENOSPC;
    }
    (*text)[len < MAX_TEXT ? len : MAX_TEXT] = '\0';
    return rv == APR_EOF ? APR_SUCCESS : rv;
}

static qp_rc not_there(const qp_plugin *self, qp_session *qp, const char *word)
{
    qp_skip(self, qp, "no help on \"%.32s\"", word);
    if (strcasecmp(word, "help") == 0) {
        return qp_return(qp, QP_OK, "Say HELP and a word, such as HELP MAIL");
    }
    return qp_return(qp, QP_OK, "There is no help on %.32s", word);
}

static qp_rc show_file(const qp_plugin *self, qp_session *qp, const char *word)
{
    apr_pool_t *pool = qp_pool(qp);
    const char *path = choose_file(qp_opts(self), word, pool);
    char *text = NULL;
    char reason[120];
    apr_status_t rv = read_text(path, &text, pool);

    if (rv == APR_SUCCESS) {
        qp_pass(self, qp, "%s", word);
        return qp_return(qp, QP_OK, "%s", text);
    }
    if (APR_STATUS_IS_ENOENT(rv)) {
        return not_there(self, qp, word);
    }
    if (rv == APR_ENOSPC) {
        qp_error(self, qp, "%s: more than %d octets", path, MAX_TEXT);
    }
    else {
        qp_error(self, qp, "%s: %s", path,
                 rv == APR_EBADPATH ? "no plain file"
                                    : apr_strerror(rv, reason, sizeof(reason)));
    }
    return qp_return(qp, QP_OK, "There is no help on %s", word);
}

static qp_rc hook_help(const qp_plugin *self, qp_session *qp,
                       const qp_words_arg *arg)
{
    const struct opts *opt = qp_opts(self);
    const char *word = "help";

    if (arg->words->nelts > 0) {
        word = APR_ARRAY_IDX(arg->words, 0, const char *);
    }
    if (opt->not_implemented) {
        qp_skip(self, qp, "not implemented");
    }
    else if (is_word(word)) {
        return show_file(self, qp, word);
    }
    else {
        qp_skip(self, qp, "no help on \"%.32s\"", word);
    }
    qp_respond(qp, 502,
               opt->not_implemented ? "5.5.1 HELP is not implemented here"
                                    : "5.5.1 There is help on words only");
    return QP_DONE;
}

static const char *check_files(const struct opts *opt, apr_pool_t *pool)
{
    apr_finfo_t info;
    const char *path;
    int i;

    for (i = 0; i < opt->files->nelts; i += 2) {
        if (i + 1 == opt->files->nelts) {
            return apr_psprintf(pool,
                                "files: \"%s\" has no file behind it; "
                                "they are pairs of a word and its file",
                                APR_ARRAY_IDX(opt->files, i, const char *));
        }
        path = full_path(opt, APR_ARRAY_IDX(opt->files, i + 1, const char *),
                         pool);
        if (apr_stat(&info, path, APR_FINFO_TYPE, pool) != APR_SUCCESS
            || info.filetype != APR_REG) {
            return apr_psprintf(pool, "files: %s is no file", path);
        }
    }
    return NULL;
}

static const char *setup(qp_plugin *self, apr_pool_t *pconf)
{
    const struct opts *opt = qp_opts(self);
    apr_finfo_t info;

    if (opt->files != NULL) {
        return check_files(opt, pconf);
    }
    if (!opt->not_implemented
        && (apr_stat(&info, opt->help_dir, APR_FINFO_TYPE, pconf) != APR_SUCCESS
            || info.filetype != APR_DIR)) {
        return apr_psprintf(pconf,
                            "help_dir: there is no folder %s; make it, "
                            "with a file for each word",
                            opt->help_dir);
    }
    return NULL;
}

QP_PLUGIN(help) = {
    .opts = opt_table,
    .opts_size = sizeof(struct opts),
    .setup = setup,
    .hooks.help = hook_help,
};
