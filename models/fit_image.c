/* SPDX-License-Identifier: MIT
 *
 * Fits Gaussians to an image without the trainer, step by step.
 */
#include "gaussian_image.h"

#include <stdlib.h>

int main(int argc, char **argv)
{
    const int64_t shape[] = {3, 64, 64};
    const int iterations = argc > 1 ? atoi(argv[1]) : 1000;
    reel_context *reel = reel_context_new(NULL);
    reel_array *target = reel_array_new(reel, REEL_FLOAT, 3, shape);
    for (int k = 0; k < 3; k++)
        for (int y = 0; y < 64; y++)
            for (int x = 0; x < 64; x++)
                ((float *)target->data)[(k * 64 + y) * 64 + x] =
                    (float)x / 64.0f * 0.7f + ((x / 8 + y / 8) % 2 == 0 ? 0.2f : 0.0f);
    gaussian_image image;
    gaussian_settings settings = gaussian_settings_new();
    reel_params *params = reel_params_new(reel, REEL_FLOAT);
    gaussian_image_init(&image, params, &settings);
    gaussian_image_start(&image, reel_rng_rust_new(reel, 42));
    reel_optimizer *adam = reel_adam_new(params, 0.001);
    reel_tape *tape = reel_tape_new(reel, REEL_FLOAT);
    for (int i = 1; i <= iterations; i++) {
        reel_tape_rewind(tape);
        reel_value seen = gaussian_image_render(&image, tape), wanted = reel_input(tape, target);
        reel_value loss = reel_mse(seen, wanted);
        reel_tape_set_gradients(tape, false);
        reel_value reported = gaussian_loss_record_with(&gaussian_loss_reported, seen, wanted, loss);
        reel_tape_set_gradients(tape, true);
        reel_backward(loss);
        if (reel_optimizer_step(adam) != REEL_OK) break;
        if (i == 1 || i % 100 == 0)
            printf("%5d  %.6f  %lld\n", i, reel_item(reported), (long long)gaussian_image_uncovered(&image, NULL));
    }
    if (reel_failed(reel)) fprintf(stderr, "%s\n", reel_error_text(reel));
    reel_context_free(reel);
    return 0;
}
