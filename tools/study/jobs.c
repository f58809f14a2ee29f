/* SPDX-License-Identifier: MIT
 *
 * Jobs: a process each, as many at a time as asked for; what is done is not done again.
 */
#include "plan.h"

#include "../signals.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif
#include <unistd.h>

enum { JOBS_AT_A_TIME = 64 };

static char *path_of(const study_plan *plan, const study_job *job)
{
    char name[300];
    snprintf(name, sizeof name, "%s.json", job->name);
    return path_join(plan->out, name);
}

/* The document of a job that is done; NULL when it is not. */
static cJSON *study_job_document(const study_plan *plan, const study_job *job)
{
    char *path = path_of(plan, job);
    cJSON *document = NULL;
    if (path && access(path, R_OK) == 0) {
        char *text = read_text(plan->who, path);
        document = text ? cJSON_Parse(text) : NULL;
        free(text);
    }
    free(path);
    const char *key = cJSON_GetStringValue(cJSON_GetObjectItem(document, "key"));
    if (key && strcmp(key, job->key) == 0) return document;
    cJSON_Delete(document);
    return NULL;
}

/* In the child. */
static int do_job(const study_plan *plan, const study_job *job)
{
    cJSON *document = cJSON_CreateObject();
    json_add_text(document, "key", job->key);
    int status = job->run(plan, job, document);
    char *path = path_of(plan, job);
    if (status == EXIT_DONE && !(path && json_write(plan->who, path, document))) status = EXIT_FAILED;
    free(path);
    cJSON_Delete(document);
    return status;
}

typedef struct pool {
    pid_t children[JOBS_AT_A_TIME];
    const study_job *of[JOBS_AT_A_TIME];
    int running, done, total, status;
    double begun;
    const char *phase;
} pool;

static void tell(const study_plan *plan, const pool *p, const study_job *job)
{
    if (plan->quiet) return;
    fprintf(stderr, "%s %d of %d (%.0f s): %s\n", p->phase, p->done, p->total, seconds_now() - p->begun, job->text);
}

static void stop_all(const pool *p, int number)
{
    for (int i = 0; i < p->running; i++) kill(p->children[i], number);
}

/* Waits for one child and takes it out of the pool. */
static void collect(const study_plan *plan, pool *p)
{
    int status = 0;
    pid_t ended = waitpid(-1, &status, 0);
    if (signals_caught()) stop_all(p, SIGTERM);
    if (ended < 0) {
        if (errno != EINTR) p->running = 0;
        return;
    }
    for (int i = 0; i < p->running; i++) {
        if (p->children[i] != ended) continue;
        const study_job *job = p->of[i];
        p->running--;
        p->children[i] = p->children[p->running];
        p->of[i] = p->of[p->running];
        int code = WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_SIGNAL + WTERMSIG(status);
        if (code == EXIT_DONE) {
            p->done++;
            tell(plan, p, job);
        } else if (p->status == EXIT_DONE) {
            p->status = code;
            if (!signals_caught()) complain(plan->who, "%s: ended with status %d", job->name, code);
            stop_all(p, SIGTERM);
        }
        return;
    }
}

static void launch(const study_plan *plan, pool *p, const study_job *job)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
#ifdef __linux__
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* so that a study that is killed leaves nothing running */
#endif
        int status = do_job(plan, job);
        fflush(NULL);
        _exit(status);
    }
    if (child < 0) {
        complain(plan->who, "no process can be started: %s", strerror(errno));
        p->status = EXIT_FAILED;
        return;
    }
    p->children[p->running] = child;
    p->of[p->running++] = job;
}

int study_jobs_run(const study_plan *plan, study_job *jobs, int count, const char *phase)
{
    pool p = {.total = count, .phase = phase, .begun = seconds_now(), .status = EXIT_DONE};
    for (int i = 0; i < count && p.status == EXIT_DONE && !signals_caught(); i++) {
        cJSON *found = study_job_document(plan, &jobs[i]);
        if (found) {
            cJSON_Delete(found);
            p.done++;
            continue;
        }
        while (p.running >= plan->jobs) collect(plan, &p);
        if (p.status == EXIT_DONE && !signals_caught()) launch(plan, &p, &jobs[i]);
    }
    while (p.running > 0) collect(plan, &p);
    if (signals_caught()) return EXIT_SIGNAL + signals_caught();
    return p.status;
}
