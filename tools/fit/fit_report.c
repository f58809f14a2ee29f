/* SPDX-License-Identifier: MIT
 *
 * The numbers of `reel fit`.
 */
#include "fit/fit.h"

#include <math.h>
#include <stdlib.h>

void image_fit_print(const fit_run *r, FILE *file)
{
    int64_t step;
    double best = reel_trainer_best(r->trainer, &step);
    fprintf(file, "%s, %lld x %lld, %lld Gaussians, %s blending, %lld updates\n", r->settings->image,
            (long long)r->choice.model.width, (long long)r->choice.model.height, (long long)r->choice.model.count,
            gaussian_blending_names[r->choice.model.blending], (long long)reel_trainer_step(r->trainer));
    fprintf(file, "loss %.6f  PSNR %.2f dB  SSIM %.4f  largest error %.3f  pixels without a Gaussian %lld\n", r->loss,
            r->psnr, r->ssim, r->largest, (long long)r->uncovered);
    if (best < r->loss) fprintf(file, "smallest loss %.6f after %lld updates\n", best, (long long)step);
}

static void add_optimizer(cJSON *object, const fit_run *r)
{
    const reel_optimizer_type *kind = reel_optimizer_kind(r->optimizer);
    const reel_hyper *h;
    cJSON *o = cJSON_AddObjectToObject(object, "optimizer");
    json_add_text(o, "kind", kind->name);
    for (int i = 0; (h = reel_optimizer_hyper_at(kind, i)) != NULL; i++) {
        char text[REEL_HYPER_TEXT];
        double value = reel_optimizer_get(r->optimizer, h->name);
        if (h->kind == REEL_HYPER_CHOICE)
            json_add_text(o, h->name, reel_hyper_print(h, value, text));
        else
            json_add_number(o, h->name, value, REEL_DOUBLE);
    }
    char text[1024];
    reel_schedule *schedule = reel_optimizer_schedule(r->optimizer, 0);
    if (schedule) reel_schedule_describe(schedule, text, sizeof text);
    json_add_text(object, "schedule", schedule ? text : NULL);
}

static void add_settings(cJSON *object, const fit_run *r)
{
    const gaussian_settings *m = &r->choice.model;
    const fit_settings *s = r->settings;
    cJSON *o = cJSON_AddObjectToObject(object, "model");
    json_add_whole(o, "gaussians", m->count);
    json_add_text(o, "blending", s->blending);
    json_add_number(o, "cutoff", m->cutoff, REEL_DOUBLE);
    json_add_number(o, "eps", m->eps, REEL_DOUBLE);
    json_add_text(o, "scale_form", s->scale_form);
    json_add_number(o, "least_scale", m->least_scale, REEL_DOUBLE);
    json_add_number(o, "most_scale", m->most_scale, REEL_DOUBLE);
    json_add_number(o, "start_low", m->start_low, REEL_DOUBLE);
    json_add_number(o, "start_high", m->start_high, REEL_DOUBLE);
    json_add_text(o, "start", s->start);
    json_add_text(o, "train", s->train);
    json_add_text(object, "loss_terms", s->loss);
    json_add_text(object, "ssim_window", s->window);
    json_add_text(object, "precision", s->precision);
    json_add_number(object, "seed", s->seed, REEL_DOUBLE);
}

/* [[updates made, loss], ...] */
static void add_losses(cJSON *object, const fit_run *r)
{
    cJSON *list = cJSON_AddArrayToObject(object, "loss"), *last = NULL;
    const chart *c = &r->losses;
    for (int64_t i = 0; list && c->count && i < c->series[0].count; i++) {
        char text[NUMBER_SIZE], pair[2 * NUMBER_SIZE + 8];
        double loss = series_y(c, &c->series[0], i, 0);
        snprintf(pair, sizeof pair, isfinite(loss) ? "[%.0f, %s]" : "[%.0f, \"%s\"]", series_x(c, &c->series[0], i),
                 number_text(loss, r->choice.precision, text));
        cJSON *one = cJSON_CreateRaw(pair);
        if (!one) return;
        if (last) { /* cJSON_AddItemToArray would look for the end every time */
            last->next = one;
            one->prev = last;
            list->child->prev = one;
        } else {
            cJSON_AddItemToArray(list, one);
        }
        last = one;
    }
}

cJSON *image_fit_numbers(const fit_run *r)
{
    cJSON *o = cJSON_CreateObject(), *parameters;
    int64_t step;
    const char *ended;
    double best = reel_trainer_best(r->trainer, &step);
    reel_trainer_stop_reason(r->trainer, &ended);
    json_add_text(o, "command", "fit");
    json_add_text(o, "version", reel_version());
    json_add_fingerprint(o);
    json_add_text(o, "image", r->settings->image);
    json_add_whole(o, "width", r->choice.model.width);
    json_add_whole(o, "height", r->choice.model.height);
    add_settings(o, r);
    add_optimizer(o, r);
    json_add_whole(o, "steps", reel_trainer_step(r->trainer));
    json_add_text(o, "ended", ended);
    add_losses(o, r);
    json_add_number(o, "final_loss", r->loss, r->choice.precision);
    json_add_number(o, "best_loss", best, r->choice.precision);
    json_add_whole(o, "best_step", step);
    json_add_number(o, "psnr", r->psnr, REEL_DOUBLE);
    json_add_number(o, "ssim", r->ssim, r->choice.precision);
    json_add_number(o, "largest_error", r->largest, r->choice.precision);
    json_add_whole(o, "uncovered", r->uncovered);
    parameters = cJSON_AddObjectToObject(o, "parameters");
    for (int i = 0; parameters && i < GAUSSIAN_PARTS; i++) {
        reel_array value = reel_params_value(r->params, r->image.index[i]);
        double *numbers = malloc(((size_t)value.size + 1) * sizeof *numbers);
        for (int64_t k = 0; numbers && k < value.size; k++) numbers[k] = reel_array_get(&value, k);
        if (numbers)
            json_add_numbers(parameters, gaussian_part_names[i], numbers, value.size, r->choice.precision, NULL);
        free(numbers);
    }
    return o;
}
