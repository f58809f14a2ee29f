/* SPDX-License-Identifier: MIT
 *
 * conform FILE...: runs the cases of reference files and prints, for each family, how many passed, failed (with the case
 * and the largest deviation) and are not covered (with the reason). Exit status 0: none failed; 1: one failed, or with
 * --complete is not covered; 2: a file could not be read, or is of no known family.
 */
#include "net_cases.h"
#include "op_cases.h"
#include "optim_cases.h"
#include "rng_cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAMILY_TEXT 32

typedef struct family {
    char name[FAMILY_TEXT];
    int passed, failed, not_covered;
} family;

typedef struct tally {
    const char *path;
    bool verbose;
    family *families;
    int count;
    bool out_of_memory;
} tally;

static family *family_of(tally *t, const char *name)
{
    for (int i = 0; i < t->count; i++)
        if (strcmp(t->families[i].name, name) == 0) return &t->families[i];
    family *larger = realloc(t->families, (size_t)(t->count + 1) * sizeof *larger);
    if (!larger) {
        t->out_of_memory = true;
        return NULL;
    }
    t->families = larger;
    family *f = &t->families[t->count++];
    *f = (family){.passed = 0};
    snprintf(f->name, sizeof f->name, "%s", name);
    return f;
}

static void report(void *user, const char *name, const char *test, int verdict, double deviation, const char *note)
{
    tally *t = user;
    family *f = family_of(t, name);
    if (!f) return;
    switch (verdict) {
    case CASE_PASSED:
        f->passed++;
        if (t->verbose) printf("%s: passed: %s (largest deviation %.3g)\n", name, test, deviation);
        break;
    case CASE_FAILED:
        f->failed++;
        printf("%s: failed: %s: %s (largest deviation %.3g)\n", name, test, note, deviation);
        break;
    default: f->not_covered++; printf("%s: not covered: %s: %s\n", name, test, note);
    }
}

static void report_rng(void *user, const rng_case *result)
{
    static const int verdicts[] = {
        [RNG_CASE_PASSED] = CASE_PASSED, [RNG_CASE_FAILED] = CASE_FAILED, [RNG_CASE_NOT_COVERED] = CASE_NOT_COVERED};
    char name[FAMILY_TEXT], test[256];
    snprintf(name, sizeof name, "rng %s", result->library);
    snprintf(test, sizeof test, "seed %s, %s", result->seed, result->name);
    report(user, name, test, verdicts[result->outcome], result->deviation, result->reason);
}

/* Streams are read anew, since their large integers would be rounded to doubles. */
static int run_rng(tally *t)
{
    cJSON *document = rng_cases_load(t->path);
    reel_context *context = reel_context_new(NULL);
    int failed = rng_cases_run(context, document, report_rng, t);
    reel_context_free(context);
    cJSON_Delete(document);
    return failed;
}

/* Families whose cases stand in "cases". */
static int (*const runners[])(const cJSON *document, case_report report, void *user) = {op_cases_run, optim_cases_run,
                                                                                        net_cases_run};

static bool run_file(tally *t)
{
    cJSON *document = document_load(t->path);
    if (!document) return false;
    int failed = -1;
    if (cJSON_IsObject(member(document, "seeds")))
        failed = run_rng(t);
    else if (cJSON_IsArray(member(document, "cases")))
        for (size_t i = 0; failed < 0 && i < sizeof runners / sizeof *runners; i++)
            failed = runners[i](document, report, t);
    if (failed < 0)
        fprintf(stderr, "%s: found %s \"%s\", expected a family of cases or random streams\n", t->path,
                member(document, "family") ? "family" : "no family", member_text(document, "family"));
    cJSON_Delete(document);
    return failed >= 0;
}

static int usage(FILE *file, int status)
{
    fputs("usage: conform [--verbose] [--complete] FILE...\n"
          "Compares Reel with the numbers of reference files (JSON): operations, losses, optimizers, clipping,\n"
          "schedules, averaging, nets, random streams. --verbose names the cases that passed too; with --complete\n"
          "one that is not covered counts as failed.\n"
          "Exit status: 0 none failed, 1 a case failed, 2 a file could not be read.\n",
          file);
    return status;
}

int main(int argc, char **argv)
{
    tally t = {.path = NULL};
    bool unreadable = false, complete = false;
    int files = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) return usage(stdout, 0);
        if (strcmp(argv[i], "--verbose") == 0)
            t.verbose = true;
        else if (strcmp(argv[i], "--complete") == 0)
            complete = true;
        else if (argv[i][0] == '-') {
            fprintf(stderr, "conform: found %s, expected --verbose, --complete, --help or a file\n", argv[i]);
            return usage(stderr, 2);
        } else
            files++;
    }
    if (!files) return usage(stderr, 2);
    for (int i = 1; i < argc; i++) {
        t.path = argv[i];
        if (argv[i][0] != '-') unreadable |= !run_file(&t);
    }
    int failed = 0;
    for (int i = 0; i < t.count; i++) {
        const family *f = &t.families[i];
        printf("%-12s %4d passed, %d failed, %d not covered\n", f->name, f->passed, f->failed, f->not_covered);
        failed += f->failed + (complete ? f->not_covered : 0);
    }
    free(t.families);
    if (t.out_of_memory) fputs("conform: out of memory\n", stderr);
    return unreadable || t.out_of_memory ? 2 : failed ? 1 : 0;
}
