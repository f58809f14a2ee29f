/* SPDX-License-Identifier: MIT
 *
 * `reel study baseline1 --full`: the plan and its jobs.
 */
#include "gradient.h"
#include "guards.h"
#include "plan.h"
#include "published.h"
#include "start.h"

#include "../signals.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { STARTS_MOST = 64 };

static int study_job_published(const study_plan *plan, const study_job *job, cJSON *document)
{
    (void)job;
    published_run *run = published_start(plan->gaussians, (uint64_t)plan->seed[0]);
    study_history history = {NULL, 0, 0};
    bool right = run != NULL;
    for (int64_t i = 1; right && i <= plan->iterations && !signals_caught(); i++) {
        published_step(run);
        if (!study_is_printed(i)) continue;
        right = history_add(
            &history, (study_point){i, published_loss(run), NAN, published_mean_scale(run), published_uncovered(run)});
    }
    if (!right) complain(plan->who, "out of memory");
    json_add_text(document, "arithmetic", "published");
    history_json(&history, document);
    history_free(&history);
    published_free(run);
    return !right ? EXIT_FAILED : signals_caught() ? EXIT_SIGNAL + signals_caught() : EXIT_DONE;
}

static int study_job_gradient(const study_plan *plan, const study_job *job, cJSON *document)
{
    (void)job;
    published_run *run = published_start(plan->gaussians, (uint64_t)plan->seed[0]);
    published_gaussian *at = calloc((size_t)plan->gaussians, sizeof *at);
    cJSON *list = cJSON_AddArrayToObject(document, "gradients");
    double worst = 0, rounding = 0;
    bool right = run && at;
    for (int64_t i = 1; right && i <= plan->iterations && !signals_caught(); i++) {
        gradient_distance d;
        memcpy(at, published_gaussians(run), (size_t)plan->gaussians * sizeof *at);
        published_step(run);
        if (!study_is_printed(i) || (i > 100 && i % 500 != 0)) continue;
        right = study_gradient_distance(plan->gaussians, at, published_gradient(run), &d);
        if (!right) break;
        cJSON *one = cJSON_CreateObject();
        json_add_whole(one, "iteration", i);
        json_add_number(one, "formulas", d.formulas, REEL_DOUBLE);
        json_add_number(one, "rounding", d.rounding, REEL_DOUBLE);
        cJSON_AddItemToArray(list, one);
        worst = fmax(worst, d.formulas);
        rounding = fmax(rounding, d.rounding);
    }
    if (!right) complain(plan->who, "the gradients cannot be compared");
    json_add_number(document, "worst", worst, REEL_DOUBLE);
    json_add_number(document, "rounding", rounding, REEL_DOUBLE);
    published_free(run);
    free(at);
    return !right ? EXIT_FAILED : signals_caught() ? EXIT_SIGNAL + signals_caught() : EXIT_DONE;
}

/* ---- the plan ---- */

static const char smooth_flags[] = "--blending smooth --cutoff inf";

static bool plan_init(study_plan *plan, const study_settings *s)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    *plan = (study_plan){.who = s->who,
                         .out = s->out,
                         .iterations = s->quick ? 120 : (int64_t)s->iterations,
                         .gaussians = s->quick ? 8 : (int)s->gaussians,
                         .perturbed = s->quick ? 1 : 5,
                         .seeds = s->quick ? 2 : 3,
                         .jobs = s->jobs > 0      ? (int)s->jobs
                                 : processors > 1 ? 2
                                                  : 1,
                         .quiet = s->quiet,
                         .quick = s->quick};
    for (int i = 0; i < plan->seeds; i++) plan->seed[i] = (int)s->seed + i;
    plan->is_the_note = plan->iterations == 10000 && plan->gaussians == 50 && plan->seed[0] == 42;
    if (!study_arms_read(&plan->arms, s->who, s->arms)) return false;
    /* The note's checkpoint 1500 of 10000, and in a shorter study the one as far along. */
    double share = fmin(1, (double)plan->iterations / 10000);
    plan->start = (int64_t)fmax(1, floor(1500 * share));
    for (int i = 0; i < plan->arms.count; i++) {
        study_arm *arm = &plan->arms.rows[i];
        if (arm->start > 0) arm->start = fmax(1, floor(arm->start * share));
    }
    return true;
}

static void key_of(const study_plan *plan, study_job *job, const char *what)
{
    snprintf(job->key, sizeof job->key, "version 1; %s; iterations %lld; gaussians %d; seeds %d from %d; perturbed %d",
             what, (long long)plan->iterations, plan->gaussians, plan->seeds, plan->seed[0], plan->perturbed);
}

/* The checkpoints that arms start from: Gaussians, seed and iteration, each once. */
static int run_starts(const study_plan *plan)
{
    int of[STARTS_MOST][3], count = 0;
    study_job jobs[STARTS_MOST];
    char names[STARTS_MOST][80], texts[STARTS_MOST][80];
    for (int i = 0; i < plan->arms.count; i++) {
        const study_arm *arm = &plan->arms.rows[i];
        for (int k = 0; arm->start > 0 && k < plan->seeds; k++) {
            int row[3] = {study_arm_gaussians(plan, arm), plan->seed[k], (int)arm->start};
            bool known = false;
            for (int j = 0; j < count; j++) known = known || memcmp(of[j], row, sizeof row) == 0;
            if (known) continue;
            if (count == STARTS_MOST) {
                complain(plan->who, "arms start from more than %d different checkpoints", STARTS_MOST);
                return EXIT_FAILED;
            }
            memcpy(of[count++], row, sizeof row);
        }
    }
    for (int j = 0; j < count; j++) {
        snprintf(names[j], sizeof names[j], "starts/n%d-seed%d-%d", of[j][0], of[j][1], of[j][2]);
        snprintf(texts[j], sizeof texts[j], "checkpoint %d of %d Gaussians, seed %d", of[j][2], of[j][0], of[j][1]);
        jobs[j] = (study_job){.name = names[j], .text = texts[j], .run = study_job_start, .of = of[j]};
        key_of(plan, &jobs[j], names[j]);
    }
    return study_jobs_run(plan, jobs, count, "start");
}

static int run_measurements(const study_plan *plan)
{
    const study_job own[] = {
        {.name = "published", .text = "the published arithmetic", .run = study_job_published},
        {.name = "gradient",
         .text = "the gradient of the published formulas beside that of the tape",
         .run = study_job_gradient},
        {.name = "constant", .text = "the constant-rate run, pixel by pixel", .run = study_job_mechanism, .of = ""},
        {.name = "smooth", .text = "the same with smooth blending", .run = study_job_mechanism, .of = smooth_flags},
    };
    enum { OWN = sizeof own / sizeof *own };
    int count = 0, most = OWN + study_guard_count + plan->arms.count;
    study_job *jobs = calloc((size_t)most, sizeof *jobs);
    char(*names)[120] = calloc((size_t)most, sizeof *names);
    if (!jobs || !names) {
        free(jobs), free(names);
        complain(plan->who, "out of memory");
        return EXIT_FAILED;
    }
    for (int i = 0; i < OWN; i++) {
        jobs[count] = own[i];
        key_of(plan, &jobs[count++], own[i].of ? own[i].of : own[i].name);
    }
    for (int i = 0; i < study_guard_count; i++) {
        snprintf(names[count], sizeof *names, "guards/%s", study_guards[i].name);
        jobs[count] = (study_job){
            .name = names[count], .text = study_guards[i].text, .run = study_job_guards, .of = &study_guards[i]};
        key_of(plan, &jobs[count++], study_guards[i].flags);
    }
    for (int i = 0; i < plan->arms.count; i++) {
        const study_arm *arm = &plan->arms.rows[i];
        char what[300];
        snprintf(names[count], sizeof *names, "arms/%.100s", arm->name);
        snprintf(what, sizeof what, "%.200s from %.0f", arm->flags, arm->start);
        jobs[count] = (study_job){.name = names[count], .text = arm->text, .run = study_job_arm, .of = arm};
        key_of(plan, &jobs[count++], what);
    }
    int status = study_jobs_run(plan, jobs, count, "measured");
    free(jobs);
    free(names);
    return status;
}

static bool make_folders(const study_plan *plan)
{
    static const char *const folders[] = {"starts", "arms", "guards", "checkpoints"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        char *path = path_join(plan->out, folders[i]);
        bool made = path && make_folder(plan->who, path);
        free(path);
        if (!made) return false;
    }
    return true;
}

int study_run_full(const study_settings *s)
{
    study_plan plan;
    if (!plan_init(&plan, s)) return EXIT_FAILED;
    signals_install();
    int status = make_folders(&plan) ? EXIT_DONE : EXIT_FAILED;
    if (status == EXIT_DONE) status = run_starts(&plan);
    if (status == EXIT_DONE) status = run_measurements(&plan);
    if (status == EXIT_DONE) status = study_report(&plan);
    if (status > EXIT_SIGNAL) complain(plan.who, "stopped; the same line goes on with what is not done");
    if (status == EXIT_DONE) printf("%s: report.html, report.md\n", plan.out);
    study_arms_free(&plan.arms);
    return status;
}
