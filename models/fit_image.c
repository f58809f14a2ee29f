/* SPDX-License-Identifier: MIT
 *
 * Gaussians fitted to an image, without the trainer: fit_image IMAGE GAUSSIANS ITERATIONS OUT.png
 */
#include "gaussian_image.h"

#include <stdio.h>
#include <stdlib.h>

/* One iteration: forward, backward, update. The image before the update is left on the tape. */
static reel_value iterate(const gaussian_image *image, const reel_array *target, reel_tape *tape, reel_optimizer *adam,
                          double *loss)
{
    reel_tape_rewind(tape);
    reel_value seen = gaussian_image_render(image, tape);
    reel_value error = reel_mse(seen, reel_input(tape, target));
    reel_backward(error);
    reel_optimizer_step(adam);
    *loss = reel_item(error);
    return seen;
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: fit_image IMAGE GAUSSIANS ITERATIONS OUT.png\n");
        return 2;
    }
    const int iterations = atoi(argv[3]);
    reel_context *reel = reel_context_new(NULL);
    reel_array *target = reel_image_load(reel, argv[1], 1024);
    reel_params *params = reel_params_new(reel, REEL_FLOAT);
    gaussian_image image;
    gaussian_settings settings = gaussian_settings_new();
    settings.count = atoi(argv[2]);
    settings.height = target ? target->shape[1] : 1;
    settings.width = target ? target->shape[2] : 1;
    settings.blending = GAUSSIAN_SMOOTH;
    settings.cutoff = 5;
    settings.train[GAUSSIAN_ROTATION] = true;
    gaussian_image_init(&image, params, &settings);
    gaussian_image_start(&image, reel_rng_rust_new(reel, 42));
    gaussian_image_colours_from(&image, target);
    reel_optimizer *adam = reel_adam_new(params, 0.003);
    reel_tape *tape = reel_tape_new(reel, REEL_FLOAT);
    for (int i = 0; i <= iterations && !reel_failed(reel); i++) {
        double loss;
        reel_value seen = iterate(&image, target, tape, adam, &loss);
        reel_array view = reel_data(seen);
        if (i % 100 == 0 || i == iterations)
            printf("%5d  loss %.6f  PSNR %.2f dB\n", i, loss, reel_image_psnr(&view, target));
        if (i == iterations) reel_image_save(reel, argv[4], &view);
    }
    int failed = reel_failed(reel);
    if (failed) fprintf(stderr, "%s\n", reel_error_text(reel));
    reel_context_free(reel);
    return failed;
}
