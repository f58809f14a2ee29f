/* SPDX-License-Identifier: MIT
 *
 * The findings: for each cause the bound that makes it one, its sentence and its remedy. The weights order causes that
 * explain others before those that follow from them: numbers that are not finite, a wrong gradient, the data, the rate.
 */
#include "train/diagnosis.h"
#include "train/evaluator.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define GRADIENT_OFF 0.1 /* share of the derivative */
#define CONTRADICTED 0.01
#define SCALES_APART 100
#define RISEN_LEAST 0.5 /* of the baseline */
#define DIVERGED 10     /* times the best loss */
#define RISEN 1.5       /* times the best loss */
#define ABOVE 1.1       /* times the largest stable rate; nets hover at it for long */
#define FAR_ABOVE 3     /* times it: then it is enough that */
#define MUCH_BETTER 0.2 /* lower rates gain so much more of the loss */
#define FAR_BETTER 0.4  /* the same, where no limit says what the rate is to be */
#define LARGE 0.1       /* of the baseline: below it the rest of the loss is not worth a word */
#define SUFFERS 0.1     /* share of the loss that the steps add */
#define SPARED 0.02     /* share of the loss that a lower rate gains */
#define THROWN 3        /* times the loss of a fresh start, and of a constant prediction */
#define UNLEARNED 0.9   /* of the baseline */
#define FALLS_LITTLE 0.02
#define FALLS_MUCH 0.1
#define FAR_BELOW 1000 /* times the largest stable rate is above the rate */
#define ABSURD 1e4
#define STANDS 0.001 /* share of the loss that the steps change */
#define MOVES 0.005
#define MOVES_UP 0.05 /* by the noise of the batches */
#define GRADIENT_TINY 0.01
#define GRADIENT_NONE 1e-6
#define DEAD_SHARE 0.5
#define OVER_TRAINING 1.5
#define OVER_BEST 1.1
#define FAR_OVER 0.5 /* of the baseline */
#define NOT_LEARNED 0.2
#define BEGUN 0.98 /* of the baseline */

static reel_finding *add(examination *e, reel_cause cause, double weight, double measured, double threshold)
{
    reel_diagnosis *out = e->out;
    int at = out->count;
    if (at == REEL_FINDING_MOST) return NULL;
    out->count++;
    for (; at > 0 && out->findings[at - 1].weight < weight; at--) out->findings[at] = out->findings[at - 1];
    out->findings[at] = (reel_finding){.cause = cause, .weight = weight, .measured = measured, .threshold = threshold};
    return &out->findings[at];
}

static void say(char *to, size_t size, const char *format, ...) REEL_PRINTF(3, 4);
static void say(char *to, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(to, size, format, arguments);
    va_end(arguments);
}

#define TEXT(f, ...) say((f)->text, sizeof(f)->text, __VA_ARGS__)
#define REMEDY(f, ...) say((f)->remedy, sizeof(f)->remedy, __VA_ARGS__)

static double trial(const reel_diagnosis *d, double factor)
{
    for (int i = 0; i < d->trial_count; i++)
        if (d->trials[i].factor == factor) return d->trials[i].loss;
    return NAN;
}

/* Share of the loss that the trial gains; negative: it rises; -1 at least where it is not finite. */
static double gain(const reel_diagnosis *d, double factor)
{
    double loss = trial(d, factor);
    return isnan(loss) ? -INFINITY : (d->loss - loss) / fmax(fabs(d->loss), 1e-300);
}

/* ---- numbers, data ---- */

static void find_bad_data(examination *e)
{
    const data_report *d = &e->data;
    reel_finding *f = add(e, REEL_CAUSE_INPUT, 110, d->bad_number, 0);
    if (!f) return;
    TEXT(f, "the %s of row %lld, column %lld, is %g; each of the %lld rows is to be finite",
         d->bad_target ? "target" : "input", (long long)d->bad_row, (long long)d->bad_column, d->bad_number,
         (long long)d->rows);
    REMEDY(f, "Leave out row %lld, or fill column %lld with its mean, before training; look for others like it.",
           (long long)d->bad_row, (long long)d->bad_column);
}

static void find_not_finite(examination *e)
{
    const reel_diagnosis *d = e->out;
    reel_finding *f = add(e, REEL_CAUSE_NOT_FINITE, 100, isfinite(d->loss) ? d->gradient_norm : d->loss, 0);
    if (!f) return;
    if (e->origin.text[0])
        TEXT(f, "%s", e->origin.text);
    else
        TEXT(f, "the loss is %g and the gradient norm %g, on %lld rows; both are to be finite", d->loss,
             d->gradient_norm, (long long)d->rows);
    if (e->origin.parameter)
        REMEDY(f,
               "Go back to the last checkpoint whose parameters are finite (parameter norm now %g) and lower the "
               "rate, or clip the gradient.",
               d->parameter_norm);
    else
        REMEDY(f,
               "Keep the operands of %s in its range (clamp, or a form such as bce_with_logits that cannot "
               "overflow); parameter norm %g: where that has grown, lower the rate.",
               e->origin.operation ? e->origin.operation : "the operation", d->parameter_norm);
}

/* A loss that had grown before it overflowed: the overflow follows from the rate. */
static void find_diverged(examination *e)
{
    const reel_diagnosis *d = e->out;
    double last = e->trainer->loss_before, rate = diagnosis_rate(e->trainer->optimizer, 0);
    bool grown = d->step > 0 && d->best > 0 && !(last <= DIVERGED * d->best);
    reel_finding *f = grown ? add(e, REEL_CAUSE_RATE_HIGH, 105, last / d->best, DIVERGED) : NULL;
    if (!f) return;
    TEXT(f,
         "the loss had grown from its best, %.4g, to %.4g in step %lld (more than %d times) before numbers were no "
         "longer finite; rate %.4g, parameter norm %.4g",
         d->best, last, (long long)d->step, DIVERGED, rate, d->parameter_norm);
    REMEDY(f,
           "Go back to the best checkpoint, or start again, at a rate of a tenth, %.2g, or with the gradient "
           "clipped.",
           rate / 10);
}

static void find_data(examination *e)
{
    const data_report *d = &e->data;
    if (d->rows < 2) return;
    double share = (double)d->contradicted / (double)d->rows, apart = d->narrow > 0 ? d->wide / d->narrow : 1;
    reel_finding *f;
    if (share > CONTRADICTED && (f = add(e, REEL_CAUSE_INPUT, 85, share, CONTRADICTED))) {
        TEXT(f,
             "%lld of %lld rows (%.3g %%, more than %g %%) have another label than equal rows, as rows %lld and "
             "%lld: no model can be right on both",
             (long long)d->contradicted, (long long)d->rows, 100 * share, 100 * CONTRADICTED, (long long)d->first,
             (long long)d->second);
        REMEDY(f,
               "Correct the labels, add the column that tells such rows apart, or expect an error of at least %.3g %%.",
               100 * share);
    }
    if (apart > SCALES_APART && (f = add(e, REEL_CAUSE_INPUT, 80, apart, SCALES_APART))) {
        TEXT(f, "column %lld of the input varies by %.3g, column %lld by %.3g: %.3g times less, more than %d times",
             (long long)d->wide_column, d->wide, (long long)d->narrow_column, d->narrow, apart, SCALES_APART);
        REMEDY(f,
               "Subtract from each column its mean and divide it by its deviation; the curvature then no longer "
               "differs by %.2g between them.",
               apart * apart);
    }
    if (d->constant > 0 && (f = add(e, REEL_CAUSE_INPUT, 40, (double)d->constant, 0))) {
        TEXT(f, "%lld of %lld columns of the input are constant (column %lld is %g in all %lld rows) and tell nothing",
             (long long)d->constant, (long long)d->columns, (long long)d->constant_column, d->constant_number,
             (long long)d->rows);
        REMEDY(f, "Leave out column %lld, or look where its values were lost.", (long long)d->constant_column);
    }
}

static void find_gradient(examination *e)
{
    const gradient_report *g = &e->gradient;
    double off = fabs(1 - e->out->fidelity);
    if (!(off > GRADIENT_OFF)) return;
    /* Of the library's own operations and losses it says little: then what else is found comes first. */
    double weight = evaluator_possible(e->trainer) ? 30 : 90;
    reel_finding *f = add(e, REEL_CAUSE_GRADIENT, weight, off, GRADIENT_OFF);
    if (!f) return;
    TEXT(f,
         "along %s%s the gradient promises a slope of %.4g, but the loss changes by %.4g (differences agree to "
         "%.1g): off by %.3g %%, more than %g %%",
         g->parameter[0] ? "" : "the gradient itself", g->parameter, g->promised, g->happened, g->error, 100 * off,
         100 * GRADIENT_OFF);
    REMEDY(f,
           "Check the backward function of the operations that %s goes into (reel_check_gradient), and whether a "
           "term, a rounding or a comparison of the loss is hidden from the tape; no rate mends a slope of %.3g.",
           g->parameter[0] ? g->parameter : "the loss", g->promised);
}

/* ---- the rate ---- */

/* The steps so far have led to where no fresh start is. */
static bool find_thrown(examination *e)
{
    const reel_diagnosis *d = e->out;
    double start = fmax(d->fresh_loss, d->baseline), rate = diagnosis_rate(e->trainer->optimizer, 0);
    if (d->step == 0 || !(d->loss > THROWN * start)) return false;
    reel_finding *f = add(e, REEL_CAUSE_RATE_HIGH, 76, d->loss / start, THROWN);
    if (!f) return true;
    TEXT(f,
         "after %lld steps the loss is %.4g, %.3g times that of a fresh start (%.4g) or of a constant prediction "
         "(%.4g), "
         "more than %d times; rate %.4g, parameter norm %.4g",
         (long long)d->step, d->loss, d->loss / start, d->fresh_loss, d->baseline, THROWN, rate, d->parameter_norm);
    REMEDY(f, "Start again at a rate of a tenth, %.2g, or with the gradient clipped.", rate / 10);
    return true;
}

/* What the better of two lower rates gains in the steps rehearsed. */
static double gain_lower(const reel_diagnosis *d)
{
    return fmax(gain(d, 0.1), gain(d, 0.01));
}

/* Do the steps at the rate do worse than those at a tenth or a hundredth of it, by so much that it matters? */
static bool suffers(const reel_diagnosis *d, double rate)
{
    double now = gain(d, 1), lower = gain_lower(d), limit = d->curvature.limit, after = trial(d, 1);
    bool large = !(fmax(d->loss, after) < LARGE * d->baseline); /* fmax passes over NaN */
    if (d->trial_count == 0 || !(large || isnan(after)) || !(lower > now + SPARED)) return false;
    if (isfinite(limit) && rate > ABOVE * limit && now < SPARED) return true;
    if (isfinite(limit) && rate > FAR_ABOVE * limit && lower > now + MUCH_BETTER) return true;
    if (now < -SUFFERS && lower > SUFFERS && !(after < RISEN_LEAST * d->baseline)) return true;
    if (d->loss > RISEN_LEAST * d->baseline && lower > now + FAR_BETTER) return true;
    /* Nothing is learned, where at a tenth of the rate much is. */
    bool much = lower > MUCH_BETTER || (now < -SUFFERS && lower > now + MUCH_BETTER);
    return now < SPARED && much && d->loss > UNLEARNED * d->baseline && !(after < UNLEARNED * d->baseline);
}

static bool find_suffering(examination *e)
{
    const reel_diagnosis *d = e->out;
    double rate = diagnosis_rate(e->trainer->optimizer, 0), limit = d->curvature.limit;
    double best = gain(d, 0.1) > gain(d, 0.01) ? 0.1 : 0.01;
    bool above = isfinite(limit) && rate > ABOVE * limit;
    char against[256];
    if (!suffers(d, rate)) return false;
    reel_finding *f = add(e, REEL_CAUSE_RATE_HIGH, above ? 78 : 77, rate, limit);
    if (!f) return true;
    if (isnan(limit))
        snprintf(against, sizeof against, "too high for the steps ahead (a largest stable one is not known)");
    else
        snprintf(against, sizeof against, "%s %.4g (%.60s, sharpness %.4g)%s",
                 above ? "above the largest stable one," : "set against a largest stable one on all rows of", limit,
                 d->curvature.formula, d->curvature.largest.value, above ? "" : ", and too high for the steps ahead");
    TEXT(f, "the rate %.4g is %s: in %d steps at it the loss goes from %.4g to %.4g, at %.3g to %.4g", rate, against,
         d->trial_steps, d->loss, trial(d, 1), best * rate, trial(d, best));
    if (above)
        REMEDY(f, "Lower the rate below %.3g, to about %.2g; or clip the gradient norm.", limit, limit / 2);
    else
        REMEDY(f, "Lower the rate to about %.2g, or let a schedule do so; or take larger batches.", best * rate);
    return true;
}

/* The loss is far above the best of the run; one that the next steps take back is a swing of the momentum. */
static bool find_risen(examination *e)
{
    const reel_diagnosis *d = e->out;
    double rate = diagnosis_rate(e->trainer->optimizer, 0);
    bool lasts = !(trial(d, 1) < RISEN * d->best) || d->loss > DIVERGED * d->best;
    if (!(d->best > 0 && d->loss > RISEN * d->best) || !lasts || d->loss <= RISEN_LEAST * d->baseline) return false;
    reel_finding *f = add(e, REEL_CAUSE_RATE_HIGH, 76, d->loss / d->best, RISEN);
    if (!f) return true;
    TEXT(f,
         "the loss has risen to %.4g, %.3g times the best of the run, %.4g (more than %g times); parameter norm "
         "%.4g, rate %.4g, largest stable rate here %.4g",
         d->loss, d->loss / d->best, d->best, RISEN, d->parameter_norm, rate, d->curvature.limit);
    REMEDY(f,
           "Go back to the best checkpoint, or start again, at a rate of a tenth, %.2g, or with the gradient "
           "clipped (--rollback does so by itself).",
           rate / 10);
    return true;
}

static bool find_rate_high(examination *e)
{
    return find_suffering(e) || find_risen(e) || find_thrown(e);
}

/* Is it no wonder that higher rates gain a little: the model cannot learn more than it has begun to? */
static bool is_too_small(const reel_diagnosis *d)
{
    return d->subset > 0 && d->memorised > NOT_LEARNED * d->baseline;
}

/* The factor of 100 and more whose steps gain most, and what they gain; 0: none gains anything. */
static double best_higher(const reel_diagnosis *d, double *most)
{
    double factor = *most = 0;
    for (int i = 0; i < d->trial_count; i++)
        if (d->trials[i].factor >= 100 && gain(d, d->trials[i].factor) > *most)
            *most = gain(d, factor = d->trials[i].factor);
    return factor;
}

/* Steps at the rate gain little, at higher ones more and more, and the gradient is no plateau's; or nothing at all, and the
 * rate is so far below what the curvature allows that it need not be tried. */
static bool find_rate_low(examination *e)
{
    const reel_diagnosis *d = e->out;
    double rate = diagnosis_rate(e->trainer->optimizer, 0), limit = d->curvature.limit, now = gain(d, 1), most;
    double factor = best_higher(d, &most), below = isfinite(limit) ? limit / rate : 1;
    double little = below > FAR_BELOW ? 2 * FALLS_LITTLE : FALLS_LITTLE, /* then less is enough on both sides */
        much = below > FAR_BELOW ? FALLS_LITTLE + 5 * fabs(now) : FALLS_MUCH;
    if (is_too_small(d) && (d->loss < BEGUN * d->baseline || below < ABSURD)) return false;
    if (d->trial_count == 0 || rate > limit / 20 || d->gradient_norm < GRADIENT_TINY * d->fresh_gradient) return false;
    bool rises = now >= -MOVES && now < little && most > gain(d, 10) && gain(d, 10) > now && most > much;
    bool stands = below > ABSURD && fabs(now) < STANDS && !(d->loss < LARGE * d->baseline);
    if (!rises && !stands) return false;
    reel_finding *f = add(e, REEL_CAUSE_RATE_LOW, 60, now, little);
    if (!f) return true;
    if (rises)
        TEXT(f,
             "in %d steps at the rate %.3g the loss falls by %.2g %% (less than %g %%), at %g times the rate by %.3g "
             "%%; "
             "the largest stable rate is %.3g",
             d->trial_steps, rate, 100 * now, 100 * little, factor, 100 * most, limit);
    else
        TEXT(f,
             "in %d steps at the rate %.3g the loss changes by %.2g %% (less than %g %%); the largest stable rate, "
             "%.3g, "
             "is %.2g times it (more than %g)",
             d->trial_steps, rate, -100 * now, 100 * STANDS, limit, below, ABSURD);
    REMEDY(f, "Raise the rate to about %.2g; reel lr-find or reel_lr_find measures which one suits.",
           rises ? fmin(factor * rate, isfinite(limit) ? limit / 2 : INFINITY) : limit / 20);
    return true;
}

/* ---- the model ---- */

static bool find_dead(examination *e)
{
    const reel_diagnosis *d = e->out;
    double share = d->units ? (double)d->dead / (double)d->units : 0;
    if (d->units < 2 || (share <= DEAD_SHARE && d->dead_layer == 0)) return false;
    /* A net that has learned its data, or goes on doing so, is not held up by those. */
    bool learns = d->loss < LARGE * d->baseline || (d->loss < RISEN_LEAST * d->baseline && gain(d, 1) > FALLS_LITTLE);
    if (learns && d->dead_layer == 0) return false;
    reel_finding *f = add(e, REEL_CAUSE_DEAD_UNITS, 75, share, DEAD_SHARE);
    if (!f) return true;
    if (d->dead_layer > 0) {
        f->measured = (double)d->dead_layer, f->threshold = 0;
        TEXT(f,
             "all %lld units of a relu are 0 in all %lld rows, so that nothing gets through it, forward or back; %lld "
             "of the "
             "%lld relu units of the net are",
             (long long)d->dead_layer, (long long)d->rows, (long long)d->dead, (long long)d->units);
    } else {
        TEXT(f, "%lld of %lld relu units (%.3g %%, more than %g %%) are 0 in all %lld rows and get no gradient",
             (long long)d->dead, (long long)d->units, 100 * share, 100 * DEAD_SHARE, (long long)d->rows);
    }
    REMEDY(f,
           "Start again with biases of 0 and a lower rate than %.2g, or use leaky_relu or elu, whose gradient does "
           "not vanish.",
           diagnosis_rate(e->trainer->optimizer, 0));
    return true;
}

/* Dead units that come of the rate: a fresh start loses them too. */
static bool find_killing(examination *e)
{
    const reel_diagnosis *d = e->out;
    double share = d->units ? (double)d->fresh_dead / (double)d->units : 0,
           rate = diagnosis_rate(e->trainer->optimizer, 0);
    bool fails = isnan(d->fresh_after) || d->fresh_after > THROWN * d->fresh_loss;
    if (d->step == 0 || !(share > DEAD_SHARE || fails)) return false;
    reel_finding *f = add(e, REEL_CAUSE_RATE_HIGH, 79, share, DEAD_SHARE);
    if (!f) return true;
    TEXT(f,
         "from a fresh start %d steps at the rate %.4g bring the loss from %.4g to %.4g and leave %lld of %lld relu "
         "units "
         "dead, as %lld are now",
         d->trial_steps, rate, d->fresh_loss, d->fresh_after, (long long)d->fresh_dead, (long long)d->units,
         (long long)d->dead);
    REMEDY(f, "Start again at a rate of a tenth, %.2g, or with the gradient clipped.", rate / 10);
    return true;
}

static void find_plateau(examination *e)
{
    const reel_diagnosis *d = e->out;
    double now = gain(d, 1), share = d->gradient_norm / d->fresh_gradient;
    if (d->subset == 0 || !(share < GRADIENT_TINY) || !(now < MOVES && now > -MOVES_UP)) return;
    double reached =
        share < GRADIENT_NONE ? 0.9 : 0.5; /* where nothing pulls at all a start that gets anywhere is better */
    if (!(d->memorised < reached * d->loss) || d->loss < NOT_LEARNED * d->baseline) return;
    reel_finding *f = add(e, REEL_CAUSE_PLATEAU, 58, share, GRADIENT_TINY);
    if (!f) return;
    TEXT(f,
         "the gradient norm is %.3g, %.2g of that at a fresh start (less than %g), and %d steps change the loss of "
         "%.4g by %.2g %%; a fresh start reaches %.3g on %lld rows",
         d->gradient_norm, share, GRADIENT_TINY, d->trial_steps, d->loss, 100 * fabs(now), d->memorised,
         (long long)d->subset);
    REMEDY(f,
           "Start again from smaller weights (the norm of all is %.3g) and scaled inputs; momentum or Adam, which "
           "divides by the gradient's size, leaves flat places sooner.",
           d->parameter_norm);
}

static void find_overfitting(examination *e)
{
    const reel_diagnosis *d = e->out;
    double over = d->validation / d->loss, best = e->trainer->guards.watched_best;
    bool rises = isfinite(best) ? d->validation > OVER_BEST * best : d->validation - d->loss > 0.1 * d->baseline;
    if (d->validation - d->loss > FAR_OVER * d->baseline) rises = true;
    if (d->validation - d->loss < LARGE * d->baseline) return;
    if (!(d->validation > 0 && d->loss > 0 && over > OVER_TRAINING && rises)) return;
    reel_finding *f = add(e, REEL_CAUSE_OVERFITTING, 56, over, OVER_TRAINING);
    if (!f) return;
    TEXT(f, "the validation loss is %.4g, %.3g times the training loss of %.4g (more than %g times); its best was %.4g",
         d->validation, over, d->loss, OVER_TRAINING, best);
    REMEDY(f,
           "Stop where the validation loss is smallest (patience), or use weight decay, dropout, a smaller model "
           "than %lld parameters, or more than %lld rows.",
           (long long)reel_params_size(e->trainer->params), (long long)e->data.rows);
}

static void find_too_small(examination *e)
{
    const reel_diagnosis *d = e->out;
    double share = d->memorised / d->baseline;
    if (d->subset == 0 || e->out->count > 0 || !(share > NOT_LEARNED) || d->loss < NOT_LEARNED * d->baseline) return;
    reel_finding *f = add(e, REEL_CAUSE_TOO_SMALL, 52, share, NOT_LEARNED);
    if (!f) return;
    TEXT(f,
         "from a fresh start the model reaches %.4g on %lld rows alone, %.3g %% of the %.4g of a constant prediction "
         "(more than %g %%): it cannot learn them by heart",
         d->memorised, (long long)d->subset, 100 * share, d->baseline, 100 * NOT_LEARNED);
    REMEDY(f, "Add units or a layer to its %lld parameters until it can; then train on all %lld rows.",
           (long long)reel_params_size(e->trainer->params), (long long)e->data.rows);
}

static void find_nothing(examination *e)
{
    const reel_diagnosis *d = e->out;
    reel_finding *f = add(e, REEL_CAUSE_NOTHING, 0, d->loss, 0);
    if (!f) return;
    char fits[64] = "which cannot be held against the loss"; /* none at all */
    if (!isnan(d->fidelity))
        snprintf(fits, sizeof fits, "which describes the loss within %.2g %%", 100 * fabs(1 - d->fidelity));
    TEXT(f,
         "nothing wrong was found: loss %.4g, gradient norm %.3g, %s, rate %.3g, largest stable rate %.3g, %d steps "
         "change the loss by %.3g %%",
         d->loss, d->gradient_norm, fits, diagnosis_rate(e->trainer->optimizer, 0), d->curvature.limit, d->trial_steps,
         0 - 100 * gain(d, 1));
    REMEDY(f, "Go on from step %lld.", (long long)d->step);
}

void diagnosis_find(examination *e)
{
    if (e->data.rows && e->data.bad_row >= 0) find_bad_data(e);
    if (e->not_finite) {
        find_not_finite(e);
        find_diverged(e);
    } else if (e->out->count == 0) {
        find_data(e);
        find_gradient(e);
        bool dead = find_dead(e), high = find_rate_high(e) || (dead && find_killing(e));
        if (!high && !find_rate_low(e)) find_plateau(e);
        find_overfitting(e);
        find_too_small(e);
    }
    if (e->out->count == 0) find_nothing(e);
}
