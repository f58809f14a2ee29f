/* SPDX-License-Identifier: MIT
 *
 * `reel diagnose`: what explains the run that a checkpoint is of. A built-in model is made again and measured; of any
 * other program's the file itself is looked at.
 */
#include "checkpoint_view.h"
#include "checkpoints.h"
#include "diagnosis/self_test.h"
#include "model/models.h"
#include "runlog.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char who[] = "reel diagnose";

enum { EXIT_FOUND = 3 };

#define RISEN 1.5 /* times the best loss */

static struct {
    const char *json, *recipe;
    double self_test, seed;
    bool all, quiet;
} asked;

typedef struct report {
    FILE *file;
    cJSON *document, *findings;
    int count; /* findings */
} report;

static void put_finding(report *r, const char *cause, double weight, const char *text, const char *remedy)
{
    cJSON *o = cJSON_CreateObject();
    fprintf(r->file, "%s%s: %s.\n", r->count ? "\n" : "", cause, text);
    option_words(r->file, 0, 4, remedy);
    json_add_text(o, "cause", cause);
    json_add_number(o, "weight", weight, REEL_DOUBLE);
    json_add_text(o, "text", text);
    json_add_text(o, "remedy", remedy);
    cJSON_AddItemToArray(r->findings, o);
    r->count++;
}

/* ---- measured ---- */

static void add_measured(cJSON *document, const reel_diagnosis *d)
{
    cJSON *o = cJSON_AddObjectToObject(document, "measured");
    const struct {
        const char *name;
        double value;
    } numbers[] = {{"loss", d->loss},
                   {"gradient_norm", d->gradient_norm},
                   {"parameter_norm", d->parameter_norm},
                   {"baseline", d->baseline},
                   {"best", d->best},
                   {"validation", d->validation},
                   {"fidelity", d->fidelity},
                   {"fidelity_error", d->fidelity_error},
                   {"sharpness", d->curvature.largest.value},
                   {"rate", d->curvature.rate},
                   {"limit", d->curvature.limit},
                   {"memorised", d->memorised},
                   {"fresh_gradient", d->fresh_gradient},
                   {"fresh_loss", d->fresh_loss},
                   {"fresh_after", d->fresh_after}};
    json_add_whole(o, "step", d->step);
    json_add_whole(o, "rows", d->rows);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        json_add_number(o, numbers[i].name, numbers[i].value, REEL_DOUBLE);
    json_add_whole(o, "units", d->units);
    json_add_whole(o, "dead", d->dead);
    json_add_whole(o, "dead_layer", d->dead_layer);
    json_add_whole(o, "fresh_dead", d->fresh_dead);
    json_add_whole(o, "subset", d->subset);
    json_add_whole(o, "trial_steps", d->trial_steps);
    cJSON *trials = cJSON_AddArrayToObject(o, "trials");
    for (int i = 0; i < d->trial_count; i++) {
        cJSON *one = cJSON_CreateObject();
        json_add_number(one, "factor", d->trials[i].factor, REEL_DOUBLE);
        json_add_number(one, "loss", d->trials[i].loss, REEL_DOUBLE);
        cJSON_AddItemToArray(trials, one);
    }
}

static void put_diagnosis(report *r, const char *rows, const reel_diagnosis *d)
{
    fprintf(r->file, "step %lld, %lld %s: loss %.6g, gradient norm %.4g, rate %.4g, largest stable rate %.4g\n",
            (long long)d->step, (long long)d->rows, rows, d->loss, d->gradient_norm, d->curvature.rate,
            d->curvature.limit);
    if (d->trial_count > 0) fprintf(r->file, "loss after %d steps at so many times the rate: ", d->trial_steps);
    for (int i = 0; i < d->trial_count; i++)
        fprintf(r->file, "%g: %.4g%s", d->trials[i].factor, d->trials[i].loss, i + 1 < d->trial_count ? ", " : "\n\n");
    for (int i = 0; i < d->count; i++) {
        const reel_finding *f = &d->findings[i];
        put_finding(r, reel_cause_name(f->cause), f->weight, f->text, f->remedy);
    }
    if (d->count == 1 && d->findings[0].cause == REEL_CAUSE_NOTHING) r->count = 0;
    add_measured(r->document, d);
}

/* ---- a built-in model ---- */

/* -1: it is not of a built-in model, and `why` says what does not fit. */
static int diagnose_model(checkpoint_view *v, const char *path, report *r, char why[TEXT_SIZE])
{
    built_model m;
    reel_diagnosis found;
    int status = EXIT_FAILED;
    rebuilt built = model_rebuild(v, who, path, asked.recipe, &m, why);
    if (built == REBUILT_NOT)
        status = -1;
    else if (built == REBUILT && reel_diagnose(NULL, m.trainer, &found) == REEL_OK)
        put_diagnosis(r, m.rows, &found), status = EXIT_DONE;
    else if (built == REBUILT)
        complain_of(who, m.context);
    model_free(&m);
    return status;
}

/* ---- the file alone ---- */

static void put_tensors(checkpoint_view *v, report *r, const char *base, const char *what)
{
    char path[2 * PATH_SIZE], text[512], remedy[256];
    const char *name;
    double squares = 0;
    int64_t numbers = 0;
    for (int i = 0; (name = reel_checkpoint_member(v->checkpoint, base, i)) != NULL; i++) {
        snprintf(path, sizeof path, "%s/%.900s", base, name);
        reel_array *a = reel_checkpoint_array(NULL, v->checkpoint, path);
        reel_error_clear(v->context);
        double own = 0, number = 0;
        int64_t wrong = 0, first = -1;
        for (int64_t k = 0; a && k < a->size; k++) {
            double x = reel_array_get(a, k);
            if (isfinite(x)) {
                own += x * x;
            } else if (wrong++ == 0) {
                first = k;
                number = x;
            }
        }
        if (wrong > 0) {
            snprintf(text, sizeof text, "%lld of %lld numbers of %.200s (%s) are not finite, number %lld is %g",
                     (long long)wrong, (long long)a->size, name, what, (long long)first, number);
            snprintf(remedy, sizeof remedy,
                     "Resume from an earlier checkpoint with 0 such numbers, at a lower rate or with the gradient "
                     "clipped; stop_when_not_finite 1 stops a run before this.");
            put_finding(r, reel_cause_name(REEL_CAUSE_NOT_FINITE), 100, text, remedy);
        }
        squares += own;
        numbers += a ? a->size : 0;
        reel_array_free(a);
    }
    if (numbers > 0) fprintf(r->file, "%s: %lld numbers, norm %.6g\n", what, (long long)numbers, sqrt(squares));
}

static void put_moments(checkpoint_view *v, report *r)
{
    char path[PATH_SIZE], values[2 * PATH_SIZE], what[TEXT_SIZE];
    const char *state;
    if (!*v->optimizer) return;
    snprintf(path, sizeof path, "%.900s/state", v->optimizer);
    for (int i = 0; (state = reel_checkpoint_member(v->checkpoint, path, i)) != NULL; i++) {
        snprintf(what, sizeof what, "moment \"%.100s\"", state);
        snprintf(values, sizeof values, "%s/%.100s/values", path, state);
        put_tensors(v, r, values, what);
    }
}

/* Loss now against the best, from the file and the log beside it. */
static void put_losses(checkpoint_view *v, report *r, const char *path)
{
    char text[512], remedy[256], folder[PATH_SIZE];
    double loss = view_number(v, v->trainer, "loss_before"), best = view_number(v, v->trainer, "best_loss");
    double step = view_number(v, v->trainer, "step"), at = view_number(v, v->trainer, "best_step"), first = NAN;
    const char *slash = strrchr(path, '/');
    if (!*v->trainer || !(step > 0)) return;
    snprintf(folder, sizeof folder, "%.*slog.jsonl", slash ? (int)(slash - path) + 1 : 0, path);
    runlog_list logs = {NULL, 0};
    FILE *there = fopen(folder, "r");
    if (there) fclose(there);
    if (there && runlog_read(&logs, who, folder)) {
        const log_column *column = runlog_column(&logs.items[0], "loss");
        if (column && logs.items[0].lines > 0) first = column->numbers[0];
        runlog_list_free(&logs);
    }
    fprintf(r->file, "loss: ");
    if (isfinite(first)) fprintf(r->file, "%.6g in the first line of the log, ", first);
    fprintf(r->file, "%.6g in step %.0f, best %.6g in step %.0f\n", loss, step, best, at);
    snprintf(
        remedy, sizeof remedy,
        "Resume from the best checkpoint at a lower rate, or with the gradient clipped; reel_diagnose says whether "
        "the rate is above the limit of the curvature.");
    if (!isfinite(loss)) {
        snprintf(text, sizeof text, "the loss of step %.0f is %g; the best was %.6g in step %.0f", step, loss, best,
                 at);
        put_finding(r, reel_cause_name(REEL_CAUSE_NOT_FINITE), 99, text, remedy);
    } else if (best > 0 && loss > RISEN * best) {
        snprintf(text, sizeof text, "the loss has risen to %.6g in step %.0f, %.3g times the best (more than %g times)",
                 loss, step, loss / best, RISEN);
        put_finding(r, "loss risen", 71, text, remedy);
    } else if (isfinite(first) && fabs(first - best) < 0.01 * fabs(first)) {
        snprintf(text, sizeof text, "in %.0f steps the loss has fallen by %.3g %% of its first, %.6g (less than 1 %%)",
                 step, 100 * (first - best) / fabs(first), first);
        put_finding(r, "loss hardly falls", 60, text,
                    "Rate too low, plateau, dead units or unfit input: reel_diagnose tells which, reel_lr_find which "
                    "rate suits.");
    }
}

static int diagnose_file(checkpoint_view *v, const char *path, report *r, const char *why)
{
    char values[PATH_SIZE];
    if (*why) fprintf(r->file, "measured only in the file: %s\n", why);
    json_add_text(r->document, "from", "the file alone");
    snprintf(values, sizeof values, "%.900s/values", v->parameters);
    if (*v->parameters) put_tensors(v, r, values, "parameters");
    put_moments(v, r);
    put_losses(v, r, path);
    if (r->count == 0) fprintf(r->file, "The file alone shows nothing wrong.\n");
    fprintf(r->file, "\nData and loss stand in the program that trains: to measure them there, add after resuming\n"
                     "    reel_diagnosis found;\n"
                     "    reel_diagnose(trainer, &found);\n"
                     "    for (int i = 0; i < found.count; i++) puts(found.findings[i].text);\n");
    return EXIT_DONE;
}

/* ---- the command ---- */

static bool newest_of(const char *folder, char path[PATH_SIZE])
{
    checkpoint_list list;
    if (!checkpoint_list_read(&list, folder)) {
        complain(who, "%s: %s", folder, strerror(errno));
        return false;
    }
    bool found = list.count > 0;
    if (found)
        snprintf(path, PATH_SIZE, "%s", list.items[list.count - 1].path);
    else
        complain(who, "%s holds no checkpoint", folder);
    checkpoint_list_free(&list);
    return found;
}

static int diagnose(const char *operand, report *r)
{
    char path[PATH_SIZE], why[TEXT_SIZE] = "";
    checkpoint_view v = {.context = NULL};
    snprintf(path, sizeof path, "%s", operand);
    if (is_folder(operand) && !newest_of(operand, path)) return EXIT_FAILED;
    int status = -1;
    if (view_open(&v, path)) {
        reel_hash_verdict verdict = reel_checkpoint_hash_verdict(v.checkpoint);
        fprintf(r->file, "%s\n", path);
        if (verdict != REEL_HASH_RIGHT) fprintf(r->file, "hash: %s\n", verdict_text(verdict));
        json_add_text(r->document, "file", path);
        json_add_text(r->document, "hash", verdict_text(verdict));
        status = diagnose_model(&v, path, r, why);
        if (status < 0) status = diagnose_file(&v, path, r, why);
    } else {
        status = complain_of(who, v.context);
    }
    reel_context_free(v.context);
    return status;
}

static void print_status(FILE *file)
{
    fprintf(file,
            "\nExit status: 0 nothing wrong was found, 3 something was, 1 the file cannot be read, 2 wrong usage.\n"
            "Of a self-test: 0 when 95 %% at least are right and 2 %% at most of the healthy runs false alarms, 1 "
            "when not.\n");
}

/* The runs of --self-test. */
static int test_self(FILE *file, cJSON *document)
{
    const self_test_settings settings = {.who = who,
                                         .runs = (int64_t)asked.self_test,
                                         .seed = (uint64_t)asked.seed,
                                         .all = asked.all,
                                         .quiet = asked.quiet};
    return self_test(&settings, file, document);
}

static int run(const char *operand)
{
    bool on_output = asked.json && strcmp(asked.json, "-") == 0;
    if (asked.json && !json_probe(who, asked.json)) return EXIT_FAILED;
    report r = {.file = on_output ? stderr : stdout, .document = cJSON_CreateObject()};
    json_add_text(r.document, "command", "diagnose");
    json_add_text(r.document, "version", reel_version());
    r.findings = operand ? cJSON_AddArrayToObject(r.document, "findings") : NULL;
    int status = operand ? diagnose(operand, &r) : test_self(r.file, r.document);
    bool done = status == EXIT_DONE || !operand; /* what a self-test that failed has found is of use */
    if (done && asked.json && !json_write(who, asked.json, r.document)) status = EXIT_FAILED;
    cJSON_Delete(r.document);
    return status == EXIT_DONE && r.count > 0 ? EXIT_FOUND : status;
}

int command_diagnose(int argc, char **argv)
{
    static const reel_hyper runs_row = {.name = "self_test", .least = 1, .most = 1e6, .kind = REEL_HYPER_WHOLE};
    static const reel_hyper seed_row = {.name = "seed",
                                        .text = "of the first run, the next has one more",
                                        .value = 1,
                                        .most = 1e15,
                                        .kind = REEL_HYPER_WHOLE};
    const option_row output[] = {{"json", "FILE",
                                  "Write every finding and number in full precision; -: to standard output.",
                                  .word = &asked.json},
                                 {"quiet", NULL, "No progress of a self-test.", .set = &asked.quiet}};
    const option_row model[] = {{"recipe", "TEXT",
                                 "How model and data are made again, as 'two-moons --noise 0.3'; flags alone, as "
                                 "'--csv moved.csv', change what the checkpoint says; default: that.",
                                 .word = &asked.recipe}};
    const option_row test[] = {
        {.name = "self-test",
         .argument = "RUNS",
         .text = "Make so many trainings of which is known what is wrong with them, if anything, diagnose each, and "
                 "print how "
                 "often each cause was found to be which, and the false alarms.",
         .number = &asked.self_test,
         .hyper = &runs_row},
        {.name = "seed", .number = &asked.seed, .hyper = &seed_row},
        {"all", NULL, "Tell every run and all its findings, not only those that are wrong.", .set = &asked.all}};
    const option_group groups[] = {
        {"output", output, 2}, {"model", model, 1}, {"test of the diagnosis itself", test, 3}};
    const option_set set = {
        .command = who,
        .operands = "[CHECKPOINT|DIR]",
        .least = 0,
        .most = 1,
        .text = "Says what explains the run that a checkpoint is of, or the newest in a folder: rate too high or too "
                "low, a gradient that does not describe the loss, numbers that are not finite, plateau, dead units, "
                "overfitting, unfit input, too small a model; each with its figures and what to do. Of a model that is "
                "not built in it says what the file alone shows.",
        .example = "reel diagnose out/checkpoints --json -",
        .groups = groups,
        .group_count = 3,
        .more = print_status};
    asked.seed = seed_row.value;
    reel_context *context = reel_context_new(NULL);
    int first = options_parse(&set, context, argc, argv);
    reel_context_free(context);
    if (first < 0) return finish_output(who, -1 - first);
    bool tests = asked.self_test > 0;
    if (!tests && first == argc) return option_fail(&set, "CHECKPOINT|DIR is missing");
    if (tests && first < argc) return option_fail(&set, "--self-test takes no checkpoint, found %s", argv[first]);
    return finish_output(who, run(tests ? NULL : argv[first]));
}
