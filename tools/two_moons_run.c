/* SPDX-License-Identifier: MIT
 *
 * One training on two moons: data, net, optimizer, trainer; resuming; the losses of the whole run.
 */
#include "two_moons.h"

#include "checkpoints.h"
#include "signals.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the model ---- */

/* The initial weights are PyTorch's floats. In double they are these floats, widened. */
static void build_net(moons_run *r)
{
    const moons_settings *s = r->settings;
    int sizes[LAYERS_MOST + 2] = {2}, count = s->hidden_count + 2;
    for (int i = 0; i < s->hidden_count; i++) sizes[1 + i] = s->hidden[i];
    sizes[count - 1] = 1;
    reel_rng *rng = reel_rng_torch_new(NULL, r->context, (uint64_t)s->seed);
    reel_params *drawn = reel_params_new(NULL, r->context, REEL_FLOAT);
    r->net = reel_mlp_new(NULL, drawn, "net", count, sizes, "relu", rng);
    r->params = drawn;
    if (s->precision != REEL_FLOAT) {
        r->params = reel_params_new(NULL, r->context, s->precision);
        r->net = reel_mlp_new(NULL, r->params, "net", count, sizes, "relu", NULL);
        reel_params_copy(NULL, r->params, drawn);
    }
}

/* What was given on the command line wins over a checkpoint. */
static int ask(moons_run *r)
{
    const moons_settings *s = r->settings;
    /* Without a flag it is the checkpoint's. */
    if (s->run.resume) reel_trainer_ask(NULL, r->trainer, "epochs", s->epochs, "flag");
    if (s->run.force && s->run.resume) reel_trainer_set(NULL, r->trainer, "other_data", 1);
    return run_flags_ask(&s->run, s->set, &r->choice, r->context, r->trainer);
}

/* Returns the exit status. */
static int build(moons_run *r)
{
    const moons_settings *s = r->settings;
    r->context = reel_context_new(NULL);
    /* The points for validation are the next that the stream gives. */
    reel_rng *points = reel_rng_numpy_new(NULL, r->context, (uint64_t)s->data_seed);
    r->data = reel_moons_new(NULL, r->context, (int64_t)s->samples, s->noise, points);
    if (s->validation > 0) r->validation = reel_moons_new(NULL, r->context, (int64_t)s->validation, s->noise, points);
    build_net(r);
    r->optimizer = optimizer_build(r->params, &r->choice);
    r->trainer = reel_trainer_new(NULL, r->net, r->data, reel_bce_with_logits, r->optimizer);
    if (!s->quiet) r->progress = reel_progress_new(NULL, r->context, stderr);
    if (r->validation) reel_trainer_set_validation(NULL, r->trainer, r->validation);
    reel_average *average = s->average ? reel_average_parse(NULL, r->params, s->average) : NULL;
    if (s->average && !average) return option_fail(s->set, "--average: %s", reel_error_text(r->context));
    if (average) reel_trainer_set_average(NULL, r->trainer, average);
    trainer_flags_apply(&s->trainer, r->trainer);
    const hyper_value settings[] = {
        {"epochs", s->epochs},
        {"batch", s->batch},
        {"seed", s->seed},
        {"checkpoint_every", s->run.every},
        {"keep", s->run.keep},
        {"durable", s->run.durable},
        {"accept_edited", s->run.accept_edited},
    };
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        reel_trainer_set(NULL, r->trainer, settings[i].name, settings[i].value);
    double tenth = ceil((double)reel_trainer_steps(r->trainer) / 10);
    if (s->run.every == 0 && tenth > 0) reel_trainer_set(NULL, r->trainer, "checkpoint_every", tenth);
    moons_recipe(r->trainer, r->choice.name);
    if (reel_failed(r->context)) return complain_of(s->who, r->context);
    return ask(r);
}

/* ---- losses ---- */

static bool records(const moons_run *r)
{
    return r->settings->json || r->settings->out;
}

/* Entry `index` becomes `loss`; entries skipped are not known. */
static void record(moons_run *r, int64_t index, double loss)
{
    if (index >= r->loss_room) {
        int64_t room = 2 * index + 256;
        double *grown = realloc(r->losses, (size_t)room * sizeof *grown);
        if (!grown) {
            reel_error_set(r->context, REEL_NO_MEMORY, NULL, "record", "no room for %lld losses", (long long)room);
            return;
        }
        r->losses = grown;
        r->loss_room = room;
    }
    while (r->loss_count <= index) r->losses[r->loss_count++] = NAN;
    r->losses[index] = loss;
}

/* The losses of the first `steps` updates, from the log that the earlier parts of the run have left. */
static void read_log(moons_run *r, int64_t steps)
{
    const char *slash = strrchr(r->resume_path, '/');
    char *folder = r->folder ? strdup(r->folder)
                   : slash   ? strndup(r->resume_path, (size_t)(slash - r->resume_path))
                             : strdup(".");
    char *path = folder ? path_join(folder, "log.jsonl") : NULL, *line = NULL;
    FILE *log = path ? fopen(path, "r") : NULL;
    size_t room = 0;
    record(r, steps - 1, NAN);
    while (log && getline(&line, &room, log) > 0 && !reel_failed(r->context)) {
        cJSON *entry = cJSON_Parse(line);
        const cJSON *step = cJSON_GetObjectItem(entry, "step"), *loss = cJSON_GetObjectItem(entry, "loss");
        if (cJSON_IsNumber(step) && cJSON_IsNumber(loss) && step->valuedouble >= 1 &&
            step->valuedouble <= (double)steps)
            record(r, (int64_t)step->valuedouble - 1, loss->valuedouble);
        cJSON_Delete(entry);
    }
    if (log) fclose(log);
    free(line);
    free(path);
    free(folder);
}

static void observe(const reel_event *event, void *user)
{
    moons_run *r = user;
    if (event->kind == REEL_EVENT_BEGIN && event->step > 0 && records(r)) read_log(r, event->step);
    if (event->kind == REEL_EVENT_STEP && records(r)) record(r, event->step - 1, event->loss);
    reel_progress_observe(event, r->progress);
}

/* ---- after the last update ---- */

bool moons_logits(moons_run *r, const double *points, int64_t count, double *logits)
{
    reel_tape *tape = reel_tape_new(NULL, r->context, r->settings->precision);
    enum { ROWS = 1024 };
    reel_tape_set_gradients(tape, false);
    reel_tape_set_training(tape, false);
    for (int64_t first = 0; first < count && !reel_failed(r->context) && !signals_caught(); first += ROWS) {
        int64_t shape[2] = {count - first < ROWS ? count - first : ROWS, 2};
        /* Only read, as an input. */
        reel_array x = reel_array_view(REEL_DOUBLE, (void *)(uintptr_t)(points + 2 * first), 2, shape);
        reel_tape_rewind(tape);
        reel_array z = reel_data(reel_forward(NULL, r->net, reel_input(NULL, tape, &x)));
        for (int64_t i = 0; i < z.size; i++) logits[first + i] = reel_array_get(&z, i);
    }
    reel_tape_free(tape);
    return !reel_failed(r->context) && !signals_caught();
}

/* Loss and accuracy on all points. */
static void measure(moons_run *r, const reel_dataset *data, double *loss, double *accuracy)
{
    reel_tape *tape = reel_tape_new(NULL, r->context, r->settings->precision);
    reel_tape_set_gradients(tape, false);
    reel_tape_set_training(tape, false);
    reel_value logits = reel_forward(NULL, r->net, reel_input(NULL, tape, data->x));
    *loss = reel_item(NULL, reel_bce_with_logits(NULL, logits, reel_input(NULL, tape, data->y)));
    reel_array z = reel_data(logits);
    int64_t right = 0;
    for (int64_t i = 0; i < z.size; i++) right += (reel_array_get(&z, i) > 0) == (reel_array_get(data->y, i) > 0.5);
    reel_tape_free(tape);
    *accuracy = z.size ? (double)right / (double)z.size : NAN;
}

static void evaluate(moons_run *r)
{
    reel_average *average = reel_trainer_average(r->trainer);
    double unused;
    measure(r, r->data, &r->loss, &r->accuracy);
    r->average_loss = r->average_accuracy = r->validation_loss = NAN;
    if (r->validation) measure(r, r->validation, &r->validation_loss, &unused);
    if (reel_average_count(average) > 0 && reel_average_swap(NULL, average) == REEL_OK) {
        measure(r, r->data, &r->average_loss, &r->average_accuracy);
        reel_average_swap(NULL, average);
    }
    r->steps = reel_trainer_step(r->trainer);
    r->best = reel_trainer_best(r->trainer, &r->best_step);
    if (!(r->best <= r->loss)) {
        r->best = r->loss;
        r->best_step = r->steps;
    }
    if (records(r)) record(r, r->steps, r->loss);
}

static int stopped(const moons_run *r)
{
    const char *resume = r->settings->run.resume;
    bool same = resume && strcmp(resume, "auto") == 0;
    return signals_stopped(r->settings->who, r->trainer, r->folder,
                           same ? "the same line goes on" : "the same line with --resume auto goes on");
}

static reel_status prove(moons_run *r)
{
    double steps = r->settings->run.prove;
    return steps > 0 ? reel_trainer_prove(NULL, r->trainer, (int64_t)steps, &r->proof) : REEL_OK;
}

int moons_train(moons_run *r, const moons_settings *settings, const optimizer_choice *choice, const char *folder)
{
    const run_flags *run = &settings->run;
    if (!folder && run->resume && is_folder(run->resume)) folder = run->resume;
    *r = (moons_run){.settings = settings, .choice = *choice, .folder = folder ? strdup(folder) : NULL};
    int status = build(r);
    if (status == EXIT_DONE)
        status = run_flags_start(run, settings->set, r->folder, r->context, r->trainer, r->resume_path,
                                 sizeof r->resume_path);
    if (status != EXIT_DONE) return status;
    reel_trainer_set_observer(r->trainer, observe, r);
    signals_watch(r->trainer);
    reel_status ended = reel_trainer_run(NULL, r->trainer);
    signals_watch(NULL);
    if (reel_failed(r->context)) return run_flags_complain(run, settings->set, r->folder, ended, r->context);
    if (ended != REEL_OK || signals_caught()) return stopped(r);
    if (prove(r) != REEL_OK) return complain_of(settings->who, r->context);
    evaluate(r);
    char how[200];
    optimizer_describe(r->optimizer, how, sizeof how);
    snprintf(r->title, sizeof r->title, "%s %s", choice->name, how);
    return reel_failed(r->context) ? complain_of(settings->who, r->context) : EXIT_DONE;
}

void moons_free(moons_run *r)
{
    reel_context_free(r->context);
    free(r->folder);
    free(r->losses);
    *r = (moons_run){.settings = NULL};
}

int moons_build(moons_run *r, const moons_settings *settings, const optimizer_choice *choice)
{
    *r = (moons_run){.settings = settings, .choice = *choice};
    return build(r);
}
