/* SPDX-License-Identifier: MIT
 *
 * Folders: make, lock, list, clean.
 */
#include "io/file.h"

#include "core/core.h"
#include "io/number.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static reel_status refused(const char *site, reel_context *context, const char *path, const char *what, int code)
{
    char reason[128];
    if (strerror_r(code, reason, sizeof reason) != 0) snprintf(reason, sizeof reason, "error %d", code);
    return reel_error_set(context, REEL_IO, site, path, "%s: %s", what, reason);
}

/* folder/name in memory of the context, freed with memory_string_free. */
static char *join(const char *site, reel_context *context, const char *folder, const char *name)
{
    size_t size = strlen(folder) + strlen(name) + 2;
    char *path = memory_new(context, site, folder, size);
    if (path) snprintf(path, size, "%s/%s", folder, name);
    return path;
}

reel_status folder_make(const char *site, reel_context *context, const char *folder)
{
    if (reel_failed(context)) return reel_error_status(context);
    char *path = memory_string(context, site, folder, folder);
    if (!path) return REEL_NO_MEMORY;
    size_t size = strlen(folder) + 1;
    reel_status status = REEL_OK;
    for (char *at = path + 1; status == REEL_OK && *path; at++) {
        char kept = *at;
        if (kept != '/' && kept != '\0') continue;
        *at = '\0';
        struct stat there;
        int code = mkdir(path, 0777) == 0 ? 0 : errno;
        if (code && stat(path, &there) == 0) code = S_ISDIR(there.st_mode) ? 0 : ENOTDIR;
        if (code) status = refused(site, context, path, "cannot be made a folder", code);
        *at = kept;
        if (kept == '\0') break;
    }
    memory_free(context, path, size);
    return status;
}

struct folder_lock {
    reel_object object;
    int file;
};

static void lock_destroy(reel_object *object)
{
    folder_lock *lock = (folder_lock *)object;
    if (lock->file >= 0) close(lock->file); /* lets go of the lock */
    object_release(object, sizeof *lock);
}

/* The process that holds the lock wrote its number into the file. */
static void report_locked(const char *site, reel_context *context, const char *folder, int file)
{
    char text[32];
    ssize_t n = pread(file, text, sizeof text - 1, 0);
    int64_t holder = 0;
    const char *at = text;
    if (n > 0 && number_read_int64(&at, text + n, &holder) == NUMBER_OK && holder > 0)
        reel_error_set(context, REEL_LOCKED, site, folder, "process %lld is using this folder", (long long)holder);
    else
        reel_error_set(context, REEL_LOCKED, site, folder, "another process is using this folder");
}

folder_lock *folder_lock_new(const char *site, reel_context *context, const char *folder)
{
    folder_lock *lock = object_new(context, site, folder, sizeof *lock, lock_destroy);
    if (!lock) return NULL;
    lock->file = -1;
    char *path = join(site, context, folder, ".lock");
    if (path) {
        do lock->file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
        while (lock->file < 0 && errno == EINTR);
        if (lock->file < 0) refused(site, context, path, "cannot be opened", errno);
        memory_string_free(context, path);
    }
    int result = -1;
    if (lock->file >= 0) {
        do result = flock(lock->file, LOCK_EX | LOCK_NB);
        while (result < 0 && errno == EINTR);
        if (result < 0 && errno == EWOULDBLOCK)
            report_locked(site, context, folder, lock->file);
        else if (result < 0)
            refused(site, context, folder, "cannot be locked", errno);
    }
    if (result < 0) {
        object_free(lock);
        return NULL;
    }
    char text[32]; /* only for the sentence of the next one: a failure does not matter */
    int n = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    if (ftruncate(lock->file, 0) == 0 && pwrite(lock->file, text, (size_t)n, 0) < 0) errno = 0;
    return lock;
}

void folder_unlock(folder_lock *lock)
{
    object_free(lock);
}

/* Is `name` prefix, 1 to 18 digits, suffix? */
static bool fits(const char *name, const char *prefix, const char *suffix, int64_t *number)
{
    size_t length = strlen(name), head = strlen(prefix), tail = strlen(suffix);
    if (length < head + tail + 1 || length > head + tail + 18) return false;
    if (memcmp(name, prefix, head) != 0 || memcmp(name + length - tail, suffix, tail) != 0) return false;
    const char *at = name + head, *end = name + length - tail;
    return *at >= '0' && *at <= '9' && number_read_int64(&at, end, number) == NUMBER_OK && at == end;
}

static int compare_names(const void *a, const void *b)
{
    const file_name *x = a, *y = b;
    if (x->number != y->number) return x->number < y->number ? -1 : 1;
    return strcmp(x->name, y->name);
}

static bool add_name(const char *site, reel_context *context, file_names *names, const char *name, int64_t number)
{
    if (names->count == names->capacity) {
        int64_t capacity = names->capacity ? 2 * names->capacity : 16;
        file_name *items =
            memory_resize(context, site, name, names->items, (size_t)names->capacity * sizeof *names->items,
                          (size_t)capacity * sizeof *names->items);
        if (!items) return false;
        names->items = items;
        names->capacity = capacity;
    }
    char *copy = memory_string(context, site, name, name);
    if (copy) names->items[names->count++] = (file_name){copy, number};
    return copy != NULL;
}

/* Names for which `choose` holds, unsorted. */
static file_names choose_names(const char *site, reel_context *context, const char *folder, const char *prefix,
                               const char *suffix, bool (*choose)(const char *, const char *, const char *, int64_t *))
{
    file_names names = {NULL, 0, 0};
    if (reel_failed(context)) return names;
    DIR *handle = opendir(folder);
    if (!handle) {
        if (errno == ENOENT)
            reel_error_set(context, REEL_IO, site, folder, "there is no such folder");
        else
            refused(site, context, folder, "cannot be opened", errno);
        return names;
    }
    bool good = true;
    while (good) {
        errno = 0;
        const struct dirent *entry = readdir(handle);
        int64_t number = 0;
        if (!entry) break;
        if (choose(entry->d_name, prefix, suffix, &number))
            good = add_name(site, context, &names, entry->d_name, number);
    }
    if (good && errno) {
        refused(site, context, folder, "cannot be listed", errno);
        good = false;
    }
    closedir(handle);
    if (!good) file_names_free(context, &names);
    return names;
}

file_names folder_list(const char *site, reel_context *context, const char *folder, const char *prefix,
                       const char *suffix)
{
    file_names names = choose_names(site, context, folder, prefix, suffix, fits);
    if (names.count > 1) qsort(names.items, (size_t)names.count, sizeof *names.items, compare_names);
    return names;
}

void file_names_free(reel_context *context, file_names *names)
{
    for (int64_t i = 0; i < names->count; i++) memory_string_free(context, names->items[i].name);
    memory_free(context, names->items, (size_t)names->capacity * sizeof *names->items);
    *names = (file_names){NULL, 0, 0};
}

/* .NAME.tmp-PID */
static bool is_temporary(const char *name, const char *prefix, const char *suffix, int64_t *number)
{
    (void)prefix;
    (void)suffix;
    const char *tail = NULL;
    for (const char *at = name; (at = strstr(at, ".tmp-")); at++) tail = at;
    return name[0] == '.' && tail && tail > name + 1 && fits(tail, ".tmp-", "", number);
}

int64_t folder_clean(const char *site, reel_context *context, const file_ops *ops, const char *folder)
{
    if (!ops) ops = &file_system;
    file_names names = choose_names(site, context, folder, NULL, NULL, is_temporary);
    int64_t removed = 0;
    for (int64_t i = 0; i < names.count; i++) {
        char *path = join(site, context, folder, names.items[i].name);
        if (!path) break;
        if (ops->remove(ops->user, path) == 0)
            removed++;
        else if (errno != ENOENT)
            refused(site, context, path, "cannot be removed", errno);
        memory_string_free(context, path);
    }
    file_names_free(context, &names);
    return removed;
}
