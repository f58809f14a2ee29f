/* SPDX-License-Identifier: MIT
 *
 * Two moons through the trainer: flags, a schedule, clipping, checkpoints, progress, and going on where the last run
 * stopped.
 *
 *     cc two_moons_resume.c -o two_moons_resume $(pkg-config --cflags --libs reel)
 *     ./two_moons_resume --checkpoint-dir run --resume        # Ctrl-C stops and saves; the same line goes on
 *     ./two_moons_resume --checkpoint-dir run --resume --epochs 300 --lr 0.1 --schedule cosine --schedule-origin here
 */
#include <reel/reel.h>

#include <signal.h>

static reel_trainer *trainer;

static void stop(int number)
{
    (void)number;
    reel_trainer_request_stop(trainer);
}

static const reel_hyper own[] = {
    {.name = "spread", .text = "deviation of the points from the half circles", .value = 0.15, .most = 10},
    {.name = "hidden",
     .text = "size of the hidden layer",
     .value = 8,
     .least = 1,
     .most = 1e4,
     .kind = REEL_HYPER_WHOLE},
};

int main(int argc, char **argv)
{
    reel_context *reel = reel_context_new(NULL);
    double values[] = {own[0].value, own[1].value};
    reel_args *args = reel_args_new(reel, argc, argv, "Trains a small network on two interleaved half circles.");
    reel_args_add(args, own, 2, values);
    if (reel_args_read(args) != REEL_ARGS_GO) {
        int status = reel_args_status(args);
        fputs(reel_args_text(args), status ? stderr : stdout);
        reel_context_free(reel);
        return status;
    }
    reel_dataset *moons = reel_moons_new(reel, 200, values[0], reel_rng_numpy_new(reel, 42));
    reel_params *params = reel_params_new(reel, REEL_FLOAT);
    const int sizes[] = {2, (int)values[1], 1};
    reel_module *net = reel_mlp_new(params, "net", 3, sizes, "relu", reel_rng_torch_new(reel, 42));
    reel_optimizer *optimizer = reel_args_optimizer(args, params, "sgd", 0.5);

    trainer = reel_trainer_new(net, moons, reel_bce_with_logits, optimizer);
    reel_trainer_set(trainer, "epochs", 200);
    reel_trainer_set(trainer, "batch", 50);
    reel_trainer_set(trainer, "checkpoint_every", 40);
    reel_optimizer_set(optimizer, "clip_norm", 1);
    if (reel_optimizer_kind(optimizer) == reel_optimizer_find("sgd")) reel_optimizer_set(optimizer, "momentum", 0.9);
    reel_args_apply(args, trainer);
    if (!reel_args_given(args, "schedule"))
        reel_optimizer_set_schedule(optimizer,
                                    reel_schedule_parse(reel, "warmup:20,cosine", reel_trainer_steps(trainer)));
    reel_trainer_set_observer(trainer, reel_progress_observe, reel_progress_new(reel, stderr));

    signal(SIGINT, stop);
    if (reel_trainer_run(trainer) == REEL_STOPPED)
        printf("stopped after %lld updates; the same line with --resume goes on\n",
               (long long)reel_trainer_step(trainer));
    else
        printf("loss %.6f\n", reel_trainer_evaluate(trainer, moons));

    int status = reel_failed(reel);
    if (status) fprintf(stderr, "%s\n", reel_error_text(reel));
    reel_context_free(reel);
    return status;
}
