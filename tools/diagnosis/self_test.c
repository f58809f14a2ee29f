/* SPDX-License-Identifier: MIT
 *
 * The confusion matrix of the diagnosis over trainings made on purpose.
 */
#include "diagnosis/self_test.h"

#include "diagnosis/made_run.h"
#include "signals.h"

#include <string.h>

#define RIGHT_LEAST 0.95
#define FALSE_MOST 0.02
#define HEALTHY_MORE 2 /* runs of every REEL_CAUSE_COUNT + 2 that are healthy besides the one */

typedef struct tally {
    const self_test_settings *settings;
    FILE *file;
    cJSON *list;
    int64_t counts[REEL_CAUSE_COUNT][REEL_CAUSE_COUNT];
    int64_t made, right, failed, healthy, alarms;
} tally;

static reel_cause cause_of(int64_t run)
{
    int64_t k = run % (REEL_CAUSE_COUNT + HEALTHY_MORE);
    return k < REEL_CAUSE_COUNT ? (reel_cause)k : REEL_CAUSE_NOTHING;
}

static void note_run(tally *t, uint64_t seed, const made_plan *plan, const reel_diagnosis *found, const char *error)
{
    char what[256];
    made_describe(plan, what, sizeof what);
    cJSON *o = cJSON_CreateObject();
    json_add_whole(o, "seed", (int64_t)seed);
    json_add_text(o, "made", reel_cause_name(plan->cause));
    json_add_text(o, "run", what);
    json_add_text(o, "found", found ? reel_cause_name(found->findings[0].cause) : NULL);
    json_add_text(o, "text", found ? found->findings[0].text : error);
    json_add_number(o, "weight", found ? found->findings[0].weight : 0, REEL_DOUBLE);
    cJSON_AddItemToArray(t->list, o);
    bool right = found && found->findings[0].cause == plan->cause;
    if (right && !t->settings->all) return;
    fprintf(t->file, "seed %llu, %s: %s\n", (unsigned long long)seed, reel_cause_name(plan->cause), what);
    if (!found) fprintf(t->file, "    failed: %s\n", error);
    for (int i = 0; found && i < (t->settings->all ? found->count : 1); i++)
        fprintf(t->file, "    %s: %s\n", reel_cause_name(found->findings[i].cause), found->findings[i].text);
}

static void judge(tally *t, reel_cause cause, uint64_t seed)
{
    made_plan plan;
    made_run run;
    reel_diagnosis found;
    if (!made_draw(&plan, cause, seed)) {
        t->failed++;
        fprintf(t->file, "seed %llu, %s: no such run was found\n", (unsigned long long)seed, reel_cause_name(cause));
        return;
    }
    reel_context *context = reel_context_new(NULL);
    made_begin(&run, context, &plan);
    if (!reel_failed(context) && reel_diagnose(NULL, run.trainer, &found) == REEL_OK) {
        reel_cause first = found.findings[0].cause;
        t->made++;
        t->counts[cause][first]++;
        t->right += first == cause;
        t->healthy += cause == REEL_CAUSE_NOTHING;
        t->alarms += cause == REEL_CAUSE_NOTHING && first != cause;
        note_run(t, seed, &plan, &found, NULL);
    } else {
        t->failed++;
        note_run(t, seed, &plan, NULL, reel_error_text(context));
    }
    reel_context_free(context);
}

static void print_matrix(const tally *t)
{
    fprintf(t->file, "\n%-38s", "made, and how often it was found to be");
    for (int c = 0; c < REEL_CAUSE_COUNT; c++) fprintf(t->file, " %5d", c);
    fprintf(t->file, "\n");
    for (int c = 0; c < REEL_CAUSE_COUNT; c++) {
        fprintf(t->file, "%d %-36s", c, reel_cause_name((reel_cause)c));
        for (int k = 0; k < REEL_CAUSE_COUNT; k++) fprintf(t->file, " %5lld", (long long)t->counts[c][k]);
        fprintf(t->file, "\n");
    }
}

static void add_matrix(const tally *t, cJSON *document)
{
    cJSON *names = cJSON_AddArrayToObject(document, "causes"), *matrix = cJSON_AddArrayToObject(document, "confusion");
    for (int c = 0; c < REEL_CAUSE_COUNT; c++) {
        cJSON_AddItemToArray(names, cJSON_CreateString(reel_cause_name((reel_cause)c)));
        cJSON *row = cJSON_CreateArray();
        for (int k = 0; k < REEL_CAUSE_COUNT; k++)
            cJSON_AddItemToArray(row, cJSON_CreateNumber((double)t->counts[c][k]));
        cJSON_AddItemToArray(matrix, row);
    }
    json_add_whole(document, "right", t->right);
    json_add_whole(document, "failed", t->failed);
    json_add_whole(document, "healthy", t->healthy);
    json_add_whole(document, "false_alarms", t->alarms);
}

int self_test(const self_test_settings *settings, FILE *file, cJSON *document)
{
    tally t = {.settings = settings, .file = file};
    json_add_whole(document, "runs", settings->runs);
    json_add_whole(document, "seed", (int64_t)settings->seed);
    t.list = cJSON_AddArrayToObject(document, "made");
    signals_install();
    for (int64_t i = 0; i < settings->runs && !signals_caught(); i++) {
        judge(&t, cause_of(i), settings->seed + (uint64_t)i);
        if (!settings->quiet && (i + 1) % 20 == 0)
            fprintf(stderr, "%s: %lld of %lld runs\n", settings->who, (long long)i + 1, (long long)settings->runs);
        fflush(file);
    }
    print_matrix(&t);
    add_matrix(&t, document);
    double share = t.made ? (double)t.right / (double)(t.made + t.failed) : 0,
           false_share = t.healthy ? (double)t.alarms / (double)t.healthy : 0;
    fprintf(file,
            "%lld of %lld right (%.1f %%, at least %g %% expected), %lld failed; %lld false alarms in %lld healthy "
            "runs (%.1f %%, at most %g %%)\n",
            (long long)t.right, (long long)(t.made + t.failed), 100 * share, 100 * RIGHT_LEAST, (long long)t.failed,
            (long long)t.alarms, (long long)t.healthy, 100 * false_share, 100 * FALSE_MOST);
    if (signals_caught()) return EXIT_SIGNAL + signals_caught();
    return share >= RIGHT_LEAST && false_share <= FALSE_MOST ? EXIT_DONE : EXIT_FAILED;
}
