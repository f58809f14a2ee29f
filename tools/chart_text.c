/* SPDX-License-Identifier: MIT
 *
 * Curves in characters.
 */
#include "chart.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define MARGIN 12 /* for the numbers beside the axis */

static const char marks[] = "*o+x#@%&";

typedef struct canvas {
    const chart *chart;
    chart_extent extent;
    int width, height;
    char *cells;
} canvas;

/* Columns of the terminal: what COLUMNS says, else the terminal itself, else 80. */
static int columns_of(FILE *file)
{
    struct winsize window;
    const char *said = getenv("COLUMNS");
    int columns = said ? atoi(said) : ioctl(fileno(file), TIOCGWINSZ, &window) == 0 ? window.ws_col : 80;
    return columns < 40 ? 40 : columns > 200 ? 200 : columns;
}

/* Where x stands between two ends, 0 to 1. */
static double share(double x, double least, double most, bool logarithmic)
{
    if (logarithmic) x = log(x), least = log(least), most = log(most);
    return most > least ? (x - least) / (most - least) : 0.5;
}

static void put(canvas *v, double column, double row, char mark)
{
    int i = (int)lround(column), j = (int)lround(row);
    if (i >= 0 && i < v->width && j >= 0 && j < v->height) v->cells[(v->height - 1 - j) * v->width + i] = mark;
}

/* The points of a series and, where they are further apart than a cell, the line between them. */
static void draw(canvas *v, const series *s, int panel, char mark)
{
    const chart *c = v->chart;
    bool before = false;
    double last_column = 0, last_row = 0;
    for (int64_t i = 0; i < s->count; i++) {
        double x = series_x(c, s, i), y = series_shown(c, s, i, panel);
        if (y == ABSENT) continue;
        if (!chart_fits(c, x, y)) {
            before = false;
            continue;
        }
        double column = share(x, v->extent.left, v->extent.right, c->log_x) * (v->width - 1);
        double row = share(y, v->extent.bottom, v->extent.top, c->log_y) * (v->height - 1);
        int cells = before ? (int)fmax(fabs(column - last_column), fabs(row - last_row)) : 0;
        for (int k = 1; k < cells; k++)
            put(v, last_column + (column - last_column) * k / cells, last_row + (row - last_row) * k / cells, mark);
        put(v, column, row, mark);
        last_column = column, last_row = row, before = true;
    }
}

static void print_canvas(const canvas *v, FILE *file)
{
    const chart_extent *e = &v->extent;
    int middle = v->height / 2;
    for (int j = 0; j < v->height; j++) {
        double at = (double)(v->height - 1 - j) / (v->height - 1), value;
        value = v->chart->log_y ? e->bottom * pow(e->top / e->bottom, at) : e->bottom + (e->top - e->bottom) * at;
        int length = v->width;
        while (length > 0 && v->cells[j * v->width + length - 1] == ' ') length--;
        if ((j == 0 || j == middle || j == v->height - 1) && e->top > e->bottom)
            fprintf(file, "%*.4g +", MARGIN - 2, value);
        else if (j == middle)
            fprintf(file, "%*.4g +", MARGIN - 2, e->bottom);
        else
            fprintf(file, "%*s |", MARGIN - 2, "");
        fprintf(file, "%.*s\n", length, v->cells + j * v->width);
    }
    fprintf(file, "%*s+", MARGIN - 1, "");
    for (int i = 0; i < v->width; i++) fputc('-', file);
    char left[32], right[32];
    int n = snprintf(left, sizeof left, "%.6g", e->left) + snprintf(right, sizeof right, "%.6g", e->right);
    int label = (int)strlen(v->chart->x_label), blanks = v->width - n - label;
    fprintf(file, "\n%*s%s%*s%s%*s%s\n", MARGIN, "", left, blanks / 2, "", v->chart->x_label, blanks - blanks / 2, "",
            right);
}

void chart_print(const chart *c, FILE *file)
{
    canvas v = {.chart = c, .width = columns_of(file) - MARGIN - 1, .height = c->panels > 2 ? 11 : 17};
    chart_extent all;
    chart_extent_of(c, -1, &all);
    v.cells = malloc((size_t)(v.width * v.height));
    for (int p = 0; v.cells && p < c->panels; p++) {
        if (!chart_extent_of(c, p, &v.extent)) continue;
        v.extent.left = all.left, v.extent.right = all.right;
        memset(v.cells, ' ', (size_t)(v.width * v.height));
        for (int k = 0; k < c->count; k++) draw(&v, &c->series[k], p, marks[k % (int)(sizeof marks - 1)]);
        fprintf(file, "\n%*s %s%s\n", MARGIN - 1, "", c->y[p], c->log_y ? " (logarithmic)" : "");
        print_canvas(&v, file);
    }
    for (int k = 0; k < c->count && c->count > 1; k++)
        fprintf(file, "%*s %c  %s\n", MARGIN - 1, "", marks[k % (int)(sizeof marks - 1)], c->series[k].name);
    free(v.cells);
}
