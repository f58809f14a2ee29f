/* SPDX-License-Identifier: MIT
 *
 * What checkpoints cost a training: the same run through the trainer with a checkpoint every k steps, and with the first
 * and the last one alone.
 */
#include "bench.h"
#include "output.h"

#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>

typedef struct training {
    bench *b;
    const char *folder;
    const int *sizes;
    int layers;
    reel_loss_of loss;
    float *x, *y;
    int64_t *classes; /* instead of y; or NULL */
    int64_t rows;
    double rate;
    int64_t steps, every; /* 0: no checkpoint in between */
    /* of the last run */
    int64_t events, files;
    double begun, ended;
    int64_t due, arrived; /* over all runs */
} training;

static void observe(const reel_event *event, void *user)
{
    training *t = user;
    struct stat found;
    if (event->kind == REEL_EVENT_BEGIN) {
        t->events = t->files = 0;
        t->begun = bench_wall();
    }
    if (event->kind == REEL_EVENT_END) t->ended = bench_wall();
    if (event->kind != REEL_EVENT_CHECKPOINT || event->step == 0) return;
    t->events++;
    t->files += event->text && stat(event->text, &found) == 0;
}

/* Seconds between the first step's beginning and the end, when the last checkpoint is on the disk. */
static double train(void *user)
{
    training *t = user;
    const int64_t in = t->sizes[0], out = t->classes ? 0 : t->sizes[t->layers - 1];
    reel_context *context = reel_context_new(NULL);
    reel_context_set_threads(context, t->b->threads);
    reel_array x = reel_array_view(REEL_FLOAT, t->x, 2, (const int64_t[]){t->rows, in});
    reel_array y = t->classes ? reel_array_view(REEL_INT64, t->classes, 1, &t->rows)
                              : reel_array_view(REEL_FLOAT, t->y, 2, (const int64_t[]){t->rows, out});
    reel_dataset data = {&x, &y};
    reel_params *params = reel_params_new(context, REEL_FLOAT);
    reel_module *net =
        reel_mlp_new(params, "net", t->layers, t->sizes, "relu", reel_rng_philox_new(context, 1, "weights"));
    reel_trainer *trainer = reel_trainer_new(net, &data, t->loss, reel_adam_new(params, t->rate));
    reel_trainer_set(trainer, "epochs", (double)t->steps);
    reel_trainer_set(trainer, "checkpoint_every", (double)t->every);
    reel_trainer_set(trainer, "log_every", (double)t->steps);
    reel_trainer_set_folder(trainer, t->folder, REEL_FORCE);
    reel_trainer_set_observer(trainer, observe, t);
    t->begun = t->ended = NAN;
    reel_trainer_run(trainer);
    bench_broken(t->b, context);
    reel_context_free(context);
    t->due += t->every ? t->steps / t->every : 1;
    t->arrived += t->files < t->events ? t->files : t->events;
    return t->ended - t->begun;
}

static void compare(bench *b, const char *name, training saving)
{
    training plain = saving;
    plain.every = 0;
    double scale = 1e6 / (double)saving.steps;
    bench_side sides[] = {{.name = "saving", .clocked = train, .user = &saving},
                          {.name = "first and last alone", .clocked = train, .user = &plain}};
    if (bench_alternate(b, BENCH_WALL, sides, 2) && !b->failed) {
        cJSON *line = bench_print(b, &(bench_line){.name = name,
                                                   .unit = "us a step",
                                                   .scale = scale,
                                                   .reel = &sides[0],
                                                   .limit = &sides[1],
                                                   .limit_name = "not saving"});
        bench_goal(b, line, "at most 5 % slower", bench_ratio(b, &sides[0], &sides[1]).median, 1.05, true);
        json_add_whole(line, "saves_due", saving.due);
        json_add_whole(line, "saves_arrived", saving.arrived);
        bench_goal(b, line, "every due save reaches its file", (double)(saving.due - saving.arrived), 0, true);
        printf("    %lld saves due, %lld files\n", (long long)saving.due, (long long)saving.arrived);
    }
    bench_sides_free(sides, 2);
}

void bench_saving(bench *b)
{
    static const int digits[] = {W2_IN, W2_FIRST, W2_SECOND, W2_OUT}, moons[] = {2, W1_HIDDEN, 1};
    char kind[32], *folder = bench_folder_new(b);
    int64_t classes[W2_BATCH];
    bench_title(b,
                "training through the trainer, a checkpoint every k steps, beside none between the first and the last",
                BENCH_WALL);
    float *x = folder ? bench_floats(b, W2_BATCH * W2_IN) : NULL;
    reel_context *context = reel_context_new(NULL);
    reel_dataset *points = reel_moons_new(context, W1_POINTS, 0.15, reel_rng_numpy_new(context, 42));
    if (x && !bench_broken(b, context)) {
        bench_fill(x, W2_BATCH * W2_IN, 1);
        for (int i = 0; i < W2_BATCH; i++) classes[i] = i * 7 % W2_OUT;
        compare(b, "W2, every 10 steps",
                (training){.b = b,
                           .folder = folder,
                           .sizes = digits,
                           .layers = 4,
                           .loss = reel_cross_entropy,
                           .x = x,
                           .classes = classes,
                           .rows = W2_BATCH,
                           .rate = 1e-3,
                           .steps = 100,
                           .every = 10});
        if (!b->failed)
            compare(b, "W1, every 5000 steps",
                    (training){.b = b,
                               .folder = folder,
                               .sizes = moons,
                               .layers = 3,
                               .loss = reel_bce_with_logits,
                               .x = points->x->data,
                               .y = points->y->data,
                               .rows = W1_POINTS,
                               .rate = 0.05,
                               .steps = 20000,
                               .every = 5000});
        bench_note(b, "file system %s; flushed at most once a second and at the end; 100 and 20,000 steps",
                   bench_file_system(folder, kind));
    }
    reel_context_free(context);
    free(x);
    bench_folder_free(folder);
}
