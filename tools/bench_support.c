/* SPDX-License-Identifier: MIT
 *
 * What workloads need besides timing: counted memory, numbers, folders.
 */
#define _DEFAULT_SOURCE
#include "bench.h"
#include "output.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/vfs.h>
#endif

/* ---- memory ---- */

static void *counted_resize(void *user, void *pointer, size_t old_size, size_t new_size)
{
    bench_heap *heap = user;
    if (new_size == 0) {
        heap->in_use -= old_size;
        free(pointer);
        return NULL;
    }
    void *made = realloc(pointer, new_size);
    if (!made) return NULL;
    heap->allocations += new_size > old_size;
    heap->in_use += new_size - old_size;
    if (heap->in_use > heap->peak) heap->peak = heap->in_use;
    return made;
}

reel_context *bench_context_new(const bench *b, bench_heap *heap)
{
    *heap = (bench_heap){0};
    reel_context *context = reel_context_new(&(reel_allocator){.resize = counted_resize, .user = heap});
    reel_context_set_threads(context, b->threads);
    return context;
}

bool bench_broken(bench *b, const reel_context *context)
{
    if (context && !reel_failed(context)) return false;
    complain_of(b->who, context);
    b->failed = true;
    return true;
}

float *bench_floats(bench *b, int64_t count)
{
    float *p = aligned_alloc(64, ((size_t)count * sizeof(float) + 63) / 64 * 64);
    if (p) return p;
    complain(b->who, "out of memory");
    b->failed = true;
    return NULL;
}

/* ---- numbers ---- */

/* xorshift64* (Vigna 2016) */
float bench_random(uint64_t *state)
{
    uint64_t x = *state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return (float)(int32_t)((x * 0x2545f4914f6cdd1dull) >> 32) * 0x1p-31f;
}

void bench_fill(float *values, int64_t count, uint64_t seed)
{
    uint64_t state = 0x9e3779b97f4a7c15ull * (seed + 1);
    for (int64_t i = 0; values && i < count; i++) values[i] = bench_random(&state);
}

/* ---- folders ---- */

char *bench_folder_new(bench *b)
{
    const char *above = b->folder ? b->folder : getenv("TMPDIR");
    char *path = path_join(above && *above ? above : "/tmp", "reel-bench-XXXXXX");
    if (path && mkdtemp(path)) return path;
    complain(b->who, "%s: no folder can be made there: %s", path ? path : "out of memory", strerror(errno));
    free(path);
    b->failed = true;
    return NULL;
}

void bench_folder_free(char *path)
{
    if (!path) return;
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder && (entry = readdir(folder)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        char *file = path_join(path, entry->d_name);
        if (!file) continue;
        struct stat found;
        if (lstat(file, &found) == 0 && S_ISDIR(found.st_mode)) {
            bench_folder_free(file);
            continue;
        }
        unlink(file);
        free(file);
    }
    if (folder) closedir(folder);
    rmdir(path);
    free(path);
}

const char *bench_file_system(const char *path, char text[32])
{
    snprintf(text, 32, "unknown");
#ifdef __linux__
    static const struct {
        unsigned long kind;
        const char *name;
    } known[] = {
        {0xef53, "ext4"}, {0x01021994, "tmpfs"}, {0x58465342, "xfs"},  {0x9123683e, "btrfs"}, {0x794c7630, "overlay"},
        {0x6969, "nfs"},  {0x2fc12fc1, "zfs"},   {0xf2f52010, "f2fs"}, {0x65735546, "fuse"},
    };
    struct statfs found;
    if (statfs(path, &found) != 0) return text;
    unsigned long kind = (unsigned long)found.f_type & 0xffffffffu;
    snprintf(text, 32, "kind %#lx", kind);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].kind == kind) snprintf(text, 32, "%s", known[i].name);
#endif
    return text;
}
