/* SPDX-License-Identifier: MIT
 *
 * Progress for people: a bar on a terminal, plain lines elsewhere.
 */
#include "core/core.h"
#include <reel/train.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BAR_SECONDS 0.1   /* at most ten times a second */
#define LINE_SECONDS 30.0 /* without a terminal: a line every 5 % or 30 seconds */
#define LINE_SHARE 20
#define BAR_CELLS 24

struct reel_progress {
    reel_object object;
    FILE *file;
    bool terminal, colour;
    bool bar_shown;
    double began, shown_at;
    int64_t shown_part; /* of LINE_SHARE */
    int64_t began_step;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void progress_destroy(reel_object *object)
{
    object_release(object, sizeof(reel_progress));
}

reel_progress *reel_progress_new(const char *site, reel_context *context, FILE *file)
{
    reel_progress *p = object_new(context, site, "progress_new", sizeof *p, progress_destroy);
    if (!p) return NULL;
    const char *no_colour = getenv("NO_COLOR"), *term = getenv("TERM");
    p->file = file;
    p->terminal = file && isatty(fileno(file)) && !(term && strcmp(term, "dumb") == 0);
    p->colour = p->terminal && !(no_colour && *no_colour);
    return p;
}

void reel_progress_free(reel_progress *progress)
{
    object_free(progress);
}

/* "12 s", "3 min 20 s", "2 h 5 min" */
static void print_time(FILE *file, double seconds)
{
    if (seconds < 60)
        fprintf(file, "%.0f s", seconds);
    else if (seconds < 3600)
        fprintf(file, "%d min %d s", (int)(seconds / 60), (int)fmod(seconds, 60));
    else
        fprintf(file, "%d h %d min", (int)(seconds / 3600), (int)fmod(seconds / 60, 60));
}

static void print_numbers(const reel_progress *p, const reel_event *e, double time)
{
    fprintf(p->file, "step %lld/%lld  epoch %lld/%lld  loss %.6g  rate %.4g", (long long)e->step, (long long)e->steps,
            (long long)e->epoch, (long long)e->epochs, e->loss, e->rate);
    if (isfinite(e->gradient_norm)) fprintf(p->file, "  |g| %.3g", e->gradient_norm);
    double done = (double)(e->step - p->began_step), left = (double)(e->steps - e->step);
    if (time > 1 && done > 0 && left > 0) {
        fprintf(p->file, "  ");
        print_time(p->file, time / done * left);
        fprintf(p->file, " left");
    }
}

static void clear_bar(reel_progress *p)
{
    if (p->bar_shown) fprintf(p->file, "\r\033[K");
    p->bar_shown = false;
}

static void show_bar(reel_progress *p, const reel_event *e, double time)
{
    int full = e->steps > 0 ? (int)((double)BAR_CELLS * (double)e->step / (double)e->steps) : BAR_CELLS;
    fprintf(p->file, "\r\033[K%s[", p->colour ? "\033[36m" : "");
    for (int i = 0; i < BAR_CELLS; i++) fputc(i < full ? '=' : i == full ? '>' : ' ', p->file);
    fprintf(p->file, "]%s ", p->colour ? "\033[0m" : "");
    print_numbers(p, e, time);
    p->bar_shown = true;
}

static void show_line(reel_progress *p, const reel_event *e, double time)
{
    clear_bar(p);
    print_numbers(p, e, time);
    fprintf(p->file, "\n");
}

static void step_done(reel_progress *p, const reel_event *e)
{
    double time = now();
    if (p->terminal) {
        if (time - p->shown_at < BAR_SECONDS) return;
        show_bar(p, e, time - p->began);
    } else {
        int64_t part = e->steps > 0 ? (int64_t)(LINE_SHARE * (double)e->step / (double)e->steps) : 0;
        if (part == p->shown_part && time - p->shown_at < LINE_SECONDS) return;
        p->shown_part = part;
        show_line(p, e, time - p->began);
    }
    p->shown_at = time;
    fflush(p->file);
}

void reel_progress_observe(const reel_event *e, void *progress)
{
    reel_progress *p = progress;
    if (!p || !p->file) return;
    switch (e->kind) {
    case REEL_EVENT_BEGIN:
        p->began = p->shown_at = now();
        p->began_step = e->step;
        p->shown_part = e->steps > 0 ? (int64_t)(LINE_SHARE * (double)e->step / (double)e->steps) : 0;
        if (*e->text) fprintf(p->file, "%s\n", e->text);
        break;
    case REEL_EVENT_STEP: step_done(p, e); return;
    case REEL_EVENT_NOTE:
        clear_bar(p);
        fprintf(p->file, "%s\n", e->text);
        break;
    case REEL_EVENT_CHECKPOINT: return;
    case REEL_EVENT_END:
        if (p->terminal && e->step > p->began_step) show_line(p, e, now() - p->began);
        break;
    }
    fflush(p->file);
}
