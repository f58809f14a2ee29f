/* SPDX-License-Identifier: MIT
 *
 * A net that was trained on a table, from its checkpoint alone.
 */
#include "table/trained.h"

#include "checkpoints.h"

#include <stdlib.h>

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

int trained_open(trained *t, const char *who, const char *operand, const table_flags *flags)
{
    *t = (trained){.context = reel_context_new(NULL)};
    if (!find(t, who, operand)) return EXIT_FAILED;
    t->preparation = reel_preparation_load(NULL, t->context, t->path);
    if (t->preparation) t->net = reel_model_load(NULL, t->context, t->path, &t->params);
    if (t->net) t->table = table_flags_read(t->context, flags);
    if (!t->table) return complain_of(who, t->context);
    t->precision = reel_params_dtype(t->params);
    return -1;
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
