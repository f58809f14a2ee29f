/* SPDX-License-Identifier: MIT
 *
 * A classifier on a table: reads a CSV file, standardises it with what the rows of training say, trains with early
 * stopping and checkpoints, and says what it has got right.
 *
 *     cc csv_net.c -o csv_net $(pkg-config --cflags --libs reel)
 *     ./csv_net iris.csv species --checkpoint-dir run --resume        # stop and go on as often as you like
 *     reel predict run --csv more.csv                                 # the checkpoint holds all that it takes
 */
#include <reel/reel.h>

static void report(reel_preparation *prep, reel_module *net, reel_tape *tape, reel_dataset *data, const char *name)
{
    int64_t right = 0, rows = data->y->size;
    reel_tape_rewind(tape);
    reel_value said = reel_argmax(reel_forward(net, reel_input(tape, data->x)), 1, false);
    reel_array class = reel_data(said);
    for (int64_t i = 0; i < class.size; i++) {
        int64_t is = (int64_t)reel_array_get(data->y, i), taken_for = (int64_t)reel_array_get(&class, i);
        right += is == taken_for;
        if (is != taken_for)
            printf("  a %s is taken for a %s\n", reel_preparation_class(prep, (int)is),
                   reel_preparation_class(prep, (int)taken_for));
    }
    printf("%s: %lld of %lld rows are right\n", name, (long long)right, (long long)rows);
}

int main(int argc, char **argv)
{
    reel_context *reel = reel_context_new(NULL);
    reel_args *args = reel_args_new(reel, argc, argv, "Trains a classifier on a table.");
    reel_args_set_operands(args, "FILE.csv TARGET", 2, 2);
    if (reel_args_read(args) != REEL_ARGS_GO) {
        int status = reel_args_status(args);
        fputs(reel_args_text(args), status ? stderr : stdout);
        reel_context_free(reel);
        return status;
    }
    reel_table *table = reel_table_read(reel, reel_args_operand(args, 0), NULL);
    reel_preparation *prep = reel_preparation_new(reel);
    reel_preparation_set_role(prep, reel_args_operand(args, 1), REEL_ROLE_TARGET);
    reel_preparation_set_task(prep, REEL_TASK_CLASSIFICATION);
    reel_split *split = reel_preparation_split(prep, table, 0.2, 0.2, 42);
    if (split) reel_preparation_fit(prep, table, split->train);
    reel_dataset *train = split ? reel_preparation_data(prep, table, split->train, REEL_FLOAT) : NULL;
    reel_dataset *validation = train ? reel_preparation_data(prep, table, split->validation, REEL_FLOAT) : NULL;
    reel_dataset *test = validation ? reel_preparation_data(prep, table, split->test, REEL_FLOAT) : NULL;

    reel_params *params = reel_params_new(reel, REEL_FLOAT);
    const int sizes[] = {reel_preparation_input_count(prep), 32, 16, reel_preparation_output_count(prep)};
    reel_module *net = reel_mlp_new(params, "net", 4, sizes, "relu", reel_rng_torch_new(reel, 42));
    reel_optimizer *adam = reel_args_optimizer(args, params, "adam", 0.01);
    reel_trainer *trainer = reel_trainer_new(net, train, reel_cross_entropy, adam);
    reel_trainer_set(trainer, "epochs", 200);
    reel_trainer_set(trainer, "batch", 32);
    reel_trainer_set(trainer, "patience", 20);
    reel_trainer_set_validation(trainer, validation);
    reel_state_add_preparation(reel_trainer_state(trainer), "preparation", prep);
    reel_args_apply(args, trainer);

    if (reel_trainer_run(trainer) == REEL_OK) {
        reel_tape *tape = reel_tape_new(reel, REEL_FLOAT);
        printf("%lld updates\n", (long long)reel_trainer_step(trainer));
        report(prep, net, tape, train, "training");
        report(prep, net, tape, test, "test");
    }
    int status = reel_failed(reel);
    if (status) fprintf(stderr, "%s\n", reel_error_text(reel));
    reel_context_free(reel);
    return status;
}
