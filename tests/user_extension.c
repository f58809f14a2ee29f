/* SPDX-License-Identifier: MIT
 *
 * A program's own operation, loss, optimizer and schedule, with flags from their tables: user_extension [FLAG...]
 */
#include <reel/reel.h>

#include <math.h>
#include <string.h>

/* The operation: y = log cosh x, smooth near 0 and |x| - log 2 far from it. */
static reel_status logcosh_shape(reel_call *call)
{
    *call->out = *call->in[0];
    return REEL_OK;
}

static reel_status logcosh_forward(reel_call *call)
{
    const double *x = call->in[0]->data;
    double *y = call->out->data;
    for (int64_t i = 0; i < call->out->size; i++) y[i] = fabs(x[i]) + log1p(exp(-2 * fabs(x[i]))) - log(2);
    return REEL_OK;
}

static reel_status logcosh_backward(reel_call *call)
{
    double *x = call->in[0]->data, *to = call->in_gradient[0];
    const double *g = call->out_gradient;
    for (int64_t i = 0; to && i < call->out->size; i++) to[i] = (call->add[0] ? to[i] : 0) + tanh(x[i]) * g[i];
    return REEL_OK;
}

static const reel_sample sample = {"vector", 1, {{1, {5}, -3, 3, NULL, REEL_FLOAT, false}}, NULL, false};
static const reel_op logcosh = {.size = sizeof(reel_op),
                                .name = "logcosh",
                                .formula = "y = log cosh x",
                                .least = 1,
                                .most = 1,
                                .shape = logcosh_shape,
                                .forward = logcosh_forward,
                                .backward = logcosh_backward,
                                .samples = &sample,
                                .sample_count = 1};

/* The loss: its mean over the differences. */
static reel_value logcosh_loss(const char *site, reel_value prediction, reel_value target)
{
    (void)site;
    return reel_mean(reel_record(&logcosh, 1, (reel_value[]){reel_sub(prediction, target)}, NULL));
}

/* The optimizer: x -= lr sign(m), m = beta m + (1 - beta) g. */
static const reel_hyper sign_hypers[] = {
    {.name = "lr", .text = "learning rate", .value = 0.01, .most = 10},
    {.name = "beta", .text = "decay of the mean of the gradient", .value = 0.9, .most = 1, .open_most = true}};

static reel_status sign_update(const reel_update *u)
{
    double *x = u->parameter, *m = u->state[0];
    const double *g = u->gradient;
    for (int64_t i = 0; i < u->n; i++) {
        m[i] = u->hyper[1] * m[i] + (1 - u->hyper[1]) * g[i];
        x[i] -= u->hyper[0] * (double)((m[i] > 0) - (m[i] < 0));
    }
    return REEL_OK;
}

static const reel_optimizer_type sign_type = {.size = sizeof sign_type,
                                              .name = "sign",
                                              .formula = "x -= lr sign(m)",
                                              .hypers = sign_hypers,
                                              .hyper_count = 2,
                                              .state_names = (const char *const[]){"mean"},
                                              .state_count = 1,
                                              .update = sign_update};

/* The schedule: base / (1 + k t). */
static double inverse_rate(const reel_schedule_point *at)
{
    return at->base / (1 + at->values[0] * (double)at->step);
}

static const reel_schedule_type inverse = {
    .size = sizeof inverse,
    .name = "inverse",
    .text = "base / (1 + k t)",
    .hypers = &(const reel_hyper){.name = "k", .text = "fall", .value = 0.1, .most = 100},
    .hyper_count = 1,
    .rate = inverse_rate};

int main(int argc, char **argv)
{
    reel_context *reel = reel_context_new(NULL);
    reel_check_report report;
    reel_check_operation(reel, &logcosh, &report);
    reel_optimizer_register(reel, &sign_type), reel_schedule_register(reel, &inverse);
    reel_args *args = reel_args_new(reel, argc, argv, "Trains with an operation, a loss and an optimizer of its own.");
    if (reel_args_read(args) != REEL_ARGS_GO) {
        int status = reel_args_status(args);
        fputs(reel_args_text(args), status ? stderr : stdout);
        reel_context_free(reel);
        return status;
    }
    reel_dataset *moons = reel_moons_new(reel, 60, 0.15, reel_rng_numpy_new(reel, 42));
    reel_params *params = reel_params_new(reel, REEL_DOUBLE);
    reel_module *net = reel_mlp_new(params, "net", 3, (const int[]){2, 6, 1}, "tanh", reel_rng_torch_new(reel, 1));
    reel_trainer *trainer = reel_trainer_new(net, moons, logcosh_loss, reel_args_optimizer(args, params, "sign", 0.02));
    reel_trainer_set(trainer, "epochs", 40), reel_trainer_set(trainer, "batch", 20);
    reel_args_apply(args, trainer);
    reel_trainer_set_observer(trainer, reel_progress_observe, reel_progress_new(reel, stderr));
    reel_trainer_run(trainer);
    char hash[33];
    if (reel_state_hash(reel_trainer_state(trainer), hash) == REEL_OK)
        printf("%d derivatives wrong, loss %.17g, state %s\n", (int)report.failed, reel_trainer_loss(trainer), hash);
    int status = reel_failed(reel) || report.failed > 0;
    if (status) fprintf(stderr, "%s\n", reel_error_text(reel));
    reel_context_free(reel);
    return status;
}
