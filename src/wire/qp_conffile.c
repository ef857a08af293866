/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a file of the config folder, with what it includes. Everything lives
 * in the caller's pool; the lines point into the text of the files as it was
 * read. It does not know what the values mean, and does not cache.
 */
#include "wire/qp_conffile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_errno.h>
#include <apr_strings.h>

#define LINE_MAX_OCTETS 65536
#define LINE_MAX_TEXT   "65536"
#define FILE_MAX_OCTETS (16 * 1024 * 1024)
#define NESTING_MAX     16
#define FILES_MAX       4096
#define READ_FIRST      4096

/** A file or folder that was looked at, and what it was like. */
struct seen {
    const char *path;
    int exists;
    struct stat info; /**< if it exists */
};

/** A file that is being read, and the one that includes it. */
struct source {
    const struct source *parent; /**< NULL: the file of the key */
    const char *path;
    const char *place; /**< how a complaint about the whole file begins */
    struct stat info;
    int depth;
    int number; /**< of the line at hand */
    char *text;
    apr_size_t len;
};

struct reader {
    const char *dir;
    qp_conffile *out;
    apr_pool_t *pool;
    int nfiles;
};

static const char *read_source(struct reader *reader, struct source *source);

static const char *error_text(int error, apr_pool_t *pool)
{
    char buffer[128];

    return apr_pstrdup(pool, apr_strerror(APR_FROM_OS_ERROR(error), buffer,
                                          sizeof(buffer)));
}

static void remember(struct reader *reader, const char *path,
                     const struct stat *info)
{
    struct seen *seen = apr_array_push(reader->out->seen);

    memset(seen, 0, sizeof(*seen));
    seen->path = path;
    if (info != NULL) {
        seen->exists = 1;
        seen->info = *info;
    }
}

/* ---- the text of one file ----------------------------------------------- */

/* Makes room for two more octets: one to read, and the terminator. */
static void make_room(struct source *source, apr_size_t *cap, apr_pool_t *pool)
{
    char *larger;

    if (*cap - source->len < 2) {
        larger = apr_palloc(pool, 2 * *cap);
        memcpy(larger, source->text, source->len);
        source->text = larger;
        *cap *= 2;
    }
}

/* Reads to the end, whatever stat said: the file may be growing. */
static const char *read_text(struct reader *reader, struct source *source,
                             int fd)
{
    apr_size_t cap = READ_FIRST;
    ssize_t n = 1;

    if (source->info.st_size > 0 && source->info.st_size <= FILE_MAX_OCTETS) {
        cap = (apr_size_t)source->info.st_size + 2;
    }
    source->text = apr_palloc(reader->pool, cap);
    while (n != 0 && source->len <= FILE_MAX_OCTETS) {
        make_room(source, &cap, reader->pool);
        n = read(fd, source->text + source->len, cap - source->len - 1);
        if (n > 0) {
            source->len += (apr_size_t)n;
        }
        else if (n < 0 && errno != EINTR) {
            return apr_psprintf(reader->pool, "%s: cannot be read: %s",
                                source->place, error_text(errno, reader->pool));
        }
    }
    source->text[source->len] = '\0';
    if (source->len > FILE_MAX_OCTETS) {
        return apr_psprintf(reader->pool, "%s: larger than %d octets; split it",
                            source->place, FILE_MAX_OCTETS);
    }
    return NULL;
}

/* ---- lines -------------------------------------------------------------- */

static int is_blank(char octet)
{
    return octet == ' ' || (octet >= '\t' && octet <= '\r');
}

static const char *complain_line(const struct source *source, const char *what,
                                 apr_pool_t *pool)
{
    return apr_psprintf(pool, "%s:%d: %s", source->path, source->number, what);
}

static char *trim_line(char *line, char *end)
{
    while (end > line && is_blank(end[-1])) {
        end--;
    }
    *end = '\0';
    while (is_blank(*line)) {
        line++;
    }
    return line;
}

static const char *join_path(const char *dir, const char *name,
                             apr_pool_t *pool)
{
    apr_size_t len = strlen(dir);
    const char *slash = len > 0 && dir[len - 1] == '/' ? "" : "/";

    return apr_pstrcat(pool, dir, slash, name, NULL);
}

/* ---- $include ----------------------------------------------------------- */

static const char *include_file(struct reader *reader,
                                const struct source *parent, const char *place,
                                const char *path)
{
    struct source source;

    memset(&source, 0, sizeof(source));
    source.parent = parent;
    source.path = path;
    source.place = place;
    source.depth = parent->depth + 1;
    if (source.depth > NESTING_MAX) {
        return apr_psprintf(reader->pool,
                            "%s: includes are nested deeper than %d", place,
                            NESTING_MAX);
    }
    return read_source(reader, &source);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names in a folder, sorted. @return NULL if it cannot be read */
static apr_array_header_t *list_folder(struct reader *reader, const char *path)
{
    apr_array_header_t *names;
    struct dirent *entry;
    struct stat info;
    DIR *folder = opendir(path);
    int error;

    if (folder == NULL) {
        return NULL;
    }
    remember(reader, path, fstat(dirfd(folder), &info) == 0 ? &info : NULL);
    names = apr_array_make(reader->pool, 16, sizeof(const char *));
    errno = 0;
    while ((entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] != '.') {
            APR_ARRAY_PUSH(names, const char *) =
                apr_pstrdup(reader->pool, entry->d_name);
        }
        errno = 0;
    }
    error = errno;
    closedir(folder);
    errno = error;
    qsort(names->elts, (size_t)names->nelts, sizeof(const char *),
          compare_names);
    return error == 0 ? names : NULL;
}

static const char *include_folder(struct reader *reader,
                                  const struct source *parent,
                                  const char *place, const char *path)
{
    apr_array_header_t *names = list_folder(reader, path);
    const char *error = NULL;
    const char *name;
    const char *file;
    struct stat info;
    int i;

    if (names == NULL) {
        error = error_text(errno, reader->pool);
        return apr_psprintf(reader->pool, "%s: cannot be read: %s", place,
                            error);
    }
    for (i = 0; i < names->nelts && error == NULL; i++) {
        name = APR_ARRAY_IDX(names, i, const char *);
        file = join_path(path, name, reader->pool);
        if (stat(file, &info) != 0) {
            remember(reader, file, NULL);
        }
        else if (S_ISREG(info.st_mode)) {
            name = apr_pstrcat(reader->pool, place, ": ", name, NULL);
            error = include_file(reader, parent, name, file);
        }
    }
    return error;
}

static const char *include_name(struct reader *reader,
                                const struct source *source, const char *name)
{
    const char *place;
    const char *path = name;
    struct stat info;

    if (name[0] == '\0') {
        return complain_line(source, "$include wants the name of a file",
                             reader->pool);
    }
    if (name[0] != '/') {
        path = join_path(reader->dir, name, reader->pool);
    }
    place = apr_psprintf(reader->pool, "%s:%d: $include %.200s", source->path,
                         source->number, name);
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode)) {
        return include_folder(reader, source, place, path);
    }
    return include_file(reader, source, place, path);
}

/* ---- a file as a whole -------------------------------------------------- */

/* value      = *blank *octet *blank
 * comment    = *blank "#" *octet
 * include    = *blank "$include" 1*blank name *blank */
static const char *take_line(struct reader *reader, const struct source *source,
                             char *line, char *end)
{
    static const char word[] = "$include";
    const apr_size_t len = sizeof(word) - 1;
    qp_conffile_line *value;

    line = trim_line(line, end);
    if (line[0] == '\0' || line[0] == '#') {
        return NULL;
    }
    if (strncmp(line, word, len) == 0
        && (line[len] == '\0' || is_blank(line[len]))) {
        return include_name(reader, source,
                            line + len + strspn(line + len, " \t\v\f\r"));
    }
    value = apr_array_push(reader->out->lines);
    value->text = line;
    value->file = source->path;
    value->number = source->number;
    return NULL;
}

static const char *take_lines(struct reader *reader, struct source *source)
{
    char *line = source->text;
    char *stop = source->text + source->len;
    const char *error = NULL;
    char *end;

    while (line < stop && error == NULL) {
        source->number++;
        end = memchr(line, '\n', (apr_size_t)(stop - line));
        end = end != NULL ? end : stop;
        if (end - line > LINE_MAX_OCTETS) {
            return complain_line(source,
                                 "longer than " LINE_MAX_TEXT
                                 " octets; split it",
                                 reader->pool);
        }
        if (memchr(line, '\0', (apr_size_t)(end - line)) != NULL) {
            return complain_line(source, "a NUL octet; remove it",
                                 reader->pool);
        }
        error = take_line(reader, source, line, end);
        line = end + 1;
    }
    return error;
}

static int is_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Whether the file is being read already, further up. */
static const char *find_circle(const struct source *source, apr_pool_t *pool)
{
    const char *trail = source->path;
    const struct source *up;

    for (up = source->parent; up != NULL; up = up->parent) {
        trail = apr_pstrcat(pool, up->path, " -> ", trail, NULL);
        if (is_same_file(&up->info, &source->info)) {
            return apr_psprintf(pool,
                                "%s: a circle of includes (%s); remove one",
                                source->place, trail);
        }
    }
    return NULL;
}

static const char *complain_open(struct reader *reader,
                                 const struct source *source, int error)
{
    struct stat info;

    remember(reader, source->path,
             stat(source->path, &info) == 0 ? &info : NULL);
    if (error != ENOENT && error != ENOTDIR) {
        return apr_psprintf(reader->pool, "%s: cannot be opened: %s",
                            source->place, error_text(error, reader->pool));
    }
    if (source->parent == NULL) {
        return NULL;
    }
    return apr_psprintf(reader->pool,
                        "%s: no such file; create it or remove the line",
                        source->place);
}

/* Looks at the open file before anything of it is read. */
static const char *check_source(struct reader *reader, struct source *source,
                                int fd)
{
    if (fstat(fd, &source->info) != 0) {
        return apr_psprintf(reader->pool, "%s: cannot be looked at: %s",
                            source->place, error_text(errno, reader->pool));
    }
    remember(reader, source->path, &source->info);
    if (!S_ISREG(source->info.st_mode)) {
        return apr_psprintf(reader->pool,
                            "%s: not a plain file; put one in its place",
                            source->place);
    }
    if (++reader->nfiles > FILES_MAX) {
        return apr_psprintf(reader->pool,
                            "%s: more than %d files are included; "
                            "join some of them",
                            source->place, FILES_MAX);
    }
    return find_circle(source, reader->pool);
}

/* O_NONBLOCK, for a named pipe must not stop httpd. */
static const char *read_source(struct reader *reader, struct source *source)
{
    const char *error;
    int fd = open(source->path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

    if (fd < 0) {
        return complain_open(reader, source, errno);
    }
    error = check_source(reader, source, fd);
    if (error == NULL) {
        error = read_text(reader, source, fd);
    }
    close(fd);
    return error != NULL ? error : take_lines(reader, source);
}

/* Makes an empty result first, which tells also after a fault whether to try
 * again. */
static void begin_reading(struct reader *reader, const char *dir,
                          qp_conffile **out, apr_pool_t *pool)
{
    *out = apr_palloc(pool, sizeof(**out));
    (*out)->lines = apr_array_make(pool, 8, sizeof(qp_conffile_line));
    (*out)->seen = apr_array_make(pool, 1, sizeof(struct seen));
    reader->dir = apr_pstrdup(pool, dir);
    reader->out = *out;
    reader->pool = pool;
    reader->nfiles = 0;
}

const char *qp_conffile_read(const char *dir, const char *key,
                             qp_conffile **out, apr_pool_t *pool)
{
    struct reader reader;
    struct source source;

    begin_reading(&reader, dir, out, pool);
    if (key[0] == '\0' || key[0] == '.' || strchr(key, '/') != NULL) {
        return apr_psprintf(pool, "%s/%s: not the name of a config file", dir,
                            key);
    }
    memset(&source, 0, sizeof(source));
    source.path = join_path(dir, key, pool);
    source.place = source.path;
    return read_source(&reader, &source);
}

const char *qp_conffile_read_path(const char *dir, const char *path,
                                  qp_conffile **out, apr_pool_t *pool)
{
    struct reader reader;
    struct source source;

    begin_reading(&reader, dir, out, pool);
    memset(&source, 0, sizeof(source));
    source.path = apr_pstrdup(pool, path);
    source.place = source.path;
    return read_source(&reader, &source);
}

/* ---- changes ------------------------------------------------------------ */

static int is_same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

/* The time of the last change of the inode counts too: a file that became
 * readable has to be read again. */
static int is_unchanged(const struct seen *seen)
{
    struct stat now;

    if (stat(seen->path, &now) != 0) {
        return !seen->exists;
    }
    return seen->exists && is_same_file(&seen->info, &now)
           && seen->info.st_size == now.st_size
           && is_same_time(&seen->info.st_mtim, &now.st_mtim)
           && is_same_time(&seen->info.st_ctim, &now.st_ctim);
}

int qp_conffile_changed(const qp_conffile *file, apr_pool_t *pool)
{
    int i;

    for (i = 0; i < file->seen->nelts; i++) {
        if (!is_unchanged(&APR_ARRAY_IDX(file->seen, i, struct seen))) {
            return 1;
        }
    }
    return 0;
}
