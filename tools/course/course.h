/* SPDX-License-Identifier: MIT
 *
 * `reel course`: exercises on gradient descent, each with the table of the lesson it comes from, what the lesson claims
 * beside what comes out, and pictures.
 *
 * To add an exercise NAME (words joined by hyphens):
 *   1. tools/course/NAME.c (underscores instead of hyphens) defines `const exercise exercise_NAME`;
 *   2. `NAME` becomes a row of the list in tools/course/meson.build, in the order in which the course shows it.
 * List, flags, help, JSON, `all` and the HTML follow from the row; run() says everything else through `course`. It
 * trains by a program of models/course/, so that the reader can copy what was run: a file there, a row in its
 * meson.build; main stands under #ifndef COURSE_NO_MAIN, and the comment at the top ends with " * Its last line: TEXT",
 * which a test holds it to. tests/reference/course/NAME.json holds the figures and verdicts that the tests ask for,
 * NAME.out, where there is one, the lines that the lesson prints.
 */
#ifndef COURSE_H
#define COURSE_H

#include "../chart.h"
#include "../output.h"
#include "../plot.h"

#include "descent.h"

#define COURSE_LIST 16

/* Numbers of a flag, separated by commas. */
typedef struct course_list {
    int count;
    double at[COURSE_LIST];
} course_list;

typedef struct course course;

typedef struct exercise {
    const char *name;
    const char *text; /* one sentence */
    /* The flags, as they would be typed: the lesson's values, which a run without flags uses. NULL: the flag means
     * nothing here and is not offered. */
    const char *lr, *start, *steps, *momentum, *optimizer, *seed, *batch;
    /* run() takes up to COURSE_LIST rates; else it takes one, and is called once for each that is given. */
    bool any_lr;
    bool any_start;      /* the same of starts; else as many as the lesson has are asked for */
    const char *meaning; /* what the flags mean here, where their common sentence does not say it; or NULL */
    const char *json;    /* "name  what it is" a line: the numbers that run() writes to course->json */
    void (*run)(course *c);
} exercise;

/* One run of one exercise. Errors of the library stay in `reel` and are reported when run() has returned. */
struct course {
    const exercise *exercise;
    reel_context *reel;
    course_list lr, start; /* count 0 where the flag is not offered */
    int steps, batch;
    double momentum;
    const char *optimizer; /* name of its kind */
    uint64_t seed;
    bool changed; /* a flag was given: the table is no longer the lesson's */

    FILE *table; /* what the lesson prints, line for line (without its emoji) */
    FILE *more;  /* further tables, printed below */
    cJSON *json; /* further numbers: json_add_number(c->json, "name", value, REEL_DOUBLE) */

    /* The framework's own. */
    const char *who, *out;
    bool svg, failed, no_gnuplot;
    char *texts[2];
    size_t sizes[2];
    FILE *data;
    cJSON *claims, *pictures;
};

/* A sentence of the lesson (in its words, shortened), whether it holds here, and the figures that say so (printf).
 * `holds` is computed from the runs. Printed below the tables and written to JSON "claims". */
void course_claim(course *c, const char *name, bool holds, const char *claim, const char *format, ...)
    REEL_PRINTF(5, 6);

/* An optimizer of the kind that was asked for, with this rate and the momentum; NULL, and an error kept, when it has
 * none. */
reel_optimizer *course_optimizer(course *c, reel_params *params, double rate);

/* descend() with a fresh store of n numbers and course_optimizer. */
int course_descend(course *c, descent_loss loss, void *user, int n, const double *start, double rate, int steps,
                   double *path, double *losses);

/* `count` zeros that live as long as c->reel. Never NULL: without memory the command ends with a sentence. */
double *course_numbers(course *c, int64_t count);

/* The eigenvalues of the second derivatives of a loss of n numbers (parameter 0 of a store) at a place, ascending: from
 * central differences of the gradient that the tape gives. */
void course_curvature(course *c, descent_loss loss, void *user, int n, const double *at, double *eigenvalues);

/* A picture NAME.png of the exercise: false when none is wanted (no --out). Then write to p->script and end with
 * course_draw. The caption is for the HTML and for readers who do not see the picture. */
bool course_picture(course *c, plot *p, const char *name, int width, int height, const char *caption);
/* Adds a block (rows, columns) to the data file of the picture, NAME.dat; for gnuplot `'NAME.dat' index 0`, then 1, ...
 * NaN and infinities are gaps. */
void course_data(course *c, const plot *p, int64_t rows, int columns, const double *numbers);
void course_draw(course *c, plot *p);
/* Curves, drawn by chart.h; frees the chart. */
void course_chart(course *c, chart *lines, const char *name, const char *caption);

#endif
