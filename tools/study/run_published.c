/* SPDX-License-Identifier: MIT
 *
 * `reel study baseline1 --arithmetic published`.
 */
#include "history.h"
#include "published.h"
#include "start.h"
#include "study.h"

#include "../signals.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void print_point(FILE *file, const study_point *p)
{
    fprintf(file, "%7lld  loss %.6f  without a Gaussian %lld  mean scale %.4f\n", (long long)p->iteration, p->loss,
            (long long)p->uncovered, p->scale);
}

static int run_to_end(const study_settings *s, published_run *run, study_history *history, FILE *report)
{
    const int64_t iterations = (int64_t)s->iterations, log_every = (int64_t)s->log_every;
    for (int64_t i = 1; i <= iterations; i++) {
        if (signals_caught()) return EXIT_SIGNAL + signals_caught();
        published_step(run);
        bool printed = study_is_printed(i), logged = i == 1 || i == iterations || i % log_every == 0;
        if (!printed && !logged) continue;
        study_point p = {i, published_loss(run), NAN, published_mean_scale(run), published_uncovered(run)};
        if (printed && !history_add(history, p)) {
            complain(s->who, "out of memory");
            return EXIT_FAILED;
        }
        if (logged) print_point(report, &p);
    }
    return EXIT_DONE;
}

static int write_numbers(const study_settings *s, const study_history *history)
{
    if (!s->json) return EXIT_DONE;
    cJSON *document = cJSON_CreateObject();
    json_add_text(document, "study", "baseline1");
    json_add_text(document, "arithmetic", "published");
    json_add_whole(document, "gaussians", (int64_t)s->gaussians);
    json_add_whole(document, "seed", (int64_t)s->seed);
    json_add_whole(document, "iterations", (int64_t)s->iterations);
    history_json(history, document);
    json_add_fingerprint(document);
    bool right = json_write(s->who, s->json, document);
    cJSON_Delete(document);
    return right ? EXIT_DONE : EXIT_FAILED;
}

int study_run_published(const study_settings *s)
{
    FILE *report = s->json && strcmp(s->json, "-") == 0 ? stderr : stdout;
    if (s->json && !json_probe(s->who, s->json)) return EXIT_FAILED;
    published_run *run = published_start((int)s->gaussians, (uint64_t)s->seed);
    study_history history = {NULL, 0, 0};
    int status = EXIT_FAILED;
    signals_install();
    if (run)
        status = run_to_end(s, run, &history, report);
    else
        complain(s->who, "out of memory");
    const study_point *best = history_best(&history);
    if (status == EXIT_DONE && best)
        fprintf(report, "best %.6f at iteration %lld\n", best->loss, (long long)best->iteration);
    if (status == EXIT_DONE) status = write_numbers(s, &history);
    history_free(&history);
    published_free(run);
    return status;
}
