/* SPDX-License-Identifier: MIT
 *
 * Files: read, write, append, cut.
 */
#include "io/file.h"

#include "core/core.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int system_open(void *user, const char *path, int flags, mode_t mode)
{
    (void)user;
    return open(path, flags, mode);
}

static ssize_t system_read(void *user, int file, void *data, size_t size)
{
    (void)user;
    return read(file, data, size);
}

static ssize_t system_write(void *user, int file, const void *data, size_t size)
{
    (void)user;
    return write(file, data, size);
}

static int system_sync(void *user, int file)
{
    (void)user;
    return fsync(file);
}

static int system_truncate(void *user, int file, off_t length)
{
    (void)user;
    return ftruncate(file, length);
}

static int system_close(void *user, int file)
{
    (void)user;
    return close(file);
}

static int system_rename(void *user, const char *from, const char *to)
{
    (void)user;
    return rename(from, to);
}

static int system_remove(void *user, const char *path)
{
    (void)user;
    return unlink(path);
}

const file_ops file_system = {NULL,         system_open,   system_read,  system_write, system_sync, system_truncate,
                              system_close, system_rename, system_remove};

/* Keeps what could not be done, unless there is a fault already. Returns false. */
static bool fault(file_fault *f, const char *path, const char *what, int code)
{
    if (!f->what) *f = (file_fault){what, path, code};
    return false;
}

reel_status file_refuse(const char *site, reel_context *context, const file_fault *f)
{
    char reason[128];
    if (!f->what) return REEL_OK;
    if (strerror_r(f->code, reason, sizeof reason) != 0) snprintf(reason, sizeof reason, "error %d", f->code);
    return reel_error_set(context, REEL_IO, site, f->path, "%s: %s", f->what, reason);
}

static int open_retry(const file_ops *ops, const char *path, int flags)
{
    int file;
    do file = ops->open(ops->user, path, flags | O_CLOEXEC, 0666);
    while (file < 0 && errno == EINTR);
    return file;
}

static bool sync_retry(const file_ops *ops, int file)
{
    int result;
    do result = ops->sync(ops->user, file);
    while (result < 0 && errno == EINTR);
    return result == 0;
}

/* All of the data, however many pieces the system takes. */
static bool write_all(const file_ops *ops, int file, const void *data, size_t size)
{
    const size_t most = (size_t)1 << 30;
    for (size_t done = 0; done < size;) {
        size_t piece = size - done < most ? size - done : most;
        ssize_t n = ops->write(ops->user, file, (const char *)data + done, piece);
        if (n < 0 && errno == EINTR) continue;
        if (n == 0) errno = ENOSPC;
        if (n <= 0) return false;
        done += (size_t)n;
    }
    return true;
}

/* The system closes the file even when it reports EINTR. */
static bool close_checked(const file_ops *ops, int file)
{
    return ops->close(ops->user, file) == 0 || errno == EINTR;
}

/* ---- reading ---- */

/* What a read works with. */
typedef struct job {
    const char *site;
    reel_context *context;
    const file_ops *ops;
    const char *path;
} job;

static reel_status refused(const job *j, const char *what, int code)
{
    return file_refuse(j->site, j->context, &(file_fault){what, j->path, code});
}

/* Reads until the end, growing; false when the limit or memory does not do. */
static bool read_all(const job *j, int file, size_t limit, char **text, size_t *capacity, size_t *size)
{
    for (;;) {
        if (*size == *capacity - 1) {
            size_t larger = *capacity > limit / 2 ? limit + 2 : 2 * *capacity; /* one byte over the limit shows it */
            char *more = memory_resize(j->context, j->site, j->path, *text, *capacity, larger);
            if (!more) return false;
            *text = more;
            *capacity = larger;
        }
        ssize_t n = j->ops->read(j->ops->user, file, *text + *size, *capacity - 1 - *size);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            refused(j, "cannot be read", errno);
            return false;
        }
        *size += (size_t)n;
        if (*size > limit) {
            reel_error_set(j->context, REEL_BAD_FILE, j->site, j->path, "found more than %zu bytes, the limit", limit);
            return false;
        }
        if (n == 0) return true;
    }
}

/* Sizes of `file` as it is opened; false with an error when it is a folder or too large. */
static bool examine(const job *j, int file, size_t limit, size_t *capacity)
{
    struct stat status;
    *capacity = 65536;
    if (fstat(file, &status) != 0) return true;
    if (S_ISDIR(status.st_mode)) {
        reel_error_set(j->context, REEL_IO, j->site, j->path, "found a folder, expected a file");
        return false;
    }
    if (!S_ISREG(status.st_mode)) return true;
    if ((uint64_t)status.st_size > limit) {
        reel_error_set(j->context, REEL_BAD_FILE, j->site, j->path, "found %lld bytes, the limit is %zu",
                       (long long)status.st_size, limit);
        return false;
    }
    *capacity = (size_t)status.st_size + 2; /* the NUL, and one byte to see the end without growing */
    return true;
}

char *file_read(const char *site, reel_context *context, const file_ops *ops, const char *path, size_t limit,
                size_t *size)
{
    job j = {site, context, ops ? ops : &file_system, path};
    *size = 0;
    if (reel_failed(context)) return NULL;
    if (limit > SIZE_MAX / 4) limit = SIZE_MAX / 4;
    int file = open_retry(j.ops, path, O_RDONLY);
    if (file < 0) {
        if (errno == ENOENT)
            reel_error_set(context, REEL_IO, site, path, "there is no such file");
        else
            refused(&j, "cannot be opened", errno);
        return NULL;
    }
    size_t capacity;
    bool good = examine(&j, file, limit, &capacity);
    char *text = good ? memory_new(context, site, path, capacity) : NULL;
    good = text && read_all(&j, file, limit, &text, &capacity, size);
    j.ops->close(j.ops->user, file);
    char *fitted = good ? memory_resize(context, site, path, text, capacity, *size + 1) : NULL;
    if (!fitted) {
        memory_free(context, text, capacity);
        *size = 0;
        return NULL;
    }
    fitted[*size] = '\0';
    return fitted;
}

/* ---- writing ---- */

static bool sync_path(const file_ops *ops, const char *path, file_fault *f)
{
    int file = open_retry(ops, path, O_RDONLY);
    if (file < 0) return fault(f, path, "cannot be opened to flush it", errno);
    bool good = sync_retry(ops, file);
    int code = errno;
    ops->close(ops->user, file);
    return good ? true : fault(f, path, "cannot be flushed to the disk", code);
}

reel_status file_sync(const char *site, reel_context *context, const file_ops *ops, const char *path)
{
    file_fault f = {0};
    if (reel_failed(context)) return reel_error_status(context);
    sync_path(ops ? ops : &file_system, path, &f);
    return file_refuse(site, context, &f);
}

/* Bytes of each of the two names. */
static size_t name_size(const char *path)
{
    return strlen(path) + 40;
}

size_t file_stream_names(const char *path)
{
    return 2 * name_size(path);
}

void file_stream_start(file_stream *s, const file_ops *ops, const char *path, int sync, char *names)
{
    const char *slash = strrchr(path, '/');
    size_t head = slash ? (size_t)(slash - path) + 1 : 0, size = name_size(path);
    *s = (file_stream){.ops = ops ? ops : &file_system, .path = path, .sync = sync};
    snprintf(names, size, "%.*s.%s.tmp-%ld", (int)head, path, path + head, (long)getpid());
    if (head > 1) head--; /* without its slash, unless it is the root */
    snprintf(names + size, size, "%.*s", head ? (int)head : 1, head ? path : ".");
    s->temporary = names;
    s->folder = names + size;
    s->file = open_retry(s->ops, s->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW);
    if (s->file < 0) fault(&s->fault, s->temporary, "cannot be made", errno);
}

bool file_stream_put(file_stream *s, const void *data, size_t size)
{
    if (s->fault.what) return false;
    return write_all(s->ops, s->file, data, size) ? true : fault(&s->fault, s->path, "cannot be written", errno);
}

bool file_stream_end(file_stream *s)
{
    file_fault *f = &s->fault;
    if (s->file >= 0) {
        if (!f->what && (s->sync & FILE_SYNC_CONTENT) && !sync_retry(s->ops, s->file))
            fault(f, s->path, "cannot be flushed to the disk", errno);
        if (!close_checked(s->ops, s->file)) fault(f, s->path, "cannot be closed", errno);
        if (!f->what && s->ops->rename(s->ops->user, s->temporary, s->path) != 0)
            fault(f, s->path, "cannot be renamed from its temporary file", errno);
    }
    if (f->what)
        s->ops->remove(s->ops->user, s->temporary);
    else if (s->sync & FILE_SYNC_FOLDER)
        sync_path(s->ops, s->folder, f);
    return !f->what;
}

reel_status file_write(const char *site, reel_context *context, const file_ops *ops, const char *path, const void *data,
                       size_t size, int sync)
{
    if (reel_failed(context)) return reel_error_status(context);
    size_t room = file_stream_names(path);
    char *names = memory_new(context, site, path, room);
    if (!names) return REEL_NO_MEMORY;
    file_stream s;
    file_stream_start(&s, ops, path, sync, names);
    file_stream_put(&s, data, size);
    file_stream_end(&s);
    reel_status status = file_refuse(site, context, &s.fault);
    memory_free(context, names, room);
    return status;
}

bool file_append_to(const file_ops *ops, const char *path, const void *data, size_t size, int sync, file_fault *f)
{
    if (!ops) ops = &file_system;
    int file = open_retry(ops, path, O_WRONLY | O_CREAT | O_APPEND);
    if (file < 0) return fault(f, path, "cannot be opened", errno);
    struct stat before;
    bool good = fstat(file, &before) == 0;
    if (!good) fault(f, path, "cannot be examined", errno);
    if (good && !write_all(ops, file, data, size)) {
        good = fault(f, path, "cannot be written", errno);
        /* Half a line would be taken for a whole one. What remains after a second failure, resuming cuts off. */
        if (ops->truncate(ops->user, file, before.st_size) != 0) errno = 0;
    }
    if (good && (sync & FILE_SYNC_CONTENT) && !sync_retry(ops, file))
        good = fault(f, path, "cannot be flushed to the disk", errno);
    if (!close_checked(ops, file) && good) good = fault(f, path, "cannot be closed", errno);
    return good;
}

reel_status file_append(const char *site, reel_context *context, const file_ops *ops, const char *path,
                        const void *data, size_t size, int sync)
{
    file_fault f = {0};
    if (reel_failed(context)) return reel_error_status(context);
    file_append_to(ops, path, data, size, sync, &f);
    return file_refuse(site, context, &f);
}

reel_status file_truncate(const char *site, reel_context *context, const file_ops *ops, const char *path,
                          int64_t length)
{
    job j = {site, context, ops ? ops : &file_system, path};
    if (reel_failed(context)) return reel_error_status(context);
    int file = open_retry(j.ops, path, O_WRONLY);
    if (file < 0) return refused(&j, "cannot be opened", errno);
    struct stat now;
    reel_status status = REEL_OK;
    if (fstat(file, &now) != 0)
        status = refused(&j, "cannot be examined", errno);
    else if (length < 0 || now.st_size < length)
        status = reel_error_set(context, REEL_BAD_FILE, site, path, "found %lld bytes, expected at least %lld",
                                (long long)now.st_size, (long long)length);
    else if (j.ops->truncate(j.ops->user, file, (off_t)length) != 0)
        status = refused(&j, "cannot be cut", errno);
    if (!close_checked(j.ops, file) && status == REEL_OK) status = refused(&j, "cannot be closed", errno);
    return status;
}
