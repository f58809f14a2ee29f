/* SPDX-License-Identifier: MIT
 *
 * Files and folders: what is there after every system call has failed once.
 */
#include "common.h"
#include "failing.h"
#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* The system, but the n-th call of one kind fails with a code, or is cut short. */
typedef struct faults {
    const char *kind;
    int n, code, seen;
    int shortened; /* write at most this many bytes a call, 0: all */
    int calls;     /* of any kind */
    int syncs;
} faults;

static bool fails(void *user, const char *kind)
{
    faults *f = user;
    f->calls++;
    if (!f->kind || strcmp(f->kind, kind) != 0 || ++f->seen != f->n) return false;
    errno = f->code;
    return true;
}

static int fault_open(void *user, const char *path, int flags, mode_t mode)
{
    return fails(user, "open") ? -1 : open(path, flags, mode);
}

static ssize_t fault_read(void *user, int file, void *data, size_t size)
{
    const faults *f = user;
    if (fails(user, "read")) return -1;
    return read(file, data, f->shortened && size > (size_t)f->shortened ? (size_t)f->shortened : size);
}

static ssize_t fault_write(void *user, int file, const void *data, size_t size)
{
    const faults *f = user;
    if (fails(user, "write")) return f->code ? -1 : 0;
    return write(file, data, f->shortened && size > (size_t)f->shortened ? (size_t)f->shortened : size);
}

static int fault_sync(void *user, int file)
{
    ((faults *)user)->syncs++;
    return fails(user, "sync") ? -1 : fsync(file);
}

static int fault_truncate(void *user, int file, off_t length)
{
    return fails(user, "truncate") ? -1 : ftruncate(file, length);
}

static int fault_close(void *user, int file)
{
    bool fail = fails(user, "close");
    int code = errno;
    close(file);
    errno = code;
    return fail ? -1 : 0;
}

static int fault_rename(void *user, const char *from, const char *to)
{
    return fails(user, "rename") ? -1 : rename(from, to);
}

static int fault_remove(void *user, const char *path)
{
    return fails(user, "remove") ? -1 : unlink(path);
}

static file_ops ops_with(faults *f)
{
    return (file_ops){f,           fault_open,   fault_read,  fault_write, fault_sync, fault_truncate,
                      fault_close, fault_rename, fault_remove};
}

static char folder[64];

static void make_folder(void)
{
    strcpy(folder, "/tmp/reel-file-XXXXXX");
    ck_assert(mkdtemp(folder) != NULL);
    setup();
}

static void remove_folder(void)
{
    ck_assert_uint_eq(reel_context_memory(context).in_use, 0);
    teardown();
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
}

static const char *path_of(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

/* The file holds exactly this; NULL: there is none. */
static void holds(const char *name, const char *content)
{
    reel_context *own = reel_context_new(NULL);
    size_t size;
    char *text = file_read(NULL, own, NULL, path_of(name), 1 << 20, &size);
    ck_assert_msg((text != NULL) == (content != NULL), "%s: %s", name, reel_error_text(own));
    if (text) ck_assert_str_eq(text, content);
    if (text) ck_assert_uint_eq(size, strlen(content));
    memory_free(own, text, size + 1);
    reel_context_free(own);
}

/* Names in the folder with any of this in them. */
static int count_names(const char *part)
{
    char command[160], line[256];
    int n = 0;
    snprintf(command, sizeof command, "ls -A %s", folder);
    FILE *list = popen(command, "r");
    while (list && fgets(line, sizeof line, list)) n += strstr(line, part) != NULL;
    if (list) pclose(list);
    return n;
}

START_TEST(write_and_read)
{
    ck_assert_int_eq(file_write(NULL, context, NULL, path_of("a"), "first", 5, 3), REEL_OK);
    holds("a", "first");
    ck_assert_int_eq(file_write(NULL, context, NULL, path_of("a"), "", 0, 0), REEL_OK);
    holds("a", "");
    ck_assert_int_eq(count_names("tmp"), 0);
    faults f = {.shortened = 7};
    file_ops ops = ops_with(&f);
    static char large[100001];
    memset(large, 'x', sizeof large - 1);
    ck_assert_int_eq(file_write(NULL, context, &ops, path_of("a"), large, sizeof large - 1, 0), REEL_OK);
    ck_assert_int_gt(f.calls, 14000);
    holds("a", large);
    f.shortened = 1000;
    size_t size;
    char *text = file_read(NULL, context, &ops, path_of("a"), sizeof large, &size);
    ck_assert(text && size == sizeof large - 1 && memcmp(text, large, sizeof large) == 0);
    memory_free(context, text, size + 1);
    ck_assert(!reel_failed(context));
}
END_TEST

START_TEST(write_in_the_current_folder)
{
    char here[512];
    ck_assert(getcwd(here, sizeof here) != NULL);
    ck_assert_int_eq(chdir(folder), 0);
    ck_assert_int_eq(file_write(NULL, context, NULL, "plain", "x", 1, FILE_SYNC_CONTENT | FILE_SYNC_FOLDER), REEL_OK);
    ck_assert_int_eq(chdir(here), 0);
    holds("plain", "x");
}
END_TEST

/* Each call of a save fails in turn: the old content stays (until the rename), no temporary file remains, one sentence. */
START_TEST(every_failure_of_a_save)
{
    static const struct {
        const char *kind;
        int n, code;
        const char *after, *part;
    } cases[] = {
        {"open", 1, EACCES, "old", "cannot be made: Permission denied"},
        {"write", 1, ENOSPC, "old", "cannot be written: No space left on device"},
        {"write", 2, ENOSPC, "old", "cannot be written: No space left on device"},
        {"write", 3, EIO, "old", "cannot be written"},
        {"write", 1, 0, "old", "No space left"}, /* a write of nothing */
        {"sync", 1, EIO, "old", "cannot be flushed to the disk"},
        {"close", 1, EDQUOT, "old", "cannot be closed"},
        {"rename", 1, EXDEV, "old", "cannot be renamed"},
        {"open", 2, EMFILE, "new content", "cannot be opened to flush it"},
        {"sync", 2, EIO, "new content", "cannot be flushed to the disk"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ck_assert_int_eq(file_write(NULL, context, NULL, path_of("f"), "old", 3, 0), REEL_OK);
        faults f = {.kind = cases[i].kind, .n = cases[i].n, .code = cases[i].code, .shortened = 4};
        file_ops ops = ops_with(&f);
        reel_status status = file_write("here", context, &ops, path_of("f"), "new content", 11, 3);
        ck_assert_msg(status == REEL_IO && reel_error_status(context) == REEL_IO, "case %zu", i);
        ck_assert_msg(strstr(reel_error_text(context), cases[i].part) != NULL, "%s", reel_error_text(context));
        ck_assert_msg(strncmp(reel_error_text(context), "here: /tmp/", 11) == 0, "%s", reel_error_text(context));
        reel_error_clear(context);
        holds("f", cases[i].after);
        ck_assert_int_eq(count_names("tmp-"), 0);
    }
}
END_TEST

START_TEST(interruptions_are_tried_again)
{
    static const char *const kinds[] = {"open", "write", "sync", "close", "read"};
    for (size_t i = 0; i < 5; i++) {
        faults f = {.kind = kinds[i], .n = 1, .code = EINTR, .shortened = 3};
        file_ops ops = ops_with(&f);
        ck_assert_int_eq(file_write(NULL, context, &ops, path_of("f"), "content", 7, 3), REEL_OK);
        size_t size = 0;
        char *text = file_read(NULL, context, &ops, path_of("f"), 100, &size);
        ck_assert(text && strcmp(text, "content") == 0);
        memory_free(context, text, size + 1);
        ck_assert_msg(f.seen >= 1, "%s", kinds[i]);
    }
}
END_TEST

START_TEST(syncs_only_on_request)
{
    faults f = {.kind = NULL};
    file_ops ops = ops_with(&f);
    file_write(NULL, context, &ops, path_of("f"), "1", 1, 0);
    ck_assert_int_eq(f.syncs, 0);
    file_write(NULL, context, &ops, path_of("f"), "1", 1, FILE_SYNC_CONTENT);
    ck_assert_int_eq(f.syncs, 1);
    file_write(NULL, context, &ops, path_of("f"), "1", 1, FILE_SYNC_CONTENT | FILE_SYNC_FOLDER);
    ck_assert_int_eq(f.syncs, 3);
    ck_assert_int_eq(file_sync(NULL, context, &ops, folder), REEL_OK);
    ck_assert_int_eq(f.syncs, 4);
}
END_TEST

static void read_fails(const char *path, size_t limit, reel_status status, const char *part)
{
    size_t size = 9;
    ck_assert_ptr_null(file_read(NULL, context, NULL, path, limit, &size));
    ck_assert_uint_eq(size, 0);
    ck_assert_int_eq(reel_error_status(context), status);
    ck_assert_msg(strstr(reel_error_text(context), part) != NULL, "%s", reel_error_text(context));
    reel_error_clear(context);
}

START_TEST(read_sentences)
{
    read_fails(path_of("missing"), 100, REEL_IO, "/missing: there is no such file");
    read_fails(folder, 100, REEL_IO, "found a folder, expected a file");
    file_write(NULL, context, NULL, path_of("f"), "12345", 5, 0);
    read_fails(path_of("f"), 4, REEL_BAD_FILE, "found 5 bytes, the limit is 4");
    read_fails("/dev/zero", 100000, REEL_BAD_FILE, "found more than 100000 bytes, the limit");
    if (geteuid() != 0) {
        chmod(path_of("f"), 0);
        read_fails(path_of("f"), 100, REEL_IO, "cannot be opened: Permission denied");
    }
    faults f = {.kind = "read", .n = 1, .code = EIO};
    file_ops ops = ops_with(&f);
    size_t size;
    chmod(path_of("f"), 0600);
    ck_assert_ptr_null(file_read(NULL, context, &ops, path_of("f"), 100, &size));
    ck_assert_msg(strstr(reel_error_text(context), "cannot be read: ") != NULL, "%s", reel_error_text(context));
}
END_TEST

START_TEST(append_and_truncate)
{
    ck_assert_int_eq(file_append(NULL, context, NULL, path_of("log"), "one\n", 4, 0), REEL_OK);
    ck_assert_int_eq(file_append(NULL, context, NULL, path_of("log"), "two\n", 4, FILE_SYNC_CONTENT), REEL_OK);
    holds("log", "one\ntwo\n");
    faults f = {.kind = "write", .n = 2, .code = ENOSPC, .shortened = 2};
    file_ops ops = ops_with(&f);
    ck_assert_int_eq(file_append(NULL, context, &ops, path_of("log"), "three\n", 6, 0), REEL_IO);
    reel_error_clear(context);
    holds("log", "one\ntwo\n"); /* no half line */
    ck_assert_int_eq(file_truncate(NULL, context, NULL, path_of("log"), 4), REEL_OK);
    holds("log", "one\n");
    ck_assert_int_eq(file_truncate(NULL, context, NULL, path_of("log"), 5), REEL_BAD_FILE);
    ck_assert_msg(strstr(reel_error_text(context), "found 4 bytes, expected at least 5"), "%s",
                  reel_error_text(context));
    reel_error_clear(context);
    ck_assert_int_eq(file_truncate(NULL, context, NULL, path_of("none"), 0), REEL_IO);
    reel_error_clear(context);
    f = (faults){.kind = "truncate", .n = 1, .code = EIO};
    ck_assert_int_eq(file_truncate(NULL, context, &ops, path_of("log"), 0), REEL_IO);
    reel_error_clear(context);
    holds("log", "one\n");
}
END_TEST

START_TEST(a_locked_folder)
{
    folder_lock *lock = folder_lock_new(NULL, context, folder);
    ck_assert_msg(lock != NULL, "%s", reel_error_text(context));
    ck_assert_ptr_null(folder_lock_new(NULL, context, folder));
    char sentence[160];
    snprintf(sentence, sizeof sentence, "%s: process %ld is using this folder", folder, (long)getpid());
    ck_assert_str_eq(reel_error_text(context), sentence);
    ck_assert_int_eq(reel_error_status(context), REEL_LOCKED);
    reel_error_clear(context);
    folder_unlock(lock);

    int ready[2];
    char byte = 0;
    ck_assert_int_eq(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) { /* takes the lock and is killed with it */
        reel_context *own = reel_context_new(NULL);
        byte = folder_lock_new(NULL, own, folder) ? 'y' : 'n';
        if (write(ready[1], &byte, 1) == 1) pause();
        _exit(1);
    }
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    ck_assert_int_eq(byte, 'y');
    ck_assert_ptr_null(folder_lock_new(NULL, context, folder));
    ck_assert_int_eq(reel_error_status(context), REEL_LOCKED);
    reel_error_clear(context);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    lock = folder_lock_new(NULL, context, folder);
    ck_assert_msg(lock != NULL, "%s", reel_error_text(context));
    folder_unlock(lock);
    close(ready[0]);
    close(ready[1]);
    ck_assert_ptr_null(folder_lock_new(NULL, context, path_of("missing")));
    ck_assert_int_eq(reel_error_status(context), REEL_IO);
}
END_TEST

START_TEST(list_and_clean)
{
    static const char *const names[] = {"step-10.json",
                                        "step-9.json",
                                        "step-000000010.json",
                                        "step-.json",
                                        "step-1x.json",
                                        "step-7.json~",
                                        "xstep-8.json",
                                        "step--3.json",
                                        "step-+4.json",
                                        "step-1234567890123456789.json",
                                        ".step-3.json.tmp-77",
                                        ".a.tmp-b.tmp-12",
                                        ".tmp-5",
                                        ".x.tmp-",
                                        "y.tmp-4"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        ck_assert_int_eq(file_write(NULL, context, NULL, path_of(names[i]), "x", 1, 0), REEL_OK);
    file_names list = folder_list(NULL, context, folder, "step-", ".json");
    ck_assert_int_eq(list.count, 3);
    ck_assert_str_eq(list.items[0].name, "step-9.json");
    ck_assert_str_eq(list.items[1].name, "step-000000010.json");
    ck_assert_str_eq(list.items[2].name, "step-10.json");
    ck_assert_int_eq(list.items[2].number, 10);
    file_names_free(context, &list);
    ck_assert_int_eq(folder_clean(NULL, context, NULL, folder), 2);
    ck_assert_int_eq(count_names("tmp-"), 3);
    ck_assert(!reel_failed(context));
    list = folder_list(NULL, context, path_of("missing"), "a", "b");
    ck_assert_int_eq(list.count, 0);
    ck_assert_msg(strstr(reel_error_text(context), "there is no such folder"), "%s", reel_error_text(context));
}
END_TEST

START_TEST(folders_are_made)
{
    ck_assert_int_eq(folder_make(NULL, context, path_of("a/b//c/")), REEL_OK);
    ck_assert_int_eq(folder_make(NULL, context, path_of("a/b/c")), REEL_OK);
    ck_assert_int_eq(file_write(NULL, context, NULL, path_of("a/b/c/file"), "x", 1, 3), REEL_OK);
    ck_assert_int_eq(folder_make(NULL, context, path_of("a/b/c/file")), REEL_IO);
    ck_assert_msg(strstr(reel_error_text(context), "cannot be made a folder: Not a directory"), "%s",
                  reel_error_text(context));
}
END_TEST

/* A process killed at any moment of a save leaves the old content or the new one. */
START_TEST(killed_while_saving)
{
    static char contents[2][50000];
    memset(contents[0], 'a', sizeof contents[0]);
    memset(contents[1], 'b', sizeof contents[1]);
    int seen[2] = {0, 0};
    file_write(NULL, context, NULL, path_of("f"), contents[0], sizeof contents[0], 0);
    for (int i = 0; i < 40; i++) {
        int ready[2];
        char byte = 0;
        ck_assert_int_eq(pipe(ready), 0);
        pid_t child = fork();
        if (child == 0) {
            reel_context *own = reel_context_new(NULL);
            for (int n = i;; n++) {
                file_write(NULL, own, NULL, path_of("f"), contents[n % 2], sizeof contents[0], 0);
                if (n == i + 1 && write(ready[1], &byte, 1) != 1) _exit(1); /* after the second save */
            }
        }
        ck_assert_int_eq(read(ready[0], &byte, 1), 1);
        close(ready[0]);
        close(ready[1]);
        nanosleep(&(struct timespec){.tv_nsec = 37000 * (i % 11)}, NULL);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        size_t size = 0;
        char *text = file_read(NULL, context, NULL, path_of("f"), 1 << 20, &size);
        ck_assert(text && size == sizeof contents[0] && (text[0] == 'a' || text[0] == 'b'));
        ck_assert(memcmp(text, contents[text[0] == 'b'], size) == 0);
        seen[text[0] == 'b']++;
        memory_free(context, text, size + 1);
    }
    ck_assert_msg(seen[0] > 0 && seen[1] > 0, "%d and %d", seen[0], seen[1]); /* or nothing was saved at all */
    folder_clean(NULL, context, NULL, folder);
    ck_assert_int_eq(count_names("tmp-"), 0);
}
END_TEST

START_TEST(no_memory_is_an_error)
{
    file_write(NULL, context, NULL, path_of("step-1"), "old", 3, 0);
    int failures = 0;
    for (int n = 1;; n++, failures++) {
        failing f = {.left = (uint64_t)n};
        size_t size;
        reel_context *own = reel_context_new(&(reel_allocator){fail_after, &f});
        folder_make(NULL, own, path_of("deep/er"));
        folder_lock *lock = folder_lock_new(NULL, own, folder);
        file_write(NULL, own, NULL, path_of("step-1"), "new", 3, 3);
        char *text = file_read(NULL, own, NULL, path_of("step-1"), 100, &size);
        file_names names = folder_list(NULL, own, folder, "step-", "");
        folder_clean(NULL, own, NULL, folder);
        bool done = !reel_failed(own);
        ck_assert(done || reel_error_status(own) == REEL_NO_MEMORY);
        ck_assert(!done || (names.count == 1 && strcmp(text, "new") == 0));
        memory_free(own, text, size + 1);
        file_names_free(own, &names);
        folder_unlock(lock);
        ck_assert_uint_eq(reel_context_memory(own).in_use, 0);
        reel_context_free(own);
        if (done) break;
    }
    ck_assert_int_gt(failures, 6);
    ck_assert_int_eq(count_names("tmp-"), 0);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("file");
    tcase_add_checked_fixture(tests, make_folder, remove_folder);
    tcase_add_test(tests, write_and_read);
    tcase_add_test(tests, write_in_the_current_folder);
    tcase_add_test(tests, every_failure_of_a_save);
    tcase_add_test(tests, interruptions_are_tried_again);
    tcase_add_test(tests, syncs_only_on_request);
    tcase_add_test(tests, read_sentences);
    tcase_add_test(tests, append_and_truncate);
    tcase_add_test(tests, a_locked_folder);
    tcase_add_test(tests, list_and_clean);
    tcase_add_test(tests, folders_are_made);
    tcase_add_test(tests, killed_while_saving);
    tcase_add_test(tests, no_memory_is_an_error);
    return run_case(tests, "file");
}
