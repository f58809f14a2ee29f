/* SPDX-License-Identifier: MIT
 *
 * Image, model, loss and trainer of `reel fit`.
 */
#include "fit/fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* test:NAME[:WIDTHxHEIGHT] */
static reel_array *test_image(reel_context *context, const char *text)
{
    char name[64];
    const char *size = strchr(text, ':');
    int width = 256, height = 256, used = 0;
    snprintf(name, sizeof name, "%.*s", size && size - text < 63 ? (int)(size - text) : 63, text);
    if (strcmp(name, "baseline1") == 0) width = height = 64;
    if (size && (sscanf(size, ":%5dx%5d%n", &width, &height, &used) != 2 || size[used] || width < 1 || height < 1 ||
                 width > FIT_SIDE_MOST || height > FIT_SIDE_MOST)) {
        reel_error_set(context, REEL_BAD_ARGUMENT, NULL, NULL,
                       "test:%s: expected a size from 1x1 to %dx%d after the name", text, FIT_SIDE_MOST, FIT_SIDE_MOST);
        return NULL;
    }
    return reel_test_image_new(NULL, context, name, width, height);
}

static bool has_one_colour(const reel_array *image)
{
    const int64_t pixels = image->size / 3;
    for (int64_t i = 0; i < image->size; i++)
        if (((const float *)image->data)[i] != ((const float *)image->data)[i / pixels * pixels]) return false;
    return true;
}

static reel_array *read_image(reel_context *context, const char *name, reel_dtype dtype)
{
    bool computed = strncmp(name, "test:", 5) == 0;
    reel_array *image = computed ? test_image(context, name + 5) : reel_image_load(NULL, context, name, FIT_SIDE_MOST);
    if (image && has_one_colour(image)) {
        reel_error_set(context, REEL_BAD_ARGUMENT, NULL, NULL, "%s has one colour only: there is nothing to fit", name);
        return NULL;
    }
    return image && dtype != REEL_FLOAT ? reel_array_cast(NULL, context, dtype, image) : image;
}

bool image_fit_build(fit_run *r, const fit_settings *s, const fit_choice *choice, reel_context *context)
{
    *r = (fit_run){.settings = s, .choice = *choice, .context = context};
    r->losses =
        (chart){.kind = "run", .x = "iteration", .x_label = "updates made", .y = {"loss"}, .panels = 1, .log_y = true};
    r->target = read_image(context, s->image, choice->precision);
    if (!r->target) return false;
    gaussian_settings *model = &r->choice.model;
    model->height = r->target->shape[1];
    model->width = r->target->shape[2];
    if (choice->loss.ssim > 0 && fmin((double)model->height, (double)model->width) < 11) {
        reel_error_set(context, REEL_BAD_ARGUMENT, NULL, NULL,
                       "--loss: the term ssim needs an image of at least 11 x 11 pixels");
        return false;
    }
    r->data.x = reel_array_new(NULL, context, choice->precision, 4,
                               (const int64_t[]){1, 3, r->target->shape[1], r->target->shape[2]});
    r->data.y = reel_array_new(NULL, context, choice->precision, 2, (const int64_t[]){1, 1});
    if (!r->data.x || !r->data.y) return false;
    memcpy(r->data.x->data, r->target->data, (size_t)r->target->size * reel_dtype_size(choice->precision));
    r->params = reel_params_new(NULL, context, choice->precision);
    gaussian_image_init(&r->image, r->params, model);
    gaussian_image_start(&r->image, reel_rng_rust_new(NULL, context, (uint64_t)s->seed));
    if (choice->colours_from_image) gaussian_image_colours_from(&r->image, r->target);
    return !reel_failed(context);
}

static reel_value loss_of(const reel_batch *batch, void *user)
{
    const fit_run *r = user;
    reel_value seen = gaussian_image_render(&r->image, batch->tape);
    return gaussian_loss_record(&r->choice.loss, seen, reel_reshape(NULL, batch->x, 3, r->target->shape));
}

void image_fit_trainer_new(fit_run *r)
{
    r->trainer = reel_trainer_custom_new(NULL, r->optimizer, NULL, &r->data, loss_of, r);
    if (r->trainer) reel_trainer_set(NULL, r->trainer, "seed", r->settings->seed);
}

bool image_fit_trainer(fit_run *r, reel_args *args)
{
    const fit_settings *s = r->settings;
    r->optimizer = reel_args_optimizer(NULL, args, r->params, "adam", FIT_RATE);
    image_fit_trainer_new(r);
    if (!r->trainer) return false;
    reel_trainer_set(NULL, r->trainer, "epochs", s->iterations);
    reel_trainer_set(NULL, r->trainer, "steady_loss", 1);
    if (reel_args_apply(NULL, args, r->trainer) != REEL_OK) return false;
    if (s->iterations_given) reel_trainer_ask(NULL, r->trainer, "epochs", s->iterations, "flag");
    double tenth = ceil((double)reel_trainer_steps(r->trainer) / 10);
    if (reel_trainer_get(r->trainer, "checkpoint_every") == 0 && !reel_args_given(args, "every") && tenth > 0)
        reel_trainer_set(NULL, r->trainer, "checkpoint_every", tenth);
    option_group groups[FIT_GROUPS];
    image_fit_groups(groups);
    char seed[32];
    snprintf(seed, sizeof seed, "%.0f", s->seed);
    const char *const words[] = {
        s->image, "--loss", s->loss, "--ssim-window", s->window, "--optimizer", reel_optimizer_kind(r->optimizer)->name,
        "--seed", seed,     NULL};
    recipe_set(r->trainer, "fit", groups, 1, words);
    return !reel_failed(r->context);
}

/* The rendering, and with `ssim` the similarity, without gradients. */
static reel_array *render(const fit_run *r, double *ssim)
{
    reel_tape *tape = reel_tape_new(NULL, r->context, r->choice.precision);
    reel_tape_set_gradients(tape, false);
    reel_value seen = gaussian_image_render(&r->image, tape), wanted = reel_input(NULL, tape, r->target);
    reel_array view = reel_data(seen);
    const int64_t side = view.shape[1] < view.shape[2] ? view.shape[1] : view.shape[2];
    reel_array *image = view.data ? reel_array_cast(NULL, r->context, r->choice.precision, &view) : NULL;
    *ssim = NAN;
    if (image && side >= 9)
        *ssim = reel_item(NULL, reel_ssim(NULL, seen, wanted, side < 11 ? REEL_SSIM_UNIFORM : REEL_SSIM_GAUSSIAN));
    reel_tape_free(tape);
    return image;
}

bool image_fit_quality(const fit_run *r, double *psnr, double *ssim)
{
    reel_array *image = render(r, ssim);
    *psnr = reel_image_psnr(image, r->target);
    reel_array_free(image);
    return image != NULL;
}

bool image_fit_measure(fit_run *r)
{
    r->rendering = render(r, &r->ssim);
    if (!r->rendering) return false;
    r->psnr = reel_image_psnr(r->rendering, r->target);
    for (int64_t i = 0; i < r->target->size; i++)
        r->largest = fmax(r->largest, fabs(reel_array_get(r->rendering, i) - reel_array_get(r->target, i)));
    r->uncovered = gaussian_image_uncovered(&r->image, NULL);
    r->loss = reel_trainer_evaluate(NULL, r->trainer, &r->data);
    return !reel_failed(r->context);
}
