/* SPDX-License-Identifier: MIT
 *
 * `reel study baseline1` on Reel's tape.
 */
#include "run.h"

#include "../signals.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void print_point(FILE *file, const study_point *p)
{
    fprintf(file, "%7lld  loss %.6f  without a Gaussian %lld  mean scale %.4f\n", (long long)p->iteration, p->loss,
            (long long)p->uncovered, p->scale);
}

/* After an update: the point is of the state before it, when that is one to be printed. */
static void print_logged(study_run *r, int64_t step, void *user)
{
    int64_t every = (int64_t)r->settings->log_every;
    if (step > 0 && r->point.iteration == step && (step == 1 || step % every == 0)) print_point(user, &r->point);
}

static int write_numbers(const study_settings *s, const study_run *r)
{
    if (!s->json && !s->out) return EXIT_DONE;
    cJSON *document = cJSON_CreateObject(), *settings;
    json_add_text(document, "study", "baseline1");
    json_add_text(document, "arithmetic", "reel");
    settings = cJSON_AddObjectToObject(document, "settings");
    for (int i = 0; i < study_kept_count; i++)
        json_add_number(settings, study_kept_settings[i].name,
                        *(const double *)((const char *)s + study_kept_settings[i].offset), REEL_DOUBLE);
    json_add_whole(document, "gaussians", (int64_t)s->gaussians);
    json_add_whole(document, "seed", (int64_t)s->seed);
    json_add_whole(document, "iterations", r->loss_count);
    json_add_whole(document, "resumed_at", r->first);
    history_json(&r->history, document);
    json_add_number(document, "best_of_all", r->best, REEL_DOUBLE);
    json_add_whole(document, "best_iteration", r->best_iteration);
    json_add_number(document, "last", r->losses[r->loss_count - 1], REEL_DOUBLE);
    json_add_number(document, "onset", study_onset(r->losses, r->loss_count, r->best), REEL_DOUBLE);
    json_add_number(document, "overshoot", study_overshoot(r->losses, r->loss_count, r->best_iteration), REEL_DOUBLE);
    json_add_number(document, "seconds", r->seconds, REEL_DOUBLE);
    if (*r->ended) json_add_text(document, "ended", r->ended);
    json_add_fingerprint(document);
    bool right = json_write_results(s->who, s->out, "baseline1.json", s->json, document);
    cJSON_Delete(document);
    return right ? EXIT_DONE : EXIT_FAILED;
}

static void print_end(FILE *report, const study_run *r)
{
    double onset = study_onset(r->losses, r->loss_count, r->best);
    fprintf(report, "best %.6f at iteration %lld, last %.6f at %lld: ", r->best, (long long)r->best_iteration,
            r->losses[r->loss_count - 1], (long long)r->loss_count);
    if (isnan(onset))
        fprintf(report, "within 10 %% of the best");
    else
        fprintf(report, "from %.0f on never within 10 %% of the best", onset);
    fprintf(report, "; %.0f iterations per second\n",
            r->seconds > 0 ? (double)(r->loss_count - r->first) / r->seconds : 0);
    if (*r->ended) fprintf(report, "ended: %s\n", r->ended);
}

int study_run_reel(const study_settings *s)
{
    FILE *report = s->json && strcmp(s->json, "-") == 0 ? stderr : stdout;
    if (s->out && !make_folder(s->who, s->out)) return EXIT_FAILED;
    if (s->json && !json_probe(s->who, s->json)) return EXIT_FAILED;
    char *folder = run_flags_folder(&s->run, s->out);
    study_run run = {.settings = s, .folder = folder, .after = print_logged, .user = report};
    signals_install();
    int status = study_build(&run);
    if (status == EXIT_DONE) status = study_train(&run);
    if (status == EXIT_DONE && s->run.prove > 0) {
        reel_proof proof;
        reel_trainer_prove(NULL, run.trainer, (int64_t)s->run.prove, &proof);
        if (*proof.text) fprintf(report, "%s\n", proof.text);
        if (reel_failed(run.context)) status = complain_of(s->who, run.context);
    }
    if (status == EXIT_DONE && run.loss_count == 0) fprintf(report, "no update was made\n");
    if (status == EXIT_DONE && run.loss_count > 0) {
        print_end(report, &run);
        status = write_numbers(s, &run);
    }
    study_free(&run);
    free(folder);
    return status;
}

gaussian_settings study_model(const study_settings *s)
{
    gaussian_settings m = gaussian_settings_new();
    m.count = (int64_t)s->gaussians;
    m.blending = (gaussian_blending)s->blending;
    m.cutoff = s->cutoff;
    m.eps = s->eps;
    m.log_scale = s->log_scale != 0;
    m.least_scale = s->least_scale;
    for (int i = 0; i < GAUSSIAN_PARTS; i++) m.train[i] = (int)s->train >> i & 1;
    return m;
}
