/* SPDX-License-Identifier: MIT
 *
 * A checkpoint of a million floats, written and read.
 */
#include "bench.h"
#include "output.h"

#include <stdlib.h>
#include <sys/stat.h>

enum { FLOATS = 1000000 };

typedef struct checkpoint {
    reel_state *state;
    char *path;
    reel_save_options options;
} checkpoint;

/* As in a run, where each checkpoint is a new file and an old one is removed for it: to rename over an existing file makes
 * some file systems write it to the disk at once. */
static void save(void *user, int64_t repeat)
{
    checkpoint *c = user;
    for (int64_t i = 0; i < repeat; i++) {
        remove(c->path);
        reel_state_save(c->state, c->path, &c->options);
    }
}

static void load(void *user, int64_t repeat)
{
    checkpoint *c = user;
    for (int64_t i = 0; i < repeat; i++) reel_state_load(c->state, c->path, false);
}

static double file_bytes(const char *path)
{
    struct stat found;
    return stat(path, &found) == 0 ? (double)found.st_size : 0;
}

/* Of the floats themselves, 4 bytes each. */
static double rate(const bench *b, const bench_side *side)
{
    return 4.0 * FLOATS / bench_time(b, side, 1).median / 1e9;
}

/* `goals`: milliseconds of decimals, or 0 for the rate of base64. */
static void one_form(bench *b, checkpoint *c, const char *form, double write_most, double read_most)
{
    bench_side sides[] = {{.name = "written", .run = save, .user = c}, {.name = "read", .run = load, .user = c}};
    if (bench_alternate(b, BENCH_WALL, sides, 2)) {
        for (int i = 0; i < 2; i++) {
            char name[64], text[64];
            double bound = i ? read_most : write_most, found = rate(b, &sides[i]);
            snprintf(name, sizeof name, "%s %s", form, sides[i].name);
            cJSON *line = bench_print(b, &(bench_line){.name = name, .unit = "ms", .scale = 1e3, .reel = &sides[i]});
            json_add_number(line, "gigabytes_a_second", found, REEL_DOUBLE);
            printf("    %.3f GB/s of floats\n", found);
            if (bound > 0) {
                snprintf(text, sizeof text, "at most %g ms", bound);
                bench_goal(b, line, text, bench_time(b, &sides[i], 1e3).median, bound, true);
            } else {
                bench_goal(b, line, "at least 1 GB/s", found, 1, false);
            }
        }
        bench_note(b, "%s: a file of %.1f MB", form, file_bytes(c->path) / 1e6);
    }
    bench_sides_free(sides, 2);
}

void bench_checkpoint(bench *b)
{
    bench_heap heap;
    char kind[32], *folder = bench_folder_new(b);
    checkpoint c = {0};
    bench_title(b, "a checkpoint of a million normal floats, hashed and checked", BENCH_WALL);
    if (!folder) return;
    reel_context *context = bench_context_new(b, &heap);
    reel_array *values = reel_array_new(context, REEL_FLOAT, 1, (const int64_t[]){FLOATS});
    reel_rng_normal(reel_rng_philox_new(context, 6, "floats"), values, 0, 1);
    c.state = reel_state_new(context, "bench");
    reel_state_add_array(c.state, "floats", values);
    c.path = path_join(folder, "floats.json");
    if (c.path && !bench_broken(b, context)) {
        c.options.base64_above = -1;
        one_form(b, &c, "decimal", 60, 120);
        c.options.base64_above = 1;
        if (!b->failed) one_form(b, &c, "base64", 0, 0);
        bench_broken(b, context);
        bench_note(b, "file system %s; saved without flushing to the disk", bench_file_system(folder, kind));
        bench_add_heap(b, &heap);
    }
    reel_context_free(context);
    free(c.path);
    bench_folder_free(folder);
}
