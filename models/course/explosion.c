/* SPDX-License-Identifier: MIT
 *
 * A small network on house prices at a rate that is too high: what the tracer says of the first NaN, and the same
 * training with copies to go back to. To copy and change, with explosion.h.
 *
 *     cc explosion.c -o explosion $(pkg-config --cflags --libs reel) -lm
 *
 * Its last line: with copies: loss 17.07 at the start, 0.01 at the end, 1 returns
 */
#include "explosion.h"

#include <math.h>

explosion_net explosion_net_new(reel_params *params, int inputs, int hidden, reel_rng *rng)
{
    return (explosion_net){.hidden = reel_linear_new(params, "hidden", inputs, hidden, rng),
                           .out = reel_linear_new(params, "out", hidden, 1, rng)};
}

typedef struct recorded {
    reel_value sum, activation, prediction, loss; /* sum: what tanh is applied to */
} recorded;

/* Records the loss, walks back and fills a line of the log. */
static recorded look(reel_tape *tape, explosion_net net, reel_params *params, const reel_array *x, const reel_array *y,
                     explosion_step *line)
{
    recorded r;
    reel_tape_rewind(tape);
    r.sum = reel_forward(net.hidden, reel_input(tape, x));
    r.activation = reel_tanh(r.sum);
    r.prediction = reel_forward(net.out, r.activation);
    r.loss = reel_mse(r.prediction, reel_input(tape, y));
    reel_backward(r.loss);
    reel_array w = reel_params_flat(params);
    *line = (explosion_step){.gradient = reel_gradient_norm(params, 2), .loss = reel_item(r.loss)};
    for (int64_t i = 0; i < w.size; i++) line->weight = fmax(line->weight, fabs(reel_array_get(&w, i)));
    return r;
}

static bool zero_times_infinity(const recorded *r)
{
    reel_array y = reel_data(r->activation), after = reel_gradient(r->activation), before = reel_gradient(r->sum);
    for (int64_t i = 0; i < y.size; i++)
        if (fabs(reel_array_get(&y, i)) == 1 && isinf(reel_array_get(&after, i)) && isnan(reel_array_get(&before, i)))
            return true;
    return false;
}

/* Asks the tracer, unless it has answered already. */
static void ask(reel_value loss, int step, explosion_origin *origin)
{
    reel_origin found;
    if (origin->step >= 0 || !reel_trace_not_finite(loss, &found)) return;
    origin->step = step;
    origin->backward = found.backward;
    snprintf(origin->operation, sizeof origin->operation, "%s", found.operation ? found.operation : "");
    snprintf(origin->text, sizeof origin->text, "%s", found.text);
}

void explosion_train(explosion_net net, reel_optimizer *optimizer, const reel_array *x, const reel_array *y, int steps,
                     explosion_step *log, explosion_origin origins[2])
{
    reel_params *params = reel_optimizer_params(optimizer);
    reel_tape *tape = reel_tape_new(reel_params_context(params), reel_params_dtype(params));
    for (int k = 0; origins && k < 2; k++) origins[k] = (explosion_origin){.step = -1};
    for (int step = 0;; step++) {
        recorded r = look(tape, net, params, x, y, &log[step]);
        if (origins) ask(r.loss, step, &origins[0]);
        if (origins && origins[1].step < 0 && (isnan(log[step].loss) || isnan(log[step].gradient))) {
            /* Asked of the prediction, which may be finite where the loss is not, the tracer looks at the gradients. */
            ask(r.prediction, step, &origins[1]);
            origins[1].zero_times_infinity = zero_times_infinity(&r);
        }
        if (step == steps || reel_optimizer_step(optimizer) != REEL_OK) break;
    }
    reel_tape_free(tape);
}

int explosion_train_with_copies(explosion_net net, reel_optimizer *optimizer, const reel_array *x, const reel_array *y,
                                int steps, int every, explosion_step *log)
{
    reel_params *params = reel_optimizer_params(optimizer);
    reel_context *reel = reel_params_context(params);
    reel_tape *tape = reel_tape_new(reel, reel_params_dtype(params));
    int64_t size = reel_params_size(params);
    reel_array *copy = reel_array_new(reel, reel_params_dtype(params), 1, &size);
    double kept = INFINITY;
    int returns = 0;
    for (int step = 0; !reel_failed(reel); step++) {
        look(tape, net, params, x, y, &log[step]);
        if (!(log[step].loss <= 10 * kept) || !isfinite(log[step].gradient)) {
            reel_params_write(params, copy);
            reel_optimizer_reset(optimizer, true);
            reel_optimizer_set(optimizer, "lr", reel_optimizer_get(optimizer, "lr") / 10);
            returns++;
            look(tape, net, params, x, y, &log[step]);
        } else if (step % every == 0) {
            reel_params_read(params, copy);
            kept = log[step].loss;
        }
        if (step == steps || reel_optimizer_step(optimizer) != REEL_OK) break;
    }
    reel_array_free(copy);
    reel_tape_free(tape);
    return returns;
}

#ifndef COURSE_NO_MAIN
int main(void)
{
    enum { STEPS = 400 };
    static explosion_step log[STEPS + 1];
    double size[] = {1.0, 1.5, 2.0, 2.5, 3.0}, price[] = {2.0, 2.8, 3.5, 4.0, 4.8};
    reel_context *reel = reel_context_new(NULL);
    reel_array x = reel_array_view(REEL_DOUBLE, size, 2, (const int64_t[]){5, 1});
    reel_array y = reel_array_view(REEL_DOUBLE, price, 2, (const int64_t[]){5, 1});
    for (int copies = 0; copies < 2; copies++) {
        explosion_origin origins[2] = {{.step = -1}, {.step = -1}};
        int returns = 0;
        reel_params *params = reel_params_new(reel, REEL_DOUBLE);
        explosion_net net = explosion_net_new(params, 1, 8, reel_rng_torch_new(reel, 42));
        reel_optimizer *sgd = reel_sgd_new(params, 0.3);
        if (copies)
            returns = explosion_train_with_copies(net, sgd, &x, &y, STEPS, 10, log);
        else
            explosion_train(net, sgd, &x, &y, STEPS, log, origins);
        if (reel_failed(reel)) break;
        printf("%s: loss %.2f at the start, %.2f at the end, %d returns\n", copies ? "with copies" : "alone",
               log[0].loss, log[STEPS].loss, returns);
        for (int k = 0; k < 2; k++)
            if (origins[k].step >= 0) printf("before update %d: %s\n", origins[k].step + 1, origins[k].text);
    }

    int status = reel_failed(reel);
    if (status) fprintf(stderr, "%s\n", reel_error_text(reel));
    reel_context_free(reel);
    return status;
}
#endif
