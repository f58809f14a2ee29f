/* SPDX-License-Identifier: MIT
 *
 * Curves over one axis, for pictures, for a terminal and for files: `reel schedule` and `reel plot`.
 */
#ifndef TOOLS_CHART_H
#define TOOLS_CHART_H

#include "output.h"
#include "plot.h"

#include <float.h>

#define PANELS_MOST 8

/* A quantity a line does not have. NaN and infinities are values as others: they were logged. */
#define ABSENT (-DBL_MAX)

/* One run. Row i: x, then the value in each panel. */
typedef struct series {
    char *name;
    double *rows;   /* (count, 1 + panels) */
    double *smooth; /* as rows, or NULL */
    int64_t count, room;
} series;

typedef struct chart {
    const char *title;
    const char *kind; /* what a series is, "run", the name of the first column */
    const char *x;    /* name of the axis, the second column */
    const char *x_label;
    const char *y[PANELS_MOST]; /* a panel each, one above the other */
    int panels;
    bool log_x, log_y;
    bool svg; /* NAME.svg as well */
    series *series;
    int count;
} chart;

/* Adds a series; NULL without memory. It lives until the next one is added. */
series *chart_add(chart *c, const char *name);
/* Adds a row: x and a value a panel. */
bool series_add(const chart *c, series *s, double x, const double *values);
/* Fills s->smooth: s_t = weight s_{t-1} + (1 - weight) y_t with s_0 = 0, over 1 - weight^t, t counting finite values. */
bool series_smooth(const chart *c, series *s, double weight);
void chart_free(chart *c);

static inline double series_x(const chart *c, const series *s, int64_t i)
{
    return s->rows[i * (c->panels + 1)];
}

static inline double series_y(const chart *c, const series *s, int64_t i, int panel)
{
    return s->rows[i * (c->panels + 1) + 1 + panel];
}

/* What is shown: smoothed where there is something smoothed. */
static inline double series_shown(const chart *c, const series *s, int64_t i, int panel)
{
    return (s->smooth ? s->smooth : s->rows)[i * (c->panels + 1) + 1 + panel];
}

/* Can this point stand on the axes? */
bool chart_fits(const chart *c, double x, double y);
/* Ends of the axes; false when no point can be drawn. Panel -1: all. */
typedef struct chart_extent {
    double left, right, bottom, top;
} chart_extent;
bool chart_extent_of(const chart *c, int panel, chart_extent *e);

/* FOLDER/NAME.png with its script and data. */
plot_result chart_draw(const chart *c, const char *who, const char *folder, const char *name);
/* In characters, as wide as the terminal. */
void chart_print(const chart *c, FILE *file);
/* kind,x,y...: a line a row; what is absent is empty. `-`: to standard output. Complains on failure. */
bool chart_csv(const chart *c, const char *who, const char *path);
/* "x": [...], and a list for each panel; what is absent is null. */
void chart_json(const chart *c, const series *s, cJSON *object);

#endif
