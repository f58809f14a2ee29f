/* SPDX-License-Identifier: MIT
 *
 * Makes data and spoils them, with the random numbers in the lesson's order.
 */
#include "messy.h"

#include <math.h>

noisy_data noisy_data_new(reel_context *reel, reel_rng *numpy, int64_t rows, double noise)
{
    noisy_data data = {fit_normal(reel, numpy, rows, MESSY_FEATURES), fit_matrix(reel, rows, 1),
                       fit_matrix(reel, rows, 1), .rows = rows};
    if (reel_failed(reel)) return data;
    for (int64_t i = 0; i < rows; i++) {
        const double *x = fit_elements(data.x) + i * MESSY_FEATURES;
        bool one = x[0] + x[1] > 0;
        bool wrong = reel_rng_uniform_one(numpy) < noise;
        fit_elements(data.clean)[i] = one;
        fit_elements(data.noisy)[i] = one != wrong;
        data.flipped += wrong;
    }
    return data;
}

int64_t missing_take(reel_array *x, reel_rng *numpy, double rate, bool large)
{
    int64_t taken = 0;
    for (int64_t i = 0; x && i < x->size; i++) {
        double *number = fit_elements(x) + i, chance = large ? (*number > 0 ? 2 * rate : 0) : rate;
        if (reel_rng_uniform_one(numpy) >= chance) continue;
        *number = NAN;
        taken++;
    }
    return taken;
}
