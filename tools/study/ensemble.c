/* SPDX-License-Identifier: MIT
 *
 * An arm is an ensemble: starts that differ in one last bit, and other seeds.
 */
#include "plan.h"

#include "../signals.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int study_line_read(const study_plan *plan, study_line *line, study_settings *settings, const char *flags, int seed,
                    int perturb, char *resume)
{
    size_t size = strlen(flags) + 200;
    *line = (study_line){.text = malloc(size)};
    if (!line->text) {
        complain(plan->who, "out of memory");
        return EXIT_FAILED;
    }
    /* What comes later wins: an arm's own flags over the plan's. */
    snprintf(line->text, size, "baseline1 --gaussians %d --iterations %lld --quiet %s --seed %d --perturb %d",
             plan->gaussians, (long long)plan->iterations, flags, seed, perturb);
    for (char *word = strtok(line->text, " "); word && line->count < LINE_WORDS - 3; word = strtok(NULL, " "))
        line->words[line->count++] = word;
    if (resume) {
        line->words[line->count++] = line->resume_flag;
        line->words[line->count++] = resume;
        strcpy(line->resume_flag, "--resume");
    }
    return study_settings_read(settings, line->count, line->words);
}

void study_line_free(study_line *line)
{
    free(line->text);
    line->text = NULL;
}

/* The checkpoint of the constant-rate run with as many Gaussians and this seed: path in `path`. */
static void study_start_path(const study_plan *plan, int gaussians, int seed, int64_t step, char path[4096])
{
    snprintf(path, 4096, "%s/starts/n%d-seed%d-%lld/step-%09lld.json", plan->out, gaussians, seed, (long long)step,
             (long long)step);
}

/* ---- the checkpoints that arms start from ---- */

int study_job_start(const study_plan *plan, const study_job *job, cJSON *document)
{
    const int *of = job->of; /* Gaussians, seed, step */
    char flags[128], folder[4096];
    study_line line;
    study_settings settings;
    snprintf(flags, sizeof flags, "--gaussians %d --iterations %d --every %d --force", of[0], of[2], of[2]);
    int status = study_line_read(plan, &line, &settings, flags, of[1], 0, NULL);
    study_start_path(plan, of[0], of[1], of[2], folder);
    *strrchr(folder, '/') = '\0';
    study_run run = {.settings = &settings, .folder = folder};
    if (status < 0) status = study_build(&run);
    if (status == EXIT_DONE) status = study_train(&run);
    if (status == EXIT_DONE) json_add_number(document, "best", run.best, REEL_DOUBLE);
    study_free(&run);
    study_line_free(&line);
    return status;
}

/* ---- members ---- */

static cJSON *member_json(const study_run *r, int seed, int perturb)
{
    cJSON *m = cJSON_CreateObject();
    const study_point *last = r->history.count ? &r->history.points[r->history.count - 1] : NULL;
    double final = r->loss_count ? r->losses[r->loss_count - 1] : NAN;
    json_add_whole(m, "seed", seed);
    json_add_whole(m, "perturbed", perturb);
    json_add_number(m, "best", r->best, REEL_DOUBLE);
    json_add_whole(m, "best_iteration", r->best_iteration);
    json_add_number(m, "final", final, REEL_DOUBLE);
    json_add_whole(m, "iterations", r->loss_count);
    json_add_number(m, "onset", study_onset(r->losses, r->loss_count, r->best), REEL_DOUBLE);
    json_add_number(m, "overshoot", study_overshoot(r->losses, r->loss_count, r->best_iteration), REEL_DOUBLE);
    if (last) json_add_whole(m, "uncovered", last->uncovered);
    if (last) json_add_number(m, "mean_scale", last->scale, REEL_DOUBLE);
    json_add_number(m, "seconds", r->seconds, REEL_DOUBLE);
    if (*r->ended) json_add_text(m, "ended", r->ended);
    return m;
}

int study_arm_gaussians(const study_plan *plan, const study_arm *arm)
{
    const char *flag = strstr(arm->flags, "--gaussians");
    int count = flag ? atoi(flag + strcspn(flag, " =") + 1) : 0;
    return count > 0 ? count : plan->gaussians;
}

static int run_member(const study_plan *plan, const study_arm *arm, int seed, int perturb, cJSON *members,
                      cJSON *document)
{
    char start[4096];
    study_line line;
    study_settings settings;
    study_start_path(plan, study_arm_gaussians(plan, arm), seed, (int64_t)arm->start, start);
    int status = study_line_read(plan, &line, &settings, arm->flags, seed, perturb, arm->start > 0 ? start : NULL);
    study_run run = {.settings = &settings};
    if (status < 0) status = study_build(&run);
    if (status == EXIT_DONE) status = study_train(&run);
    if (status == EXIT_DONE) {
        cJSON_AddItemToArray(members, member_json(&run, seed, perturb));
        if (seed == plan->seed[0] && perturb == 0) history_json(&run.history, document);
    }
    study_free(&run);
    study_line_free(&line);
    return status;
}

int study_job_arm(const study_plan *plan, const study_job *job, cJSON *document)
{
    const study_arm *arm = job->of;
    json_add_text(document, "name", arm->name);
    json_add_text(document, "text", arm->text);
    json_add_text(document, "flags", arm->flags);
    json_add_whole(document, "start", (int64_t)arm->start);
    cJSON *members = cJSON_AddArrayToObject(document, "members");
    int status = EXIT_DONE;
    for (int i = 0; i < plan->seeds && status == EXIT_DONE; i++)
        status = run_member(plan, arm, plan->seed[i], 0, members, document);
    for (int k = 1; k <= plan->perturbed && status == EXIT_DONE; k++)
        status = run_member(plan, arm, plan->seed[0], k, members, document);
    return status;
}
