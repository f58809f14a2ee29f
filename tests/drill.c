/* SPDX-License-Identifier: MIT
 *
 * Generated runs over all causes, diagnosed: the confusion matrix, the share that is right, the false alarms.
 *     drill [--seed S] [--runs N] [--verbose]
 * Exit status 0: at least 95 % right, and at most 2 % false alarms.
 */
#include "diagnosis_runs.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    int runs = 200, counts[REEL_CAUSE_COUNT][REEL_CAUSE_COUNT] = {{0}}, right = 0, healthy = 0, failed = 0;
    uint64_t seed = 1;
    bool verbose = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--verbose") == 0) {
            verbose = true;
        } else if (i + 1 < argc && strcmp(argv[i], "--seed") == 0) {
            seed = strtoull(argv[++i], NULL, 10);
        } else if (i + 1 < argc && strcmp(argv[i], "--runs") == 0) {
            runs = atoi(argv[++i]);
        } else {
            fprintf(stderr, "drill: found %s, expected --seed S, --runs N or --verbose\n", argv[i]);
            return 2;
        }
    }
    for (int i = 0; i < runs; i++) {
        drill d;
        reel_diagnosis found;
        reel_cause cause = (reel_cause)(i % (REEL_CAUSE_COUNT + 2) % REEL_CAUSE_COUNT); /* healthy ones more often */
        if (i % (REEL_CAUSE_COUNT + 2) >= REEL_CAUSE_COUNT) cause = REEL_CAUSE_NOTHING;
        reel_context *context = reel_context_new(NULL);
        drill_new(&d, context, cause, seed + (uint64_t)i);
        if (reel_diagnose(NULL, d.trainer, &found) != REEL_OK) {
            printf("run %d (%s): %s\n", i, reel_cause_name(cause), reel_error_text(context));
            failed++;
        } else {
            reel_cause first = found.findings[0].cause;
            counts[cause][first]++;
            right += first == cause;
            healthy += cause == REEL_CAUSE_NOTHING;
            for (int k = 0; k < found.count && (verbose || (k == 0 && first != cause)); k++)
                printf("run %d (%s, step %lld): %s (%g): %s %s\n", i, reel_cause_name(cause), (long long)found.step,
                       reel_cause_name(found.findings[k].cause), found.findings[k].weight, found.findings[k].text,
                       found.findings[k].remedy);
        }
        reel_context_free(context);
    }
    printf("%-36s", "made, found");
    for (int c = 0; c < REEL_CAUSE_COUNT; c++) printf(" %5d", c);
    printf("\n");
    for (int c = 0; c < REEL_CAUSE_COUNT; c++) {
        printf("%d %-34s", c, reel_cause_name((reel_cause)c));
        for (int k = 0; k < REEL_CAUSE_COUNT; k++) printf(" %5d", counts[c][k]);
        printf("\n");
    }
    printf("%d of %d right (%.1f %%), %d failed; %d false alarms in %d healthy runs\n", right, runs,
           100.0 * right / (runs > 0 ? runs : 1), failed, healthy - counts[0][0], healthy);
    return right >= 0.95 * runs && healthy - counts[0][0] <= 0.02 * healthy ? 0 : 1;
}
