/* SPDX-License-Identifier: MIT
 *
 * Logs of runs as tables: log.jsonl of a run's folder, any file of JSON objects or CSV, also while it grows.
 */
#ifndef TOOLS_RUNLOG_H
#define TOOLS_RUNLOG_H

#include "chart.h"

/* A key of the lines. */
typedef struct log_column {
    char *name;
    double *numbers; /* ABSENT: the line has no number under this key */
    char **texts;    /* NULL as long as no line has a text */
} log_column;

typedef struct runlog {
    char *name;   /* for legends: the folder's or the file's */
    char *path;   /* the file */
    char *folder; /* of the run; NULL: a file was named */
    log_column *columns;
    int count;
    int64_t lines, room;
    bool half; /* the last line was half-written and left out */
} runlog;

typedef struct runlog_list {
    runlog *items;
    int count;
} runlog_list;

/* Adds the log of a file or folder; of a folder without log.jsonl those of the folders in it, two deep. False: complained
 * of a file that cannot be read, is no log, or of a folder that holds none. */
bool runlog_read(runlog_list *list, const char *who, const char *path);
void runlog_list_free(runlog_list *list);

/* NULL: no line has this key. */
const log_column *runlog_column(const runlog *log, const char *name);

/* x as passes over the data: step / s, with the s updates an epoch that follow from "step" and "epoch"; 0 when they do not
 * tell it. */
double runlog_steps_per_epoch(const runlog *log);
/* Seconds of training after each line, from times.jsonl: linear between its entries, and on from session to session.
 * False: there is no such file with steps and seconds, or no memory. */
bool runlog_seconds(const runlog *log, double *seconds);

#endif
