/* SPDX-License-Identifier: MIT
 *
 * The statements of the note, row by row.
 */
#include "claims.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const claim_arm_names[CLAIM_ARMS] = {
    "n45-constant",  "n55-constant", "from-1500", "half-rate",  "exponential",  "step-decay",  "patience",      "clip",
    "fresh-moments", "fresh-adam",   "sgd",       "sgd-moving", "cosine-start", "cosine-here", "whole-gradient"};

const char *claim_verdict_text(claim_verdict verdict)
{
    static const char *const texts[] = {"holds", "does not hold", "not decidable"};
    return texts[verdict];
}

typedef const study_claim *of;
typedef const study_facts *from;

static claim_verdict unknown(char *measured)
{
    snprintf(measured, CLAIM_TEXT, "not measured");
    return CLAIM_OPEN;
}

static double loss_at(from f, double iteration)
{
    const study_point *p = history_at(&f->run, (int64_t)iteration);
    return p ? p->loss : NAN;
}

/* ---- numbers ---- */

/* The loss at iteration a is b. */
static claim_verdict is_value(of c, from f, char *measured)
{
    double loss = loss_at(f, c->a);
    if (isnan(loss)) return unknown(measured);
    snprintf(measured, CLAIM_TEXT, "%.6f", loss);
    return fabs(loss - c->b) <= CLAIM_DIGITS ? CLAIM_HOLDS : CLAIM_FAILS;
}

/* From iteration a to b the loss changes by c per cent, rounded to whole ones. */
static claim_verdict is_percentage(of c, from f, char *measured)
{
    double before = loss_at(f, c->a), after = loss_at(f, c->b);
    if (isnan(before) || isnan(after)) return unknown(measured);
    double percent = 100 * (after / before - 1);
    snprintf(measured, CLAIM_TEXT, "%+.1f %%", percent);
    return fabs(percent - c->c) <= 0.5 ? CLAIM_HOLDS : CLAIM_FAILS;
}

/* At iteration a the loss is at the level of iteration b. */
static claim_verdict is_level(of c, from f, char *measured)
{
    double here = loss_at(f, c->a), there = loss_at(f, c->b);
    if (isnan(here) || isnan(there)) return unknown(measured);
    snprintf(measured, CLAIM_TEXT, "%.6f at %.0f, %.6f at %.0f: %+.0f %%", here, c->a, there, c->b,
             100 * (here / there - 1));
    return fabs(here / there - 1) <= CLAIM_LEVEL ? CLAIM_HOLDS : CLAIM_FAILS;
}

/* The loss at a is above that at b. */
static claim_verdict is_above(of c, from f, char *measured)
{
    double here = loss_at(f, c->a), there = loss_at(f, c->b);
    if (isnan(here) || isnan(there)) return unknown(measured);
    snprintf(measured, CLAIM_TEXT, "%.6f at %.0f, %.6f at %.0f", here, c->a, there, c->b);
    return here > there ? CLAIM_HOLDS : CLAIM_FAILS;
}

/* ---- shapes ---- */

/* Over the multiples of 100 from a to b the loss goes one way: c < 0 down, c > 0 up. Iteration 1 counts as the start. */
static claim_verdict is_monotone(of c, from f, char *measured)
{
    double previous = NAN;
    int intervals = 0, wrong = 0;
    int64_t first = 0;
    for (int64_t i = 0; i < f->run.count; i++) {
        const study_point *p = &f->run.points[i];
        bool grid = p->iteration % 100 == 0 || p->iteration == 1;
        if (!grid || (double)p->iteration < c->a || (double)p->iteration > c->b) continue;
        if (!isnan(previous)) {
            intervals++;
            if (!((p->loss - previous) * c->c > 0)) {
                if (wrong++ == 0) first = p->iteration;
            }
        }
        previous = p->loss;
    }
    if (intervals == 0) return unknown(measured);
    if (wrong == 0)
        snprintf(measured, CLAIM_TEXT, "in all %d intervals of 100 iterations", intervals);
    else
        snprintf(measured, CLAIM_TEXT, "%d of %d intervals of 100 iterations go the other way, first the one to %lld",
                 wrong, intervals, (long long)first);
    return wrong == 0 ? CLAIM_HOLDS : CLAIM_FAILS;
}

static claim_verdict is_best(of c, from f, char *measured)
{
    const study_point *best = history_best(&f->run);
    if (!best) return unknown(measured);
    snprintf(measured, CLAIM_TEXT, "%.6f at %lld", best->loss, (long long)best->iteration);
    return best->iteration == (int64_t)c->a ? CLAIM_HOLDS : CLAIM_FAILS;
}

/* Is the last loss above CLAIM_DIVERGED times the best? */
static claim_verdict is_divergence(of c, from f, char *measured)
{
    (void)c;
    const study_point *best = history_best(&f->run);
    if (!best) return unknown(measured);
    double last = f->run.points[f->run.count - 1].loss;
    snprintf(measured, CLAIM_TEXT, "last loss %.2f times the best", last / best->loss);
    return last <= CLAIM_DIVERGED * best->loss ? CLAIM_FAILS : CLAIM_HOLDS;
}

/* The share of the whole rise that falls between a and b. */
static claim_verdict is_sudden(of c, from f, char *measured)
{
    const study_point *best = history_best(&f->run);
    double before = loss_at(f, c->a), after = loss_at(f, c->b), most = -INFINITY;
    if (!best || isnan(before) || isnan(after)) return unknown(measured);
    for (int64_t i = best - f->run.points; i < f->run.count; i++) most = fmax(most, f->run.points[i].loss);
    if (!(most > CLAIM_DIVERGED * best->loss)) {
        snprintf(measured, CLAIM_TEXT, "there is no divergence: at most %.2f times the best", most / best->loss);
        return CLAIM_FAILS;
    }
    double share = (after - before) / (most - best->loss);
    const study_point *at = history_at(&f->run, (int64_t)c->a), *early = history_at(&f->run, (int64_t)(c->a - 500));
    snprintf(measured, CLAIM_TEXT,
             "%.1f %% of the whole rise falls in these 100 iterations; pixels without a Gaussian: %lld at %.0f, %lld "
             "at %.0f",
             100 * share, early ? (long long)early->uncovered : -1LL, c->a - 500, at ? (long long)at->uncovered : -1LL,
             c->a);
    return share >= CLAIM_SUDDEN ? CLAIM_HOLDS : CLAIM_FAILS;
}

/* log(loss - best) over the multiples of 100 from a to b as a line in the iteration, beside the loss itself as a line. */
static claim_verdict is_exponential(of c, from f, char *measured)
{
    const study_point *best = history_best(&f->run);
    double x[256], y[256], logs[256], rate;
    int64_t count = 0;
    for (int64_t i = 0; best && i < f->run.count && count < 256; i++) {
        const study_point *p = &f->run.points[i];
        if (p->iteration % 100 != 0 || (double)p->iteration < c->a || (double)p->iteration > c->b) continue;
        if (!(p->loss > best->loss)) continue;
        x[count] = (double)p->iteration, y[count] = p->loss, logs[count++] = log(p->loss - best->loss);
    }
    double straight = study_fit(x, y, count, NULL), exponential = study_fit(x, logs, count, &rate);
    if (isnan(exponential) || isnan(straight)) return unknown(measured);
    snprintf(measured, CLAIM_TEXT,
             "a line explains %.1f %% of the variance of log(loss - best), %.1f %% of that of the loss",
             100 * exponential, 100 * straight);
    return rate > 0 && exponential >= CLAIM_EXPONENTIAL && exponential > straight ? CLAIM_HOLDS : CLAIM_FAILS;
}

/* Between a and b the loss stays at c. */
static claim_verdict is_plateau(of c, from f, char *measured)
{
    double least = INFINITY, most = -INFINITY;
    for (int64_t i = 0; i < f->run.count; i++) {
        const study_point *p = &f->run.points[i];
        if (p->iteration % 100 != 0 || (double)p->iteration < c->a || (double)p->iteration > c->b) continue;
        least = fmin(least, p->loss), most = fmax(most, p->loss);
    }
    if (least > most) return unknown(measured);
    snprintf(measured, CLAIM_TEXT, "%.6f to %.6f", least, most);
    return most - least <= CLAIM_PLATEAU * c->c && fabs(0.5 * (least + most) - c->c) <= CLAIM_PLATEAU * c->c
               ? CLAIM_HOLDS
               : CLAIM_FAILS;
}

/* At a the loss is below all before, and lower than 100 iterations earlier. */
static claim_verdict is_improving(of c, from f, char *measured)
{
    double here = loss_at(f, c->a), before = loss_at(f, c->a - 100), least = INFINITY;
    if (isnan(here) || isnan(before)) return unknown(measured);
    for (int64_t i = 0; i < f->run.count && (double)f->run.points[i].iteration < c->a; i++)
        least = fmin(least, f->run.points[i].loss);
    snprintf(measured, CLAIM_TEXT, "%.6f, smallest before %.6f, %.6f 100 iterations before", here, least, before);
    return here < least && here < before ? CLAIM_HOLDS : CLAIM_FAILS;
}

static claim_verdict is_finite(of c, from f, char *measured)
{
    (void)c;
    int wrong = 0;
    if (f->run.count == 0) return unknown(measured);
    for (int64_t i = 0; i < f->run.count; i++) wrong += !isfinite(f->run.points[i].loss);
    snprintf(measured, CLAIM_TEXT, "%d of %lld losses are not finite", wrong, (long long)f->run.count);
    return wrong == 0 ? CLAIM_HOLDS : CLAIM_FAILS;
}

static claim_verdict is_speed(of c, from f, char *measured)
{
    (void)c;
    snprintf(measured, CLAIM_TEXT,
             "about a machine and a program that are not here; Reel makes %.0f iterations per second", f->speed);
    return CLAIM_OPEN;
}

/* ---- gradient, bias correction, hypotheses ---- */

static claim_verdict is_right_gradient(of c, from f, char *measured)
{
    (void)c;
    if (isnan(f->gradient_error)) return unknown(measured);
    snprintf(measured, CLAIM_TEXT,
             "relative to the tape's gradient of L2 %.1e at most; it is that of the L2 term alone, not of the loss",
             f->gradient_error);
    return f->gradient_error <= CLAIM_GRADIENT ? CLAIM_HOLDS : CLAIM_FAILS;
}

/* 1 - a^b is c, as it is rounded there. */
static claim_verdict is_correction(of c, from f, char *measured)
{
    (void)f;
    double value = 1 - pow(c->a, c->b);
    snprintf(measured, CLAIM_TEXT, "%.6f", value);
    return fabs(value - c->c) <= (c->c < 0.99 ? 5e-4 : 5e-5) ? CLAIM_HOLDS : CLAIM_FAILS;
}

static int how_many(const arm_facts *a, char text[48])
{
    snprintf(text, 48, "%d of %d diverge", a->diverged, a->members);
    return a->members == 0 ? -1 : a->diverged == a->members ? 1 : a->diverged == 0 ? 0 : -1;
}

/* Were it the cause, beginning the count of steps anew, and with it the correction, would have to stop the divergence. */
static claim_verdict is_bias_correction(of c, from f, char *measured)
{
    (void)c;
    char fresh[48];
    int diverges = how_many(&f->arm[ARM_FRESH_ADAM], fresh);
    double growth = f->step_at / f->step_before;
    if (isnan(growth)) return unknown(measured);
    snprintf(measured, CLAIM_TEXT,
             "the updates are %.2f times as long around the onset as before; with the count begun anew %s", growth,
             fresh);
    if (diverges == 1) return CLAIM_FAILS;
    return growth > CLAIM_GROWTH && diverges == 0 ? CLAIM_HOLDS : CLAIM_OPEN;
}

static claim_verdict is_momentum(of c, from f, char *measured)
{
    (void)c;
    char fresh[48];
    int diverges = how_many(&f->arm[ARM_FRESH_MOMENTS], fresh);
    double growth = f->momentum_at / f->momentum_before;
    if (isnan(growth)) return unknown(measured);
    snprintf(measured, CLAIM_TEXT,
             "norm of the first moment %.2f times that before; the gradient's is %.3g at most; with fresh moments %s",
             growth, f->largest_gradient, fresh);
    if (diverges == 1) return CLAIM_FAILS;
    return growth > CLAIM_GROWTH && diverges == 0 ? CLAIM_HOLDS : CLAIM_OPEN;
}

/* The SSIM term, whose gradient is not even followed, could only be the cause if L2 did not rise with the loss. */
static claim_verdict is_similarity(of c, from f, char *measured)
{
    (void)c;
    if (isnan(f->squares_rise)) return unknown(measured);
    char whole[48];
    how_many(&f->arm[ARM_WHOLE_GRADIENT], whole);
    snprintf(measured, CLAIM_TEXT,
             "L2 alone ends at %.1f times what it was at the best iteration; of %d steps measured %d have a ratio that "
             "settles at 1; with the gradient of the whole loss %s",
             f->squares_rise, f->steps_measured, f->steps_settled, whole);
    return f->squares_rise > CLAIM_DIVERGED ? CLAIM_FAILS : CLAIM_HOLDS;
}

static claim_verdict is_rate(of c, from f, char *measured)
{
    (void)c;
    char half[48];
    int diverges = how_many(&f->arm[ARM_HALF_RATE], half);
    if (f->steps_measured == 0) return unknown(measured);
    snprintf(
        measured, CLAIM_TEXT,
        "of %d steps measured %d have a ratio of actual to promised change that goes to 1 as the step is cut; rate at "
        "most %.2g of the sharpness limit before the onset; at half the rate %s",
        f->steps_measured, f->steps_settled, f->rate_over_limit, half);
    bool settles = 2 * f->steps_settled > f->steps_measured;
    if (!settles && diverges == 1) return CLAIM_FAILS;
    return settles && diverges == 0 ? CLAIM_HOLDS : CLAIM_OPEN;
}

/* ---- arms ---- */

/* The arm a diverges. */
static claim_verdict arm_diverges(of c, from f, char *measured)
{
    const arm_facts *a = &f->arm[(int)c->a];
    char text[48];
    int diverges = how_many(a, text);
    if (a->members == 0) return unknown(measured);
    snprintf(measured, CLAIM_TEXT, "%s; best %.4f to %.4f, final %.4f to %.4f", text, a->best.least, a->best.most,
             a->final.least, a->final.most);
    return diverges == 1 ? CLAIM_HOLDS : diverges == 0 ? CLAIM_FAILS : CLAIM_OPEN;
}

/* The remedy a keeps the run from diverging. */
static claim_verdict arm_helps(of c, from f, char *measured)
{
    claim_verdict diverges = arm_diverges(c, f, measured);
    const arm_facts *a = &f->arm[(int)c->a], *control = &f->arm[ARM_CONTROL];
    if (a->members > 0 && control->members > 0) {
        size_t used = strlen(measured);
        snprintf(measured + used, CLAIM_TEXT - used, "; final loss against the control: %s",
                 study_verdict_text(study_compare(&a->final, &control->final)));
    }
    return diverges == CLAIM_HOLDS ? CLAIM_FAILS : diverges == CLAIM_FAILS ? CLAIM_HOLDS : CLAIM_OPEN;
}

/* ---- the statements ---- */

#define TIMELINE "Timeline"
#define OBSERVED "Key observations"
#define CAUSES "Hypotheses"
#define TELLS "What it tells"
#define NEXT "Experiments and proposal"
#define VALUE(iteration, loss)                                                                                         \
    {                                                                                                                  \
        TIMELINE, "loss " #loss " at iteration " #iteration, is_value, iteration, loss, 0, true                        \
    }
#define FALLEN(iteration, percent)                                                                                     \
    {                                                                                                                  \
        TIMELINE, #percent " % improvement by iteration " #iteration, is_percentage, 1, iteration, -(percent), true    \
    }

const study_claim study_claims[] = {
    {"Summary", "the run diverges", is_divergence, 0, 0, 0, true},
    VALUE(1, 0.245190),
    VALUE(100, 0.115349),
    FALLEN(100, 53),
    VALUE(500, 0.089064),
    FALLEN(500, 64),
    VALUE(1000, 0.075008),
    FALLEN(1000, 69),
    VALUE(1300, 0.072929),
    FALLEN(1300, 70),
    VALUE(1500, 0.071194),
    FALLEN(1500, 71),
    {TIMELINE, "1500 is the best point", is_best, 1500, 0, 0, true},
    VALUE(1600, 0.075390),
    VALUE(1700, 0.081795),
    VALUE(1800, 0.086109),
    VALUE(2000, 0.098863),
    {TIMELINE, "at 2000 back at the level of 500", is_level, 2000, 500, 0, true},
    VALUE(3000, 0.157375),
    {TIMELINE, "at 3000 back at the level of 100", is_level, 3000, 100, 0, true},
    VALUE(5000, 0.255318),
    {TIMELINE, "at 5000 worse than at the start", is_above, 5000, 1, 0, true},
    VALUE(8000, 0.314602),
    VALUE(10000, 0.299966),
    {"Summary", "323 % degradation from 1500 to 10000", is_percentage, 1500, 10000, 323, true},
    {TIMELINE, "22 % worse than the start at 10000", is_percentage, 1, 10000, 22, true},
    {OBSERVED, "the loss falls monotonically from 1 to 1500", is_monotone, 1, 1500, -1, true},
    {OBSERVED, "still improving at 1500, no plateau", is_improving, 1500, 0, 0, true},
    {OBSERVED, "the divergence starts suddenly between 1500 and 1600", is_sudden, 1500, 1600, 0, true},
    {OBSERVED, "6 % jump from 1500 to 1600", is_percentage, 1500, 1600, 6, true},
    {OBSERVED, "after 1600 the loss grows exponentially", is_exponential, 1600, 8000, 0, true},
    {OBSERVED, "the loss rises monotonically from 1600 to 8000", is_monotone, 1600, 8000, 1, true},
    {OBSERVED, "a plateau at 0.314 from 8000 to 9000", is_plateau, 8000, 9000, 0.314, true},
    {OBSERVED, "150 to 185 iterations per second throughout", is_speed, 150, 185, 0, false},
    {OBSERVED, "no NaN", is_finite, 0, 0, 0, true},
    {OBSERVED, "the gradient is computed correctly", is_right_gradient, 0, 0, 0, false},
    {CAUSES, "1: 1 - beta2^t is 0.798 at 1600", is_correction, 0.999, 1600, 0.798, false},
    {CAUSES, "1: 1 - beta2^t is 0.99995 at 10000", is_correction, 0.999, 10000, 0.99995, false},
    {CAUSES, "1: the bias correction makes the steps longer, and that is the cause", is_bias_correction, 0, 0, 0,
     false},
    {CAUSES, "2: momentum builds up until it overwhelms the rate", is_momentum, 0, 0, 0, false},
    {CAUSES, "3: SSIM is not convex, and momentum carries the run past a minimum of it", is_similarity, 0, 0, 0, false},
    {CAUSES, "4: the constant rate of 0.001 is too high late in training", is_rate, 0, 0, 0, false},
    {TELLS, "halving the rate at 1500 prevents the divergence", arm_helps, ARM_HALF_RATE, 0, 0, false},
    {TELLS, "a schedule prevents it: exponential decay", arm_helps, ARM_EXPONENTIAL, 0, 0, false},
    {TELLS, "a schedule prevents it: step decay", arm_helps, ARM_STEP_DECAY, 0, 0, false},
    {TELLS, "or gradient clipping at norm 1", arm_helps, ARM_CLIP, 0, 0, false},
    {TELLS, "or early stopping with patience 100", arm_helps, ARM_PATIENCE, 0, 0, false},
    {NEXT, "fresh moments, if momentum is the problem", arm_helps, ARM_FRESH_MOMENTS, 0, 0, false},
    {NEXT, "SGD does not diverge, at the same rate", arm_helps, ARM_SGD, 0, 0, false},
    {NEXT, "SGD does not diverge, at a rate that moves", arm_helps, ARM_SGD_MOVING, 0, 0, false},
    {NEXT, "N = 45 will diverge too", arm_diverges, ARM_N45, 0, 0, false},
    {NEXT, "N = 55 will diverge too", arm_diverges, ARM_N55, 0, 0, false},
    {NEXT, "cosine annealing from 1500 on prevents the divergence (counted from iteration 0)", arm_helps,
     ARM_COSINE_START, 0, 0, false},
    {NEXT, "cosine annealing from 1500 on prevents the divergence (counted from 1500)", arm_helps, ARM_COSINE_HERE, 0,
     0, false},
};
const int study_claim_count = sizeof study_claims / sizeof *study_claims;

claim_verdict study_claim_judge(const study_claim *claim, const study_facts *facts, char measured[CLAIM_TEXT])
{
    measured[0] = '\0';
    return claim->judge(claim, facts, measured);
}
