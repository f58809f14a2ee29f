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

/* What one call works with. */
typedef struct job {
    const char *site;
    reel_context *context;
    const file_ops *ops;
    const char *path;
} job;

/* Keeps `path: cannot do it: reason`. Returns REEL_IO. */
static reel_status refused(const job *j, const char *path, const char *what, int code)
{
    char reason[128];
    if (strerror_r(code, reason, sizeof reason) != 0) snprintf(reason, sizeof reason, "error %d", code);
    return reel_error_set(j->context, REEL_IO, j->site, path, "%s: %s", what, reason);
}

static int open_retry(const job *j, const char *path, int flags)
{
    int file;
    do file = j->ops->open(j->ops->user, path, flags | O_CLOEXEC, 0666);
    while (file < 0 && errno == EINTR);
    return file;
}

static bool sync_retry(const job *j, int file)
{
    int result;
    do result = j->ops->sync(j->ops->user, file);
    while (result < 0 && errno == EINTR);
    return result == 0;
}

/* All of the data, however many pieces the system takes. */
static bool write_all(const job *j, int file, const void *data, size_t size)
{
    const size_t most = (size_t)1 << 30;
    for (size_t done = 0; done < size;) {
        size_t piece = size - done < most ? size - done : most;
        ssize_t n = j->ops->write(j->ops->user, file, (const char *)data + done, piece);
        if (n < 0 && errno == EINTR) continue;
        if (n == 0) errno = ENOSPC;
        if (n <= 0) return false;
        done += (size_t)n;
    }
    return true;
}

/* The system closes the file even when it reports EINTR. */
static bool close_checked(const job *j, int file)
{
    return j->ops->close(j->ops->user, file) == 0 || errno == EINTR;
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
            refused(j, j->path, "cannot be read", errno);
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
    int file = open_retry(&j, path, O_RDONLY);
    if (file < 0) {
        if (errno == ENOENT)
            reel_error_set(context, REEL_IO, site, path, "there is no such file");
        else
            refused(&j, path, "cannot be opened", errno);
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

reel_status file_sync(const char *site, reel_context *context, const file_ops *ops, const char *path)
{
    job j = {site, context, ops ? ops : &file_system, path};
    if (reel_failed(context)) return reel_error_status(context);
    int file = open_retry(&j, path, O_RDONLY);
    if (file < 0) return refused(&j, path, "cannot be opened to flush it", errno);
    bool good = sync_retry(&j, file);
    int code = errno;
    j.ops->close(j.ops->user, file);
    return good ? REEL_OK : refused(&j, path, "cannot be flushed to the disk", code);
}

/* "folder/" and ".NAME.tmp-PID" of a path, in one block of *size bytes; the folder alone ("." for none) in *folder of as
 * many. NULL: no memory. */
static char *temporary_name(const job *j, size_t *size, char **folder)
{
    const char *slash = strrchr(j->path, '/');
    size_t head = slash ? (size_t)(slash - j->path) + 1 : 0, length = strlen(j->path) + 40;
    char *name = memory_new(j->context, j->site, j->path, 2 * length);
    if (!name) return NULL;
    *size = 2 * length;
    *folder = name + length;
    snprintf(name, length, "%.*s.%s.tmp-%ld", (int)head, j->path, j->path + head, (long)getpid());
    if (head > 1) head--; /* without its slash, unless it is the root */
    snprintf(*folder, length, "%.*s", head ? (int)head : 1, head ? j->path : ".");
    return name;
}

/* Content into the temporary file, closed again. */
static reel_status fill(const job *j, const char *temporary, const void *data, size_t size, int sync)
{
    int file = open_retry(j, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW);
    if (file < 0) return refused(j, temporary, "cannot be made", errno);
    const char *what = NULL;
    int code = 0;
    if (!write_all(j, file, data, size)) {
        what = "cannot be written";
        code = errno;
    } else if ((sync & FILE_SYNC_CONTENT) && !sync_retry(j, file)) {
        what = "cannot be flushed to the disk";
        code = errno;
    }
    if (!close_checked(j, file) && !what) {
        what = "cannot be closed";
        code = errno;
    }
    return what ? refused(j, j->path, what, code) : REEL_OK;
}

reel_status file_write(const char *site, reel_context *context, const file_ops *ops, const char *path, const void *data,
                       size_t size, int sync)
{
    job j = {site, context, ops ? ops : &file_system, path};
    if (reel_failed(context)) return reel_error_status(context);
    size_t room;
    char *folder, *temporary = temporary_name(&j, &room, &folder);
    if (!temporary) return REEL_NO_MEMORY;
    reel_status status = fill(&j, temporary, data, size, sync);
    if (status == REEL_OK && j.ops->rename(j.ops->user, temporary, path) != 0)
        status = refused(&j, path, "cannot be renamed from its temporary file", errno);
    if (status != REEL_OK)
        j.ops->remove(j.ops->user, temporary);
    else if (sync & FILE_SYNC_FOLDER)
        status = file_sync(site, context, ops, folder);
    memory_free(context, temporary, room);
    return status;
}

reel_status file_append(const char *site, reel_context *context, const file_ops *ops, const char *path,
                        const void *data, size_t size, int sync)
{
    job j = {site, context, ops ? ops : &file_system, path};
    if (reel_failed(context)) return reel_error_status(context);
    int file = open_retry(&j, path, O_WRONLY | O_CREAT | O_APPEND);
    if (file < 0) return refused(&j, path, "cannot be opened", errno);
    struct stat before;
    reel_status status = REEL_OK;
    if (fstat(file, &before) != 0) status = refused(&j, path, "cannot be examined", errno);
    if (status == REEL_OK && !write_all(&j, file, data, size)) {
        status = refused(&j, path, "cannot be written", errno);
        /* Half a line would be taken for a whole one. What remains after a second failure, resuming cuts off. */
        if (j.ops->truncate(j.ops->user, file, before.st_size) != 0) status = REEL_IO;
    }
    if (status == REEL_OK && (sync & FILE_SYNC_CONTENT) && !sync_retry(&j, file))
        status = refused(&j, path, "cannot be flushed to the disk", errno);
    if (!close_checked(&j, file) && status == REEL_OK) status = refused(&j, path, "cannot be closed", errno);
    return status;
}

reel_status file_truncate(const char *site, reel_context *context, const file_ops *ops, const char *path,
                          int64_t length)
{
    job j = {site, context, ops ? ops : &file_system, path};
    if (reel_failed(context)) return reel_error_status(context);
    int file = open_retry(&j, path, O_WRONLY);
    if (file < 0) return refused(&j, path, "cannot be opened", errno);
    struct stat now;
    reel_status status = REEL_OK;
    if (fstat(file, &now) != 0)
        status = refused(&j, path, "cannot be examined", errno);
    else if (length < 0 || now.st_size < length)
        status = reel_error_set(context, REEL_BAD_FILE, site, path, "found %lld bytes, expected at least %lld",
                                (long long)now.st_size, (long long)length);
    else if (j.ops->truncate(j.ops->user, file, (off_t)length) != 0)
        status = refused(&j, path, "cannot be cut", errno);
    if (!close_checked(&j, file) && status == REEL_OK) status = refused(&j, path, "cannot be closed", errno);
    return status;
}
