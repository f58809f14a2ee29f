/* SPDX-License-Identifier: MIT
 *
 * W1 in FANN, for tools/bench-peers: reads the name of a workload, a line each, and answers with microseconds an epoch.
 * FANN has no relu and no cross entropy: tanh and sigmoid units with squared error take their place.
 *
 *     bench_fann FILE_OF_TRAINING_DATA
 */
#define _POSIX_C_SOURCE 200809L
#include <floatfann.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { EPOCHS = 200 };

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double epoch_time(struct fann_train_data *data, enum fann_train_enum how)
{
    struct fann *net = fann_create_standard(3, 2u, 8u, 1u);
    if (!net) return -1;
    fann_set_activation_function_hidden(net, FANN_SIGMOID_SYMMETRIC);
    fann_set_activation_function_output(net, FANN_SIGMOID);
    fann_set_training_algorithm(net, how);
    fann_set_learning_rate(net, 0.5f);
    for (int i = 0; i < 2; i++) fann_train_epoch(net, data);
    double start = seconds();
    for (int i = 0; i < EPOCHS; i++) fann_train_epoch(net, data);
    double taken = seconds() - start;
    fann_destroy(net);
    return taken / EPOCHS;
}

int main(int argc, char **argv)
{
    char line[64];
    struct fann_train_data *data = argc > 1 ? fann_read_train_from_file(argv[1]) : NULL;
    if (!data) {
        fprintf(stderr, "usage: bench_fann FILE_OF_TRAINING_DATA\n");
        return 2;
    }
    printf("%s\n", FANN_RELEASE);
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        printf("%.9g\n", 1e6 * epoch_time(data, strstr(line, "adam") ? FANN_TRAIN_RPROP : FANN_TRAIN_BATCH));
        fflush(stdout);
    }
    fann_destroy_train(data);
    return 0;
}
