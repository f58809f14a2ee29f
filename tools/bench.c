/* SPDX-License-Identifier: MIT
 *
 * `reel bench`: the workloads, and the run over them.
 */
#include "bench.h"
#include "options.h"
#include "output.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char who[] = "reel bench";

typedef struct workload {
    const char *name, *text;
    void (*run)(bench *b);
} workload;

static const workload workloads[] = {
    {"w1", "Two moons, 2-8-1, batch 200: a training step with Adam, and with SGD.", bench_w1},
    {"w1-process", "Two moons as a process: start, 200 epochs, end; time and memory.", bench_w1_process},
    {"w2", "MLP 784-256-128-10, cross entropy, Adam: a training step at batch 128, 32 and 1.", bench_w2},
    {"w3", "50 Gaussians fitted to 64 x 64 pixels: 1,000 iterations with Adam and the reported loss.", bench_w3},
    {"threads", "The step of W2 at batch 128 on several threads beside one.", bench_threads},
    {"study", "Baseline 1: the published arithmetic beside a plain loop, and a run whose every tenth state is kept.",
     bench_study},
    {"w4", "The tape itself: 64,400 operations on scalars, recorded and walked back.", bench_w4},
    {"products", "Matrix products, square, skinny and tiny, and their gradients.", bench_products},
    {"adam", "An update by Adam of 1,000 to 1,000,000 parameters.", bench_adam},
    {"checkpoint", "Writing and reading a checkpoint of a million floats.", bench_checkpoint},
    {"saving", "What saving while training costs.", bench_saving},
    {"ops", "Every operation of the registry, forward and backward.", bench_ops},
};
enum { WORKLOADS = sizeof workloads / sizeof *workloads };

static const char *workload_name_at(const void *list, int index)
{
    (void)list;
    return index < WORKLOADS ? workloads[index].name : NULL;
}

static void print_workloads(FILE *file)
{
    fprintf(file, "\nworkloads (default: all):\n");
    for (int i = 0; i < WORKLOADS; i++) fprintf(file, "  %-12s %s\n", workloads[i].name, workloads[i].text);
}

static bool find_workload(const option_set *set, const char *name, bool chosen[WORKLOADS])
{
    for (int i = 0; i < WORKLOADS; i++)
        if (strcmp(workloads[i].name, name) == 0) return chosen[i] = true;
    const char *near = nearest_name(name, workload_name_at, NULL);
    option_fail(set, "there is no workload \"%s\"%s%s%s", name, near ? "; did you mean " : "", near ? near : "",
                near ? "?" : "");
    return false;
}

static void print_machine(const bench *b)
{
    const char *name;
    char value[256];
    for (int i = 0; (name = reel_fingerprint(i, value, sizeof value)) != NULL; i++)
        if (strcmp(name, "floating_point") != 0 && strcmp(name, "libc") != 0 && strcmp(name, "threads") != 0)
            printf("%s %s, ", name, value);
    printf("threads %d; limits %s\n", b->threads, b->limits->isa);
}

static int run_workloads(bench *b, const bool chosen[WORKLOADS], const char *json)
{
    cJSON *document = cJSON_CreateObject(), *list;
    json_add_fingerprint(document);
    json_add_text(document, "limits", b->limits->isa);
    json_add_whole(document, "rounds", b->rounds);
    json_add_whole(document, "threads", b->threads);
    list = cJSON_AddArrayToObject(document, "workloads");
    print_machine(b);
    for (int i = 0; i < WORKLOADS && !b->failed; i++) {
        if (!chosen[i]) continue;
        b->report = cJSON_CreateObject();
        json_add_text(b->report, "name", workloads[i].name);
        json_add_text(b->report, "text", workloads[i].text);
        b->lines = cJSON_AddArrayToObject(b->report, "lines");
        printf("\n%s: ", workloads[i].name);
        workloads[i].run(b);
        fflush(stdout);
        cJSON_AddItemToArray(list, b->report);
    }
    if (b->goals) printf("\n%d of %d goals met.\n", b->goals - b->missed, b->goals);
    json_add_whole(document, "goals", b->goals);
    json_add_whole(document, "goals_missed", b->missed);
    int status = b->failed ? EXIT_FAILED : EXIT_DONE;
    if (json && !b->failed && !json_write(who, json, document)) status = EXIT_FAILED;
    cJSON_Delete(document);
    return finish_output(who, status);
}

int command_bench(int argc, char **argv)
{
    static const reel_hyper rounds_hyper = {.name = "rounds",
                                            .text = "Rounds in which the sides take turns",
                                            .value = 11,
                                            .least = 1,
                                            .most = 1000,
                                            .kind = REEL_HYPER_WHOLE};
    static const reel_hyper threads_hyper = {.name = "threads",
                                             .text = "Threads of Reel; the limits have one",
                                             .value = 1,
                                             .least = 1,
                                             .most = 64,
                                             .kind = REEL_HYPER_WHOLE};
    double rounds = rounds_hyper.value, threads = threads_hyper.value;
    bool quick = false;
    const char *json = NULL, *out = NULL, *child = NULL;
    const option_row rows[] = {
        {.name = "rounds", .number = &rounds, .hyper = &rounds_hyper},
        {.name = "threads", .number = &threads, .hyper = &threads_hyper},
        {.name = "quick", .text = "Shorter rounds: about a quarter of the time, more spread.", .set = &quick},
        {"out", "DIR", "The folder for checkpoints of the workloads that write some (default: a temporary one).",
         .word = &out},
        {"json", "FILE", "Every number, round by round, in full precision.", .word = &json},
    };
    const option_row inside[] = {{"child", "NAME", "", .word = &child, .hidden = true}};
    const option_group groups[] = {{"", inside, 1}, {"flags", rows, sizeof rows / sizeof *rows}};
    const option_set set = {
        .command = who,
        .operands = "[WORKLOAD...]",
        .most = WORKLOADS,
        .text =
            "Times Reel through its public interface in alternation with a limit: the same work written by hand in C "
            "for this one shape, without tape or framework, for the best instruction set of the machine. Each figure "
            "is the median of the rounds with their quartiles; `x limit` is the median of the quotients of the rounds; "
            "shares are of the multiply-add peak measured in the same rounds.",
        .example = "reel bench w1 w2 --json bench.json",
        .groups = groups,
        .group_count = 2,
        .more = print_workloads};
    bool chosen[WORKLOADS] = {false};
    reel_context *context = reel_context_new(NULL);
    int first = options_parse(&set, context, argc, argv);
    reel_context_free(context);
    if (first < 0) return finish_output(who, -1 - first);
    if (child) return bench_child(child);
    for (int i = first; i < argc; i++)
        if (!find_workload(&set, argv[i], chosen)) return EXIT_USAGE;
    for (int i = 0; first == argc && i < WORKLOADS; i++) chosen[i] = true;
    if (json && !json_probe(who, json)) return EXIT_FAILED;
    if (out && !make_folder(who, out)) return EXIT_FAILED;
    bench b = {.rounds = (int)rounds,
               .threads = (int)threads,
               .clock = threads > 1 ? BENCH_WALL : BENCH_CPU,
               .share = quick ? 1e-3 : 4e-3,
               .folder = out,
               .limits = limits_best(),
               .who = who};
    return run_workloads(&b, chosen, json);
}
