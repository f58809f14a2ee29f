/* SPDX-License-Identifier: MIT
 *
 * The Gaussian image: its renderer against one of primitive operations, the published course of the study, bounds, and
 * resuming; structural similarity against plain loops.
 */
#include "gaussian_image.h"
#include "gaussian_kernel.h"
#include "kernels/kernels.h"
#include "moons_run.h"

#include <math.h>

/* ---- the oracle ---- */

/* The renderer from primitive operations: one dense (N, pixels) value a step. */
static reel_value oracle(reel_tape *tape, const reel_value *part, const gaussian_attributes *a)
{
    int64_t pixels = a->width * a->height, across[] = {1, pixels}, image[] = {3, a->height, a->width};
    reel_array *grid[2];
    for (int k = 0; k < 2; k++) {
        grid[k] = reel_array_new(NULL, context, REEL_DOUBLE, 2, across);
        for (int64_t i = 0; i < pixels; i++)
            ((double *)grid[k]->data)[i] =
                k ? (double)(i / a->width) / (double)a->height : (double)(i % a->width) / (double)a->width;
    }
    reel_value scale = a->log_scale ? reel_exp(NULL, part[1]) : part[1];
    reel_value dx = reel_sub(NULL, reel_input(NULL, tape, grid[0]), reel_slice(NULL, part[0], 1, 0, 1, 1));
    reel_value dy = reel_sub(NULL, reel_input(NULL, tape, grid[1]), reel_slice(NULL, part[0], 1, 1, 2, 1));
    reel_value c = reel_cos(NULL, part[2]), s = reel_sin(NULL, part[2]);
    reel_value u = reel_add(NULL, reel_mul(NULL, dx, c), reel_mul(NULL, dy, s));
    reel_value v = reel_sub(NULL, reel_mul(NULL, dy, c), reel_mul(NULL, dx, s));
    reel_value q = reel_add(NULL, reel_square(NULL, reel_div(NULL, u, reel_slice(NULL, scale, 1, 0, 1, 1))),
                            reel_square(NULL, reel_div(NULL, v, reel_slice(NULL, scale, 1, 1, 2, 1))));
    reel_value w = reel_mul(NULL, part[4], reel_exp(NULL, reel_mul_scalar(NULL, q, -0.5)));
    reel_array seen = reel_data(q), *reached = reel_array_new(NULL, context, REEL_DOUBLE, 2, seen.shape);
    for (int64_t i = 0; i < seen.size; i++)
        ((double *)reached->data)[i] = reel_array_get(&seen, i) <= a->cutoff * a->cutoff;
    w = reel_mul(NULL, w, reel_input(NULL, tape, reached));
    reel_value sums = reel_matmul(NULL, reel_transpose(NULL, part[3], 0, 1), w); /* (3, pixels) */
    if (a->blending != GAUSSIAN_ADDITIVE) {
        reel_value weight = reel_sum_axes(NULL, w, 1, (const int[]){0}, true);
        reel_array total = reel_data(weight), *dark = reel_array_new(NULL, context, REEL_DOUBLE, 2, total.shape);
        for (int64_t i = 0; i < total.size && a->blending == GAUSSIAN_NORMALISED; i++)
            ((double *)dark->data)[i] = reel_array_get(&total, i) > GAUSSIAN_LEAST_WEIGHT ? 0 : INFINITY;
        weight = reel_add(NULL, weight, reel_input(NULL, tape, dark)); /* black, and flat, where nothing is */
        sums = reel_div(NULL, sums, reel_add_scalar(NULL, weight, a->blending == GAUSSIAN_SMOOTH ? a->eps : 0));
    }
    return reel_reshape(NULL, sums, 3, image);
}

typedef struct scene {
    int64_t count;
    gaussian_attributes attributes;
    bool from_primitives, upright;
} scene;

static const scene scenes[] = {
    {7, {.width = 19, .height = 13, .blending = GAUSSIAN_NORMALISED, .cutoff = 3.5}, false, false},
    {7, {.width = 16, .height = 9, .blending = GAUSSIAN_NORMALISED, .cutoff = 8.9}, false, false},
    {4, {.width = 8, .height = 11, .blending = GAUSSIAN_NORMALISED, .cutoff = INFINITY}, false, false},
    {7, {.width = 33, .height = 7, .blending = GAUSSIAN_SMOOTH, .cutoff = INFINITY, .eps = 0.001}, false, false},
    {7, {.width = 17, .height = 17, .blending = GAUSSIAN_SMOOTH, .cutoff = 3.5, .eps = 0.01}, false, false},
    {7, {.width = 12, .height = 20, .blending = GAUSSIAN_ADDITIVE, .cutoff = INFINITY}, false, false},
    {5, {.width = 23, .height = 15, .blending = GAUSSIAN_ADDITIVE, .cutoff = 3.5, .log_scale = true}, false, false},
    {1, {.width = 1, .height = 1, .blending = GAUSSIAN_NORMALISED, .cutoff = INFINITY}, false, false},
    {7, {.width = 35, .height = 14, .blending = GAUSSIAN_NORMALISED, .cutoff = 3.5}, false, true},
    {7, {.width = 21, .height = 21, .blending = GAUSSIAN_SMOOTH, .cutoff = INFINITY, .eps = 0.001}, false, true},
    {5, {.width = 3, .height = 300, .blending = GAUSSIAN_NORMALISED, .cutoff = 3.5}, false, true},
    {5, {.width = 2, .height = 310, .blending = GAUSSIAN_ADDITIVE, .cutoff = 3.5}, false, false},
};
#define SCENES ((int)(sizeof scenes / sizeof *scenes))

/* Five arrays; some Gaussians stand outside, some are thin and long, one is not opaque at all. `upright`: but for a circle
 * that is turned, and an ellipse, none is. */
static void points_of(const scene *s, reel_array *part[GAUSSIAN_PARTS])
{
    static const int64_t columns[GAUSSIAN_PARTS] = {2, 2, 1, 3, 1};
    static const double low[GAUSSIAN_PARTS] = {-0.1, 0.03, -4, 0, 0.2}, high[GAUSSIAN_PARTS] = {1.1, 0.3, 4, 1, 1};
    reel_rng *rng = reel_rng_philox_new(NULL, context, (uint64_t)s->attributes.width, "scene");
    for (int i = 0; i < GAUSSIAN_PARTS; i++) {
        int64_t shape[] = {s->count, columns[i]};
        bool log_scale = i == GAUSSIAN_SCALE && s->attributes.log_scale;
        part[i] = reel_array_new(NULL, context, REEL_DOUBLE, 2, shape);
        reel_rng_uniform(NULL, rng, part[i], log_scale ? log(low[i]) : low[i], log_scale ? log(high[i]) : high[i]);
    }
    double *scale = part[GAUSSIAN_SCALE]->data, *turn = part[GAUSSIAN_ROTATION]->data;
    for (int64_t i = 0; i < s->count && s->upright; i++) turn[i] = i == 1 ? 0.7 : i == 2 ? turn[i] : 0;
    if (s->upright) scale[2] = scale[3];
    if (s->count > 3 && !s->attributes.log_scale) scale[0] = 0.01;
    if (s->count > 3 && s->attributes.blending != GAUSSIAN_NORMALISED) ((double *)part[GAUSSIAN_OPACITY]->data)[2] = 0;
}

static reel_value draw(reel_tape *tape, const reel_value *inputs, int count, void *user)
{
    const scene *s = user;
    (void)count;
    if (s->from_primitives) return oracle(tape, inputs, &s->attributes);
    return reel_record(NULL, &gaussian_render, GAUSSIAN_PARTS, inputs, &s->attributes);
}

/* Value and gradients of a weighted sum over the image, by the tape. */
static void values_of(const scene *s, reel_array *const part[], reel_dtype dtype, double *image, double *gradients)
{
    reel_tape *tape = reel_tape_new(NULL, context, dtype);
    reel_value in[GAUSSIAN_PARTS];
    for (int i = 0; i < GAUSSIAN_PARTS; i++)
        in[i] = reel_variable(NULL, tape, reel_array_cast(NULL, context, dtype, part[i]));
    reel_value y = draw(tape, in, GAUSSIAN_PARTS, (void *)(uintptr_t)s);
    reel_array data = reel_data(y), *weights = reel_array_new(NULL, context, dtype, 3, data.shape);
    for (int64_t i = 0; i < data.size; i++) image[i] = reel_array_get(&data, i);
    reel_rng_uniform(NULL, reel_rng_philox_new(NULL, context, 1, "weights"), weights, -1, 1);
    reel_backward(NULL, reel_sum(NULL, reel_mul(NULL, y, reel_input(NULL, tape, weights))));
    expect_fine();
    for (int i = 0; i < GAUSSIAN_PARTS; i++) {
        reel_array g = reel_gradient(in[i]);
        for (int64_t k = 0; k < g.size; k++) *gradients++ = reel_array_get(&g, k);
    }
    reel_tape_free(tape);
}

START_TEST(renderer_equals_oracle)
{
    static double image[2][3000], gradients[2][9 * 16];
    const scene *s = &scenes[_i];
    scene primitive = *s;
    primitive.from_primitives = true;
    reel_array *part[GAUSSIAN_PARTS];
    points_of(s, part);
    values_of(s, part, REEL_DOUBLE, image[0], gradients[0]);
    values_of(&primitive, part, REEL_DOUBLE, image[1], gradients[1]);
    double largest = 0;
    for (int64_t i = 0; i < 3 * s->attributes.width * s->attributes.height; i++) {
        ck_assert_msg(fabs(image[0][i] - image[1][i]) <= 1e-10, "scene %d, element %d: %.17g, expected %.17g", _i,
                      (int)i, image[0][i], image[1][i]);
        largest = fmax(largest, image[1][i]);
    }
    ck_assert(largest > 0.01);
    for (int64_t i = 0; i < 9 * s->count; i++)
        ck_assert_msg(fabs(gradients[0][i] - gradients[1][i]) <= 1e-10 * fmax(1, fabs(gradients[1][i])),
                      "scene %d, derivative %d: %.17g, expected %.17g", _i, (int)i, gradients[0][i], gradients[1][i]);
    /* In float, as near as float is. */
    values_of(s, part, REEL_FLOAT, image[0], gradients[0]);
    for (int64_t i = 0; i < 3 * s->attributes.width * s->attributes.height; i++)
        ck_assert_msg(fabs(image[0][i] - image[1][i]) <= 2e-5, "scene %d, element %d: %.9g, expected %.9g", _i, (int)i,
                      image[0][i], image[1][i]);
}
END_TEST

/* Of both renderers; no difference quotient may reach over a cut-off, hence small steps. */
START_TEST(gradients_check)
{
    const scene *s = &scenes[_i / 2];
    scene chosen = *s;
    chosen.from_primitives = _i % 2;
    reel_array *part[GAUSSIAN_PARTS];
    const reel_array *points[GAUSSIAN_PARTS];
    points_of(s, part);
    for (int i = 0; i < GAUSSIAN_PARTS; i++) points[i] = part[i];
    reel_check_report report;
    reel_check_options options = {.step = 1e-6, .relative = 1e-5, .absolute = 1e-6};
    reel_check_gradient(NULL, context, draw, &chosen, GAUSSIAN_PARTS, points, NULL, &options, &report);
    expect_fine();
    ck_assert_msg(report.failed == 0 && report.kinks == 0, "scene %d: %s", _i, report.text);
    ck_assert_int_eq(report.checked, 9 * s->count);
}
END_TEST

START_TEST(operation_checks)
{
    reel_check_report report;
    ck_assert_int_eq(reel_check_operation(NULL, context, &gaussian_render, &report), REEL_OK);
    ck_assert_msg(report.failed == 0 && report.checked > 100, "%s", report.text);
}
END_TEST

/* Every instruction set that this processor has, weights kept and computed again. */
static void *bytes_of(void *user, size_t bytes)
{
    const int64_t size = (int64_t)bytes;
    return reel_array_new(NULL, user, REEL_UINT8, 1, &size)->data;
}

static void render_with(const gaussian_kernels *k, const scene *s, reel_array *const part[], bool keep, double *image,
                        double *gradients)
{
    const reel_array *parts[GAUSSIAN_PARTS];
    const size_t element = k->wide ? 8 : 4;
    int64_t pixels = s->attributes.width * s->attributes.height, size = 9 * s->count;
    for (int i = 0; i < GAUSSIAN_PARTS; i++)
        parts[i] = reel_array_cast(NULL, context, k->wide ? REEL_DOUBLE : REEL_FLOAT, part[i]);
    gaussian_scene g = gaussian_scene_of(&s->attributes, parts);
    ck_assert_int_eq(gaussian_scene_build(k, &g, (gaussian_memory){bytes_of, context}, true), REEL_OK);
    void *out = bytes_of(context, (size_t)(3 * pixels) * element), *by = bytes_of(context, (size_t)size * element);
    void *to[GAUSSIAN_PARTS];
    size_t at = 0;
    for (int i = 0; i < GAUSSIAN_PARTS; i++) {
        to[i] = (char *)by + at * element;
        at += (size_t)parts[i]->size;
    }
    ck_assert_ptr_nonnull(g.weights);
    if (!keep) g.weights = NULL;
    k->render(&g, out);
    k->gather(&g, out, out, to, (const bool[5]){false});
    for (int64_t i = 0; i < 3 * pixels; i++) image[i] = k->wide ? ((double *)out)[i] : (double)((float *)out)[i];
    for (int64_t i = 0; i < size; i++) gradients[i] = k->wide ? ((double *)by)[i] : (double)((float *)by)[i];
}

START_TEST(instruction_sets_agree)
{
    static double image[2][3000], gradients[2][9 * 16];
    const scene *s = &scenes[_i];
    reel_array *part[GAUSSIAN_PARTS];
    points_of(s, part);
    for (int wide = 0; wide < 2; wide++) {
        render_with(gaussian_kernels_of("generic", wide), s, part, true, image[0], gradients[0]);
        for (int isa = ISA_GENERIC; isa < ISA_COUNT; isa++) {
            const kernels *of = kernels_get_isa((kernels_isa)isa, wide ? REEL_DOUBLE : REEL_FLOAT);
            if (!of) continue;
            const gaussian_kernels *k = gaussian_kernels_of(of->isa, wide);
            ck_assert_ptr_nonnull(k);
            for (int keep = 0; keep < 2; keep++) {
                render_with(k, s, part, keep, image[1], gradients[1]);
                double near = wide ? 1e-12 : 2e-5;
                for (int64_t i = 0; i < 3 * s->attributes.width * s->attributes.height; i++)
                    ck_assert_msg(fabs(image[0][i] - image[1][i]) <= near, "%s: %.17g, generic %.17g", of->isa,
                                  image[1][i], image[0][i]);
                for (int64_t i = 0; i < 9 * s->count; i++)
                    ck_assert_msg(
                        fabs(gradients[0][i] - gradients[1][i]) <= 100 * near * fmax(1, fabs(gradients[0][i])),
                        "%s: derivative %d %.17g, generic %.17g", of->isa, (int)i, gradients[1][i], gradients[0][i]);
            }
        }
    }
    ck_assert_ptr_null(gaussian_kernels_of("none", false));
}
END_TEST

/* A number that is not finite is seen in the whole image and in the gradients. */
START_TEST(not_finite_is_seen)
{
    static double image[3000], gradients[9 * 16];
    for (int which = 0; which < GAUSSIAN_PARTS; which++) {
        const scene *s = &scenes[0];
        reel_array *part[GAUSSIAN_PARTS];
        points_of(s, part);
        ((double *)part[which]->data)[1] = which % 2 ? NAN : INFINITY;
        if (which == GAUSSIAN_SCALE) ((double *)part[which]->data)[1] = 0;
        values_of(s, part, REEL_DOUBLE, image, gradients);
        ck_assert(isnan(image[0]) && isnan(image[3 * 19 * 13 - 1]) && isnan(gradients[0]));
    }
}
END_TEST

/* An image of hand-made Gaussians, each a row of position, scale and rotation, all white and of opacity 1 but for the last
 * of several, which nobody sees. gradients (5, 3 count): a row a part, by the sum of the image. */
static void draw_few(reel_dtype dtype, int64_t count, const double (*rows)[5], const gaussian_attributes *attributes,
                     double *image, double (*gradients)[9])
{
    static const int64_t columns[GAUSSIAN_PARTS] = {2, 2, 1, 3, 1};
    reel_tape *tape = reel_tape_new(NULL, context, dtype);
    reel_value in[GAUSSIAN_PARTS];
    for (int i = 0, at = 0; i < GAUSSIAN_PARTS; at += (int)columns[i++]) {
        reel_array *part = reel_array_new(NULL, context, REEL_DOUBLE, 2, (const int64_t[]){count, columns[i]});
        for (int64_t k = 0; k < part->size; k++) {
            const int64_t row = k / columns[i];
            ((double *)part->data)[k] = i < GAUSSIAN_COLOUR ? rows[row][at + k % columns[i]] : 1;
            if (i == GAUSSIAN_OPACITY && count > 1 && row == count - 1) ((double *)part->data)[k] = 0;
        }
        in[i] = reel_variable(NULL, tape, reel_array_cast(NULL, context, dtype, part));
    }
    reel_value y = reel_record(NULL, &gaussian_render, GAUSSIAN_PARTS, in, attributes);
    ck_assert_int_eq(reel_backward(NULL, reel_sum(NULL, y)), REEL_OK);
    reel_array data = reel_data(y);
    for (int64_t i = 0; i < data.size; i++) image[i] = reel_array_get(&data, i);
    for (int i = 0; i < GAUSSIAN_PARTS; i++) {
        reel_array g = reel_gradient(in[i]);
        for (int64_t k = 0; k < g.size; k++) gradients[i][k] = reel_array_get(&g, k);
    }
    reel_tape_free(tape);
}

/* Blended with eps 0 an image is 0 / 0 where nothing is. Where the last vector of columns reaches beyond the image, that
 * does not matter. */
START_TEST(nothing_beyond_the_image)
{
    static double image[3000], gradients[GAUSSIAN_PARTS][9];
    const double turns[] = {0, 0.3};
    for (int dtype = REEL_FLOAT; dtype <= REEL_DOUBLE; dtype++)
        for (int i = 0; i < 2; i++) {
            gaussian_attributes attributes = {.width = 3, .height = 2, .blending = GAUSSIAN_SMOOTH, .cutoff = 2};
            draw_few((reel_dtype)dtype, 1, (const double[][5]){{0.33, 0.25, 0.22, 0.22, turns[i]}}, &attributes, image,
                     gradients);
            for (int k = 0; k < 3 * 3 * 2; k++) ck_assert(fabs(image[k] - 1) < 1e-6);
            for (int p = 0; p < GAUSSIAN_PARTS; p++)
                for (int k = 0; k < 2 - (p == GAUSSIAN_ROTATION || p == GAUSSIAN_OPACITY); k++)
                    ck_assert_msg(isfinite(gradients[p][k]), "%s: derivative %g", gaussian_part_names[p],
                                  gradients[p][k]);
        }
}
END_TEST

/* A needle so thin that its height, in a number of its own type, is infinite. */
START_TEST(thin_needle)
{
    static double image[3000], gradients[GAUSSIAN_PARTS][9];
    for (int dtype = REEL_FLOAT; dtype <= REEL_DOUBLE; dtype++) {
        const double thin = dtype == REEL_FLOAT ? 1e-18 : 1e-150, tall = dtype == REEL_FLOAT ? 1e6 : 1e11;
        gaussian_attributes attributes = {.width = 16, .height = 16, .blending = GAUSSIAN_ADDITIVE, .cutoff = 3.5};
        draw_few((reel_dtype)dtype, 1, (const double[][5]){{0.5, 0.5, thin, tall, 0}}, &attributes, image, gradients);
        for (int i = 0; i < 16 * 16; i++)
            ck_assert_msg(fabs(image[i] - (i % 16 == 8)) < 1e-6, "column %d, row %d: %g", i % 16, i / 16, image[i]);
    }
}
END_TEST

/* Upright ones so far outside that rounding hides which row is their last: what stands behind their rows belongs to others. */
START_TEST(far_outside)
{
    static double image[2][3000], gradients[GAUSSIAN_PARTS][9];
    const struct {
        double y, scale;
        int64_t height;
    } far[] = {{-2116.23901, 604.782593, 376}, {-8086.8418, 2310.60327, 232},  {-7920.19434, 2263.08423, 400},
               {-5312.61328, 1517.93909, 120}, {-7295.07715, 2084.32983, 280}, {-5176.87939, 1479.14075, 288},
               {-902.253662, 257.902069, 392}};
    for (size_t i = 0; i < sizeof far / sizeof *far; i++) {
        gaussian_attributes attributes = {
            .width = 2, .height = far[i].height, .blending = GAUSSIAN_ADDITIVE, .cutoff = 3.5};
        const double rows[][5] = {{0.5, far[i].y, 0.4, far[i].scale, 0}, {0.5, 0.4, 0.3, 0.5, 0}};
        draw_few(REEL_FLOAT, 1, rows, &attributes, image[0], gradients);
        draw_few(REEL_FLOAT, 2, rows, &attributes, image[1], gradients);
        for (int k = 0; k < 3 * 2 * far[i].height; k++)
            ck_assert_msg(image[0][k] < 0.003 && image[1][k] == image[0][k], "row %d: %g and %g", k / 2, image[0][k],
                          image[1][k]);
    }
}
END_TEST

/* ---- the study ---- */

typedef struct study {
    reel_context *context;
    gaussian_image image;
    reel_params *params;
    reel_array *target;
    reel_optimizer *adam;
    reel_trainer *trainer;
} study;

static reel_value study_loss(const reel_batch *batch, void *user)
{
    const study *s = user;
    return reel_mse(NULL, gaussian_image_render(&s->image, batch->tape), reel_input(NULL, batch->tape, s->target));
}

static study study_new(reel_dtype dtype, const gaussian_settings *settings)
{
    study s = {.context = reel_context_new(NULL)};
    s.params = reel_params_new(NULL, s.context, dtype);
    s.target = reel_test_image_new(NULL, s.context, "baseline1", 64, 64);
    gaussian_image_init(&s.image, s.params, settings);
    gaussian_image_start(&s.image, reel_rng_rust_new(NULL, s.context, 42));
    s.adam = reel_adam_new(NULL, s.params, 0.001);
    ck_assert_msg(!reel_failed(s.context), "%s", reel_error_text(s.context));
    return s;
}

START_TEST(published_losses)
{
    static const struct {
        int iteration;
        double loss, near;
        int uncovered; /* -1: not known */
    } published[] = {{1, 0.245190, 1e-6, 179}, {100, 0.115349, 1e-6, -1}, {500, 0.089064, 1e-5, 0}};
    gaussian_settings settings = gaussian_settings_new();
    study s = study_new(REEL_FLOAT, &settings);
    reel_tape *tape = reel_tape_new(NULL, s.context, REEL_FLOAT);
    for (int i = 1, next = 0; next < 3; i++) {
        reel_tape_rewind(tape);
        reel_value seen = gaussian_image_render(&s.image, tape), wanted = reel_input(NULL, tape, s.target);
        reel_value loss = reel_mse(NULL, seen, wanted);
        reel_tape_set_gradients(tape, false);
        double reported = reel_item(NULL, gaussian_loss_record(&gaussian_loss_reported, seen, wanted));
        reel_tape_set_gradients(tape, true);
        if (i == published[next].iteration) {
            ck_assert_msg(fabs(reported - published[next].loss) <= published[next].near + 5e-7, "iteration %d: %.9g", i,
                          reported);
            int64_t dark = gaussian_image_uncovered(&s.image, NULL);
            if (published[next].uncovered >= 0) ck_assert_int_eq(dark, published[next].uncovered);
            next++;
        }
        reel_backward(NULL, loss);
        reel_optimizer_step(NULL, s.adam);
        ck_assert_msg(!reel_failed(s.context), "%s", reel_error_text(s.context));
    }
    reel_context_free(s.context);
}
END_TEST

START_TEST(uncovered_and_scale)
{
    gaussian_settings settings = gaussian_settings_new();
    study s = study_new(REEL_DOUBLE, &settings);
    static uint8_t mask[64 * 64];
    int64_t count = 0, dark = gaussian_image_uncovered(&s.image, mask);
    for (int i = 0; i < 64 * 64; i++) count += mask[i];
    ck_assert_int_eq(count, dark);
    ck_assert_int_eq(dark, 179);
    double scale = gaussian_image_mean_scale(&s.image);
    ck_assert(scale > 0.04 && scale < 0.07);
    settings.log_scale = true;
    study l = study_new(REEL_DOUBLE, &settings);
    ck_assert(fabs(gaussian_image_mean_scale(&l.image) - scale) < 1e-12);
    ck_assert_int_eq(gaussian_image_uncovered(&l.image, NULL), 179);
    /* The mask is what is black. */
    reel_tape *tape = reel_tape_new(NULL, s.context, REEL_DOUBLE);
    reel_array seen = reel_data(gaussian_image_render(&s.image, tape));
    for (int i = 0; i < 64 * 64; i++)
        ck_assert_int_eq(mask[i], reel_array_get(&seen, i) == 0 && reel_array_get(&seen, i + 4096) == 0);
    reel_context_free(s.context);
    reel_context_free(l.context);
}
END_TEST

/* ---- bounds ---- */

START_TEST(bounds_are_kept)
{
    for (int dtype = REEL_FLOAT; dtype <= REEL_DOUBLE; dtype++)
        for (int o = 0; reel_optimizer_at(o); o++) {
            reel_params *params = reel_params_new(NULL, context, (reel_dtype)dtype);
            int64_t shape[] = {40};
            int free_one = reel_params_add(NULL, params, "free", 1, shape),
                bounded = reel_params_add(NULL, params, "bounded", 1, shape);
            reel_params_set_bounds(NULL, params, bounded, -1e-5, 2e-5);
            reel_optimizer *optimizer = reel_optimizer_new(NULL, params, reel_optimizer_at(o));
            reel_optimizer_set(NULL, optimizer, "lr", 0.1);
            int64_t size = 80;
            reel_array *g = reel_array_new(NULL, context, REEL_DOUBLE, 1, &size);
            for (int i = 0; i < 80; i++) ((double *)g->data)[i] = i % 2 ? 1 : -1;
            for (int step = 0; step < 3; step++) {
                reel_params_set_gradient(NULL, params, g);
                reel_optimizer_step(NULL, optimizer);
            }
            expect_fine();
            reel_array inside = reel_params_value(params, bounded), outside = reel_params_value(params, free_one);
            double largest = 0;
            for (int i = 0; i < 40; i++) {
                double x = reel_array_get(&inside, i);
                ck_assert(x >= -1.0001e-5 && x <= 2.0001e-5);
                largest = fmax(largest, fabs(reel_array_get(&outside, i)));
            }
            ck_assert_msg(largest > 2.1e-5, "%s does not move", reel_optimizer_at(o)->name);
            reel_params_free(params);
        }
}
END_TEST

START_TEST(bounds_errors)
{
    reel_params *params = reel_params_new(NULL, context, REEL_DOUBLE);
    int64_t shape[] = {2};
    int p = reel_params_add(NULL, params, "p", 1, shape);
    double low, high;
    reel_params_bounds(params, p, &low, &high);
    ck_assert(low == -INFINITY && high == INFINITY);
    reel_params_set_bounds(NULL, params, p, 2, 1);
    expect_error(REEL_BAD_ARGUMENT, "\"p\": found bounds 2 and 1");
    reel_params_set_bounds(NULL, params, p, NAN, 1);
    expect_error(REEL_BAD_ARGUMENT, "bounds");
    reel_params_set_bounds(NULL, params, 1, 0, 1);
    expect_error(REEL_BAD_INDEX, "found parameter 1, expected 0 to 0");
    reel_params_set_bounds(NULL, params, p, 0, 1);
    reel_params_bounds(params, p, &low, &high);
    ck_assert(low == 0 && high == 1);
    /* Without training nothing is moved; NaN stays. */
    reel_optimizer *sgd = reel_optimizer_new(NULL, params, reel_optimizer_find("sgd"));
    reel_array *g = reel_array_new(NULL, context, REEL_DOUBLE, 1, shape), value = reel_params_value(params, p);
    ((double *)value.data)[0] = 7;
    reel_params_set_trainable(NULL, params, p, false);
    reel_params_set_gradient(NULL, params, g);
    reel_optimizer_step(NULL, sgd);
    ck_assert(((double *)value.data)[0] == 7);
    reel_params_set_trainable(NULL, params, p, true);
    ((double *)value.data)[1] = NAN;
    reel_params_set_gradient(NULL, params, g);
    reel_optimizer_step(NULL, sgd);
    ck_assert(((double *)value.data)[0] == 1 && isnan(((double *)value.data)[1]));
    expect_fine();
}
END_TEST

/* ---- under the trainer ---- */

/* Small Gaussians at a high rate, so that all bounds are reached. */
static void run(study *s, const char *folder, reel_resume how, int epochs, char hash[33])
{
    reel_optimizer_set(NULL, s->adam, "lr", 0.03);
    s->trainer = reel_trainer_custom_new(NULL, s->adam, NULL, NULL, study_loss, s);
    reel_trainer_set(NULL, s->trainer, "epochs", epochs);
    reel_trainer_set(NULL, s->trainer, "checkpoint_every", 7);
    reel_trainer_set_folder(NULL, s->trainer, folder, how);
    ck_assert_msg(reel_trainer_run(NULL, s->trainer) == REEL_OK, "%s", reel_error_text(s->context));
    ck_assert_int_eq(reel_state_hash(NULL, reel_trainer_state(s->trainer), hash), REEL_OK);
}

START_TEST(resume_is_exact)
{
    char whole[64], parts[64], hash[3][33];
    gaussian_settings settings = gaussian_settings_new();
    folder_fresh(whole);
    folder_fresh(parts);
    study s = study_new(REEL_FLOAT, &settings);
    run(&s, whole, REEL_START, 40, hash[0]);
    int at_bounds = 0;
    reel_array flat = reel_params_value(s.params, s.image.index[GAUSSIAN_COLOUR]);
    for (int64_t i = 0; i < flat.size; i++) {
        double x = reel_array_get(&flat, i);
        ck_assert(x >= 0 && x <= 1);
        at_bounds += x == 0 || x == 1;
    }
    ck_assert_int_gt(at_bounds, 0);
    reel_context_free(s.context);
    s = study_new(REEL_FLOAT, &settings);
    run(&s, parts, REEL_START, 17, hash[1]);
    reel_context_free(s.context);
    s = study_new(REEL_FLOAT, &settings);
    run(&s, parts, REEL_CONTINUE, 40, hash[1]);
    ck_assert_str_eq(hash[0], hash[1]);
    reel_context_free(s.context);
    /* The checkpoint tells the bounds. */
    char path[128];
    snprintf(path, sizeof path, "%s/step-000000040.json", parts);
    reel_checkpoint *c = reel_checkpoint_open(NULL, context, path);
    ck_assert(reel_checkpoint_number(c, "state/parameters/bounds/scale/high") == 0.5);
    expect_fine();
    /* Other bounds go on from it, and are the program's. */
    settings.least_scale = 0.02;
    s = study_new(REEL_FLOAT, &settings);
    run(&s, parts, REEL_CONTINUE, 60, hash[2]);
    double low;
    reel_params_bounds(s.params, s.image.index[GAUSSIAN_SCALE], &low, NULL);
    ck_assert(low == 0.02);
    reel_context_free(s.context);
    folder_remove(whole);
    folder_remove(parts);
}
END_TEST

/* ---- errors ---- */

START_TEST(wrong_settings)
{
    static const char *const sentences[] = {"0 Gaussians", "0 x 64 pixels",   "1048576 pixels", "cut-off 0",
                                            "eps",         "starting scales", "scales from 0"};
    for (int i = 0; i < 7; i++) {
        gaussian_settings s = gaussian_settings_new();
        switch (i) {
        case 0: s.count = 0; break;
        case 1: s.width = 0; break;
        case 2: s.height = 1 << 20; break;
        case 3: s.cutoff = 0; break;
        case 4: s.eps = NAN; break;
        case 5: s.start_low = 0; break;
        default: s.least_scale = 0; break;
        }
        gaussian_image image;
        gaussian_image_init(&image, reel_params_new(NULL, context, REEL_FLOAT), &s);
        expect_error(REEL_BAD_ARGUMENT, sentences[i]);
    }
    gaussian_image image;
    gaussian_settings s = gaussian_settings_new();
    reel_params *params = reel_params_new(NULL, context, REEL_FLOAT);
    gaussian_image_init(&image, params, &s);
    gaussian_image_init(&image, params, &s);
    expect_error(REEL_BAD_ARGUMENT, "\"position\" is taken");
    const int64_t shape[] = {2, 2};
    reel_tape *tape = reel_tape_new(NULL, context, REEL_DOUBLE);
    reel_value x = reel_input(NULL, tape, reel_array_new(NULL, context, REEL_DOUBLE, 2, shape));
    gaussian_attributes a = gaussian_attributes_of(&s);
    ck_assert(reel_is_nil(reel_record(NULL, &gaussian_render, 5, (reel_value[]){x, x, x, x, x}, &a)));
    expect_error(REEL_BAD_SHAPE, "rotation");
}
END_TEST

/* ---- structural similarity ---- */

/* By plain loops in double, the variances as means of squared deviations. */
static double similarity(const double *x, const double *y, int height, int width, bool uniform)
{
    const int size = uniform ? 8 : 11, unused = uniform;
    double weight[11][11], total = 0, sum = 0;
    int count = 0;
    for (int i = 0; i < size; i++)
        for (int j = 0; j < size; j++)
            total += weight[i][j] = uniform ? 1 : exp(-((i - 5) * (i - 5) + (j - 5) * (j - 5)) / (2 * 1.5 * 1.5));
    for (int r = 0; r <= height - size - unused; r++)
        for (int c = 0; c <= width - size - unused; c++, count++) {
            double m = 0, n = 0, vx = 0, vy = 0, cov = 0;
            for (int k = 0; k < size * size; k++) {
                double w = weight[k / size][k % size] / total;
                int at = (r + k / size) * width + c + k % size;
                m += w * x[at];
                n += w * y[at];
            }
            for (int k = 0; k < size * size; k++) {
                double w = weight[k / size][k % size] / total;
                int at = (r + k / size) * width + c + k % size;
                vx += w * (x[at] - m) * (x[at] - m);
                vy += w * (y[at] - n) * (y[at] - n);
                cov += w * (x[at] - m) * (y[at] - n);
            }
            sum += (2 * m * n + 1e-4) * (2 * cov + 9e-4) / ((m * m + n * n + 1e-4) * (vx + vy + 9e-4));
        }
    return sum / count;
}

START_TEST(similarity_equals_loops)
{
    static const int sizes[][2] = {{11, 11}, {64, 64}, {12, 37}, {40, 13}};
    for (int w = 0; w < 2; w++)
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
            for (int dtype = REEL_FLOAT; dtype <= REEL_DOUBLE; dtype++) {
                int64_t shape[] = {2, sizes[i][0], sizes[i][1]}, plane = shape[1] * shape[2];
                reel_array *x = reel_array_new(NULL, context, REEL_DOUBLE, 3, shape);
                reel_array *y = reel_array_new(NULL, context, REEL_DOUBLE, 3, shape);
                reel_rng *rng = reel_rng_philox_new(NULL, context, (uint64_t)i, "images");
                reel_rng_uniform(NULL, rng, x, 0, 1);
                reel_rng_uniform(NULL, rng, y, 0, 1);
                for (int64_t k = 0; k < x->size; k++) ((double *)y->data)[k] += 0.7 * ((double *)x->data)[k];
                double wanted = 0;
                for (int p = 0; p < 2; p++)
                    wanted += similarity((double *)x->data + p * plane, (double *)y->data + p * plane, (int)shape[1],
                                         (int)shape[2], w == 0) /
                              2;
                reel_tape *tape = reel_tape_new(NULL, context, (reel_dtype)dtype);
                reel_value a = reel_input(NULL, tape, x), b = reel_input(NULL, tape, y);
                double found = reel_item(NULL, reel_ssim(NULL, a, b, (reel_ssim_window)w));
                double same = reel_item(NULL, reel_ssim(NULL, a, a, (reel_ssim_window)w));
                expect_fine();
                ck_assert_msg(fabs(found - wanted) <= (dtype == REEL_FLOAT ? 1e-6 : 1e-13), "%.17g, expected %.17g",
                              found, wanted);
                ck_assert(fabs(same - 1) <= (dtype == REEL_FLOAT ? 1e-6 : 1e-14));
            }
}
END_TEST

START_TEST(similarity_errors)
{
    const int64_t small[] = {8, 20}, other[] = {20, 8}, right[] = {20, 20};
    reel_tape *tape = reel_tape_new(NULL, context, REEL_DOUBLE);
    reel_value a = reel_input(NULL, tape, reel_array_new(NULL, context, REEL_DOUBLE, 2, small));
    reel_value b = reel_input(NULL, tape, reel_array_new(NULL, context, REEL_DOUBLE, 2, other));
    reel_value c = reel_input(NULL, tape, reel_array_new(NULL, context, REEL_DOUBLE, 2, right));
    reel_ssim(NULL, a, b, REEL_SSIM_UNIFORM);
    expect_error(REEL_BAD_SHAPE, "images (8,20) and (20,8) differ");
    reel_ssim(NULL, a, a, REEL_SSIM_UNIFORM);
    expect_error(REEL_BAD_SHAPE, "at least 9 x 9");
    reel_ssim(NULL, a, a, REEL_SSIM_GAUSSIAN);
    expect_error(REEL_BAD_SHAPE, "at least 11 x 11");
    reel_ssim(NULL, c, c, (reel_ssim_window)7);
    expect_error(REEL_BAD_ARGUMENT, "window 7");
}
END_TEST

int main(void)
{
    TCase *c = tcase_create("gaussian");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_loop_test(c, renderer_equals_oracle, 0, SCENES);
    tcase_add_loop_test(c, gradients_check, 0, 2 * SCENES);
    tcase_add_loop_test(c, instruction_sets_agree, 0, SCENES);
    tcase_add_test(c, operation_checks);
    tcase_add_test(c, not_finite_is_seen);
    tcase_add_test(c, nothing_beyond_the_image);
    tcase_add_test(c, thin_needle);
    tcase_add_test(c, far_outside);
    tcase_add_test(c, published_losses);
    tcase_add_test(c, uncovered_and_scale);
    tcase_add_test(c, bounds_are_kept);
    tcase_add_test(c, bounds_errors);
    tcase_add_test(c, resume_is_exact);
    tcase_add_test(c, wrong_settings);
    tcase_add_test(c, similarity_equals_loops);
    tcase_add_test(c, similarity_errors);
    return run_case(c, "gaussian");
}
