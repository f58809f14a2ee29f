/* SPDX-License-Identifier: MIT
 *
 * When each guard fires first: on the run that goes up, and on runs that do not.
 */
#include "guards.h"
#include "plan.h"

#include <math.h>
#include <string.h>

const study_guard study_guards[] = {
    {"patience-100", "patience 100", "--patience 100", NULL},
    {"patience-500", "patience 500", "--patience 500", NULL},
    {"monitor-jump", "monitor: the loss jumps", "--monitor 1000", "the loss jumps"},
    {"monitor-rise", "monitor: the loss goes on rising", "--monitor 1000", "has risen"},
    {"rollback-1.1", "rollback above 1.1 times the best", "--rollback 1.1 --rollback-most 1", "back from step"},
    {"rollback-1.5", "rollback above 1.5 times the best", "--rollback 1.5 --rollback-most 1", "back from step"},
    {"min-gradient", "gradient norm below 1e-5", "--min-gradient 1e-5", NULL},
};
const int study_guard_count = sizeof study_guards / sizeof *study_guards;

const study_guarded study_guarded_runs[] = {
    {"constant", ""},
    {"smooth", "--blending smooth --cutoff inf"},
    {"smooth-rotation-cosine",
     "--blending smooth --cutoff inf --train position,scale,rotation,colour --schedule cosine:1e-4"},
};
const int study_guarded_count = sizeof study_guarded_runs / sizeof *study_guarded_runs;

typedef struct alarm_bell {
    const char *words;
    int64_t fired; /* 0: not yet */
} alarm_bell;

static void hear(study_run *run, int64_t step, const char *text, void *user)
{
    (void)run;
    alarm_bell *bell = user;
    const char *back = strstr(text, "back from step ");
    if (!bell->words || bell->fired > 0 || !strstr(text, bell->words)) return;
    long long from;
    bell->fired = back && sscanf(back, "back from step %lld", &from) == 1 ? from : step;
}

static int try_guard(const study_plan *plan, const study_guard *g, const study_guarded *of, int seed, cJSON *list)
{
    char flags[400], folder[4096];
    study_line line;
    study_settings settings;
    alarm_bell bell = {.words = g->note};
    /* The monitor and rollbacks need a folder; few checkpoints are enough. */
    snprintf(flags, sizeof flags, "%s %s --every 500 --keep 2 --force", of->flags, g->flags);
    snprintf(folder, sizeof folder, "%s/guards/%s-%s-%d", plan->out, g->name, of->name, seed);
    int status = study_line_read(plan, &line, &settings, flags, seed, 0, NULL);
    study_run run = {.settings = &settings, .folder = folder, .note = hear, .user = &bell};
    if (status < 0) status = study_build(&run);
    if (status == EXIT_DONE) status = study_train(&run);
    if (status == EXIT_DONE) {
        cJSON *one = cJSON_CreateObject();
        int64_t fired = g->note ? bell.fired : *run.ended ? run.loss_count : 0;
        json_add_text(one, "guard", g->name);
        json_add_text(one, "run", of->name);
        json_add_whole(one, "seed", seed);
        json_add_whole(one, "fired", fired);
        json_add_number(one, "loss", fired > 0 && fired <= run.loss_count ? run.losses[fired - 1] : NAN, REEL_DOUBLE);
        cJSON_AddItemToArray(list, one);
    }
    study_free(&run);
    study_line_free(&line);
    return status;
}

int study_job_guards(const study_plan *plan, const study_job *job, cJSON *document)
{
    const study_guard *g = job->of;
    cJSON *list = cJSON_AddArrayToObject(document, "alarms");
    int status = EXIT_DONE;
    for (int i = 0; i < study_guarded_count && status == EXIT_DONE; i++)
        for (int k = 0; k < plan->seeds && status == EXIT_DONE; k++)
            status = try_guard(plan, g, &study_guarded_runs[i], plan->seed[k], list);
    return status;
}
