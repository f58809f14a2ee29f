/* SPDX-License-Identifier: MIT
 *
 * `reel diff` of two runs: the first step and tensor that differ, from the hashes of every step (hashes.jsonl).
 */
#define _POSIX_C_SOURCE 200809L /* getline */
#include "diff.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_MOST 6 /* that the text lists */

static const char *const kinds[] = {"gradients", "parameters", "buffers"}; /* as they come about in a step */
enum { KINDS = 3 };

/* One of the files, line by line. A line that does not end is not there yet. */
typedef struct hash_file {
    FILE *file;
    char *line;
    size_t room;
    cJSON *names, *row; /* of the first line; of the present one, once it is looked into */
    bool there;
} hash_file;

static bool next(hash_file *f)
{
    cJSON_Delete(f->row);
    f->row = NULL;
    ssize_t n = f->file ? getline(&f->line, &f->room, f->file) : -1;
    f->there = n > 0 && f->line[n - 1] == '\n';
    return f->there;
}

static bool open_file(hash_file *f, const char *folder)
{
    char *path = folder ? path_join(folder, "hashes.jsonl") : NULL;
    *f = (hash_file){.file = path ? fopen(path, "r") : NULL};
    free(path);
    if (!next(f)) return false;
    f->names = cJSON_Parse(f->line);
    return cJSON_IsArray(cJSON_GetObjectItemCaseSensitive(f->names, "parameters"));
}

static void close_file(hash_file *f)
{
    cJSON_Delete(f->names);
    cJSON_Delete(f->row);
    free(f->line);
    if (f->file) fclose(f->file);
}

/* The step of the present line; -1: it is no such line. */
static double step_of(hash_file *f)
{
    if (!f->row) f->row = cJSON_Parse(f->line);
    const cJSON *step = cJSON_GetObjectItemCaseSensitive(f->row, "step");
    return cJSON_IsNumber(step) ? step->valuedouble : -1;
}

static const char *name_of(const hash_file *f, int kind, int index)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(f->names, kind == 0 ? "parameters" : kinds[kind]);
    const char *name = cJSON_GetStringValue(cJSON_GetArrayItem(list, index));
    return name ? name : "?";
}

/* The tensors of one kind whose hashes differ: into the list, and in words. Returns how many. */
static int differing(const hash_file *a, const hash_file *b, int kind, cJSON *list, char *text, size_t size)
{
    const cJSON *x = cJSON_GetObjectItemCaseSensitive(a->row, kinds[kind]),
                *y = cJSON_GetObjectItemCaseSensitive(b->row, kinds[kind]);
    int count = 0, index = 0;
    size_t used = 0;
    text[0] = '\0';
    for (x = x ? x->child : NULL, y = y ? y->child : NULL; x && y; x = x->next, y = y->next, index++) {
        const char *from = cJSON_GetStringValue(x), *to = cJSON_GetStringValue(y);
        if (from && to && strcmp(from, to) == 0) continue;
        const char *name = name_of(a, kind, index);
        cJSON_AddItemToArray(list, cJSON_CreateString(name));
        if (count++ < NAMES_MOST && used < size)
            used += (size_t)snprintf(text + used, size - used, "%s%.100s", count > 1 ? ", " : "", name);
    }
    if (count > NAMES_MOST && used < size) snprintf(text + used, size - used, ", ... (%d in all)", count);
    return count;
}

static void tell_step(const hash_file *a, const hash_file *b, double step, int64_t same, FILE *file, cJSON *o)
{
    char lists[KINDS][1024];
    int counts[KINDS], first = -1;
    json_add_number(o, "first", step, REEL_DOUBLE);
    for (int k = 0; k < KINDS; k++) {
        cJSON *list = cJSON_AddArrayToObject(o, kinds[k]);
        counts[k] = differing(a, b, k, list, lists[k], sizeof lists[k]);
        if (counts[k] == 0 || first >= 0) continue;
        first = k;
        json_add_text(o, "first_tensor", cJSON_GetStringValue(cJSON_GetArrayItem(list, 0)));
        json_add_text(o, "first_kind", kinds[k]);
    }
    if (first < 0) { /* the lines differ, but no hash does */
        fprintf(file, "hashes: step %.0f is the first whose line differs, after %lld that are the same\n", step,
                (long long)same);
        return;
    }
    static const char *const what[KINDS] = {"its gradient differs",
                                            "it differs after the update, from the same gradients",
                                            "it differs, with the same gradients and parameters"};
    fprintf(file,
            "hashes: step %.0f is the first that differs, after %lld that are the same, and %s the first tensor: %s\n",
            step, (long long)same, cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, "first_tensor")),
            what[first]);
    for (int k = 0; k < KINDS; k++)
        if (counts[k] > 0) fprintf(file, "  %s that differ: %s\n", kinds[k], lists[k]);
}

/* Line by line; lines of the same bytes are not looked into. */
static verdict compare(hash_file *a, hash_file *b, FILE *file, cJSON *o)
{
    int64_t same = 0, only = 0;
    next(a), next(b);
    while (a->there && b->there) {
        if (strcmp(a->line, b->line) == 0) {
            same++;
            next(a), next(b);
            continue;
        }
        double from = step_of(a), to = step_of(b);
        if (from < 0 || to < 0) {
            complain(diff_who, "hashes.jsonl: found a line without a step, expected a number under it in every line");
            return DIFF_TROUBLE;
        }
        if (from == to) {
            json_add_whole(o, "common", same + 1);
            tell_step(a, b, from, same, file, o);
            return DIFF_DIFFERENT;
        }
        only++;
        next(from < to ? a : b);
    }
    json_add_whole(o, "common", same);
    cJSON_AddNullToObject(o, "first");
    fprintf(file, "hashes: %lld steps in both, every gradient and parameter the same%s\n", (long long)same,
            only > 0 ? " (other steps have hashes in one of them only)" : "");
    return DIFF_SAME;
}

verdict diff_run_hashes(const char *a, const char *b, FILE *file, cJSON *report)
{
    hash_file x, y;
    bool in_a = open_file(&x, a), in_b = open_file(&y, b);
    verdict found = DIFF_SAME;
    if (!in_a || !in_b) {
        fprintf(
            file,
            "hashes: none in %s: a run with --hashes 1 (the trainer's setting hashes) has those of every step, which "
            "tell the first tensor that differs at its very step\n",
            in_a   ? "b"
            : in_b ? "a"
                   : "both");
        cJSON_AddNullToObject(report, "hashes");
    } else if (!cJSON_Compare(x.names, y.names, true)) {
        fprintf(file, "hashes: of other tensors in a than in b, which are not compared\n");
        cJSON_AddNullToObject(report, "hashes");
    } else {
        found = compare(&x, &y, file, cJSON_AddObjectToObject(report, "hashes"));
    }
    close_file(&x);
    close_file(&y);
    return found;
}
