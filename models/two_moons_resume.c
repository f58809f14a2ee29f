/* SPDX-License-Identifier: MIT
 *
 * Two moons through the trainer: a schedule, clipping, checkpoints, progress, and going on where the last run stopped.
 *
 *     cc two_moons_resume.c -o two_moons_resume $(pkg-config --cflags --libs reel)
 *     ./two_moons_resume run        # Ctrl-C stops and saves; the same line goes on
 */
#include <reel/reel.h>

#include <signal.h>

static reel_trainer *trainer;

static void stop(int number)
{
    (void)number;
    reel_trainer_request_stop(trainer);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    reel_context *reel = reel_context_new(NULL);
    reel_dataset *moons = reel_moons_new(reel, 200, 0.15, reel_rng_numpy_new(reel, 42));
    reel_params *params = reel_params_new(reel, REEL_FLOAT);
    reel_module *net = reel_mlp_new(params, "net", 3, (const int[]){2, 8, 1}, "relu", reel_rng_torch_new(reel, 42));
    reel_optimizer *sgd = reel_sgd_new(params, 0.5);
    reel_optimizer_set(sgd, "momentum", 0.9);
    reel_optimizer_set(sgd, "clip_norm", 1);

    trainer = reel_trainer_new(net, moons, reel_bce_with_logits, sgd);
    reel_trainer_set(trainer, "epochs", 200);
    reel_trainer_set(trainer, "batch", 50);
    reel_trainer_set(trainer, "checkpoint_every", 40);
    reel_trainer_set_folder(trainer, argv[1], REEL_AUTO);
    reel_trainer_set_observer(trainer, reel_progress_observe, reel_progress_new(reel, stderr));
    reel_optimizer_set_schedule(sgd, reel_schedule_parse(reel, "warmup:20,cosine", reel_trainer_steps(trainer)));

    signal(SIGINT, stop);
    if (reel_trainer_run(trainer) == REEL_STOPPED)
        printf("stopped after %lld updates; the same line goes on\n", (long long)reel_trainer_step(trainer));
    else
        printf("loss %.6f\n", reel_trainer_evaluate(trainer, moons));

    int status = reel_failed(reel);
    if (status) fprintf(stderr, "%s\n", reel_error_text(reel));
    reel_context_free(reel);
    return status;
}
