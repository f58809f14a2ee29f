/* SPDX-License-Identifier: MIT
 *
 * The pictures: filled contours with paths, losses, the surface in three dimensions.
 */
#include "landscape/landscape.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LEVELS 24    /* bands of colour */
#define LINES 11     /* contour lines, on the borders of every second band */
#define LOG_RATIO 30 /* a loss that spans more than this is shown on a logarithmic scale */

/* set WHAT 'TEXT' MORE */
static void put_label(FILE *script, const char *what, const char *text, const char *more)
{
    fprintf(script, "set %s ", what);
    plot_quote(script, text, 0);
    fprintf(script, "%s\n", more);
}

static bool is_log(const landscape_view *v)
{
    const landscape_surface *s = v->surface;
    return s->least > 0 && s->most / s->least > LOG_RATIO && isfinite(s->most);
}

static void put_number(FILE *file, double value, char after)
{
    char text[NUMBER_SIZE];
    fprintf(file, "%s%c", isfinite(value) ? number_text(value, REEL_DOUBLE, text) : "nan", after);
}

static bool write_surface(plot *p, const landscape_view *v)
{
    const landscape_surface *s = v->surface;
    char name[80];
    snprintf(name, sizeof name, "%s-surface.dat", p->name);
    FILE *data = plot_data(p, name);
    if (!data) return false;
    fprintf(data, "# a, b, loss\n");
    for (int j = 0; j < s->points; j++) {
        if (j) fprintf(data, "\n");
        for (int i = 0; i < s->points; i++) {
            put_number(data, s->a[i], ' ');
            put_number(data, s->b[j], ' ');
            put_number(data, s->losses[(size_t)j * (size_t)s->points + (size_t)i], '\n');
        }
    }
    return plot_close(p, data, name);
}

static bool write_paths(plot *p, const landscape_view *v)
{
    char name[80];
    snprintf(name, sizeof name, "%s-paths.dat", p->name);
    FILE *data = plot_data(p, name);
    if (!data) return false;
    fprintf(data, "# a, b, loss of the surface there, loss, step; a path after the other\n");
    for (int k = 0; k < v->count; k++) {
        const landscape_path *path = &v->paths[k];
        if (k) fprintf(data, "\n\n");
        for (int64_t i = 0; i < path->count; i++) {
            put_number(data, path->scores[2 * i], ' ');
            put_number(data, path->scores[2 * i + 1], ' ');
            put_number(data, path->drawn[i], ' ');
            put_number(data, path->losses[i], ' ');
            fprintf(data, "%lld\n", (long long)path->steps[i]);
        }
    }
    return plot_close(p, data, name);
}

/* Colours of the paths over viridis, white around them. */
static const char *colour_of(int k)
{
    static const int order[PATHS_MOST] = {1, 0, 6, 3, 4, 5, 2}; /* vermillion, blue, black, purple, orange, ... */
    return plot_colour[order[k % PATHS_MOST] % PLOT_COLOURS];
}

/* ---- the map ---- */

static void draw_lines_of_equal_loss(FILE *script, const plot *p, const landscape_view *v)
{
    const landscape_surface *s = v->surface;
    bool log_scale = is_log(v);
    fprintf(script, "set table $lines\nset contour base\nunset surface\nset cntrparam levels discrete ");
    for (int i = 1; i <= LINES; i++) {
        double share = (double)i / (LINES + 1);
        double level = log_scale ? s->least * pow(s->most / s->least, share) : s->least + share * (s->most - s->least);
        fprintf(script, "%s%.9g", i > 1 ? "," : "", level);
    }
    fprintf(script, "\nsplot '%s-surface.dat' using 1:2:3\nunset table\nunset contour\nset surface\n", p->name);
}

/* Column `z` of a path, of all its points or of one. */
static void draw_part(FILE *script, const plot *p, int k, const char *z, int64_t only, const char *how,
                      const char *colour)
{
    fprintf(script, ", \\\n    '%s-paths.dat' index %d ", p->name, k);
    if (only >= 0) fprintf(script, "every ::%lld::%lld ", (long long)only, (long long)only);
    fprintf(script, "using 1:2:%s with %s linecolor rgb '%s' notitle", z, how, colour);
}

/* Paths in their colours, white around them; then a circle where each starts and a diamond where it ends. The first path is
 * drawn last, since it is often the shortest. */
static void draw_paths(FILE *script, const plot *p, const landscape_view *v, const char *z)
{
    for (int k = v->count - 1; k >= 0; k--) {
        if (v->paths[k].count < 2) continue;
        draw_part(script, p, k, z, -1, "lines linewidth 5", "#ffffff");
        draw_part(script, p, k, z, -1, "lines linewidth 2.5", colour_of(k));
    }
    for (int k = v->count - 1; k >= 0; k--) {
        int64_t last = v->paths[k].count - 1;
        if (last > 0) draw_part(script, p, k, z, 0, "points pointtype 7 pointsize 2.2", "#ffffff");
        if (last > 0) draw_part(script, p, k, z, 0, "points pointtype 7 pointsize 1.6", colour_of(k));
        draw_part(script, p, k, z, last, "points pointtype 13 pointsize 3", "#ffffff");
        draw_part(script, p, k, z, last, "points pointtype 13 pointsize 2.2", colour_of(k));
    }
    for (int k = 0; k < v->count; k++) {
        fprintf(script, ", \\\n    keyentry with %s linecolor rgb '%s' title ",
                v->paths[k].count > 1 ? "lines linewidth 2.5" : "points pointtype 13 pointsize 2.2", colour_of(k));
        plot_quote(script, v->paths[k].title, 0);
    }
}

static void draw_map(FILE *script, const plot *p, const landscape_view *v)
{
    const landscape_surface *s = v->surface;
    fprintf(script, "%sset palette maxcolors %d\n", plot_viridis, LEVELS);
    draw_lines_of_equal_loss(script, p, v);
    fprintf(script,
            "set view map\nunset grid\nset pm3d interpolate 4,4\nif (exists('svg')) set pm3d interpolate 2,2\n");
    put_label(script, "title", v->title, "");
    put_label(script, "xlabel", v->a_label, "");
    put_label(script, "ylabel", v->b_label, "");
    put_label(script, "cblabel", v->loss, " offset 1,0");
    fprintf(script, "set xrange [%.9g:%.9g]\nset yrange [%.9g:%.9g]\n%sset format cb '%%g'\n", s->a[0],
            s->a[s->points - 1], s->b[0], s->b[s->points - 1], is_log(v) ? "set logscale cb\n" : "");
    if (s->most > s->least) fprintf(script, "set cbrange [%.9g:%.9g]\n", s->least, s->most);
    /* Lines and points stand at 0; a range that ends at the largest loss would leave it out. */
    double room = s->most - s->least + 1;
    fprintf(script, "set zrange [%.9g:%.9g]\n", fmin(s->least, 0) - room, fmax(s->most, 0) + room);
    fprintf(script, "unset key\nsplot '%s-surface.dat' using 1:2:3 with pm3d notitle", p->name);
    fprintf(script, ", \\\n    $lines using 1:2:(0) with lines linewidth 0.5 linecolor rgb '#ffffff' notitle");
    draw_paths(script, p, v, "(0)");
    fprintf(script, "\n");
}

/* ---- the losses ---- */

static void draw_losses(FILE *script, const plot *p, const landscape_view *v)
{
    double least = INFINITY, most = 0;
    int64_t first = INT64_MAX, last = 0;
    for (int k = 0; k < v->count; k++)
        for (int64_t i = 0; i < v->paths[k].count; i++) {
            double loss = v->paths[k].losses[i];
            int64_t step = v->paths[k].steps[i];
            if (loss > 0) least = fmin(least, loss);
            if (isfinite(loss)) most = fmax(most, loss);
            if (step < first) first = step;
            if (step > last) last = step;
        }
    fprintf(script, "unset view\nset grid linecolor rgb '#dddddd' linetype 1\nset key below horizontal maxcols 2\nset "
                    "title 'Loss of all rows after so many "
                    "updates'\nset xlabel 'updates'\n");
    put_label(script, "ylabel", v->loss, "");
    fprintf(script, "set xrange [%lld:%lld]\nset yrange [*:*]\nset format y '%%g'\n", (long long)first,
            (long long)last);
    if (most > 1.5 * least && least < INFINITY) {
        fprintf(script, "set logscale y\nset yrange [%.9g:%.9g]\n", least / 1.2, most * 1.2);
        plot_log_labels(script, "y", least, most);
    }
    fprintf(script, "plot ");
    for (int k = 0; k < v->count; k++) {
        fprintf(script, "%s'%s-paths.dat' index %d using 5:4 with lines linewidth 2.5 linecolor rgb '%s' title ",
                k ? ", \\\n    " : "", p->name, k, colour_of(k));
        plot_quote(script, v->paths[k].title, 0);
    }
    fprintf(script, "\n");
}

/* ---- in three dimensions ---- */

/* Degrees to turn, so that the quarter of the surface that is lowest is in front. */
static int turn_of(const landscape_surface *s)
{
    static const int turns[] = {300, 60, 240,
                                120}; /* in front: least a and b; most a, least b; least a, most b; most */
    double sums[4] = {0};
    int half = s->points / 2, lowest = 0;
    for (int j = 0; j < 2 * half; j++)
        for (int i = 0; i < 2 * half; i++) {
            double loss = s->losses[(size_t)j * (size_t)s->points + (size_t)i];
            sums[(i >= half) + 2 * (j >= half)] += isfinite(loss) ? loss : 0;
        }
    for (int k = 1; k < 4; k++)
        if (sums[k] < sums[lowest]) lowest = k;
    return turns[lowest];
}

static void draw_relief(FILE *script, const plot *p, const landscape_view *v)
{
    fprintf(script, "%sset pm3d interpolate 2,2\nset view 48, %d\nset xyplane relative 0.05\n", plot_viridis,
            turn_of(v->surface));
    put_label(script, "title", v->title, "");
    put_label(script, "xlabel", v->a_label, " rotate parallel offset 0,-0.5");
    put_label(script, "ylabel", v->b_label, " rotate parallel offset 0,-0.5");
    put_label(script, "zlabel", v->loss, " rotate by 90 offset -1,0");
    put_label(script, "cblabel", v->loss, "");
    fprintf(script, "set format z '%%g'\nset format cb '%%g'\n");
    if (is_log(v)) fprintf(script, "set logscale z\nset logscale cb\n");
    fprintf(script,
            "set key at screen 0.03,0.92 left top vertical Left reverse\nsplot '%s-surface.dat' using 1:2:3 with pm3d "
            "notitle",
            p->name);
    draw_paths(script, p, v, v->floating ? "4" : "3");
    fprintf(script, "\n");
}

/* ---- both ---- */

static bool begin(plot *p, const landscape_view *v, const char *name, int width, int height)
{
    if (!plot_begin(p, v->who, v->folder, name, width, height)) return false;
    p->svg = v->svg;
    return (write_surface(p, v) && write_paths(p, v)) || plot_give_up(p) != PLOT_FAILED;
}

/* NAME.png: filled contours with the paths, and their losses beside (of paths with more than one vector). */
static plot_result view_map(const landscape_view *v, const char *name)
{
    plot p;
    bool losses = v->paths[0].count > 1;
    if (!begin(&p, v, name, losses ? 1500 : 860, 680)) return PLOT_FAILED;
    if (losses) fprintf(p.script, "set multiplot layout 1,2\nset lmargin at screen 0.06\nset rmargin at screen 0.47\n");
    if (losses) fprintf(p.script, "set tmargin at screen 0.93\nset bmargin at screen 0.22\n");
    draw_map(p.script, &p, v);
    if (losses) {
        fprintf(p.script, "set lmargin at screen 0.63\nset rmargin at screen 0.98\n");
        draw_losses(p.script, &p, v);
        fprintf(p.script, "unset multiplot\n");
    }
    return plot_draw(&p);
}

/* NAME.png: the surface in three dimensions with the paths. */
static plot_result view_relief(const landscape_view *v, const char *name)
{
    plot p;
    if (!begin(&p, v, name, 1100, 860)) return PLOT_FAILED;
    draw_relief(p.script, &p, v);
    return plot_draw(&p);
}

int landscape_write(const landscape_settings *s, cJSON *document, const landscape_view *views, const char *const *names,
                    int count, FILE *report)
{
    plot_result worst = PLOT_DRAWN;
    if (!json_write_results(s->who, s->out, "landscape.json", s->json, document)) return EXIT_FAILED;
    if (!s->out) return EXIT_DONE;
    for (int i = 0; i < count && worst != PLOT_FAILED; i++) {
        bool relief = strstr(names[i], "relief") != NULL;
        plot_result drawn = relief ? view_relief(&views[i], names[i]) : view_map(&views[i], names[i]);
        if (drawn > worst) worst = drawn;
    }
    return plot_tell(report, worst, s->out, names, count, false, "landscape.json");
}
