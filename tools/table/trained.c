/* SPDX-License-Identifier: MIT
 *
 * A net that was trained on a table, from its checkpoint alone.
 */
#include "table/trained.h"

#include "checkpoints.h"
#include "table/csv_run.h"

#include <stdlib.h>
#include <string.h>

static bool find(trained *t, const char *who, const char *operand)
{
    if (!is_folder(operand)) return snprintf(t->path, sizeof t->path, "%s", operand) < (int)sizeof t->path;
    if (reel_checkpoint_newest(t->context, operand, t->path, sizeof t->path)) return true;
    char *inner = path_join(operand, "checkpoints");
    bool found = inner && reel_checkpoint_newest(t->context, inner, t->path, sizeof t->path);
    free(inner);
    if (!found) complain(who, "%s holds no checkpoint", operand);
    return found;
}

/* The parameters with the smallest validation loss, where the checkpoint has them. */
static void take_best(trained *t)
{
    char path[600];
    reel_checkpoint *c = reel_checkpoint_open(NULL, t->context, t->path);
    bool there = reel_checkpoint_number(c, "state/best_epoch") > 0;
    for (int i = 0; there && !reel_failed(t->context) && i < reel_params_count(t->params); i++) {
        reel_array value = reel_params_value(t->params, i);
        snprintf(path, sizeof path, "state/" CSV_BEST "/values/%.500s", reel_params_name(t->params, i));
        reel_array *best = reel_checkpoint_array(NULL, c, path);
        if (best && best->size == value.size && best->dtype == value.dtype)
            memcpy(value.data, best->data, (size_t)value.size * reel_dtype_size(value.dtype));
        else if (best)
            reel_error_set(t->context, REEL_BAD_FILE, NULL, NULL,
                           "%s: %s: found another shape or type than the model's", t->path, path);
        reel_array_free(best);
    }
    reel_params_touch(t->params);
    reel_checkpoint_free(c);
}

/* Returns the index of CHECKPOINT|DIR in argv, or -1 - status. */
static int read_flags(const option_set *words, const option_row output[2], table_flags *table, bool *last, int argc,
                      char **argv)
{
    option_row rows[TABLE_FLAG_ROWS];
    const option_row last_row = {"last", NULL,
                                 "Use the net of the last update instead of the one with the smallest validation loss.",
                                 .set = last};
    const option_group groups[] = {{"table", rows, TABLE_FLAG_ROWS}, {"model", &last_row, 1}, {"output", output, 2}};
    option_set set = *words;
    set.operands = "CHECKPOINT|DIR";
    set.least = set.most = 1;
    set.groups = groups;
    set.group_count = sizeof groups / sizeof *groups;
    table_flags_rows(table, rows);
    int first = options_parse(&set, NULL, argc, argv);
    if (first < 0) return first;
    const char *wrong = table->csv ? table_flags_check(table) : "--csv is missing: the file with the table";
    return wrong ? -1 - option_fail(&set, "%s", wrong) : first;
}

int trained_open(trained *t, const option_set *words, const option_row output[2], const char *const *json, int argc,
                 char **argv)
{
    table_flags table = {.csv = NULL};
    bool last = false;
    *t = (trained){.context = NULL};
    int first = read_flags(words, output, &table, &last, argc, argv);
    if (first < 0) return -1 - first;
    t->context = reel_context_new(NULL);
    if (!find(t, words->command, argv[first])) return EXIT_FAILED;
    t->preparation = reel_preparation_load(NULL, t->context, t->path);
    if (t->preparation) t->net = reel_model_load(NULL, t->context, t->path, &t->params);
    if (t->net && !last) take_best(t);
    if (t->net) t->table = table_flags_read(t->context, &table);
    if (!t->table) return complain_of(words->command, t->context);
    t->precision = reel_params_dtype(t->params);
    return *json && !json_probe(words->command, *json) ? EXIT_FAILED : -1;
}

void trained_free(trained *t)
{
    reel_context_free(t->context);
    *t = (trained){.context = NULL};
}

void trained_json(const trained *t, const char *name, cJSON *document)
{
    json_add_text(document, "command", name);
    json_add_text(document, "version", reel_version());
    json_add_fingerprint(document);
    json_add_text(document, "checkpoint", t->path);
    json_add_text(document, "csv", reel_table_path(t->table));
    json_add_text(document, "target", reel_preparation_target(t->preparation));
    json_add_text(document, "task",
                  reel_preparation_task(t->preparation) == REEL_TASK_CLASSIFICATION ? "classification" : "regression");
}
