/* SPDX-License-Identifier: MIT
 *
 * Trainings made on purpose: data, net, loss and optimizer from a plan, and the state that has the cause.
 */
#include "diagnosis/made_run.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- losses that something is wrong with ---- */

typedef struct tampering {
    bool rounds;   /* the value, which the gradient does not know of */
    double amount; /* the step of the rounding; or the share of the gradient that is lost */
} tampering;

static reel_status tampered_shape(reel_call *call)
{
    *call->out = *call->in[0];
    return REEL_OK;
}

static reel_status tampered_forward(reel_call *call)
{
    const tampering *how = call->attributes;
    for (int64_t i = 0; i < call->out->size; i++) {
        double x = reel_array_get(call->in[0], i), y = how->rounds ? how->amount * round(x / how->amount) : x;
        if (call->out->dtype == REEL_FLOAT)
            ((float *)call->out->data)[i] = (float)y;
        else
            ((double *)call->out->data)[i] = y;
    }
    return REEL_OK;
}

static reel_status tampered_backward(reel_call *call)
{
    const tampering *how = call->attributes;
    const double share = how->rounds ? 1 : 1 - how->amount;
    for (int64_t i = 0; call->in_gradient[0] && i < call->out->size; i++)
        if (call->out->dtype == REEL_FLOAT) {
            float *to = call->in_gradient[0];
            to[i] = (call->add[0] ? to[i] : 0) + (float)share * ((const float *)call->out_gradient)[i];
        } else {
            double *to = call->in_gradient[0];
            to[i] = (call->add[0] ? to[i] : 0) + share * ((const double *)call->out_gradient)[i];
        }
    return REEL_OK;
}

static const reel_op tampered = {.size = sizeof(reel_op),
                                 .name = "tampered",
                                 .formula = "y = x, or x rounded",
                                 .least = 1,
                                 .most = 1,
                                 .attributes_size = sizeof(tampering),
                                 .shape = tampered_shape,
                                 .forward = tampered_forward,
                                 .backward = tampered_backward};

/* Way 0: a term that the tape takes for a constant; 1: a share of the gradient is lost; 2: the value is rounded. */
static reel_value hidden_loss(const reel_batch *batch, void *user)
{
    made_run *r = user;
    reel_value out = reel_forward(NULL, r->net, batch->x);
    if (r->plan.way > 0) {
        tampering how = {r->plan.way == 2, r->plan.amount};
        return r->plan.loss(NULL, reel_record(NULL, &tampered, 1, &out, &how), batch->y);
    }
    reel_array flat = reel_params_flat(r->params);
    double sum = 0;
    for (int64_t i = 0; i < flat.size; i++) sum += pow(reel_array_get(&flat, i), 2);
    return reel_add_scalar(NULL, r->plan.loss(NULL, out, batch->y), isfinite(sum) ? r->plan.amount * sum : 0);
}

/* Logarithm or root of what may be negative, an exponential that overflows, a division by 0. */
static reel_value wild_loss(const reel_batch *batch, void *user)
{
    const made_run *r = user;
    reel_value out = reel_forward(NULL, r->net, batch->x);
    switch (r->plan.way) {
    case 0: return reel_mean(NULL, reel_log(NULL, reel_add_scalar(NULL, out, -0.5)));
    case 1:
        return reel_mean(NULL, reel_square(NULL, reel_exp(NULL, reel_mul_scalar(NULL, reel_square(NULL, out), 1e6))));
    case 2: return reel_mean(NULL, reel_sqrt(NULL, reel_add_scalar(NULL, out, -2)));
    default: return reel_mean(NULL, reel_div(NULL, out, reel_relu(NULL, reel_add_scalar(NULL, out, -1e3))));
    }
}

/* The output goes through something that is flat far out. */
static reel_value flat_loss(const reel_batch *batch, void *user)
{
    const made_run *r = user;
    reel_value out = reel_forward(NULL, r->net, batch->x);
    out = r->plan.way == 0   ? reel_sigmoid(NULL, out)
          : r->plan.way == 2 ? reel_hardtanh(NULL, out, -1, 1)
                             : reel_tanh(NULL, out);
    return reel_mse(NULL, out, batch->y);
}

static reel_loss_function custom_loss(const made_plan *plan)
{
    if (plan->cause == REEL_CAUSE_GRADIENT) return hidden_loss;
    if (plan->cause == REEL_CAUSE_NOT_FINITE) return wild_loss;
    if (plan->cause == REEL_CAUSE_PLATEAU && plan->way != 1) return flat_loss;
    return NULL;
}

/* ---- the net ---- */

static void make_net(made_run *r)
{
    const made_plan *plan = &r->plan;
    enum { PARTS = 3 * MADE_DEPTH_MOST + 1 };
    reel_module *parts[PARTS];
    int count = 0;
    reel_rng *init = reel_rng_torch_new(NULL, r->context, plan->init_seed);
    r->params = reel_params_new(NULL, r->context, plan->dtype);
    int64_t inputs = plan->columns, outputs = plan->classes > 2 ? plan->classes : 1;
    for (int i = 0; i <= plan->depth; i++) {
        char name[32];
        snprintf(name, sizeof name, "layer.%d", i);
        int64_t units = i < plan->depth ? plan->widths[i] : outputs;
        parts[count++] = reel_linear_new(NULL, r->params, name, inputs, units, init);
        if (i < plan->depth) parts[count++] = reel_activation_new(NULL, r->context, plan->activation);
        if (i < plan->depth && plan->dropout > 0) parts[count++] = reel_dropout_new(NULL, r->context, plan->dropout);
        inputs = units;
    }
    r->net = reel_sequential_new(NULL, r->context, count, parts);
}

/* Element i of a parameter becomes factor |x| + shift, with the sign of `factor`, or factor x + shift; of the first `share`. */
static void change(made_run *r, const char *name, bool absolute, double factor, double shift, double share)
{
    reel_array a = reel_params_value(r->params, reel_params_find(r->params, name));
    for (int64_t i = 0; (double)i < share * (double)a.size; i++) {
        double x = reel_array_get(&a, i), y = factor * (absolute ? fabs(x) : x) + shift;
        if (a.dtype == REEL_FLOAT)
            ((float *)a.data)[i] = (float)y;
        else
            ((double *)a.data)[i] = y;
    }
    reel_params_touch(r->params);
}

static void make_state(made_run *r)
{
    const made_plan *plan = &r->plan;
    char name[32];
    if (plan->cause == REEL_CAUSE_DEAD_UNITS && plan->way == 0)
        for (int i = 0; i < plan->depth; i++) {
            snprintf(name, sizeof name, "layer.%d.bias", i);
            change(r, name, false, 0, -30 - 30 * plan->amount, 0.7 + 0.3 * plan->amount);
        }
    if (plan->cause == REEL_CAUSE_DEAD_UNITS && plan->way == 1) { /* what comes in is not negative */
        change(r, "layer.1.weight", true, -1, 0, 1);
        change(r, "layer.1.bias", false, 0, -0.05 - plan->amount, 1);
    }
    if (plan->cause == REEL_CAUSE_PLATEAU && plan->way == 1)
        for (int i = 0; i < reel_params_count(r->params); i++)
            change(r, reel_params_name(r->params, i), false, 0, 0, 1);
    if (plan->cause == REEL_CAUSE_PLATEAU && plan->way != 1) {
        snprintf(name, sizeof name, "layer.%d.bias", plan->depth);
        change(r, name, false, 1, plan->amount > 0.5 ? 25 : -25, 1);
    }
}

/* ---- all of it ---- */

static void make_optimizer(made_run *r)
{
    const made_plan *plan = &r->plan;
    r->optimizer = reel_optimizer_new(NULL, r->params, reel_optimizer_find(plan->optimizer));
    reel_optimizer_set(NULL, r->optimizer, "lr", plan->rate);
    if (plan->momentum > 0) reel_optimizer_set(NULL, r->optimizer, "momentum", plan->momentum);
    if (plan->clip > 0) reel_optimizer_set(NULL, r->optimizer, "clip_norm", plan->clip);
}

void made_begin(made_run *r, reel_context *context, const made_plan *plan)
{
    *r = (made_run){.plan = *plan, .context = context};
    r->data = made_data(plan, context, plan->rows, plan->data_seed);
    r->validation = made_data(plan, context, 200, plan->data_seed + 1);
    if (reel_failed(context)) return;
    if (plan->cause == REEL_CAUSE_INPUT) made_spoil(plan, &r->data);
    make_net(r);
    make_optimizer(r);
    reel_loss_function custom = custom_loss(plan);
    r->trainer = custom ? reel_trainer_custom_new(NULL, r->optimizer, r->net, &r->data, custom, r)
                        : reel_trainer_new(NULL, r->net, &r->data, plan->loss, r->optimizer);
    reel_trainer_set(NULL, r->trainer, "batch", (double)plan->batch);
    reel_trainer_set(NULL, r->trainer, "seed", (double)(plan->init_seed % 1000));
    reel_trainer_set(NULL, r->trainer, "epochs", plan->epochs);
    reel_trainer_set(NULL, r->trainer, "stop_when_not_finite", 0);
    if (plan->validated) reel_trainer_set_validation(NULL, r->trainer, &r->validation);
    if (reel_failed(context)) return;
    make_state(r);
    if (plan->epochs > 0) reel_trainer_run(NULL, r->trainer);
}

void made_describe(const made_plan *plan, char *text, size_t size)
{
    char net[160] = "", batch[32] = "all rows";
    size_t used = (size_t)snprintf(net, sizeof net, "%d", (int)plan->columns);
    for (int i = 0; i < plan->depth; i++)
        used += (size_t)snprintf(net + used, sizeof net - used, "-%d", plan->widths[i]);
    snprintf(net + used, sizeof net - used, "-%d %s", plan->classes > 2 ? (int)plan->classes : 1,
             plan->depth ? plan->activation : "linear");
    if (plan->batch) snprintf(batch, sizeof batch, "batch %lld", (long long)plan->batch);
    snprintf(text, size, "%s, %d rows, %s%s, %s, lr %.3g, %s, %s, %d epochs, way %d", made_task_name(plan->task),
             (int)plan->rows, net, plan->dropout > 0 ? " with dropout" : "", plan->optimizer, plan->rate, batch,
             reel_dtype_name(plan->dtype), plan->epochs, plan->way);
}
