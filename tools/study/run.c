/* SPDX-License-Identifier: MIT
 *
 * One run on Reel's tape.
 */
#include "run.h"
#include "published.h"

#include "../checkpoints.h"
#include "../signals.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void array_set(reel_array *a, int64_t index, double value)
{
    if (a->dtype == REEL_FLOAT)
        ((float *)a->data)[index] = (float)value;
    else
        ((double *)a->data)[index] = value;
}

/* ---- the loss ---- */

/* y = b, with the gradient of a: what is reported is one thing, what is followed another. */
static reel_status follow_shape(reel_call *call)
{
    if (call->in[0]->size != 1 || call->in[1]->size != 1)
        return reel_call_fail(call, REEL_BAD_SHAPE, "expected two losses of one element");
    *call->out = *call->in[1];
    return REEL_OK;
}

static reel_status follow_forward(reel_call *call)
{
    memcpy(call->out->data, call->in[1]->data, reel_dtype_size(call->out->dtype));
    return REEL_OK;
}

static reel_status follow_backward(reel_call *call)
{
    reel_array from = reel_array_view(call->out->dtype, (void *)(uintptr_t)call->out_gradient, 0, NULL);
    for (int i = 0; i < 2; i++) {
        if (!call->in_gradient[i]) continue;
        reel_array to = reel_array_view(call->out->dtype, call->in_gradient[i], 0, NULL);
        double g = i == 0 ? reel_array_get(&from, 0) : 0;
        array_set(&to, 0, call->add[i] ? reel_array_get(&to, 0) + g : g);
    }
    return REEL_OK;
}

static const reel_op follow = {.size = sizeof(reel_op),
                               .name = "follow",
                               .formula = "y = b, with the gradient of a",
                               .least = 2,
                               .most = 2,
                               .shape = follow_shape,
                               .forward = follow_forward,
                               .backward = follow_backward};

static double mean_square(const reel_array *a, const reel_array *b)
{
    double sum = 0;
    for (int64_t i = 0; i < a->size; i++) {
        double d = reel_array_get(a, i) - reel_array_get(b, i);
        sum += d * d;
    }
    return sum / (double)a->size;
}

/* Shows the state before an update to whoever looks, once an iteration. */
static void look_at(study_run *r, const reel_batch *batch, reel_value image)
{
    int64_t iteration = batch->step + 1;
    if (r->squares_only || iteration <= r->loss_count || reel_is_nil(image)) return;
    reel_array rendering = reel_data(image);
    if (study_is_printed(iteration) || iteration % (int64_t)r->settings->log_every == 0)
        r->point = (study_point){iteration, NAN, mean_square(&rendering, r->target),
                                 gaussian_image_mean_scale(&r->model), gaussian_image_uncovered(&r->model, NULL)};
    if (r->look) r->look(r, iteration, &rendering, r->user);
}

static reel_value loss_of(const reel_batch *batch, void *user)
{
    study_run *r = user;
    reel_value image = gaussian_image_render(&r->model, batch->tape);
    reel_value target = reel_input(NULL, batch->tape, r->target);
    if (r->squares_only) return reel_mse(NULL, image, target);
    look_at(r, batch, image);
    if (r->settings->gradient != 0) return gaussian_loss_record(&gaussian_loss_reported, image, target);
    reel_value squares = reel_mse(NULL, image, target);
    reel_value reported = gaussian_loss_record_with(&gaussian_loss_reported, reel_detach(NULL, image), target,
                                                    reel_detach(NULL, squares));
    return reel_record(NULL, &follow, 2, (const reel_value[]){squares, reported}, NULL);
}

/* ---- building ---- */

enum { IMAGE_MOST = 1024 };

static bool is_one_colour(const reel_array *image)
{
    int64_t pixels = image->size / 3;
    for (int64_t i = 0; i < image->size; i++)
        if (reel_array_get(image, i) != reel_array_get(image, i / pixels * pixels)) return false;
    return true;
}

static void load_image(study_run *r)
{
    const char *file = r->settings->image;
    r->target = file ? reel_image_load(NULL, r->context, file, IMAGE_MOST)
                     : reel_test_image_new(NULL, r->context, "baseline1", PUBLISHED_SIDE, PUBLISHED_SIDE);
    if (r->target && is_one_colour(r->target))
        reel_error_set(r->context, REEL_BAD_ARGUMENT, NULL, "study",
                       "%s is of one colour: there is nothing to fit Gaussians to", file);
}

/* FNV-1a of the target's floats: which image a checkpoint belongs to. */
static int64_t hash_of(const reel_array *a)
{
    uint64_t hash = 14695981039346656037u;
    const unsigned char *bytes = a->data;
    for (size_t i = 0; i < (size_t)a->size * reel_dtype_size(a->dtype); i++) hash = (hash ^ bytes[i]) * 1099511628211u;
    return (int64_t)(hash >> 12);
}

static double *kept_of(const study_settings *s, int i)
{
    return (double *)((char *)(uintptr_t)s + study_kept_settings[i].offset);
}

static void add_state(study_run *r)
{
    reel_state *state = reel_trainer_state(r->trainer);
    for (int i = 0; i < study_kept_count; i++) {
        r->kept[i] = *kept_of(r->settings, i);
        reel_state_add_double(NULL, state, study_kept_settings[i].name, &r->kept[i]);
    }
    r->image_hash = hash_of(r->target);
    reel_state_add_int64(NULL, state, "image_hash", &r->image_hash);
}

static void set_trainer(study_run *r)
{
    const study_settings *s = r->settings;
    trainer_flags_apply(&s->trainer, r->trainer);
    const hyper_value settings[] = {
        {"epochs", s->iterations},   {"checkpoint_every", s->run.every},      {"keep", s->run.keep},
        {"durable", s->run.durable}, {"accept_edited", s->run.accept_edited}, {"log_every", 1},
        {"steady_loss", 1}};
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        reel_trainer_set(NULL, r->trainer, settings[i].name, settings[i].value);
}

int study_build(study_run *r)
{
    const study_settings *s = r->settings;
    r->context = reel_context_new(NULL);
    reel_context_set_threads(r->context, 1);
    load_image(r);
    if (reel_failed(r->context) || !r->target) return complain_of(s->who, r->context);
    r->params = reel_params_new(NULL, r->context, s->precision != 0 ? REEL_DOUBLE : REEL_FLOAT);
    gaussian_settings settings = study_model(s);
    settings.height = r->target->shape[1], settings.width = r->target->shape[2];
    gaussian_image_init(&r->model, r->params, &settings);
    gaussian_image_start(&r->model, reel_rng_rust_new(NULL, r->context, (uint64_t)s->seed));
    r->optimizer = optimizer_build(r->params, &s->choice);
    r->trainer = reel_trainer_custom_new(NULL, r->optimizer, NULL, NULL, loss_of, r);
    r->best = INFINITY;
    if (reel_failed(r->context)) return complain_of(s->who, r->context);
    if (!s->quiet) r->progress = reel_progress_new(NULL, r->context, stderr);
    set_trainer(r);
    add_state(r);
    return run_flags_ask(&s->run, s->set, &s->choice, r->context, r->trainer);
}

/* ---- where to start from ---- */

/* Settings of the model that differ from the checkpoint's are told; the image must be the same unless another was named. */
static void check_kept(study_run *r)
{
    char was[REEL_HYPER_TEXT], now[REEL_HYPER_TEXT], text[700];
    for (int i = 0; i < study_kept_count; i++) {
        const study_kept *k = &study_kept_settings[i];
        double live = *kept_of(r->settings, i);
        if (r->kept[i] == live) continue;
        snprintf(text, sizeof text, "%s %s -> %s (flag)", k->name, reel_hyper_print(k->hyper, r->kept[i], was),
                 reel_hyper_print(k->hyper, live, now));
        if (r->progress) reel_progress_observe(&(reel_event){.kind = REEL_EVENT_NOTE, .text = text}, r->progress);
        r->kept[i] = live;
    }
    int64_t hash = hash_of(r->target);
    if (hash != r->image_hash && !r->settings->image)
        reel_error_set(r->context, REEL_MISMATCH, NULL, "study",
                       "the checkpoint was trained on another image: name one with --image");
    r->image_hash = hash;
}

/* Changes the last bit of one number, so that another of all the possible trajectories is seen. */
static void perturb(study_run *r)
{
    int64_t number = (int64_t)r->settings->perturb;
    if (number == 0) return;
    reel_array position = reel_params_value(r->params, r->model.index[GAUSSIAN_POSITION]);
    int64_t at = 2 * ((number - 1) % (position.size / 2));
    if (position.dtype == REEL_FLOAT)
        array_set(&position, at, nextafterf((float)reel_array_get(&position, at), 0.5f));
    else
        array_set(&position, at, nextafter(reel_array_get(&position, at), 0.5));
    reel_params_touch(r->params);
}

/* ---- recording ---- */

static void record(study_run *r, int64_t iteration, double loss)
{
    if (iteration > r->loss_room) {
        int64_t room = 2 * iteration + 1024;
        double *grown = realloc(r->losses, (size_t)room * sizeof *grown);
        if (!grown) {
            reel_error_set(r->context, REEL_NO_MEMORY, NULL, "study", "no room for %lld losses", (long long)room);
            return;
        }
        r->losses = grown;
        r->loss_room = room;
    }
    while (r->loss_count < iteration) r->losses[r->loss_count++] = NAN;
    r->losses[iteration - 1] = loss;
    if (loss < r->best) r->best = loss, r->best_iteration = iteration;
    if (r->point.iteration != iteration) return;
    r->point.loss = loss;
    if (study_is_printed(iteration) && !history_add(&r->history, r->point))
        reel_error_set(r->context, REEL_NO_MEMORY, NULL, "study", "no room for the history");
}

static void observe(const reel_event *event, void *user)
{
    study_run *r = user;
    if (event->kind == REEL_EVENT_BEGIN) {
        r->first = event->step;
        if (event->step > 0) check_kept(r);
        if (r->first > 0) record(r, r->first, NAN);
        perturb(r);
        if (r->after) r->after(r, event->step, r->user);
    }
    if (event->kind == REEL_EVENT_STEP) {
        record(r, event->step, event->loss);
        r->gradient_norm = event->gradient_norm;
        if (r->after) r->after(r, event->step, r->user);
    }
    if (event->kind == REEL_EVENT_NOTE && r->note) r->note(r, event->step, event->text, r->user);
    if (r->progress) reel_progress_observe(event, r->progress);
}

int study_train(study_run *r)
{
    const study_settings *s = r->settings;
    const char *who = s->who, *why = "";
    int status =
        run_flags_start(&s->run, s->set, r->folder, r->context, r->trainer, r->resume_path, sizeof r->resume_path);
    if (status != EXIT_DONE) return status;
    reel_trainer_set_observer(r->trainer, observe, r);
    signals_watch(r->trainer);
    double begun = seconds_now();
    reel_status ended = reel_trainer_run(NULL, r->trainer);
    r->seconds = seconds_now() - begun;
    signals_watch(NULL);
    if (reel_failed(r->context)) return run_flags_complain(&s->run, s->set, r->folder, ended, r->context);
    if (signals_caught() || ended != REEL_OK)
        return signals_stopped(who, r->trainer, r->folder, "the same line with --resume auto goes on");
    /* Ended before its first update: all that is known is the loss of the checkpoint's last step. */
    if (reel_trainer_step(r->trainer) == r->first && r->first > 0) record(r, r->first, reel_trainer_loss(r->trainer));
    if (reel_trainer_stop_reason(r->trainer, &why) != REEL_STOP_EPOCHS) snprintf(r->ended, sizeof r->ended, "%s", why);
    return EXIT_DONE;
}

void study_free(study_run *r)
{
    reel_context_free(r->context);
    history_free(&r->history);
    free(r->losses);
    r->losses = NULL;
    r->context = NULL;
}

/* ---- what follows from the losses ---- */

double study_onset(const double *losses, int64_t count, double best)
{
    int64_t last = -1;
    for (int64_t i = 0; i < count; i++)
        if (losses[i] <= 1.1 * best) last = i;
    return last == count - 1 ? NAN : (double)(last + 2);
}

double study_overshoot(const double *losses, int64_t count, int64_t best_iteration)
{
    double most = 1, best = best_iteration > 0 ? losses[best_iteration - 1] : NAN;
    for (int64_t i = best_iteration; i < count; i++) most = fmax(most, losses[i] / best);
    return most;
}
