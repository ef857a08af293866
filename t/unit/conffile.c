/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of wire/qp_conffile: the syntax, $include and its faults, and the
 * noticing of changes (core.md 10.3, D15). Works in a folder of its own, which
 * is removed.
 */
#include "tap.h"

#include <stdlib.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <apr_file_info.h>
#include <apr_file_io.h>
#include <apr_general.h>
#include <apr_strings.h>

#include "base/qp_base.h"
#include "wire/qp_conffile.h"

/** The folder, and the pool of all tests. */
struct place {
    const char *dir;
    apr_pool_t *pool;
};

static const char *path_of(const struct place *place, const char *name)
{
    return apr_pstrcat(place->pool, place->dir, "/", name, NULL);
}

static void write_octets(const struct place *place, const char *name,
                         const char *data, size_t len)
{
    FILE *file = fopen(path_of(place, name), "wb");

    if (file == NULL || fwrite(data, 1, len, file) != len
        || fclose(file) != 0) {
        diag("cannot write %s", name);
        exit(1);
    }
}

static void write_text(const struct place *place, const char *name,
                       const char *text)
{
    write_octets(place, name, text, strlen(text));
}

static void make_folder(const struct place *place, const char *name)
{
    if (mkdir(path_of(place, name), 0700) != 0) {
        diag("cannot make %s", name);
        exit(1);
    }
}

static void remove_tree(const char *path, apr_pool_t *pool)
{
    apr_finfo_t info;
    apr_dir_t *folder;

    if (apr_dir_open(&folder, path, pool) == APR_SUCCESS) {
        while (apr_dir_read(&info, APR_FINFO_NAME, folder) == APR_SUCCESS) {
            if (strcmp(info.name, ".") != 0 && strcmp(info.name, "..") != 0) {
                remove_tree(apr_pstrcat(pool, path, "/", info.name, NULL),
                            pool);
            }
        }
        apr_dir_close(folder);
    }
    QP_IGNORE(remove(path), "the folder is a temporary one");
}

/* "NAME:NUMBER=TEXT;" for each line, the folder left out; or the complaint,
 * with the folder as "D". */
static const char *show(const struct place *place, const char *dir,
                        const char *key)
{
    const qp_conffile_line *line;
    qp_conffile *file = NULL;
    const char *out = "";
    const char *error = qp_conffile_read(dir, key, &file, place->pool);
    const char *found;
    int i;

    while (error != NULL && (found = strstr(error, place->dir)) != NULL) {
        error = apr_pstrcat(place->pool,
                            apr_pstrmemdup(place->pool, error,
                                           (size_t)(found - error)),
                            "D", found + strlen(place->dir), NULL);
    }
    if (error != NULL) {
        return error;
    }
    for (i = 0; i < file->lines->nelts; i++) {
        line = &APR_ARRAY_IDX(file->lines, i, qp_conffile_line);
        out = apr_psprintf(place->pool, "%s%s:%d=%s;", out,
                           line->file + strlen(place->dir) + 1, line->number,
                           line->text);
    }
    return out;
}

static const struct {
    const char *text;
    const char *want;
} texts[] = {
    { "", "" },
    { "\n\n  \n\t\n", "" },
    { "a", "k:1=a;" },
    { "a\n", "k:1=a;" },
    { "a\r\nb\r\n", "k:1=a;k:2=b;" },
    { " \t a  b \t\n#c\n  # d\nb # no comment\n",
      "k:1=a  b;k:4=b # no comment;" },
    { "\n\na\n\nb", "k:3=a;k:5=b;" },
    { "$includes x\n$includex\n", "k:1=$includes x;k:2=$includex;" },
    { "a $include b\n", "k:1=a $include b;" },
    { "\303\244\001\n", "k:1=\303\244\001;" },
    { "$include\n", "D/k:1: $include wants the name of a file" },
    { "a\n  $include \t\n", "D/k:2: $include wants the name of a file" },
    { "a\n$include none\n",
      "D/k:2: $include none: no such file; create it or remove the line" },
    { "$include none/x\n",
      "D/k:1: $include none/x: no such file; create it or remove the line" },
    { "$include /none/x y\n",
      "D/k:1: $include /none/x y: no such file; create it or remove the "
      "line" },
    { "a\n$include other\nb\n", "k:1=a;other:2=o;k:3=b;" },
    { "\t$include \t other \r\n$include other", "other:2=o;other:2=o;" },
    { "$include with blank\n", "with blank:1=w;" },
    { "$include sub/x\n", "sub/x:1=x;" },
    { "$include sub/..bad\n", "sub/..bad:1=never;" },
    { "$include deeper\n", "other:2=o;deeper:2=d;" },
    { "a\n$include sub\nb\n", "k:1=a;sub/A:1=A;sub/B:1=B;sub/x:1=x;k:3=b;" },
    { "$include empty\n", "" },
    { "$include k\n",
      "D/k:1: $include k: a circle of includes (D/k -> D/k); remove one" },
    { "\n$include ring\n",
      "D/ring2:1: $include k: a circle of includes (D/k -> D/ring -> D/ring2 "
      "-> D/k); remove one" },
    { "$include pipe\n",
      "D/k:1: $include pipe: not a plain file; put one in its place" },
    { "$include bad\n", "D/bad:3: a NUL octet; remove it" },
    { "$include sub2\n", "D/sub2/y:2: $include none: no such file; create it "
                         "or remove the line" },
    { "$include sub3\n", "D/k:1: $include sub3: z: a circle of includes "
                         "(D/k -> D/sub3/z); remove one" },
};

static void make_files(const struct place *place)
{
    write_text(place, "other", "# other\n o \n");
    write_text(place, "with blank", "w");
    write_text(place, "deeper", "$include other\nd");
    write_text(place, "ring", "$include ring2\n");
    write_text(place, "ring2", "$include k\n");
    write_octets(place, "bad", "a\nb\nc\0d\n", 8);
    make_folder(place, "empty");
    make_folder(place, "sub");
    make_folder(place, "sub/folder");
    write_text(place, "sub/x", "x");
    write_text(place, "sub/B", "B");
    write_text(place, "sub/A", "A");
    write_text(place, "sub/.hidden", "never");
    write_text(place, "sub/..bad", "never");
    write_text(place, "sub/folder/never", "never");
    make_folder(place, "sub2");
    write_text(place, "sub2/y", "y\n$include none\n");
    make_folder(place, "sub3");
    if (mkfifo(path_of(place, "pipe"), 0600) != 0
        || mkfifo(path_of(place, "sub/pipe"), 0600) != 0
        || symlink("nowhere", path_of(place, "sub/dangling")) != 0
        || symlink("loop", path_of(place, "loop")) != 0
        || symlink("../k", path_of(place, "sub3/z")) != 0) {
        diag("cannot make pipes and links");
    }
}

static void test_texts(const struct place *place)
{
    size_t i;

    make_files(place);
    for (i = 0; i < QP_ARRAY_LEN(texts); i++) {
        write_text(place, "k", texts[i].text);
        is_str(show(place, place->dir, "k"), texts[i].want, "text %d", (int)i);
    }
    write_text(place, "k",
               apr_psprintf(place->pool, "$include %s/other\n$include %s/sub",
                            place->dir, place->dir));
    is_str(show(place, place->dir, "k"),
           "other:2=o;sub/A:1=A;sub/B:1=B;sub/x:1=x;", "absolute names");
    is_str(show(place, path_of(place, ""), "other"), "other:2=o;",
           "a slash behind the folder");
}

static const struct {
    const char *key;
    const char *want;
} keys[] = {
    { "none", "" },
    { "", "D/: not the name of a config file" },
    { ".hidden", "D/.hidden: not the name of a config file" },
    { "..", "D/..: not the name of a config file" },
    { "sub/x", "D/sub/x: not the name of a config file" },
    { "/etc/passwd", "D//etc/passwd: not the name of a config file" },
    { "sub", "D/sub: not a plain file; put one in its place" },
    { "pipe", "D/pipe: not a plain file; put one in its place" },
    { "bad", "D/bad:3: a NUL octet; remove it" },
};

static void test_keys(const struct place *place)
{
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(keys); i++) {
        is_str(show(place, place->dir, keys[i].key), keys[i].want, "key \"%s\"",
               keys[i].key);
    }
    is_str(show(place, path_of(place, "nofolder"), "k"), "",
           "a folder that does not exist");
    ok(strncmp(show(place, place->dir, "loop"),
               "D/loop: cannot be opened: ", 26)
           == 0,
       "a link to itself");
}

static void test_limits(const struct place *place)
{
    const size_t size = 16 * 1024 * 1024;
    char *big = malloc(size + 1);
    const char *text;
    const char *name;
    int i;

    memset(big, 'a', size + 1);
    big[65537] = '\n';
    write_octets(place, "k", big + 1, 65537);
    text = show(place, place->dir, "k");
    is_int((long long)strlen(text), 65536 + 5, "a line of 65536 octets");
    write_octets(place, "k", big, 65538);
    is_str(show(place, place->dir, "k"),
           "D/k:1: longer than 65536 octets; split it", "one more");
    memset(big, '\n', size + 1);
    big[size - 1] = 'z';
    write_octets(place, "k", big, size);
    is_str(show(place, place->dir, "k"), "k:16777216=z;", "a file of 16 MiB");
    write_octets(place, "k", big, size + 1);
    is_str(show(place, place->dir, "k"),
           "D/k: larger than 16777216 octets; split it", "one more");
    free(big);

    for (i = 0; i <= 17; i++) {
        name = apr_psprintf(place->pool, "n%d", i);
        write_text(place, name,
                   apr_psprintf(place->pool, "$include n%d", i + 1));
    }
    write_text(place, "n16", "deep");
    is_str(show(place, place->dir, "n0"), "n16:1=deep;", "16 includes deep");
    write_text(place, "n16", "$include n17");
    write_text(place, "n17", "deeper");
    is_str(show(place, place->dir, "n0"),
           "D/n16:1: $include n17: includes are nested deeper than 16",
           "17 includes deep");
    for (i = 0; i < 14; i++) {
        name = apr_psprintf(place->pool, "n%d", i);
        write_text(place, name,
                   apr_psprintf(place->pool, "$include n%d\n$include n%d",
                                i + 1, i + 1));
    }
    write_text(place, "n14", "much");
    ok(strstr(show(place, place->dir, "n0"),
              ": more than 4096 files are included; join some of them")
           != NULL,
       "a flood of includes");
}

/* Gives a file or folder a time of change that none before had: what happens
 * within a tick of the clock could not be told apart otherwise. */
static void touch(const struct place *place, const char *name, int number)
{
    struct timespec times[2] = { { 1000000000, number },
                                 { 1000000000, number } };

    if (utimensat(AT_FDCWD, path_of(place, name), times, 0) != 0) {
        diag("cannot touch %s", name);
    }
}

static qp_conffile *read_key(const struct place *place, const char *key)
{
    qp_conffile *file = NULL;
    const char *error = qp_conffile_read(place->dir, key, &file, place->pool);

    if (error != NULL) {
        diag("%s", error);
    }
    is_int(qp_conffile_changed(file, place->pool), 0, "%s is as it was", key);
    return file;
}

static void expect_change(const struct place *place, qp_conffile **file,
                          const char *key, const char *what)
{
    is_int(qp_conffile_changed(*file, place->pool), 1, "%s", what);
    *file = read_key(place, key);
}

static void test_changes(const struct place *place)
{
    qp_conffile *file;

    file = read_key(place, "w");
    write_text(place, "w", "a\n$include w2\n$include wd\n");
    make_folder(place, "wd");
    write_text(place, "w2", "b\n");
    write_text(place, "wd/x", "c\n");
    expect_change(place, &file, "w", "the file has come into being");
    touch(place, "w", 1);
    expect_change(place, &file, "w", "another time");
    touch(place, "w", 2);
    expect_change(place, &file, "w", "another nanosecond");
    write_text(place, "w2", "bb\n");
    expect_change(place, &file, "w", "another size of an included file");
    touch(place, "wd/x", 3);
    touch(place, "wd", 3);
    expect_change(place, &file, "w", "a file of an included folder");
    write_text(place, "wd/y", "d\n");
    expect_change(place, &file, "w", "one more in the folder");
    is_int(file->lines->nelts, 4, "which is read");
    write_text(place, "w3", "e\n");
    touch(place, "w2", 4);
    touch(place, "w3", 4);
    touch(place, "wd", 4);
    file = read_key(place, "w");
    rename(path_of(place, "w3"), path_of(place, "w2"));
    expect_change(place, &file, "w", "another file of that name");
    if (symlink("../w9", path_of(place, "wd/link")) != 0) {
        diag("cannot make a link");
    }
    expect_change(place, &file, "w", "a link to nowhere in the folder");
    write_text(place, "w9", "f\n");
    expect_change(place, &file, "w", "which leads somewhere now");
    is_int(file->lines->nelts, 5, "and is read");
    remove(path_of(place, "w"));
    expect_change(place, &file, "w", "the file has gone");
    is_int(file->lines->nelts, 0, "and has no lines");
}

/* What a faulty file was made of is known too, so that a caller need not read
 * it again until it has changed. */
static void test_faulty_changes(const struct place *place)
{
    qp_conffile *file = NULL;
    const char *error;

    write_text(place, "f", "$include f2\n");
    error = qp_conffile_read(place->dir, "f", &file, place->pool);
    ok(error != NULL && file != NULL, "an include is missing");
    is_int(qp_conffile_changed(file, place->pool), 0, "still missing");
    write_text(place, "f2", "x\n");
    is_int(qp_conffile_changed(file, place->pool), 1, "no longer");
    is_str(show(place, place->dir, "f"), "f2:1=x;", "and all is well");
}

int main(void)
{
    struct place place;
    const char *base = NULL;
    char *dir;

    apr_initialize();
    apr_pool_create(&place.pool, NULL);
    if (apr_temp_dir_get(&base, place.pool) != APR_SUCCESS) {
        base = "/tmp";
    }
    dir = apr_pstrcat(place.pool, base, "/conffile.XXXXXX", NULL);
    place.dir = mkdtemp(dir);
    if (place.dir == NULL) {
        diag("cannot make a folder in %s", base);
        return 1;
    }
    test_texts(&place);
    test_keys(&place);
    test_limits(&place);
    test_changes(&place);
    test_faulty_changes(&place);
    remove_tree(place.dir, place.pool);
    apr_pool_destroy(place.pool);
    apr_terminate();
    return done_testing();
}
