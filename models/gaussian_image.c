/* SPDX-License-Identifier: MIT
 *
 * The Gaussian image: its parameters, their start, its losses.
 */
#include "gaussian_image.h"
#include "gaussian_kernel.h"

#include <math.h>

const char *const gaussian_part_names[GAUSSIAN_PARTS] = {"position", "scale", "rotation", "colour", "opacity"};
const char *const gaussian_blending_names[3] = {"normalised", "smooth", "additive"};
const gaussian_loss gaussian_loss_reported = {.l1 = 0.2, .l2 = 0.8, .ssim = 0.1, .window = REEL_SSIM_UNIFORM};

gaussian_settings gaussian_settings_new(void)
{
    return (gaussian_settings){
        .count = 50,
        .width = 64,
        .height = 64,
        .cutoff = 3.5,
        .eps = 0.001,
        .least_scale = 0.001,
        .most_scale = 0.5,
        .start_low = 0.01,
        .start_high = 0.1,
        .train = {true, true, false, true, false},
    };
}

gaussian_attributes gaussian_attributes_of(const gaussian_settings *s)
{
    return (gaussian_attributes){
        .width = s->width,
        .height = s->height,
        .blending = s->blending,
        .log_scale = s->log_scale,
        .cutoff = s->cutoff,
        .eps = s->eps,
    };
}

#define FAIL(...)                                                                                                      \
    reel_error_set(reel_params_context(params), REEL_BAD_ARGUMENT, REEL_HERE, "gaussian_image", __VA_ARGS__)

static reel_status check(reel_params *params, const gaussian_settings *s)
{
    if (s->count < 1 || s->count > GAUSSIAN_MOST_COUNT)
        return FAIL("found %lld Gaussians, expected 1 to %d", (long long)s->count, GAUSSIAN_MOST_COUNT);
    if (s->width < 1 || s->height < 1 || s->width > GAUSSIAN_MOST_SIDE || s->height > GAUSSIAN_MOST_SIDE)
        return FAIL("found an image of %lld x %lld pixels, expected 1 to %d each way", (long long)s->width,
                    (long long)s->height, GAUSSIAN_MOST_SIDE);
    if ((unsigned)s->blending > GAUSSIAN_ADDITIVE) return FAIL("found blending %d, expected 0 to 2", (int)s->blending);
    if (!(s->cutoff > 0)) return FAIL("found cut-off %g, expected more than 0 standard deviations", s->cutoff);
    if (!(s->eps >= 0 && s->eps < INFINITY)) return FAIL("found eps %g, expected 0 or more", s->eps);
    if (!(s->least_scale > 0 && s->least_scale <= s->most_scale && s->most_scale <= 1e6))
        return FAIL("found scales from %g to %g, expected 0 < least <= most", s->least_scale, s->most_scale);
    if (!(s->start_low > 0 && s->start_low <= s->start_high && s->start_high < INFINITY))
        return FAIL("found starting scales from %g to %g, expected 0 < low <= high", s->start_low, s->start_high);
    return REEL_OK;
}

reel_status gaussian_image_init(gaussian_image *image, reel_params *params, const gaussian_settings *settings)
{
    static const int64_t columns[GAUSSIAN_PARTS] = {2, 2, 1, 3, 1};
    reel_context *context = reel_params_context(params);
    *image = (gaussian_image){.settings = *settings, .params = params};
    if (reel_failed(context)) return context ? reel_error_status(context) : REEL_BAD_ARGUMENT;
    reel_status status = check(params, settings);
    for (int i = 0; i < GAUSSIAN_PARTS && status == REEL_OK; i++) {
        int index = reel_params_add(params, gaussian_part_names[i], 2, (const int64_t[]){settings->count, columns[i]});
        if (index < 0) return reel_error_status(context);
        image->index[i] = index;
        double low = 0, high = 1;
        if (i == GAUSSIAN_SCALE) {
            low = settings->log_scale ? log(settings->least_scale) : settings->least_scale;
            high = settings->log_scale ? log(settings->most_scale) : settings->most_scale;
        }
        bool bounded = i != GAUSSIAN_ROTATION && !(i == GAUSSIAN_COLOUR && settings->blending == GAUSSIAN_ADDITIVE);
        if (bounded) status = reel_params_set_bounds(params, index, low, high);
        if (status == REEL_OK) status = reel_params_set_trainable(params, index, settings->train[i]);
    }
    return status;
}

static void put(const reel_array *a, int64_t i, double value)
{
    if (a->dtype == REEL_FLOAT)
        ((float *)a->data)[i] = (float)value;
    else
        ((double *)a->data)[i] = value;
}

/* All parts as they stand in the store. */
static void views(const gaussian_image *image, reel_array view[GAUSSIAN_PARTS])
{
    for (int i = 0; i < GAUSSIAN_PARTS; i++) view[i] = reel_params_value(image->params, image->index[i]);
}

reel_status gaussian_image_start(gaussian_image *image, reel_rng *rng)
{
    const gaussian_settings *s = &image->settings;
    reel_context *context = reel_params_context(image->params);
    if (reel_failed(context)) return context ? reel_error_status(context) : REEL_BAD_ARGUMENT;
    reel_array view[GAUSSIAN_PARTS];
    views(image, view);
    for (int64_t i = 0; i < s->count; i++) {
        float drawn[6];
        reel_array first = reel_array_view(REEL_FLOAT, drawn, 1, (const int64_t[]){2});
        reel_array scale = reel_array_view(REEL_FLOAT, drawn + 2, 1, (const int64_t[]){1});
        reel_array colour = reel_array_view(REEL_FLOAT, drawn + 3, 1, (const int64_t[]){3});
        reel_status status = reel_rng_uniform(rng, &first, 0, 1);
        if (status == REEL_OK) status = reel_rng_uniform(rng, &scale, s->start_low, s->start_high);
        if (status == REEL_OK) status = reel_rng_uniform(rng, &colour, 0, 1);
        if (status != REEL_OK) return status;
        for (int k = 0; k < 2; k++) {
            put(&view[GAUSSIAN_POSITION], 2 * i + k, (double)drawn[k]);
            put(&view[GAUSSIAN_SCALE], 2 * i + k, s->log_scale ? log((double)drawn[2]) : (double)drawn[2]);
        }
        for (int k = 0; k < 3; k++) put(&view[GAUSSIAN_COLOUR], 3 * i + k, (double)drawn[3 + k]);
        put(&view[GAUSSIAN_ROTATION], i, 0);
        put(&view[GAUSSIAN_OPACITY], i, 1);
    }
    reel_params_touch(image->params);
    return REEL_OK;
}

/* The pixel that a position of [0,1] falls into. */
static int64_t pixel_at(double position, int64_t size)
{
    double at = position * (double)size;
    return !(at > 0) ? 0 : at >= (double)size ? size - 1 : (int64_t)at;
}

reel_status gaussian_image_colours_from(gaussian_image *image, const reel_array *target)
{
    reel_params *params = image->params;
    const int64_t width = image->settings.width, height = image->settings.height;
    if (reel_failed(reel_params_context(params))) return reel_error_status(reel_params_context(params));
    if (!target || target->rank != 3 || target->shape[0] != 3 || target->shape[1] != height ||
        target->shape[2] != width)
        return FAIL("the target is not (3,%lld,%lld)", (long long)height, (long long)width);
    reel_array view[GAUSSIAN_PARTS];
    views(image, view);
    for (int64_t i = 0; i < image->settings.count; i++) {
        int64_t x = pixel_at(reel_array_get(&view[GAUSSIAN_POSITION], 2 * i), width);
        int64_t y = pixel_at(reel_array_get(&view[GAUSSIAN_POSITION], 2 * i + 1), height);
        for (int k = 0; k < 3; k++)
            put(&view[GAUSSIAN_COLOUR], 3 * i + k, reel_array_get(target, (k * height + y) * width + x));
    }
    reel_params_touch(params);
    return REEL_OK;
}

reel_value gaussian_image_render(const gaussian_image *image, reel_tape *tape)
{
    gaussian_attributes attributes = gaussian_attributes_of(&image->settings);
    reel_value part[GAUSSIAN_PARTS];
    for (int i = 0; i < GAUSSIAN_PARTS; i++) part[i] = reel_param(tape, image->params, image->index[i]);
    return reel_record(&gaussian_render, GAUSSIAN_PARTS, part, &attributes);
}

/* Memory of the context, freed together. */
typedef struct arrays {
    reel_context *context;
    int count;
    reel_array *array[16];
} arrays;

static void *arrays_get(void *user, size_t bytes)
{
    arrays *a = user;
    const int64_t size = (int64_t)bytes;
    if (a->count == (int)(sizeof a->array / sizeof *a->array)) return NULL;
    reel_array *got = reel_array_new(a->context, REEL_UINT8, 1, &size);
    if (!got) return NULL;
    a->array[a->count++] = got;
    return got->data;
}

int64_t gaussian_image_uncovered(const gaussian_image *image, uint8_t *mask)
{
    arrays memory = {.context = reel_params_context(image->params)};
    if (reel_failed(memory.context)) return -1;
    const gaussian_kernels *k = gaussian_kernels_get(reel_params_dtype(image->params) == REEL_DOUBLE);
    gaussian_attributes attributes = gaussian_attributes_of(&image->settings);
    reel_array view[GAUSSIAN_PARTS];
    const reel_array *parts[GAUSSIAN_PARTS];
    views(image, view);
    for (int i = 0; i < GAUSSIAN_PARTS; i++) parts[i] = &view[i];
    gaussian_scene g = gaussian_scene_of(&attributes, parts);
    reel_status status = gaussian_scene_build(k, &g, (gaussian_memory){arrays_get, &memory}, false);
    int64_t count = -1;
    if (status == REEL_OK) {
        k->render(&g, NULL);
        count = k->uncovered(&g, mask);
    } else if (status == REEL_NOT_FINITE) {
        reel_error_set(memory.context, status, REEL_HERE, "gaussian_image", "a parameter is not finite");
    }
    while (memory.count > 0) reel_array_free(memory.array[--memory.count]);
    return count;
}

double gaussian_image_mean_scale(const gaussian_image *image)
{
    reel_array scale = reel_params_value(image->params, image->index[GAUSSIAN_SCALE]);
    double sum = 0;
    for (int64_t i = 0; i < scale.size; i++) {
        double s = reel_array_get(&scale, i);
        sum += image->settings.log_scale ? exp(s) : s;
    }
    return sum / (double)scale.size;
}

reel_value gaussian_loss_record(const gaussian_loss *loss, reel_value rendering, reel_value target)
{
    reel_value squares = loss->l2 != 0 ? reel_mse(rendering, target) : REEL_NIL;
    return gaussian_loss_record_with(loss, rendering, target, squares);
}

reel_value gaussian_loss_record_with(const gaussian_loss *loss, reel_value rendering, reel_value target,
                                     reel_value squares)
{
    reel_value total = REEL_NIL, term[3];
    int count = 0;
    if (loss->l1 != 0) term[count++] = reel_mul_scalar(reel_l1(rendering, target), loss->l1);
    if (loss->l2 != 0) term[count++] = reel_mul_scalar(squares, loss->l2);
    if (loss->ssim != 0)
        term[count++] =
            reel_add_scalar(reel_mul_scalar(reel_ssim(rendering, target, loss->window), -loss->ssim), loss->ssim);
    for (int i = 0; i < count; i++) total = i == 0 ? term[0] : reel_add(total, term[i]);
    return count > 0 || reel_is_nil(rendering) ? total : reel_scalar(rendering.tape, 0);
}
