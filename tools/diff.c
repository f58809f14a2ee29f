/* SPDX-License-Identifier: MIT
 *
 * `reel diff`: two runs, two logs, two checkpoints.
 */
#include "diff.h"

#include "checkpoints.h"
#include "options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char diff_who[] = "reel diff";

typedef enum kind { KIND_NONE, KIND_RUN, KIND_LOG, KIND_CHECKPOINT } kind;

static const char *const kind_names[] = {"nothing", "a folder", "a log", "a checkpoint"};

/* What stands under this path; KIND_NONE: complained. */
static kind kind_of(const char *path)
{
    char head[256];
    if (is_folder(path)) return KIND_RUN;
    FILE *file = fopen(path, "rb");
    size_t size = file ? fread(head, 1, sizeof head - 1, file) : 0;
    if (!file || ferror(file)) {
        complain(diff_who, "%s: cannot be read: %s", path, strerror(errno));
        if (file) fclose(file);
        return KIND_NONE;
    }
    fclose(file);
    head[size] = '\0';
    return strstr(head, "\"reel checkpoint\"") ? KIND_CHECKPOINT : KIND_LOG;
}

/* ---- runs ---- */

/* What the checkpoints of two folders have in common. */
typedef struct common {
    int64_t i, j;  /* the earliest pair of one step whose state differs, else the last */
    int64_t count; /* pairs looked at */
    bool differs, trouble;
} common;

static common choose_common(const checkpoint_list *a, const checkpoint_list *b)
{
    common c = {0, 0, 0, false, false};
    for (int64_t x = 0, y = 0; x < a->count && y < b->count && !c.differs;) {
        int64_t from = a->items[x].step, to = b->items[y].step;
        verdict found = from == to ? diff_hashes(a->items[x].path, b->items[y].path) : DIFF_TROUBLE;
        if (from == to && found == DIFF_TROUBLE) c.trouble = true;
        if (found != DIFF_TROUBLE) {
            c.i = x, c.j = y, c.count++;
            c.differs = found == DIFF_DIFFERENT;
        }
        x += from <= to;
        y += to <= from;
    }
    return c;
}

/* Damaged ones are passed over, which is trouble all the same. */
static verdict compare_common(const checkpoint_list *a, const checkpoint_list *b, FILE *file, cJSON *report)
{
    common c = choose_common(a, b);
    if (c.count == 0) {
        fprintf(file, "\ncheckpoints: none of the same step in both\n");
        if (a->count == 0 || b->count == 0) return c.trouble ? DIFF_TROUBLE : DIFF_SAME;
        /* What wrote them and with which settings can be told all the same. */
        fprintf(file, "the newest of each:\n");
        c = (common){a->count - 1, b->count - 1, 0, false, c.trouble};
    } else if (c.differs) {
        fprintf(file,
                "\ncheckpoints: step %lld is the first in both whose state differs, after %lld that are the same\n",
                (long long)a->items[c.i].step, (long long)c.count - 1);
    } else {
        fprintf(file, "\ncheckpoints: all %lld of the same steps hold the same state; the last of them, step %lld:\n",
                (long long)c.count, (long long)a->items[c.i].step);
    }
    verdict found = diff_checkpoints(a->items[c.i].path, b->items[c.j].path, file, report);
    /* With the same state hash what is left are settings such as the number of epochs: told, but no difference. */
    if (found == DIFF_TROUBLE || c.trouble) return DIFF_TROUBLE;
    return c.differs ? DIFF_DIFFERENT : DIFF_SAME;
}

/* One run each: the log, then the checkpoints of its folder. */
static verdict compare_runs(const char *const paths[2], FILE *file, cJSON *report)
{
    runlog_list logs[2] = {{NULL, 0}, {NULL, 0}};
    checkpoint_list lists[2] = {{NULL, 0, 0}, {NULL, 0, 0}};
    verdict found = DIFF_SAME, further = DIFF_SAME;
    for (int k = 0; k < 2 && found == DIFF_SAME; k++) {
        if (!runlog_read(&logs[k], diff_who, paths[k]))
            found = DIFF_TROUBLE;
        else if (logs[k].count != 1) {
            complain(diff_who, "%s: holds %d runs (%s, %s, ...), expected one", paths[k], logs[k].count,
                     logs[k].items[0].name, logs[k].items[1].name);
            found = DIFF_TROUBLE;
        } else if (logs[k].items[0].folder && !checkpoint_list_read(&lists[k], logs[k].items[0].folder)) {
            complain(diff_who, "%s: %s", logs[k].items[0].folder, strerror(errno));
            found = DIFF_TROUBLE;
        }
    }
    if (found == DIFF_SAME) {
        const runlog *a = &logs[0].items[0], *b = &logs[1].items[0];
        fprintf(file, "a  %s\nb  %s\n", a->path, b->path);
        if (a->half || b->half) fprintf(file, "the half-written last line of %s is left out\n", a->half ? "a" : "b");
        fprintf(file, "\n");
        found = diff_logs(a, b, file, report);
        verdict hashes = a->folder && b->folder ? diff_run_hashes(a->folder, b->folder, file, report) : DIFF_SAME;
        if (hashes > found) found = hashes;
        if (a->folder && b->folder) further = compare_common(&lists[0], &lists[1], file, report);
    }
    for (int k = 0; k < 2; k++) {
        runlog_list_free(&logs[k]);
        checkpoint_list_free(&lists[k]);
    }
    return further > found ? further : found;
}

/* ---- the command ---- */

static void more(FILE *file)
{
    fprintf(
        file,
        "\nA and B: two folders of runs, two logs (.jsonl or .csv), or two checkpoints.\n"
        "Runs and logs: the first step that differs, and by how much, key by key; of folders also the first step and\n"
        "tensor whose hash differs (of runs with --hashes K, every K steps), and the earliest checkpoint both have "
        "whose\n"
        "state differs, and the first tensor in it.\n"
        "Checkpoints: what wrote them, settings, and for each parameter |b - a|, its share of |a|, and the cosines of\n"
        "b - a with the negative first moment and the negative gradient in a, where it holds them: 1 means that the\n"
        "parameter went where they pointed. Then the ten largest changes of single numbers, and other tensors.\n"
        "\nA difference in bits counts, also that of 0 and -0; two NaNs are equal. What wrote a file is told and does\n"
        "not count.\n"
        "\nExit status, as that of diff: 0 the same, 1 different, 2 wrong usage or trouble such as an unreadable "
        "file.\n");
}

int command_diff(int argc, char **argv)
{
    const char *json = NULL;
    bool quiet = false;
    const option_row rows[] = {
        {"json", "FILE", "Write every number in full precision; -: to standard output, instead of the text.",
         .word = &json},
        {"quiet", NULL, "No text: the exit status, and the file of --json.", .set = &quiet},
    };
    const option_group groups[] = {{"flags", rows, 2}};
    const option_set set = {.command = diff_who,
                            .operands = "A B",
                            .least = 2,
                            .most = 2,
                            .text = "Tells what differs between two runs, or between two checkpoints.",
                            .example = "reel diff run/step-000001500.json run/step-000001600.json",
                            .groups = groups,
                            .group_count = 1,
                            .more = more};
    int first = options_parse(&set, NULL, argc, argv);
    if (first < 0) return finish_output(diff_who, -1 - first);
    const char *const paths[] = {argv[first], argv[first + 1]};
    kind a = kind_of(paths[0]), b = a == KIND_NONE ? KIND_NONE : kind_of(paths[1]);
    if (a == KIND_NONE || b == KIND_NONE) return DIFF_TROUBLE;
    if ((a == KIND_CHECKPOINT) != (b == KIND_CHECKPOINT))
        return option_fail(&set, "%s is %s and %s is %s: expected two checkpoints, or two runs or logs", paths[0],
                           kind_names[a], paths[1], kind_names[b]);
    if (json && !json_probe(diff_who, json)) return DIFF_TROUBLE;
    FILE *file = quiet || (json && strcmp(json, "-") == 0) ? fopen("/dev/null", "w") : stdout;
    cJSON *report = cJSON_CreateObject();
    if (!file || !report) return complain(diff_who, "the report cannot be made: %s", strerror(errno)), DIFF_TROUBLE;
    json_add_text(report, "command", "diff");
    json_add_text(report, "version", reel_version());
    verdict found =
        a == KIND_CHECKPOINT ? diff_checkpoints(paths[0], paths[1], file, report) : compare_runs(paths, file, report);
    cJSON_AddBoolToObject(report, "same", found == DIFF_SAME);
    if (found != DIFF_TROUBLE && json && !json_write(diff_who, json, report)) found = DIFF_TROUBLE;
    cJSON_Delete(report);
    if (file != stdout) fclose(file);
    return finish_output(diff_who, EXIT_DONE) == EXIT_DONE ? (int)found : (int)DIFF_TROUBLE;
}
