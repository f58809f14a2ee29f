/* SPDX-License-Identifier: MIT
 *
 * The start of the published run.
 */
#include "start.h"

#include <reel/reel.h>

#include <stdlib.h>
#include <string.h>

bool study_image(float target[PUBLISHED_PIXELS])
{
    reel_context *context = reel_context_new(NULL);
    reel_array *image = reel_test_image_new(NULL, context, "baseline1", PUBLISHED_SIDE, PUBLISHED_SIDE);
    if (image) memcpy(target, image->data, PUBLISHED_PIXELS * sizeof *target); /* the three planes are the same */
    reel_context_free(context);
    return image != NULL;
}

/* One float of [low, high) as the study drew it. */
static float draw(reel_rng *rng, double low, double high)
{
    float value = 0;
    int64_t one = 1;
    reel_array a = reel_array_view(REEL_FLOAT, &value, 1, &one);
    reel_rng_uniform(NULL, rng, &a, low, high);
    return value;
}

published_run *published_start(int count, uint64_t seed)
{
    float target[PUBLISHED_PIXELS];
    reel_context *context = reel_context_new(NULL);
    reel_rng *rng = reel_rng_rust_new(NULL, context, seed);
    published_gaussian *start = calloc((size_t)count, sizeof *start);
    published_run *run = NULL;
    for (int i = 0; start && i < count; i++) {
        published_gaussian *g = &start[i];
        g->x = draw(rng, 0, 1);
        g->y = draw(rng, 0, 1);
        g->scale_x = g->scale_y = draw(rng, 0.01, 0.1);
        g->red = draw(rng, 0, 1);
        g->green = draw(rng, 0, 1);
        g->blue = draw(rng, 0, 1);
    }
    if (start && study_image(target) && !reel_failed(context)) run = published_new(count, start, target);
    free(start);
    reel_context_free(context);
    return run;
}
