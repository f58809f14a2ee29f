/* SPDX-License-Identifier: MIT
 *
 * Files that survive: whole reads, writes that are complete or leave what was there, locked folders, logs.
 */
#ifndef REEL_FILE_H
#define REEL_FILE_H

#include <reel/context.h>
#include <sys/types.h>

/* The system calls used here, so that tests can let the n-th one fail. They return as the system's do, with errno set;
 * each gets `user`. NULL for the whole table is the system. */
typedef struct file_ops {
    void *user;
    int (*open)(void *user, const char *path, int flags, mode_t mode);
    ssize_t (*read)(void *user, int file, void *data, size_t size);
    ssize_t (*write)(void *user, int file, const void *data, size_t size);
    int (*sync)(void *user, int file);
    int (*truncate)(void *user, int file, off_t length);
    int (*close)(void *user, int file);
    int (*rename)(void *user, const char *from, const char *to);
    int (*remove)(void *user, const char *path);
} file_ops;

/* The system's table. */
extern const file_ops file_system;

/* What went wrong with a file, kept where no context may be used: `path: what: the system's reason`. `what` NULL: nothing.
 * The texts are borrowed. */
typedef struct file_fault {
    const char *what, *path;
    int code;
} file_fault;

/* Keeps the fault in the context. REEL_OK when there is none, else REEL_IO. */
reel_status file_refuse(const char *site, reel_context *context, const file_fault *fault);

/* The whole of a file, with a NUL behind it: *size bytes, in memory of *size + 1 that the caller frees with memory_free.
 * NULL and an error when it is missing, unreadable, a folder, or of more than `limit` bytes. */
char *file_read(const char *site, reel_context *context, const file_ops *ops, const char *path, size_t limit,
                size_t *size);

/* Flush to the disk: the content; the folder, without which a power cut may undo the rename. */
enum { FILE_SYNC_CONTENT = 1, FILE_SYNC_FOLDER = 2 };

/* Replaces or makes the file: writes `.NAME.tmp-PID` in the same folder and renames it. Whatever fails or is killed,
 * `path` holds either what it did before or all of `data`; on failure the temporary file is removed. */
reel_status file_write(const char *site, reel_context *context, const file_ops *ops, const char *path, const void *data,
                       size_t size, int sync);

/* The same in pieces and without a context, so that any thread may do it: start, put, ..., end. The first failure makes
 * the rest do nothing and is in `fault`; `end` is called in any case and tells whether the file is there. `path` and
 * `names`, file_stream_names(path) bytes, are borrowed until then. */
typedef struct file_stream {
    const file_ops *ops;
    const char *path, *temporary, *folder;
    int file, sync;
    file_fault fault;
} file_stream;
size_t file_stream_names(const char *path);
void file_stream_start(file_stream *s, const file_ops *ops, const char *path, int sync, char *names);
bool file_stream_put(file_stream *s, const void *data, size_t size);
bool file_stream_end(file_stream *s);

/* Flushes a file or a folder that was written before. */
reel_status file_sync(const char *site, reel_context *context, const file_ops *ops, const char *path);
/* Adds to the end of a log, making it when it is missing. When not all could be written, the log is cut to the length it
 * had. */
reel_status file_append(const char *site, reel_context *context, const file_ops *ops, const char *path,
                        const void *data, size_t size, int sync);
/* The same without a context. */
bool file_append_to(const file_ops *ops, const char *path, const void *data, size_t size, int sync, file_fault *fault);
/* Cuts a file to its first `length` bytes. A shorter file is an error. */
reel_status file_truncate(const char *site, reel_context *context, const file_ops *ops, const char *path,
                          int64_t length);

/* Makes a folder and those above it; one that is there is fine. */
reel_status folder_make(const char *site, reel_context *context, const char *folder);

/* Holds the folder for this process, by flock on its file `.lock`: the kernel lets go when the process ends, however it
 * does. REEL_LOCKED when another holds it, also one of this process. Owned by the context; folder_unlock frees it. */
typedef struct folder_lock folder_lock;
folder_lock *folder_lock_new(const char *site, reel_context *context, const char *folder);
void folder_unlock(folder_lock *lock);

/* The names in a folder made of prefix, digits and suffix, by the number that the digits (at most 18) mean and then by name. Freed
 * with file_names_free. On failure (also of a missing folder) none, with an error. */
typedef struct file_name {
    char *name;
    int64_t number;
} file_name;
typedef struct file_names {
    file_name *items;
    int64_t count, capacity;
} file_names;
file_names folder_list(const char *site, reel_context *context, const char *folder, const char *prefix,
                       const char *suffix);
void file_names_free(reel_context *context, file_names *names);

/* Removes what killed processes left of file_write in a folder that the caller holds locked; returns how many. */
int64_t folder_clean(const char *site, reel_context *context, const file_ops *ops, const char *folder);

#endif
