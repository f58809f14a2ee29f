/* SPDX-License-Identifier: MIT
 *
 * `reel inspect`: looks into a checkpoint, or lists those of a folder.
 */
#include "checkpoint_view.h"
#include "checkpoints.h"
#include "options.h"
#include "output.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define LIST_MOST 100 /* tensors and hyper-parameters are looked for in so many members */

static const char who[] = "reel inspect";

/* One checkpoint that is looked at; report gets every number as well, for --json. */
typedef struct inspection {
    checkpoint_view view;
    FILE *file; /* to print to */
    cJSON *report;
} inspection;

/* ---- lines ---- */

static void line(const inspection *in, const char *title, const char *format, ...) REEL_PRINTF(3, 4);
static void line(const inspection *in, const char *title, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(in->file, "%-12s ", title);
    vfprintf(in->file, format, arguments);
    fprintf(in->file, "\n");
    va_end(arguments);
}

static void show_progress(inspection *in)
{
    static const char *const names[] = {"step",      "epochs",    "steps_per_epoch", "loss_before",     "loss_after",
                                        "best_loss", "best_step", "best_saved_loss", "best_saved_step", "batch",
                                        "rows",      "seed"};
    if (!*in->view.trainer) return;
    cJSON *o = cJSON_AddObjectToObject(in->report, "trainer");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        json_add_number(o, names[i], view_number(&in->view, in->view.trainer, names[i]), REEL_DOUBLE);
    double step = view_number(&in->view, in->view.trainer, "step"),
           per_epoch = view_number(&in->view, in->view.trainer, "steps_per_epoch");
    double epochs = view_number(&in->view, in->view.trainer, "epochs");
    line(in, "step", "%.0f of %.0f", step, epochs * per_epoch);
    line(in, "epoch", "%.0f of %.0f, %.0f updates each", per_epoch > 0 ? floor(step / per_epoch) : 0, epochs,
         per_epoch);
    if (step > 0) {
        line(in, "loss", "%.9g before the last update, %.9g after",
             view_number(&in->view, in->view.trainer, "loss_before"),
             view_number(&in->view, in->view.trainer, "loss_after"));
        line(in, "best", "%.9g after %.0f updates", view_number(&in->view, in->view.trainer, "best_loss"),
             view_number(&in->view, in->view.trainer, "best_step"));
    } else {
        line(in, "loss", "none yet");
    }
    line(in, "data", "%.0f rows, %.0f an update", view_number(&in->view, in->view.trainer, "rows"),
         view_number(&in->view, in->view.trainer, "batch"));
}

/* "lr 0.5, momentum 0.9, ..." */
static void show_hypers(inspection *in, const char *title, const char *path, cJSON *report)
{
    char text[TEXT_SIZE] = "";
    size_t used = 0;
    const char *name;
    for (int i = 0; i < LIST_MOST && (name = reel_checkpoint_member(in->view.checkpoint, path, i)) != NULL; i++) {
        char number[REEL_HYPER_TEXT];
        double value = view_number(&in->view, path, name);
        const reel_hyper *row = view_hyper(&in->view, name);
        if (row && row->kind == REEL_HYPER_CHOICE)
            json_add_text(report, name, reel_hyper_print(row, value, number));
        else
            json_add_number(report, name, value, REEL_DOUBLE), number_text(value, REEL_DOUBLE, number);
        int n = snprintf(text + used, sizeof text - used, "%s%s %s", used ? ", " : "", name, number);
        if (n > 0) used = used + (size_t)n < sizeof text ? used + (size_t)n : sizeof text - 1;
    }
    line(in, title, "%s", text);
}

static void show_group(inspection *in, int index, const char *path, cJSON *groups)
{
    char hypers[PATH_SIZE], spec[TEXT_SIZE] = "", number[NUMBER_SIZE], title[32] = "  values";
    cJSON *report = cJSON_CreateObject();
    cJSON_AddItemToArray(groups, report);
    snprintf(hypers, sizeof hypers, "%.900s/hypers", path);
    if (index > 0) snprintf(title, sizeof title, "  group %d", index);
    show_hypers(in, title, hypers, cJSON_AddObjectToObject(report, "hypers"));
    double rate = view_rate(&in->view, path, view_number(&in->view, hypers, "lr"), spec);
    json_add_text(report, "schedule", *spec ? spec : NULL);
    json_add_number(report, "rate", rate, REEL_DOUBLE);
    line(in, "  schedule", "%s", *spec ? spec : "none");
    line(in, "  rate", "%s for the next update", isnan(rate) ? "not known" : number_text(rate, REEL_DOUBLE, number));
}

static void show_optimizer(inspection *in)
{
    char kind[TEXT_SIZE], path[PATH_SIZE];
    if (!*in->view.optimizer) return;
    cJSON *o = cJSON_AddObjectToObject(in->report, "optimizer");
    view_text(&in->view, in->view.optimizer, "kind", kind);
    json_add_text(o, "kind", kind);
    json_add_number(o, "steps", view_number(&in->view, in->view.optimizer, "steps"), REEL_DOUBLE);
    json_add_number(o, "skipped", view_number(&in->view, in->view.optimizer, "skipped"), REEL_DOUBLE);
    line(in, "optimizer", "%s, %.0f updates, %.0f skipped", kind, view_number(&in->view, in->view.optimizer, "steps"),
         view_number(&in->view, in->view.optimizer, "skipped"));
    snprintf(path, sizeof path, "%.900s/shared", in->view.optimizer);
    show_hypers(in, "  shared", path, cJSON_AddObjectToObject(o, "shared"));
    cJSON *groups = cJSON_AddArrayToObject(o, "groups");
    for (int g = 0;; g++) {
        snprintf(path, sizeof path, "%.900s/groups/%d", in->view.optimizer, g);
        if (!reel_checkpoint_member(in->view.checkpoint, path, 0)) return;
        show_group(in, g, path, groups);
    }
}

/* Kind and whatever describes it in numbers, texts and lists. */
static void show_model(inspection *in)
{
    char text[TEXT_SIZE], out[TEXT_SIZE] = "";
    size_t used = 0;
    const char *name;
    if (!*in->view.model) return;
    for (int i = 0; i < LIST_MOST && (name = reel_checkpoint_member(in->view.checkpoint, in->view.model, i)) != NULL;
         i++) {
        char path[PATH_SIZE], number[NUMBER_SIZE];
        double value = view_number(&in->view, in->view.model, name);
        snprintf(path, sizeof path, "%.500s/%.500s", in->view.model, name);
        if (!view_text(&in->view, in->view.model, name, text)) {
            reel_array *list = isnan(value) ? reel_checkpoint_array(NULL, in->view.checkpoint, path) : NULL;
            reel_error_clear(in->view.context);
            text[0] = '\0';
            if (!isnan(value)) snprintf(text, sizeof text, "%s", number_text(value, REEL_DOUBLE, number));
            for (int64_t j = 0; list && j < list->size && strlen(text) + NUMBER_SIZE < sizeof text; j++)
                sprintf(text + strlen(text), "%s%g", j ? "-" : "", reel_array_get(list, j));
            reel_array_free(list);
        }
        if (!*text) continue;
        int n = i == 0 ? snprintf(out, sizeof out, "%s", text)
                       : snprintf(out + used, sizeof out - used, ", %s %s", name, text);
        if (n > 0) used = used + (size_t)n < sizeof out ? used + (size_t)n : sizeof out - 1;
    }
    json_add_text(in->report, "model", out);
    line(in, "model", "%s", out);
}

/* ---- the table of parameters ---- */

typedef struct figures {
    double norm, least, most;
    int64_t wrong; /* not finite */
} figures;

/* Of the finite elements; the norm of all. */
static figures figures_of(const reel_array *a)
{
    figures f = {0, INFINITY, -INFINITY, 0};
    for (int64_t i = 0; i < a->size; i++) {
        double x = reel_array_get(a, i);
        f.norm += x * x;
        if (!isfinite(x))
            f.wrong++;
        else
            f.least = fmin(f.least, x), f.most = fmax(f.most, x);
    }
    f.norm = sqrt(f.norm);
    return f;
}

static void add_tensor(cJSON *list, const char *name, const reel_array *a, const figures *f, bool values)
{
    cJSON *o = cJSON_CreateObject();
    double shape[REEL_MAX_RANK];
    for (int d = 0; d < a->rank; d++) shape[d] = (double)a->shape[d];
    json_add_text(o, "name", name);
    json_add_text(o, "dtype", reel_dtype_name(a->dtype));
    json_add_numbers(o, "shape", shape, a->rank, REEL_DOUBLE, NULL);
    json_add_number(o, "norm", f->norm, REEL_DOUBLE);
    json_add_number(o, "min", f->least, REEL_DOUBLE);
    json_add_number(o, "max", f->most, REEL_DOUBLE);
    json_add_whole(o, "not_finite", f->wrong);
    double *elements = values ? malloc(((size_t)a->size + 1) * sizeof *elements) : NULL;
    for (int64_t i = 0; elements && i < a->size; i++) elements[i] = reel_array_get(a, i);
    if (elements)
        json_add_numbers(o, "values", elements, a->size, a->dtype == REEL_FLOAT ? REEL_FLOAT : REEL_DOUBLE, NULL);
    free(elements);
    cJSON_AddItemToArray(list, o);
}

/* The tensors below a path, a line each. False when one cannot be read. */
static bool show_tensors(inspection *in, const char *path, cJSON *list)
{
    const char *name;
    for (int i = 0; (name = reel_checkpoint_member(in->view.checkpoint, path, i)) != NULL; i++) {
        char full[2 * PATH_SIZE], shape[128];
        snprintf(full, sizeof full, "%s/%s", path, name);
        reel_array *a = reel_checkpoint_array(NULL, in->view.checkpoint, full);
        if (!a) return false;
        figures f = figures_of(a);
        shape_text(a, shape);
        fprintf(in->file, "  %-24s %-16s %-8s %12.6g %12.6g %12.6g %8lld\n", name, shape, reel_dtype_name(a->dtype),
                f.norm, f.least, f.most, (long long)f.wrong);
        add_tensor(list, name, a, &f, false);
        reel_array_free(a);
    }
    return true;
}

static bool show_parameters(inspection *in)
{
    static const char *const parts[] = {"values", "buffers"};
    if (!*in->view.parameters) return true;
    fprintf(in->file, "\n  %-24s %-16s %-8s %12s %12s %12s %8s\n", "parameter", "shape", "type", "norm", "min", "max",
            "not fin.");
    for (int i = 0; i < 2; i++) {
        char path[PATH_SIZE];
        snprintf(path, sizeof path, "%.900s/%s", in->view.parameters, parts[i]);
        if (!reel_checkpoint_member(in->view.checkpoint, path, 0)) continue;
        if (i == 1) fprintf(in->file, "  buffers:\n");
        if (!show_tensors(in, path, cJSON_AddArrayToObject(in->report, i ? "buffers" : "parameters"))) return false;
    }
    return true;
}

static void show_fingerprint(inspection *in)
{
    const char *name;
    char text[TEXT_SIZE];
    cJSON *o = cJSON_AddObjectToObject(in->report, "fingerprint");
    fprintf(in->file, "\nwritten by\n");
    for (int i = 0; (name = reel_checkpoint_member(in->view.checkpoint, "fingerprint", i)) != NULL; i++) {
        if (!view_text(&in->view, "fingerprint", name, text)) continue;
        json_add_text(o, name, text);
        fprintf(in->file, "  %-15s %s\n", name, text);
    }
}

/* ---- --values ---- */

/* Rows of the last dimension, a line each. */
static void print_values(FILE *file, const reel_array *a)
{
    int64_t row = a->rank > 1 ? a->shape[a->rank - 1] : 1;
    char text[NUMBER_SIZE];
    for (int64_t i = 0; i < a->size; i++)
        fprintf(file, "%s%s",
                number_text(reel_array_get(a, i), a->dtype == REEL_FLOAT ? REEL_FLOAT : REEL_DOUBLE, text),
                (i + 1) % row == 0 ? "\n" : " ");
}

/* A parameter or buffer by its name, or any tensor by its path in the file. */
static bool show_values(inspection *in, const char *name)
{
    static const char *const parts[] = {"values/", "buffers/"};
    reel_array *a = NULL;
    for (int i = 0; i < 3 && !a; i++) {
        char path[2 * PATH_SIZE];
        if (i < 2)
            snprintf(path, sizeof path, "%s/%s%.900s", in->view.parameters, parts[i], name);
        else
            snprintf(path, sizeof path, "%.900s", name);
        a = reel_checkpoint_array(NULL, in->view.checkpoint, path);
        if (!a) reel_error_clear(in->view.context);
    }
    if (!a) {
        complain(who, "--values: there is no parameter \"%s\"; the table without --values lists them", name);
        return false;
    }
    figures f = figures_of(a);
    print_values(in->file, a);
    add_tensor(cJSON_AddArrayToObject(in->report, "values"), name, a, &f, true);
    reel_array_free(a);
    return true;
}

/* ---- a file, a folder ---- */

/* Exit status 1 also when the hash is wrong. */
static int inspect_file(const char *path, const char *values, FILE *file, cJSON *report)
{
    inspection in = {.file = file, .report = report};
    int status = EXIT_FAILED;
    if (view_open(&in.view, path)) {
        struct stat found;
        reel_hash_verdict verdict = reel_checkpoint_hash_verdict(in.view.checkpoint);
        bool right;
        json_add_text(report, "file", path);
        json_add_text(report, "hash", verdict_text(verdict));
        if (values) {
            right = show_values(&in, values);
        } else {
            fprintf(file, "%s: %lld bytes\n", path, stat(path, &found) == 0 ? (long long)found.st_size : -1LL);
            line(&in, "hash", "%s", verdict_text(verdict));
            show_progress(&in);
            show_model(&in);
            show_optimizer(&in);
            right = show_parameters(&in);
            show_fingerprint(&in);
        }
        if (right && verdict == REEL_HASH_RIGHT) status = EXIT_DONE;
    }
    if (reel_failed(in.view.context)) complain_of(who, in.view.context);
    reel_context_free(in.view.context);
    return status;
}

/* What a line of the list says. */
typedef struct row {
    double loss;
    reel_hash_verdict verdict;
    char fault[512]; /* why it cannot be read; "" */
} row;

static row look_at(const checkpoint_file *c)
{
    inspection in = {.file = stdout};
    row r = {.loss = NAN, .fault = ""};
    if (view_open(&in.view, c->path)) {
        r.loss = view_number(&in.view, in.view.trainer, "loss_after");
        r.verdict = reel_checkpoint_hash_verdict(in.view.checkpoint);
    } else {
        snprintf(r.fault, sizeof r.fault, "%s", in.view.context ? reel_error_text(in.view.context) : "out of memory");
    }
    reel_context_free(in.view.context);
    return r;
}

static void list_line(const checkpoint_file *c, const row *r, bool best, FILE *file, cJSON *list)
{
    char loss[NUMBER_SIZE] = "-";
    cJSON *o = cJSON_CreateObject();
    cJSON_AddItemToArray(list, o);
    json_add_text(o, "file", c->path);
    json_add_whole(o, "bytes", c->bytes);
    json_add_whole(o, "step", c->step);
    json_add_number(o, "loss", r->loss, REEL_DOUBLE);
    json_add_text(o, "hash", *r->fault ? "damaged" : verdict_text(r->verdict));
    cJSON_AddBoolToObject(o, "best", best);
    if (!isnan(r->loss)) snprintf(loss, sizeof loss, "%.9g", r->loss);
    fprintf(file, "%-48s %10lld %14s %10lld  ", c->path, (long long)c->step, loss, (long long)c->bytes);
    if (*r->fault)
        fprintf(file, "damaged: %s\n", r->fault);
    else
        fprintf(file, "hash %s%s\n", verdict_text(r->verdict), best ? ", best" : "");
}

/* The smallest loss is the best; the earliest of equals. */
static bool list_all(const checkpoint_list *found, FILE *file, cJSON *list, int *status)
{
    row *rows = malloc(((size_t)found->count + 1) * sizeof *rows);
    int64_t best = -1;
    for (int64_t i = 0; rows && i < found->count; i++) {
        rows[i] = look_at(&found->items[i]);
        if (*rows[i].fault || rows[i].verdict != REEL_HASH_RIGHT)
            *status = EXIT_FAILED;
        else if (!isnan(rows[i].loss) && (best < 0 || rows[i].loss < rows[best].loss))
            best = i;
    }
    for (int64_t i = 0; rows && i < found->count; i++) list_line(&found->items[i], &rows[i], i == best, file, list);
    free(rows);
    return rows != NULL;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int not_hidden(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* Lists a folder, and those in it down to `depth`: a comparison has one for each run. Returns how many were found. */
static int64_t list_folder(const char *folder, int depth, FILE *file, cJSON *list, int *status)
{
    checkpoint_list found;
    if (!checkpoint_list_read(&found, folder)) {
        complain(who, "%s: %s", folder, strerror(errno));
        *status = EXIT_FAILED;
        return 0;
    }
    int64_t count = found.count;
    if (!list_all(&found, file, list, status)) {
        complain(who, "out of memory");
        *status = EXIT_FAILED;
    }
    checkpoint_list_free(&found);
    struct dirent **names = NULL;
    int n = depth > 0 ? scandir(folder, &names, not_hidden, by_name) : 0;
    for (int i = 0; i < n; i++) {
        char *path = path_join(folder, names[i]->d_name);
        if (path && is_folder(path)) count += list_folder(path, depth - 1, file, list, status);
        free(path);
        free(names[i]);
    }
    free(names);
    return count;
}

static int inspect_folder(const char *folder, FILE *file, cJSON *report)
{
    int status = EXIT_DONE;
    json_add_text(report, "folder", folder);
    fprintf(file, "%-48s %10s %14s %10s\n", "checkpoint", "step", "loss", "bytes");
    int64_t count = list_folder(folder, 2, file, cJSON_AddArrayToObject(report, "checkpoints"), &status);
    if (count > 0 || status != EXIT_DONE) return status;
    complain(who, "%s holds no checkpoint: expected files named step-NUMBER.json", folder);
    return EXIT_FAILED;
}

int command_inspect(int argc, char **argv)
{
    const char *values = NULL, *json = NULL;
    const option_row rows[] = {
        {"values", "NAME",
         "Print all numbers of one parameter, of a buffer, or of whatever stands at a path of the file.",
         .word = &values},
        {"json", "FILE", "Write every number in full precision; -: to standard output, instead of the text.",
         .word = &json},
    };
    const option_group groups[] = {{"flags", rows, 2}};
    const option_set set = {.command = who,
                            .operands = "FILE|DIR",
                            .least = 1,
                            .most = 1,
                            .text =
                                "Looks into a checkpoint: step, loss, optimizer with its current rate, parameters with "
                                "norms and numbers that are not finite, hash. Of a folder: a line for each checkpoint. "
                                "Exit status 1 when a hash is wrong or a file damaged.",
                            .example = "reel inspect out/checkpoints/step-000000200.json --values net.0.weight",
                            .groups = groups,
                            .group_count = 1};
    int first = options_parse(&set, NULL, argc, argv);
    if (first < 0) return finish_output(who, -1 - first);
    const char *path = argv[first];
    if (values && is_folder(path)) return option_fail(&set, "--values is for one file, %s is a folder", path);
    FILE *file = json && strcmp(json, "-") == 0 ? fopen("/dev/null", "w") : stdout;
    cJSON *report = cJSON_CreateObject();
    if (!file || !report) return complain(who, "the report cannot be made: %s", strerror(errno)), EXIT_FAILED;
    json_add_text(report, "command", "inspect");
    json_add_text(report, "version", reel_version());
    int status = is_folder(path) ? inspect_folder(path, file, report) : inspect_file(path, values, file, report);
    if (json && cJSON_GetArraySize(report) > 2 && !json_write(who, json, report)) status = EXIT_FAILED;
    cJSON_Delete(report);
    if (file != stdout) fclose(file);
    return finish_output(who, status);
}
