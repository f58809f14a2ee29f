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

/* `last`: its parameters as they are, instead of those with the smallest validation loss that stand beside them. */
/* The checkpoint, or the newest good one of a folder or of the folder "checkpoints" in it, and the table. Returns -1,
 * or the exit status after a complaint. Free in any case. */
int trained_open(trained *t, const char *who, const char *operand, const table_flags *flags, bool last);
void trained_free(trained *t);
/* What both commands tell of themselves. */
void trained_json(const trained *t, const char *name, cJSON *document);

#endif
