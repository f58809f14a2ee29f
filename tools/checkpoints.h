/* SPDX-License-Identifier: MIT
 *
 * The checkpoints of a folder.
 */
#ifndef TOOLS_CHECKPOINTS_H
#define TOOLS_CHECKPOINTS_H

#include "command.h"

typedef struct checkpoint_file {
    char *path;
    int64_t step;
    int64_t bytes;
} checkpoint_file;

typedef struct checkpoint_list {
    checkpoint_file *items; /* by step */
    int64_t count, room;
} checkpoint_list;

/* Finds step-NUMBER.json in a folder. False: the folder cannot be read (errno tells), or no memory. */
bool checkpoint_list_read(checkpoint_list *list, const char *folder);
void checkpoint_list_free(checkpoint_list *list);

bool is_folder(const char *path);
bool is_same_file(const char *a, const char *b);

#endif
