/* SPDX-License-Identifier: MIT
 *
 * Progress of `reel fit`: a line that is written over on a terminal, else a line every 5 %.
 */
#include "fit/fit.h"

#include <math.h>
#include <unistd.h>

fit_progress image_fit_progress_new(fit_run *run, bool keep)
{
    fit_progress p = {.run = run, .quiet = run->settings->quiet, .terminal = isatty(STDERR_FILENO), .keep = keep};
    p.began = seconds_now();
    return p;
}

void image_fit_progress_end(fit_progress *p)
{
    if (p->open) fprintf(stderr, "\n");
    p->open = false;
}

/* Measuring costs about as much as a step or two, hence once in half a second. */
static void show(fit_progress *p, const reel_event *e)
{
    double psnr, ssim, time = seconds_now();
    const bool last = e->step == e->steps;
    if (p->terminal ? time - p->shown < 0.5 && !last : (e->step - p->told) * 20 < e->steps && !last) return;
    if (!image_fit_quality(p->run, &psnr, &ssim)) return;
    p->shown = time;
    p->told = e->step;
    double left =
        e->step > p->first ? (time - p->began) / (double)(e->step - p->first) * (double)(e->steps - e->step) : 0;
    fprintf(stderr, "%s%9lld of %lld  loss %.6f  PSNR %.2f dB  SSIM %.4f", p->terminal ? "\r" : "", (long long)e->step,
            (long long)e->steps, e->loss, psnr, ssim);
    fprintf(stderr, p->terminal ? "  %.0f s left   " : "\n", left);
    p->open = p->terminal;
}

void image_fit_observe(const reel_event *e, void *progress)
{
    fit_progress *p = progress;
    chart *c = &p->run->losses;
    if (e->kind == REEL_EVENT_BEGIN) {
        p->first = p->told = e->step;
        p->began = seconds_now();
    }
    if (e->kind == REEL_EVENT_STEP && p->keep) {
        series *s = c->count ? &c->series[0] : chart_add(c, "loss");
        if (s) series_add(c, s, (double)(e->step - 1), &e->loss);
    }
    if (p->quiet) return;
    if (e->kind == REEL_EVENT_STEP) show(p, e);
    if ((e->kind == REEL_EVENT_NOTE || (e->kind == REEL_EVENT_BEGIN && e->step > 0)) && e->text && *e->text) {
        image_fit_progress_end(p);
        fprintf(stderr, "%s\n", e->text);
    }
    if (e->kind == REEL_EVENT_END) image_fit_progress_end(p);
}
