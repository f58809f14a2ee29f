/* SPDX-License-Identifier: MIT
 *
 * The trainer: life, settings, what can be asked.
 */
#include "train/trainer.h"

#include "train/saver.h"
#include "train/state.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const reel_hyper settings[] = {
#define SETTING_ROW(id, label, which, number, from, to, sentence)                                                      \
    {.name = label,                                                                                                    \
     .kind = REEL_HYPER_##which,                                                                                       \
     .value = number,                                                                                                  \
     .least = from,                                                                                                    \
     .most = to,                                                                                                       \
     .open_most = REEL_HYPER_##which == REEL_HYPER_NUMBER,                                                             \
     .text = sentence},
    TRAINER_SETTINGS(SETTING_ROW)
#undef SETTING_ROW
};

static void trainer_destroy(reel_object *object)
{
    reel_trainer *t = (reel_trainer *)object;
    folder_close(t);
    reel_state_free(t->state);
    reel_tape_free(t->tape);
    reel_array_free(t->order.order);
    if (t->order.own) reel_rng_free(t->order.rng);
    reel_rng_free(t->dropout);
    reel_array_free(t->rows);
    reel_array_free(t->x);
    reel_array_free(t->y);
    memory_free(object->context, t->before, t->before_bytes);
    saver_free(t);
    memory_string_free(object->context, t->folder.path);
    memory_string_free(object->context, t->resume_path);
    memory_string_free(object->context, t->recipe);
    memory_string_free(object->context, t->data_hash);
    memory_string_free(object->context, t->validation_hash);
    resume_free(t);
    object_release(object, sizeof *t);
}

static reel_trainer *trainer_new(const char *site, reel_module *module, reel_dataset *data, reel_optimizer *optimizer)
{
    reel_params *params = reel_optimizer_params(optimizer);
    reel_context *context = reel_params_context(params);
    if (!context || reel_failed(context)) return NULL;
    reel_trainer *t = object_new(context, site, "trainer_new", sizeof *t, trainer_destroy);
    if (!t) return NULL;
    t->module = module;
    t->data = data;
    t->optimizer = optimizer;
    t->params = params;
    t->order.order_epoch = -1;
    t->loss_before = t->loss_after = t->rate = NAN;
    t->best_loss = t->best_saved_loss = INFINITY;
    t->best_step = t->best_saved_step = t->gradient_step = -1;
    t->guards = guards_start;
    for (int i = 0; i < SETTING_COUNT; i++) t->settings[i] = settings[i].value;
    t->tape = reel_tape_new(site, context, reel_params_dtype(params));
    t->state = reel_state_new(site, context, NULL);
    if (t->state) {
        state_add_visit(site, t->state, "trainer", t, trainer_visit);
        if (module) reel_state_add_module(site, t->state, "model", module);
        reel_state_add_params(site, t->state, "parameters", params);
        reel_state_add_optimizer(site, t->state, "optimizer", optimizer);
        state_add_visit(site, t->state, "open_gradient", t, gradient_visit);
        state_add_visit(site, t->state, "last_gradient", t, last_gradient_visit);
    }
    object_raise(t);
    if (t->tape && !reel_failed(context)) return t;
    object_free(t);
    return NULL;
}

static reel_value loss_of_module(const reel_batch *batch, void *user)
{
    reel_trainer *t = user;
    const char *site = t->site ? t->site : "trainer";
    return t->loss_of(site, reel_forward(site, t->module, batch->x), batch->y);
}

reel_trainer *reel_trainer_new(const char *site, reel_module *module, reel_dataset *data, reel_loss_of loss,
                               reel_optimizer *optimizer)
{
    reel_context *context = reel_params_context(reel_optimizer_params(optimizer));
    if (context && (!module || !data || !loss)) {
        reel_error_set(context, REEL_BAD_ARGUMENT, site, "trainer_new", "a module, a data set and a loss are needed");
        return NULL;
    }
    reel_trainer *t = trainer_new(site, module, data, optimizer);
    if (!t) return NULL;
    t->loss_of = loss;
    t->loss_function = loss_of_module;
    t->user = t;
    return t;
}

reel_trainer *reel_trainer_custom_new(const char *site, reel_optimizer *optimizer, reel_module *module,
                                      reel_dataset *data, reel_loss_function loss, void *user)
{
    reel_context *context = reel_params_context(reel_optimizer_params(optimizer));
    if (context && !loss) {
        reel_error_set(context, REEL_BAD_ARGUMENT, site, "trainer_new", "a loss function is needed");
        return NULL;
    }
    reel_trainer *t = trainer_new(site, module, data, optimizer);
    if (!t) return NULL;
    t->loss_function = loss;
    t->user = user;
    return t;
}

void reel_trainer_free(reel_trainer *trainer)
{
    object_free(trainer);
}

static int setting_find(const char *name)
{
    for (int i = 0; name && i < SETTING_COUNT; i++)
        if (strcmp(settings[i].name, name) == 0) return i;
    return -1;
}

reel_status reel_trainer_set(const char *site, reel_trainer *t, const char *name, double value)
{
    if (!t) return REEL_BAD_ARGUMENT;
    reel_context *context = t->object.context;
    if (reel_failed(context)) return reel_error_status(context);
    int i = setting_find(name);
    if (i < 0)
        return reel_error_set(context, REEL_NOT_FOUND, site, "trainer_set", "there is no setting \"%s\"",
                              name ? name : "");
    if (settings[i].kind == REEL_HYPER_NUMBER) {
        if (reel_hyper_check(site, context, "trainer_set", &settings[i], value) != REEL_OK)
            return reel_error_status(context);
        if (i == SETTING_ROLLBACK && value > 0 && value <= 1)
            return reel_error_set(context, REEL_BAD_ARGUMENT, site, "trainer_set",
                                  "%s: found %g, expected 0 or a number above 1", name, value);
    } else if (value != floor(value) || !(value >= settings[i].least && value <= settings[i].most))
        return reel_error_set(context, REEL_BAD_ARGUMENT, site, "trainer_set",
                              "%s: found %g, expected a whole number from %g to %g", name, value, settings[i].least,
                              settings[i].most);
    if (i == SETTING_KEEP && value == 1) value = 2;
    t->settings[i] = value;
    return REEL_OK;
}

double reel_trainer_get(const reel_trainer *t, const char *name)
{
    int i = setting_find(name);
    return t && i >= 0 ? t->settings[i] : NAN;
}

const reel_hyper *reel_trainer_setting(int index)
{
    return index >= 0 && index < SETTING_COUNT ? &settings[index] : NULL;
}

static reel_status keep_text(const char *site, reel_trainer *t, const char *who, char **field, const char *text)
{
    if (!t) return REEL_BAD_ARGUMENT;
    reel_context *context = t->object.context;
    if (reel_failed(context)) return reel_error_status(context);
    if (!text || !*text) return reel_error_set(context, REEL_BAD_ARGUMENT, site, who, "there is no text");
    char *copy = memory_string(context, site, who, text);
    if (!copy) return REEL_NO_MEMORY;
    memory_string_free(context, *field);
    *field = copy;
    return REEL_OK;
}

reel_status reel_trainer_set_folder(const char *site, reel_trainer *t, const char *folder, reel_resume resume)
{
    reel_status status = keep_text(site, t, "trainer_set_folder", t ? &t->folder.path : NULL, folder);
    if (status == REEL_OK) t->folder.resume = resume;
    return status;
}

reel_status reel_trainer_resume_file(const char *site, reel_trainer *t, const char *path)
{
    return keep_text(site, t, "trainer_resume_file", t ? &t->resume_path : NULL, path);
}

reel_status reel_trainer_set_recipe(const char *site, reel_trainer *t, const char *recipe)
{
    if (recipe) return keep_text(site, t, "trainer_set_recipe", t ? &t->recipe : NULL, recipe);
    if (!t) return REEL_BAD_ARGUMENT;
    memory_string_free(t->object.context, t->recipe);
    t->recipe = NULL;
    return REEL_OK;
}

reel_status reel_trainer_add_rng(const char *site, reel_trainer *t, const char *name, reel_rng *rng)
{
    return t ? reel_state_add_rng(site, t->state, name, rng) : REEL_BAD_ARGUMENT;
}

reel_status reel_trainer_set_sampler(const char *site, reel_trainer *t, reel_rng *rng)
{
    if (!t) return REEL_BAD_ARGUMENT;
    if (t->order.rng)
        return reel_error_set(t->object.context, REEL_BAD_STATE, site, "trainer_set_sampler",
                              "the sampler was chosen already");
    t->order.rng = rng;
    return REEL_OK;
}

reel_status reel_trainer_set_validation(const char *site, reel_trainer *t, reel_dataset *data)
{
    if (!t) return REEL_BAD_ARGUMENT;
    reel_context *context = t->object.context;
    if (reel_failed(context)) return reel_error_status(context);
    bool rows = data && data->x && data->x->rank && data->x->shape[0] > 0;
    if (data && (!rows || !data->y || data->y->rank == 0 || data->y->shape[0] != data->x->shape[0]))
        return reel_error_set(context, REEL_BAD_SHAPE, site, "trainer_set_validation",
                              "the data set has no rows, or x and y have not as many");
    t->validation = data;
    memory_string_free(context, t->validation_hash);
    t->validation_hash = NULL;
    return REEL_OK;
}

reel_stop reel_trainer_stop_reason(const reel_trainer *t, const char **text)
{
    if (text) *text = t ? t->reason : "";
    return t ? t->stop : REEL_STOP_NONE;
}

double reel_trainer_epoch_loss(const reel_trainer *t)
{
    return t ? t->guards.epoch_loss : NAN;
}

double reel_trainer_validation_loss(const reel_trainer *t)
{
    return t ? t->guards.validation : NAN;
}

reel_status reel_trainer_set_average(const char *site, reel_trainer *t, reel_average *average)
{
    if (!t) return REEL_BAD_ARGUMENT;
    reel_status status = reel_state_add_average(site, t->state, "average", average);
    if (status == REEL_OK) t->average = average;
    return status;
}

reel_average *reel_trainer_average(const reel_trainer *t)
{
    return t ? t->average : NULL;
}

reel_state *reel_trainer_state(reel_trainer *t)
{
    return t ? t->state : NULL;
}

void reel_trainer_set_observer(reel_trainer *t, reel_observer observer, void *user)
{
    if (!t) return;
    t->observer = observer;
    t->observer_user = user;
}

void reel_trainer_request_stop(reel_trainer *t)
{
    if (t) t->stop_requested = 1;
}

void reel_trainer_request_save(reel_trainer *t)
{
    if (t) t->save_requested = 1;
}

int64_t trainer_rows(const reel_trainer *t)
{
    return t->data && t->data->x ? t->data->x->shape[0] : 0;
}

int64_t trainer_batch_size(const reel_trainer *t)
{
    int64_t rows = trainer_rows(t), batch = setting_of(t, SETTING_BATCH);
    return batch == 0 || batch > rows ? rows : batch;
}

int64_t trainer_batches_per_epoch(const reel_trainer *t)
{
    int64_t batch = trainer_batch_size(t), rows = trainer_rows(t);
    if (batch == 0) return setting_of(t, SETTING_ACCUMULATE);
    return batch == rows ? 1 : (rows + batch - 1) / batch;
}

int64_t trainer_steps_per_epoch(const reel_trainer *t)
{
    int64_t batches = trainer_batches_per_epoch(t), parts = setting_of(t, SETTING_ACCUMULATE);
    return parts >= batches ? 1 : (batches + parts - 1) / parts;
}

int64_t trainer_parts(const reel_trainer *t, int64_t step)
{
    int64_t parts = setting_of(t, SETTING_ACCUMULATE), batches = trainer_batches_per_epoch(t);
    if (parts >= batches) return batches;
    int64_t left = batches - step % trainer_steps_per_epoch(t) * parts;
    return left < parts ? left : parts;
}

int64_t trainer_step_rows(const reel_trainer *t, int64_t step)
{
    int64_t parts = trainer_parts(t, step), size = trainer_batch_size(t);
    if (size == 0) return parts;
    if (size == trainer_rows(t)) return size;
    int64_t first = step % trainer_steps_per_epoch(t) * setting_of(t, SETTING_ACCUMULATE) * size;
    int64_t left = trainer_rows(t) - first;
    return left < parts * size ? left : parts * size;
}

int64_t reel_trainer_step(const reel_trainer *t)
{
    return t ? t->step : 0;
}

int64_t reel_trainer_steps(const reel_trainer *t)
{
    return t ? trainer_steps_per_epoch(t) * setting_of(t, SETTING_EPOCHS) : 0;
}

double reel_trainer_loss(const reel_trainer *t)
{
    return t ? t->loss_before : NAN;
}

double reel_trainer_best(const reel_trainer *t, int64_t *step)
{
    if (step) *step = t ? t->best_step : -1;
    return t ? t->best_loss : NAN;
}

double trainer_gradient_norm(const reel_trainer *t)
{
    double norm = reel_optimizer_gradient_norm(t->optimizer);
    return isnan(norm) ? t->guards.gradient_norm : norm;
}

void trainer_note(reel_trainer *t, const char *format, ...)
{
    char text[ERROR_TEXT_SIZE + 256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    trainer_tell(t, REEL_EVENT_NOTE, text);
}

void trainer_tell(reel_trainer *t, reel_event_kind kind, const char *text)
{
    trainer_tell_of(t, kind, text, t->step);
}

void trainer_tell_of(reel_trainer *t, reel_event_kind kind, const char *text, int64_t step)
{
    if (!t->observer) return;
    int64_t per_epoch = trainer_steps_per_epoch(t);
    reel_event event = {.kind = kind,
                        .step = step,
                        .steps = reel_trainer_steps(t),
                        .epoch = step / per_epoch,
                        .epochs = setting_of(t, SETTING_EPOCHS),
                        .loss = t->loss_before,
                        .rate = t->rate,
                        .gradient_norm = trainer_gradient_norm(t),
                        .text = text ? text : "",
                        .epoch_loss = t->guards.epoch_loss,
                        .validation = t->guards.validation};
    t->observer(&event, t->observer_user);
}
