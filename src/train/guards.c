/* SPDX-License-Identifier: MIT
 *
 * What watches over a run: numbers that are not finite, the mean of the epoch, early stopping, going back.
 */
#include "kernels/reduce.h"
#include "optim/optim.h"
#include "train/saver.h"
#include <reel/trace.h>

#include <stdio.h>
#include <string.h>

static const char who[] = "trainer_run";

const guards guards_start = {.epoch_loss = NAN,
                             .epoch_loss_before = NAN,
                             .validation = NAN,
                             .watched_best = INFINITY,
                             .watched_step = -1,
                             .gradient_norm = NAN,
                             .rising_from = NAN};

static size_t values_bytes(const reel_params *p)
{
    return (size_t)p->values.size * element_size(p->dtype);
}

static size_t buffer_bytes(const reel_params *p)
{
    return (size_t)p->buffers.size * element_size(p->dtype);
}

reel_status guards_prepare(reel_trainer *t, const char *site)
{
    reel_context *context = t->object.context;
    size_t bytes = values_bytes(t->params) + buffer_bytes(t->params);
    if (t->settings[SETTING_ROLLBACK] > 0 && !t->folder.path)
        return reel_error_set(context, REEL_BAD_STATE, site, who,
                              "rollback goes back to a checkpoint: a folder for them is needed");
    if (t->before || bytes == 0 || (t->params->buffers.size == 0 && setting_of(t, SETTING_MONITOR) == 0))
        return REEL_OK;
    t->before = memory_new(context, site, who, bytes);
    if (t->before) t->before_bytes = bytes;
    return reel_error_status(context);
}

void guards_before(reel_trainer *t)
{
    const reel_params *p = t->params;
    if (p->buffers.size > 0) memcpy((char *)t->before + values_bytes(p), p->buffers.data, buffer_bytes(p));
}

/* ---- numbers that are not finite ---- */

bool guards_look(const reel_trainer *t)
{
    const double *shared = t->optimizer->shared;
    if (!setting_of(t, SETTING_STOP_NOT_FINITE) && !(t->settings[SETTING_ROLLBACK] > 0)) return false;
    if (!(shared[SHARED_CLIP_NORM] > 0)) return true;
    if (shared[SHARED_CLIP_NONFINITE] != REEL_NONFINITE_ERROR) return false;
    /* Clipping finds it by itself, unless the limit of each element has hidden it, or it was another batch. */
    return shared[SHARED_CLIP_VALUE] > 0 || setting_of(t, SETTING_ACCUMULATE) > 1;
}

#define FEW 256 /* parameters that are looked at in place */

/* Whether a sum is finite says it in one pass at the speed of memory; that of finite numbers may overflow. */
static bool sum_finite(const reel_params *p)
{
    const int64_t n = p->values.size;
    if (n <= FEW) {
        double lane[4] = {0};
        if (p->dtype == REEL_FLOAT)
            for (int64_t i = 0; i < n; i++) lane[i % 4] += (double)((const float *)p->gradient)[i];
        else
            for (int64_t i = 0; i < n; i++) lane[i % 4] += ((const double *)p->gradient)[i];
        return isfinite(lane[0] + lane[1] + lane[2] + lane[3]);
    }
    axis_shape shape = {.outer = 1, .count = n, .inner = 1};
    union {
        float single;
        double full;
    } sum = {.full = 0};
    kernels_get(p->dtype)->reduce->run(REDUCE_SUM, shape, p->gradient, NULL, &sum, 1, false);
    return p->dtype == REEL_FLOAT ? isfinite(sum.single) : isfinite(sum.full);
}

bool guards_gradient_finite(const reel_params *p)
{
    if (sum_finite(p)) return true;
    reel_array flat = reel_params_flat_gradient(p);
    for (int64_t i = 0; i < flat.size; i++)
        if (!isfinite(reel_array_get(&flat, i))) return false;
    return true;
}

/* The update that is open is given up: nothing of it is left. */
static void drop_update(reel_trainer *t)
{
    const reel_params *p = t->params;
    reel_params_drop_gradient(t->params);
    if (p->buffers.size > 0) memcpy(p->buffers.data, (char *)t->before + values_bytes(p), buffer_bytes(p));
    t->guards.parts = 0;
    t->guards.part_loss = 0;
}

/* Writes the checkpoint of before the update. That it cannot be written is told, and is not the error. */
static void save_before(reel_trainer *t, const char *site)
{
    reel_context *context = t->object.context;
    if (!t->folder.path || reel_failed(context)) return;
    if (folder_save(t, site, SAVE_NOW) == REEL_OK) {
        trainer_note(t, "the state of before step %lld is saved, to be examined", (long long)t->step + 1);
        return;
    }
    char why[ERROR_TEXT_SIZE];
    snprintf(why, sizeof why, "%s", reel_error_text(context));
    reel_error_clear(context);
    trainer_note(t, "the state of before step %lld cannot be saved: %s", (long long)t->step + 1, why);
}

static bool may_go_back(const reel_trainer *t)
{
    return t->settings[SETTING_ROLLBACK] > 0 && t->guards.rollbacks < setting_of(t, SETTING_ROLLBACK_MOST);
}

/* Back to the best checkpoint, at a lower rate. *done is false when there is none. */
static reel_status go_back(reel_trainer *t, const char *site, double loss, const char *why, bool *done)
{
    int64_t from = t->step, to = 0, count = t->guards.rollbacks;
    reel_status status = folder_go_back(t, site, &to, done);
    if (status != REEL_OK || !*done) return status;
    /* The checkpoint may be older than earlier rollbacks, and has the rate of then. */
    double factor = pow(t->settings[SETTING_ROLLBACK_RATE], (double)(count + 1 - t->guards.rollbacks));
    t->guards.rollbacks = count + 1;
    reel_optimizer *o = t->optimizer;
    for (int g = 0; o->rate_row >= 0 && g < o->group_count; g++) o->groups[g].values[o->rate_row] *= factor;
    trainer_note(t, "%s: back from step %lld to step %lld, rate times %g (rollback %lld of %lld)", why, (long long)from,
                 (long long)to, factor, (long long)count + 1, (long long)setting_of(t, SETTING_ROLLBACK_MOST));
    status = saver_log(
        t, site, (log_row){.step = to, .rolled = true, .rolled_from = from, .loss = loss, .rate = factor, .norm = NAN});
    return status == REEL_OK ? folder_save(t, site, SAVE_NOW) : status;
}

reel_status guards_not_finite(reel_trainer *t, const char *site, reel_value loss, double value)
{
    reel_context *context = t->object.context;
    int64_t step = t->step + 1, epoch = t->step / trainer_steps_per_epoch(t) + 1, part = t->guards.parts + 1,
            parts = trainer_parts(t, t->step);
    char what[ERROR_TEXT_SIZE], of[64] = "";
    reel_origin origin;
    bool found = reel_trace_not_finite(site, loss, &origin);
    if (reel_failed(context)) return reel_error_status(context);
    if (parts > 1) snprintf(of, sizeof of, ", batch %lld of %lld", (long long)part, (long long)parts);
    if (isfinite(value))
        snprintf(what, sizeof what, "the loss is %g in step %lld (epoch %lld%s), but its gradient is not finite%s%s",
                 value, (long long)step, (long long)epoch, of, found ? ": " : "", found ? origin.text : "");
    else
        snprintf(what, sizeof what, "the loss is %g in step %lld (epoch %lld%s)%s%s",
                 isnan(value) ? (double)NAN : value, (long long)step, (long long)epoch, of, found ? ": " : "",
                 found ? origin.text : "");
    drop_update(t);
    bool back = false;
    reel_status status = may_go_back(t) ? go_back(t, site, value, what, &back) : REEL_OK;
    if (status != REEL_OK || back) return status;
    save_before(t, site);
    t->loss_before = value;
    return reel_error_set(context, REEL_NOT_FINITE, site, who, "%s", what);
}

/* ---- the end of an epoch ---- */

static void watch_patience(reel_trainer *t, double metric)
{
    guards *g = &t->guards;
    if (metric < g->watched_best && metric <= g->watched_best - t->settings[SETTING_MIN_DELTA]) {
        g->watched_best = metric;
        g->watched_step = t->step;
        g->waited = 0;
    } else {
        g->waited++;
    }
}

static reel_status end_epoch(reel_trainer *t, const char *site, double mean)
{
    guards *g = &t->guards;
    g->epoch_sum = 0;
    g->epoch_rows = 0;
    double best = t->best_loss;
    if (trainer_steps_per_epoch(t) > 1 && mean < t->best_loss) {
        t->best_loss = mean;
        t->best_step = t->step;
    }
    reel_optimizer_observe(t->optimizer, mean);
    monitor_epoch(t, mean);
    g->epoch_loss_before = g->epoch_loss;
    g->epoch_loss = mean;
    if (t->validation) {
        g->validation = trainer_evaluate(t, site, t->validation, true);
        t->validated = true;
        if (reel_failed(t->object.context)) return reel_error_status(t->object.context);
    }
    watch_patience(t, t->validation ? g->validation : mean);
    double most = t->settings[SETTING_ROLLBACK] * best;
    if (!may_go_back(t) || !(best > 0 && isfinite(best) && mean > most)) return REEL_OK;
    char why[160];
    bool back;
    snprintf(why, sizeof why, "the loss %g in step %lld is above %g times the best, %g", mean, (long long)t->step,
             t->settings[SETTING_ROLLBACK], best);
    /* The step that is given up is in the log. */
    reel_status status = folder_log_step(t, site);
    trainer_tell(t, REEL_EVENT_STEP, NULL);
    return status == REEL_OK ? go_back(t, site, mean, why, &back) : status;
}

reel_status guards_step_done(reel_trainer *t, const char *site, double loss)
{
    guards *g = &t->guards;
    int64_t rows = trainer_step_rows(t, t->step - 1), per_epoch = trainer_steps_per_epoch(t);
    monitor_loss(t, loss);
    if (per_epoch == 1) return end_epoch(t, site, loss);
    g->epoch_sum += loss * (double)rows;
    g->epoch_rows += rows;
    return t->step % per_epoch == 0 ? end_epoch(t, site, g->epoch_sum / (double)g->epoch_rows) : REEL_OK;
}

/* ---- early stopping ---- */

static bool ends(reel_trainer *t, reel_stop stop, const char *format, ...) REEL_PRINTF(3, 4);
static bool ends(reel_trainer *t, reel_stop stop, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(t->reason, sizeof t->reason, format, arguments);
    va_end(arguments);
    t->stop = stop;
    return true;
}

/* It follows from the saved state and the settings alone, so that a run resumed there ends again. */
bool guards_stop(reel_trainer *t)
{
    const guards *g = &t->guards;
    double least = t->settings[SETTING_MIN_GRADIENT], change = t->settings[SETTING_MIN_CHANGE];
    int64_t patience = setting_of(t, SETTING_PATIENCE);
    if (g->parts > 0) return false;
    if (least > 0 && g->gradient_norm < least)
        return ends(t, REEL_STOP_GRADIENT, "the gradient norm %.6g in step %lld is below %g", g->gradient_norm,
                    (long long)t->step, least);
    if (g->epoch_rows > 0) return false;
    if (patience > 0 && g->waited >= patience)
        return ends(t, REEL_STOP_PATIENCE,
                    "the %s has not improved in %lld epochs: %.6g, the best is %.6g after step %lld",
                    isnan(g->validation) ? "mean loss" : "validation loss", (long long)g->waited,
                    isnan(g->validation) ? g->epoch_loss : g->validation, g->watched_best, (long long)g->watched_step);
    double difference = fabs(g->epoch_loss - g->epoch_loss_before), before = fabs(g->epoch_loss_before);
    if (change > 0 && (difference < change * before || difference == 0))
        return ends(t, REEL_STOP_CHANGE,
                    "the mean loss of the epoch, %.6g after %.6g, has changed by less than %g of it", g->epoch_loss,
                    g->epoch_loss_before, change);
    return false;
}

/* ---- in the checkpoint ---- */

static bool reads(const visitor *v)
{
    return visit_mode_of(v) == VISIT_CHECK || visit_mode_of(v) == VISIT_LOAD;
}

static void visit_gradient(reel_params *p, visitor *v, const char *name)
{
    visit_begin(v, name);
    for (int i = 0; i < p->values.count && !visit_failed(v); i++) {
        const slice *s = &p->values.slices[i];
        reel_array view = slice_view(p, s, p->gradient ? p->gradient : p->values.data);
        visit_array(v, s->name, &view);
    }
    visit_end(v);
}

/* After the parameters, which drop the gradient when they are loaded. */
void gradient_visit(void *self, visitor *v, const char *name)
{
    reel_trainer *t = self;
    reel_params *p = t->params;
    if ((reads(v) ? t->parts_found : t->guards.parts) == 0) return;
    visit_gradient(p, v, name);
    if (visit_mode_of(v) != VISIT_LOAD || visit_failed(v)) return;
    for (int i = 0; i < p->values.count; i++) p->values.slices[i].written = true;
    p->state = GRADIENT_FRESH;
}

void last_gradient_visit(void *self, visitor *v, const char *name)
{
    reel_trainer *t = self;
    bool asked = setting_of(t, SETTING_SAVE_GRADIENT) && t->params->gradient;
    bool there = reads(v) ? visit_has(v, name) : t->guards.parts == 0 && t->gradient_step == t->step && t->step > 0;
    if (visit_mode_of(v) == VISIT_LOAD) t->gradient_step = asked && there ? t->step : -1;
    if (there && reads(v) && !asked) visit_skip(v, name);
    if (!there || !asked) return;
    visit_apart_begin(v);
    visit_gradient(t->params, v, name);
    visit_apart_end(v);
}

static void visit_numbers(guards *g, visitor *v)
{
    visit_double(v, "part_loss", &g->part_loss);
    visit_double(v, "epoch_sum", &g->epoch_sum);
    visit_count(v, "epoch_rows", &g->epoch_rows);
    visit_double(v, "epoch_loss", &g->epoch_loss);
    visit_double(v, "epoch_loss_before", &g->epoch_loss_before);
    visit_double(v, "validation", &g->validation);
    visit_double(v, "watched_best", &g->watched_best);
    visit_int64(v, "watched_step", &g->watched_step);
    visit_count(v, "waited", &g->waited);
    visit_double(v, "gradient_norm", &g->gradient_norm);
    visit_double(v, "mean", &g->mean);
    visit_double(v, "deviation", &g->deviation);
    visit_count(v, "seen", &g->seen);
    visit_double(v, "rising_from", &g->rising_from);
    visit_count(v, "rising", &g->rising);
    visit_count(v, "rollbacks", &g->rollbacks);
}

void guards_visit(reel_trainer *t, visitor *v)
{
    guards *g = &t->guards;
    visit_mode mode = visit_mode_of(v);
    bool reading = mode == VISIT_CHECK || mode == VISIT_LOAD;
    t->parts_found = 0;
    /* A state of before the first step has none, nor has one of an older version; both mean the same. */
    if (reading ? !visit_has(v, "guards") : memcmp(g, &guards_start, sizeof *g) == 0) {
        if (mode == VISIT_LOAD) *g = guards_start;
        return;
    }
    visit_begin(v, "guards");
    int64_t parts = 0, most = setting_of(t, SETTING_ACCUMULATE) - 1;
    if (reading && visit_peek_int64(v, "parts", &parts) && (parts < 0 || parts > most))
        visit_reject(v, REEL_BAD_FILE, "parts: found %lld, expected 0 to %lld", (long long)parts, (long long)most);
    t->parts_found = parts;
    visit_int64(v, "parts", &g->parts);
    visit_numbers(g, v);
    visit_end(v);
}
