/* SPDX-License-Identifier: MIT
 *
 * Curves: what they hold, and as files of numbers.
 */
#include "chart.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

series *chart_add(chart *c, const char *name)
{
    series *grown = realloc(c->series, ((size_t)c->count + 1) * sizeof *grown);
    if (!grown) return NULL;
    c->series = grown;
    grown[c->count] = (series){.name = strdup(name)};
    return grown[c->count].name ? &grown[c->count++] : NULL;
}

bool series_add(const chart *c, series *s, double x, const double *values)
{
    size_t width = (size_t)c->panels + 1;
    if (s->count == s->room) {
        int64_t room = s->room ? 2 * s->room : 256;
        double *grown = realloc(s->rows, (size_t)room * width * sizeof *grown);
        if (!grown) return false;
        s->rows = grown;
        s->room = room;
    }
    double *row = s->rows + (size_t)s->count++ * width;
    row[0] = x;
    memcpy(row + 1, values, (size_t)c->panels * sizeof *values);
    return true;
}

bool series_smooth(const chart *c, series *s, double weight)
{
    size_t width = (size_t)c->panels + 1, size = (size_t)s->count * width;
    s->smooth = malloc((size + 1) * sizeof *s->smooth);
    if (!s->smooth) return false;
    if (size > 0) memcpy(s->smooth, s->rows, size * sizeof *s->smooth);
    for (size_t p = 1; p < width; p++) {
        double mean = 0, left = 1;
        for (size_t i = p; i < size; i += width) {
            double y = s->rows[i];
            if (y == ABSENT || !isfinite(y)) continue;
            mean = weight * mean + (1 - weight) * y;
            left *= weight;
            s->smooth[i] = mean / (1 - left);
        }
    }
    return true;
}

void chart_free(chart *c)
{
    for (int k = 0; k < c->count; k++) {
        free(c->series[k].name);
        free(c->series[k].rows);
        free(c->series[k].smooth);
    }
    free(c->series);
    c->series = NULL;
    c->count = 0;
}

bool chart_fits(const chart *c, double x, double y)
{
    return isfinite(x) && isfinite(y) && x != ABSENT && y != ABSENT && !(c->log_x && x <= 0) && !(c->log_y && y <= 0);
}

static void extend(const chart *c, const series *s, int panel, chart_extent *e)
{
    for (int64_t i = 0; i < s->count; i++) {
        double x = series_x(c, s, i), shown = series_shown(c, s, i, panel), y = series_y(c, s, i, panel);
        if (!chart_fits(c, x, shown)) continue;
        if (!chart_fits(c, x, y)) y = shown;
        e->left = fmin(e->left, x), e->right = fmax(e->right, x);
        e->bottom = fmin(e->bottom, fmin(y, shown)), e->top = fmax(e->top, fmax(y, shown));
    }
}

bool chart_extent_of(const chart *c, int panel, chart_extent *e)
{
    *e = (chart_extent){INFINITY, -INFINITY, INFINITY, -INFINITY};
    for (int p = 0; p < c->panels; p++)
        for (int k = 0; (panel < 0 || p == panel) && k < c->count; k++) extend(c, &c->series[k], p, e);
    return e->left <= e->right;
}

/* ---- files of numbers ---- */

static void csv_text(FILE *file, const char *text)
{
    if (!text[strcspn(text, ",\"\n\r")]) {
        fputs(text, file);
        return;
    }
    fputc('"', file);
    for (; *text; text++) {
        if (*text == '"') fputc('"', file);
        fputc(*text, file);
    }
    fputc('"', file);
}

static void csv_rows(FILE *file, const chart *c, const series *s)
{
    char text[NUMBER_SIZE];
    for (int64_t i = 0; i < s->count; i++) {
        csv_text(file, s->name);
        fprintf(file, ",%s", number_text(series_x(c, s, i), REEL_DOUBLE, text));
        for (int p = 0; p < c->panels; p++) {
            double y = series_y(c, s, i, p);
            fprintf(file, ",%s", y == ABSENT ? "" : number_text(y, REEL_DOUBLE, text));
            if (!s->smooth) continue;
            y = series_shown(c, s, i, p);
            fprintf(file, ",%s", y == ABSENT ? "" : number_text(y, REEL_DOUBLE, text));
        }
        fputc('\n', file);
    }
}

bool chart_csv(const chart *c, const char *who, const char *path)
{
    bool plain = strcmp(path, "-") == 0;
    FILE *file = plain ? stdout : fopen(path, "w");
    if (!file) {
        complain(who, "%s: cannot be written: %s", path, strerror(errno));
        return false;
    }
    fprintf(file, "%s,%s", c->kind, c->x);
    for (int p = 0; p < c->panels; p++) {
        fputc(',', file);
        csv_text(file, c->y[p]);
        if (c->count > 0 && c->series[0].smooth) fprintf(file, ",%s_smooth", c->y[p]);
    }
    fputc('\n', file);
    for (int k = 0; k < c->count; k++) csv_rows(file, c, &c->series[k]);
    if (plain) return true;
    bool wrong = fflush(file) != 0 || ferror(file);
    if (fclose(file) != 0) wrong = true;
    if (wrong) complain(who, "%s: not all could be written", path);
    return !wrong;
}

static void json_column(cJSON *object, const char *name, const chart *c, const series *s, const double *rows,
                        int column)
{
    char *list = malloc((size_t)s->count * (NUMBER_SIZE + 4) + 3), number[NUMBER_SIZE];
    if (!list) return;
    size_t length = 0;
    list[length++] = '[';
    for (int64_t i = 0; i < s->count; i++) {
        double y = rows[i * (c->panels + 1) + column];
        const char *quote = isfinite(y) ? "" : "\"";
        length += (size_t)sprintf(list + length, "%s%s%s%s", i ? ", " : "", quote,
                                  y == ABSENT ? "null" : number_text(y, REEL_DOUBLE, number), quote);
    }
    memcpy(list + length, "]", 2);
    cJSON_AddRawToObject(object, name, list);
    free(list);
}

void chart_json(const chart *c, const series *s, cJSON *object)
{
    json_column(object, c->x, c, s, s->rows, 0);
    for (int p = 0; p < c->panels; p++) {
        char name[128];
        json_column(object, c->y[p], c, s, s->rows, 1 + p);
        snprintf(name, sizeof name, "%.100s_smooth", c->y[p]);
        if (s->smooth) json_column(object, name, c, s, s->smooth, 1 + p);
    }
}
