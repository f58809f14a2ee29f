/* SPDX-License-Identifier: MIT
 *
 * `reel course`: flags of an exercise, the list, all of them in one document.
 */
#include "run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* exercises.h is made by meson.build from its list. */
#define EXERCISE(name) extern const exercise exercise_##name;
#include "exercises.h"
#undef EXERCISE
#define EXERCISE(name) &exercise_##name,
static const exercise *const exercises[] = {
#include "exercises.h"
    NULL};

static const char *exercise_name_at(const void *list, int index)
{
    const exercise *e = ((const exercise *const *)list)[index];
    return e ? e->name : NULL;
}

/* ---- flags ---- */

static const reel_hyper number_row = {.name = "number",
                                      .text = "",
                                      .value = NAN,
                                      .least = -INFINITY,
                                      .most = INFINITY,
                                      .open_least = true,
                                      .open_most = true};
static const reel_hyper rate_row = {
    .name = "lr", .text = "", .value = NAN, .least = 0, .most = INFINITY, .open_least = true, .open_most = true};
static const reel_hyper steps_row = {
    .name = "steps", .value = 20, .least = 1, .most = 10000000, .kind = REEL_HYPER_WHOLE};
static const reel_hyper momentum_row = {.name = "momentum", .value = 0, .least = 0, .most = 1, .open_most = true};
static const reel_hyper seed_row = {
    .name = "seed", .value = 42, .least = 0, .most = 4294967295.0, .kind = REEL_HYPER_WHOLE};
static const reel_hyper batch_row = {
    .name = "batch", .value = 32, .least = 1, .most = 1000000, .kind = REEL_HYPER_WHOLE};

/* What was typed, or the lesson's value. */
typedef struct typed {
    const char *lr, *start, *steps, *momentum, *optimizer, *seed, *batch;
    const char *json, *out;
    bool svg, quiet;
} typed;

static bool read_list(const option_set *set, reel_context *context, const char *flag, const reel_hyper *row,
                      const char *text, course_list *list)
{
    list->count = 0;
    for (const char *c = text;; c++) {
        char one[64];
        size_t length = strcspn(c, ",");
        if (list->count == COURSE_LIST) {
            option_fail(set, "--%s: takes at most %d numbers", flag, COURSE_LIST);
            return false;
        }
        snprintf(one, sizeof one, "%.*s", (int)length, c);
        if (!option_read(set, context, flag, row, one, &list->at[list->count])) return false;
        list->count++;
        c += length;
        if (!*c) return true;
    }
}

static bool read_one(const option_set *set, reel_context *context, const char *flag, const reel_hyper *row,
                     const char *text, double *value)
{
    return !text || option_read(set, context, flag, row, text, value);
}

static const char *optimizer_name_at(const void *list, int index)
{
    (void)list;
    const reel_optimizer_type *kind = reel_optimizer_at(index);
    return kind ? kind->name : NULL;
}

/* A momentum that was not typed is the lesson's for its own optimizer: one that has none does without. */
static bool read_optimizer(const option_set *set, bool typed_momentum, course *c)
{
    if (!c->optimizer) return true;
    const reel_optimizer_type *kind = reel_optimizer_find(c->optimizer);
    if (!kind) {
        const char *near = nearest_name(c->optimizer, optimizer_name_at, NULL);
        option_fail(set, "--optimizer: there is no \"%s\"; did you mean %s?", c->optimizer, near ? near : "sgd");
        return false;
    }
    bool has = reel_hyper_find(kind->hypers, kind->hyper_count, "momentum") >= 0;
    if (!has && !typed_momentum) c->momentum = 0;
    if (!has && c->momentum != 0) {
        option_fail(set, "--momentum: %s has no such hyper-parameter", kind->name);
        return false;
    }
    return true;
}

static int list_length(const char *text)
{
    int count = 1;
    for (; *text; text++) count += *text == ',';
    return count;
}

/* Everything that a run asks of its flags. */
static bool read_flags(const option_set *set, const typed *t, course *c)
{
    const exercise *e = c->exercise;
    double steps = 0, batch = 0, seed = 0;
    const char *lr = t->lr ? t->lr : e->lr, *start = t->start ? t->start : e->start;
    if (lr && !read_list(set, c->reel, "lr", &rate_row, lr, &c->lr)) return false;
    if (start && !read_list(set, c->reel, "start", &number_row, start, &c->start)) return false;
    if (!read_one(set, c->reel, "steps", &steps_row, t->steps ? t->steps : e->steps, &steps) ||
        !read_one(set, c->reel, "momentum", &momentum_row, t->momentum ? t->momentum : e->momentum, &c->momentum) ||
        !read_one(set, c->reel, "seed", &seed_row, t->seed ? t->seed : e->seed, &seed) ||
        !read_one(set, c->reel, "batch", &batch_row, t->batch ? t->batch : e->batch, &batch))
        return false;
    c->steps = (int)steps;
    c->batch = (int)batch;
    c->seed = (uint64_t)seed;
    c->optimizer = t->optimizer ? t->optimizer : e->optimizer;
    c->changed = t->lr || t->start || t->steps || t->momentum || t->optimizer || t->seed || t->batch;
    c->svg = t->svg;
    if (t->svg && !t->out) {
        option_fail(set, "--svg needs a folder, --out");
        return false;
    }
    if (!e->any_start && t->start && c->start.count != list_length(e->start)) {
        option_fail(set, "--start: found %d, expected %d numbers", c->start.count, list_length(e->start));
        return false;
    }
    return read_optimizer(set, t->momentum != NULL, c);
}

/* The rows of the flags that mean something to an exercise; `text` holds their sentences. */
static int flag_rows(const exercise *e, typed *t, option_row *rows, char text[][200])
{
    const struct {
        const char *name, *argument, *lesson, *sentence;
        const char **word;
    } all[] = {
        {"lr", "LIST", e->lr,
         e->any_lr
             ? "Learning rates, separated by commas"
             : "Learning rate; several, separated by commas, are run one after the other, into DIR/lr-RATE and JSON "
               "\"runs\"",
         &t->lr},
        {"start", "LIST", e->start, "Where the parameters start", &t->start},
        {"steps", "N", e->steps, "Number of updates", &t->steps},
        {"momentum", "X", e->momentum, "Momentum, from 0 to below 1", &t->momentum},
        {"optimizer", "NAME", e->optimizer, "Kind of optimizer", &t->optimizer},
        {"seed", "N", e->seed, "Seed of the random numbers, NumPy's", &t->seed},
        {"batch", "N", e->batch, "Samples of a batch", &t->batch},
    };
    int count = 0;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (!all[i].lesson) continue;
        snprintf(text[count], 200, "%s (%s).", all[i].sentence, all[i].lesson);
        rows[count] =
            (option_row){.name = all[i].name, .argument = all[i].argument, .text = text[count], .word = all[i].word};
        count++;
    }
    return count;
}

static int output_rows(typed *t, option_row *rows)
{
    const option_row all[] = {
        {"out", "DIR", "Write pictures, their gnuplot scripts and data, and the numbers here.", .word = &t->out},
        {.name = "svg", .text = "Pictures as SVG too.", .set = &t->svg},
        {"json", "FILE", "Write every number in full precision; -: to standard output.", .word = &t->json},
        {.name = "quiet", .text = "Print nothing.", .set = &t->quiet},
    };
    memcpy(rows, all, sizeof all);
    return (int)(sizeof all / sizeof *all);
}

static const exercise *helped;

/* Lines "names  what they are". */
static void print_lines(FILE *file, const char *lines)
{
    while (*lines) {
        char line[300];
        size_t length = strcspn(lines, "\n");
        snprintf(line, sizeof line, "%.*s", (int)length, lines);
        char *text = strstr(line, "  ");
        if (text) *text = '\0';
        int column = fprintf(file, "  %-22s ", line);
        option_words(file, column, 25, text ? text + 2 : "");
        lines += length + (lines[length] == '\n');
    }
}

static void print_more(FILE *file)
{
    if (helped->meaning) {
        fprintf(file, "\n");
        option_words(file, 0, 0, helped->meaning);
    }
    fprintf(file, "\nJSON:\n");
    print_lines(file, helped->json);
    print_lines(file, "exercise, text, flags  what was run, with which values\n"
                      "table, more  the printed tables\n"
                      "claims  of each: name, claim, holds, found\n"
                      "claims_against  how many do not hold\n"
                      "pictures  of each: file, caption");
}

/* ---- the runs ---- */

/* "FOLDER/NAME.json" */
static bool write_numbers(const char *who, const char *folder, const char *name, const cJSON *numbers)
{
    char file[80];
    snprintf(file, sizeof file, "%s.json", name);
    char *path = path_join(folder, file);
    bool right = path && json_write(who, path, numbers);
    free(path);
    return right;
}

static FILE *report_of(const typed *t)
{
    if (t->quiet) return NULL;
    return t->json && strcmp(t->json, "-") == 0 ? stderr : stdout;
}

/* Runs an exercise whose flags were read, in a folder (NULL: writes nothing), prints it and adds its numbers to `runs`.
 * Frees the run. */
static int run_in(course *c, const char *folder, FILE *report, cJSON *runs)
{
    int status = EXIT_FAILED;
    c->out = folder;
    if (folder && !make_folder(c->who, folder))
        status = EXIT_FAILED;
    else if (!run_begin(c))
        complain(c->who, "out of memory");
    else
        status = run_exercise(c);
    if (status == EXIT_DONE) {
        if (report && cJSON_GetArraySize(runs) > 0) fprintf(report, "\n");
        if (report) run_print(c, report);
        if (folder && !write_numbers(c->who, folder, c->exercise->name, c->json)) status = EXIT_FAILED;
        cJSON_AddItemToArray(runs, c->json);
        c->json = NULL;
    }
    run_end(c);
    return status;
}

/* An exercise that takes one rate is run once for each that was given, in folders of their own. */
static int run_rates(const course *asked, const typed *t, cJSON *runs)
{
    int status = EXIT_DONE;
    for (int k = 0; k < asked->lr.count && status == EXIT_DONE; k++) {
        char name[NUMBER_SIZE + 8] = "lr-";
        course c = *asked;
        number_text(asked->lr.at[k], REEL_DOUBLE, name + 3);
        c.reel = reel_context_new(NULL);
        c.lr = (course_list){1, {asked->lr.at[k]}};
        char *folder = t->out ? path_join(t->out, name) : NULL;
        status = run_in(&c, folder, report_of(t), runs);
        free(folder);
    }
    return status;
}

static int run_asked(course *c, const typed *t)
{
    if ((t->out && !make_folder(c->who, t->out)) || (t->json && !json_probe(c->who, t->json))) {
        reel_context_free(c->reel);
        return EXIT_FAILED;
    }
    cJSON *document = cJSON_CreateObject(), *runs = cJSON_AddArrayToObject(document, "runs");
    bool several = c->lr.count > 1 && !c->exercise->any_lr;
    int status = several ? run_rates(c, t, runs) : run_in(c, t->out, report_of(t), runs);
    if (status == EXIT_DONE && t->json &&
        !json_write(c->who, t->json, several ? document : cJSON_GetArrayItem(runs, 0)))
        status = EXIT_FAILED;
    if (several) reel_context_free(c->reel);
    cJSON_Delete(document);
    return status;
}

static int course_exercise(const exercise *e, int argc, char **argv)
{
    typed t = {0};
    option_row own[8], output[8];
    char text[8][200], name[64], example[200];
    snprintf(name, sizeof name, "reel course %s", e->name);
    snprintf(example, sizeof example, "%s%s%s --out out", name, e->lr ? " --lr " : "", e->lr ? e->lr : "");
    const option_group groups[] = {{"flags", own, flag_rows(e, &t, own, text)},
                                   {"output", output, output_rows(&t, output)}};
    const option_set set = {
        .command = name, .text = e->text, .example = example, .groups = groups, .group_count = 2, .more = print_more};
    helped = e;
    int first = options_parse(&set, NULL, argc, argv);
    if (first < 0) return finish_output(name, -1 - first);
    course c = {.exercise = e, .who = name, .reel = reel_context_new(NULL)};
    if (read_flags(&set, &t, &c)) return finish_output(name, run_asked(&c, &t));
    reel_context_free(c.reel);
    return EXIT_USAGE;
}

/* Runs one of all, as the lesson has it. */
static int run_of_all(const option_set *set, const exercise *e, const typed *all, cJSON *runs)
{
    char name[64];
    const typed lesson = {.svg = all->svg, .out = all->out};
    snprintf(name, sizeof name, "reel course %s", e->name);
    course c = {.exercise = e, .who = name, .reel = reel_context_new(NULL)};
    if (!read_flags(set, &lesson, &c)) {
        reel_context_free(c.reel);
        return EXIT_FAILED;
    }
    char *folder = all->out ? path_join(all->out, e->name) : NULL;
    int status = run_in(&c, folder, report_of(all), runs);
    free(folder);
    return status;
}

static void print_all_json(FILE *file)
{
    fprintf(file, "\nJSON: \"course\", a list of what each exercise writes.\n");
}

static int course_all(int argc, char **argv)
{
    typed t = {0};
    option_row output[8];
    const option_group groups[] = {{"output", output, output_rows(&t, output)}};
    const option_set set = {.command = "reel course all",
                            .text =
                                "Runs every exercise as the lesson has it; with --out also makes DIR/index.html, one "
                                "document with all tables and pictures, which needs no other file.",
                            .example = "reel course all --quiet --out out",
                            .groups = groups,
                            .group_count = 1,
                            .more = print_all_json};
    int first = options_parse(&set, NULL, argc, argv);
    if (first < 0) return finish_output(set.command, -1 - first);
    if (t.out && !make_folder(set.command, t.out)) return EXIT_FAILED;
    if (t.json && !json_probe(set.command, t.json)) return EXIT_FAILED;
    cJSON *document = cJSON_CreateObject(), *runs = cJSON_AddArrayToObject(document, "course");
    int status = EXIT_DONE;
    for (const exercise *const *e = exercises; *e && status == EXIT_DONE; e++) status = run_of_all(&set, *e, &t, runs);
    if (status == EXIT_DONE && t.json && !json_write(set.command, t.json, document)) status = EXIT_FAILED;
    if (status == EXIT_DONE && t.out &&
        !(write_numbers(set.command, t.out, "course", document) && course_html(set.command, t.out, runs)))
        status = EXIT_FAILED;
    if (status == EXIT_DONE && t.out && report_of(&t)) fprintf(report_of(&t), "\n%s: index.html, course.json\n", t.out);
    cJSON_Delete(document);
    return finish_output(set.command, status);
}

/* ---- the command ---- */

static void print_list(FILE *file)
{
    fprintf(file, "exercises (each has a --help of its own):\n");
    for (const exercise *const *e = exercises; *e; e++) {
        fprintf(file, "  %-16s ", (*e)->name);
        option_words(file, 19, 19, (*e)->text);
    }
    fprintf(file, "  %-16s Every one, and one document of them.\n", "all");
}

static void print_list_below(FILE *file)
{
    fprintf(file, "\n");
    print_list(file);
}

int command_course(int argc, char **argv)
{
    const char *who = "reel course";
    if (argc < 2) {
        print_list(stdout);
        return finish_output(who, EXIT_DONE);
    }
    if (argv[1][0] == '-') {
        const option_group groups[] = {{"flags", NULL, 0}};
        const option_set set = {.command = who,
                                .operands = "EXERCISE",
                                .most = 1,
                                .text =
                                    "Exercises on gradient descent: tables, pictures, and what the lesson gets wrong.",
                                .example = "reel course learning-rates --lr 0.9,1,1.1 --out out",
                                .groups = groups,
                                .group_count = 1,
                                .more = print_list_below};
        int first = options_parse(&set, NULL, argc, argv);
        return finish_output(who, first < 0 ? -1 - first : option_fail(&set, "the exercise comes first"));
    }
    if (strcmp(argv[1], "all") == 0) return course_all(argc - 1, argv + 1);
    for (const exercise *const *e = exercises; *e; e++)
        if (strcmp((*e)->name, argv[1]) == 0) return course_exercise(*e, argc - 1, argv + 1);
    const char *near = nearest_name(argv[1], exercise_name_at, exercises);
    fprintf(stderr, "%s: there is no exercise \"%s\"%s%s%s (see %s --help)\n", who, argv[1],
            near ? "; did you mean " : "", near ? near : "", near ? "?" : "", who);
    return EXIT_USAGE;
}
