/* SPDX-License-Identifier: MIT
 *
 * Two moons: a small network learns to tell two interleaved half circles apart. To copy and change.
 *
 *     cc two_moons.c -o two_moons $(pkg-config --cflags --libs reel)
 */
#include <reel/reel.h>

#include <math.h>

#define EPOCHS 200

/* Share of the points on the right side: the network says how likely class 1 is, as a logit, which is above 0 where it
 * takes class 1 to be the more likely one. */
static double accuracy(reel_value logits, const reel_array *classes)
{
    reel_array z = reel_data(logits);
    int64_t right = 0;
    for (int64_t i = 0; i < z.size; i++) right += (reel_array_get(&z, i) > 0) == (reel_array_get(classes, i) == 1);
    return (double)right / (double)classes->size;
}

int main(void)
{
    /* Everything belongs to the context, which also keeps the first error: no call here needs a check of its own. */
    reel_context *reel = reel_context_new(NULL);
    reel_dataset *moons = reel_moons_new(reel, 200, 0.15, reel_rng_numpy_new(reel, 42));
    reel_params *params = reel_params_new(reel, REEL_FLOAT);
    reel_module *net = reel_mlp_new(params, "net", 3, (const int[]){2, 8, 1}, "relu", reel_rng_torch_new(reel, 42));
    reel_optimizer *adam = reel_adam_new(params, 0.05);
    reel_tape *tape = reel_tape_new(reel, REEL_FLOAT);
    double final = NAN, share = NAN;

    for (int epoch = 0; epoch <= EPOCHS; epoch++) {
        reel_tape_rewind(tape);
        reel_value logits = reel_forward(net, reel_input(tape, moons->x));
        reel_value loss = reel_bce_with_logits(logits, reel_input(tape, moons->y));
        final = reel_item(loss);
        if (reel_failed(reel)) break;
        if (epoch % 20 == 0) printf("%3d  %.6f\n", epoch, final);
        if (epoch == EPOCHS) {
            share = accuracy(logits, moons->y);
            break;
        }
        reel_backward(loss);
        if (reel_optimizer_step(adam) != REEL_OK) break;
    }

    int status = reel_failed(reel);
    if (status)
        fprintf(stderr, "%s\n", reel_error_text(reel));
    else
        printf("loss %.6f, accuracy %.1f %%\n", final, 100 * share);
    reel_context_free(reel);
    return status;
}
