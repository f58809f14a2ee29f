/* SPDX-License-Identifier: MIT
 *
 * A net that was trained on a table, from its checkpoint alone.
 */
#ifndef TOOLS_TRAINED_H
#define TOOLS_TRAINED_H

#include "table/metrics.h"
#include "table/table_flags.h"

typedef struct trained {
    reel_context *context; /* owns everything */
    char path[4096];       /* of the checkpoint */
    reel_module *net;
    reel_params *params;
    reel_dtype precision;
    reel_preparation *preparation;
    reel_table *table;
} trained;

/* The flags of a command that takes a checkpoint and a table: `words` says what it is called and does, `output` are its two
 * flags for what it writes, `json` what --json says. Then opens both: the checkpoint, or the newest good one of a folder or
 * of the folder "checkpoints" in it, with the parameters of the smallest validation loss, unless --last asks for those of
 * the last update. Returns -1, or the exit status after a complaint. Free in any case. */
int trained_open(trained *t, const option_set *words, const option_row output[2], const char *const *json, int argc,
                 char **argv);
void trained_free(trained *t);
/* What both commands tell of themselves. */
void trained_json(const trained *t, const char *name, cJSON *document);

#endif
