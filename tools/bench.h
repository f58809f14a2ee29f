/* SPDX-License-Identifier: MIT
 *
 * `reel bench`: workloads, one row each and a file, and what they share: sides that are timed in alternation, figures,
 * goals.
 */
#ifndef TOOLS_BENCH_H
#define TOOLS_BENCH_H

/* Reel is measured as programs use it, call sites included. */
#undef REEL_NO_SITE_MACROS
#include "command.h"

#include "limit.h"

#include <cjson/cJSON.h>

/* Memory of a context, counted where it is asked for. */
typedef struct bench_heap {
    uint64_t allocations; /* calls that asked for new or more memory */
    size_t in_use, peak;
} bench_heap;
/* Processor time of the process does not see who else is using the machine; time on the clock is for what waits. */
typedef enum bench_clock { BENCH_CPU, BENCH_WALL } bench_clock;

typedef struct bench {
    int rounds;
    int threads;          /* of Reel */
    bench_clock clock;    /* for work that does not wait: processor time unless there are several threads */
    double share;         /* seconds of a round that each side gets */
    const char *folder;   /* where files go; NULL: a temporary folder */
    const limits *limits; /* the machine's best */
    const char *who;
    cJSON *report; /* of the running workload */
    cJSON *lines;  /* its list of lines */
    int goals, missed;
    bool failed;
} bench;

/* A context that counts its memory and uses the threads asked for. */
reel_context *bench_context_new(const bench *b, bench_heap *heap);

/* What is timed against others: `run` does its work `repeat` times. */
typedef struct bench_side {
    const char *name;
    void (*run)(void *user, int64_t repeat);
    void (*prepare)(void *user);   /* before every round, not timed; NULL: nothing */
    double (*clocked)(void *user); /* instead of `run`: works once and returns its own seconds */
    void *user;
    double operations; /* floating-point operations of one repeat; 0: not told */
    int64_t most;      /* repeats at most; 0: as many as fill the round's share */
    int64_t repeat;    /* chosen */
    double *seconds;   /* (rounds) of one repeat */
} bench_side;

/* The multiply-add peak as a side: one repeat is many operations. */
bench_side bench_peak(const bench *b);

/* Runs every side once a round, the order turning round by round. False, with a complaint, when there is no memory. Free
 * with bench_sides_free. */
bool bench_alternate(bench *b, bench_clock clock, bench_side *sides, int count);
void bench_sides_free(bench_side *sides, int count);

/* Median, quartiles and ends of the rounds. */
typedef struct bench_figure {
    double median, lower, upper, least, most;
} bench_figure;
/* Of one repeat of a side times `scale`; of a's time as multiple of c's, round by round; of a's rate as a share of c's. */
bench_figure bench_time(const bench *b, const bench_side *a, double scale);
bench_figure bench_ratio(const bench *b, const bench_side *a, const bench_side *c);
bench_figure bench_share(const bench *b, const bench_side *a, const bench_side *peak);

/* One line of the report. */
typedef struct bench_line {
    const char *name, *unit;
    double scale;                          /* seconds of a repeat times this is the figure */
    const bench_side *reel, *limit, *peak; /* the last two may be NULL */
    const char *limit_name;                /* NULL: "limit" */
    const double *allocations;             /* of a repeat in the steady state; NULL: not counted */
} bench_line;

/* Title of a workload; `text` says what is done and what the columns are. */
void bench_title(bench *b, const char *text, bench_clock clock);
/* Prints a line and returns its JSON object. */
cJSON *bench_print(bench *b, const bench_line *line);
/* A line of one figure that is no comparison: a share, a ratio, megabytes. */
cJSON *bench_print_figure(bench *b, const char *name, const char *unit, bench_figure figure);
void bench_add_figure(cJSON *object, const char *name, bench_figure figure);
void bench_note(bench *b, const char *format, ...) REEL_PRINTF(2, 3);
/* A goal beside the line: `value` has to be at most (at least) `bound`. A value that is not a number misses it. */
void bench_goal(bench *b, cJSON *line, const char *text, double value, double bound, bool at_most);
/* No allocation in a step; printed when missed. */
void bench_goal_allocations(bench *b, cJSON *line, double allocations);

/* Allocations of one repeat, of `repeat` of them. */
double bench_allocations(const bench_side *side, const bench_heap *heap, int64_t repeat);
void bench_add_heap(bench *b, const bench_heap *heap);

double bench_wall(void);
double bench_cpu(void);
/* Numbers of [-1, 1), the same on every run. */
float bench_random(uint64_t *state);
void bench_fill(float *values, int64_t count, uint64_t seed);
/* Floats at an address of 64 bytes; complains and returns NULL when there is no memory. Free with free. */
float *bench_floats(bench *b, int64_t count);
/* Keeps the context's error as the workload's end; true when there is one. */
bool bench_broken(bench *b, const reel_context *context);

/* A folder for files: a new one below --out or in the temporary folder. NULL with a complaint when it cannot be made. */
char *bench_folder_new(bench *b);
/* Removes it with the files in it, and frees the path. */
void bench_folder_free(char *path);
/* "ext2/ext3/ext4", "tmpfs", ... or the number of the kind. */
const char *bench_file_system(const char *path, char text[32]);

/* ---- workloads ---- */

void bench_w1(bench *b);
void bench_w1_process(bench *b);
void bench_w2(bench *b);
void bench_w3(bench *b);
void bench_study(bench *b);
void bench_w4(bench *b);
void bench_threads(bench *b);
void bench_products(bench *b);
void bench_adam(bench *b);
void bench_checkpoint(bench *b);
void bench_saving(bench *b);
void bench_ops(bench *b);

/* The program of a child process: "reel", "limit" or "nothing". Returns the exit status. */
int bench_child(const char *name);

#endif
