/* SPDX-License-Identifier: MIT
 *
 * Ranges and verdicts.
 */
#include "stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

study_range study_range_of(const double *values, int count)
{
    study_range r = {NAN, NAN, NAN, 0, 0};
    double *sorted = calloc((size_t)count + 1, sizeof *sorted);
    for (int i = 0; sorted && i < count; i++) {
        if (isnan(values[i]))
            r.missing++;
        else
            sorted[r.count++] = values[i];
    }
    if (r.count > 0) {
        qsort(sorted, (size_t)r.count, sizeof *sorted, by_value);
        r.least = sorted[0];
        r.most = sorted[r.count - 1];
        r.median = r.count % 2 ? sorted[r.count / 2] : 0.5 * (sorted[r.count / 2 - 1] + sorted[r.count / 2]);
    }
    free(sorted);
    return r;
}

study_verdict study_compare(const study_range *a, const study_range *b)
{
    if (a->count == 0 || b->count == 0 || a->missing || b->missing) return VERDICT_UNDECIDED;
    if (a->most < b->least) return VERDICT_BETTER;
    return a->least > b->most ? VERDICT_WORSE : VERDICT_UNDECIDED;
}

const char *study_verdict_text(study_verdict verdict)
{
    static const char *const texts[] = {"better", "worse", "not decided by these runs"};
    return texts[verdict];
}

double study_fit(const double *x, const double *y, int64_t count, double *slope)
{
    double mx = 0, my = 0, xx = 0, xy = 0, yy = 0;
    if (slope) *slope = NAN;
    if (count < 3) return NAN;
    for (int64_t i = 0; i < count; i++) mx += x[i] / (double)count, my += y[i] / (double)count;
    for (int64_t i = 0; i < count; i++) {
        xx += (x[i] - mx) * (x[i] - mx);
        xy += (x[i] - mx) * (y[i] - my);
        yy += (y[i] - my) * (y[i] - my);
    }
    if (!(xx > 0) || !(yy > 0)) return NAN;
    if (slope) *slope = xy / xx;
    return xy * xy / (xx * yy);
}
