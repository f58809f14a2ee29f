/* SPDX-License-Identifier: MIT
 *
 * Table, preparation, net, loss and trainer of a training on a table.
 */
#include "table/csv_run.h"

#include "runlog.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const reel_hyper number_row = {.name = "number", .least = -INFINITY, .most = INFINITY};

/* Reads a number of a flag; false with an error kept. */
static bool read_number(const csv_run *r, const char *flag, const char *text, size_t length, double least, double most,
                        double *value)
{
    char typed[64], wrong[REEL_FLAGS_TEXT];
    reel_hyper row = number_row;
    row.least = least;
    row.most = most;
    snprintf(typed, sizeof typed, "%.*s", (int)length, text);
    if (reel_flag_read(r->context, flag, &row, typed, value, wrong)) return true;
    reel_error_set(r->context, REEL_BAD_ARGUMENT, NULL, NULL, "%s", wrong);
    return false;
}

/* ---- the preparation ---- */

/* Names between commas. */
static void set_roles(csv_run *r, const char *list, reel_role role)
{
    char name[512];
    for (const char *at = list; at && *at && !reel_failed(r->context);) {
        size_t length = strcspn(at, ",");
        snprintf(name, sizeof name, "%.*s", (int)length, at);
        if (*name && reel_table_find(NULL, r->table, name) >= 0)
            reel_preparation_set_role(NULL, r->preparation, name, role);
        at += length + (at[length] == ',');
    }
}

static void set_imputation(csv_run *r, const char *how)
{
    static const char *const names[] = {"mean", "median", "most-frequent", "constant:", "none"};
    double value = 0;
    for (int i = REEL_IMPUTE_MEAN; i <= REEL_IMPUTE_NONE; i++) {
        size_t length = strlen(names[i]);
        if (i == REEL_IMPUTE_CONSTANT ? strncmp(how, names[i], length) != 0 : strcmp(how, names[i]) != 0) continue;
        if (i == REEL_IMPUTE_CONSTANT &&
            !read_number(r, "impute", how + length, strlen(how + length), -1e308, 1e308, &value))
            return;
        reel_preparation_set_imputation(NULL, r->preparation, (reel_imputation)i, value);
        return;
    }
    reel_error_set(r->context, REEL_BAD_ARGUMENT, NULL, NULL,
                   "--impute: found \"%.40s\", expected mean, median, most-frequent, constant:X or none", how);
}

static void prepare(csv_run *r)
{
    const csv_settings *s = r->settings;
    r->preparation = reel_preparation_new(NULL, r->context);
    reel_preparation_set_role(NULL, r->preparation, s->target, REEL_ROLE_TARGET);
    reel_preparation_set_task(NULL, r->preparation,
                              strcmp(s->task, "auto") == 0         ? REEL_TASK_AUTO
                              : strcmp(s->task, "regression") == 0 ? REEL_TASK_REGRESSION
                                                                   : REEL_TASK_CLASSIFICATION);
    set_roles(r, s->ignore, REEL_ROLE_IGNORED);
    set_roles(r, s->categorical, REEL_ROLE_CATEGORICAL);
    set_roles(r, s->numeric, REEL_ROLE_NUMERIC);
    set_imputation(r, s->impute);
}

static void read_data(csv_run *r, const char *preparation)
{
    const csv_settings *s = r->settings;
    r->table = table_flags_read(r->context, &s->table);
    if (preparation)
        r->preparation = reel_preparation_load(NULL, r->context, preparation);
    else if (r->table)
        prepare(r);
    if (reel_failed(r->context)) return;
    r->split = reel_preparation_split(NULL, r->preparation, r->table, s->validation, s->test, (uint64_t)s->seed);
    if (r->split && !preparation) reel_preparation_fit(NULL, r->preparation, r->table, r->split->train);
    if (reel_failed(r->context)) return;
    r->train = reel_preparation_data(NULL, r->preparation, r->table, r->split->train, r->precision);
    if (s->validation > 0)
        r->validation = reel_preparation_data(NULL, r->preparation, r->table, r->split->validation, r->precision);
    if (s->test > 0) r->test = reel_preparation_data(NULL, r->preparation, r->table, r->split->test, r->precision);
}

/* ---- the loss ---- */

static void set_class_weight(csv_run *r, const char *text, size_t length)
{
    size_t name = length;
    double value = 0;
    while (name > 0 && text[name - 1] != '=') name--;
    if (name == 0) {
        reel_error_set(r->context, REEL_BAD_ARGUMENT, NULL, NULL,
                       "--class-weights: found \"%.*s\", expected none, balanced or NAME=W,...", (int)length, text);
        return;
    }
    if (!read_number(r, "class-weights", text + name, length - name, 0, 1e30, &value)) return;
    for (int c = 0; c < (int)r->weights->size; c++) {
        const char *class = reel_preparation_class(r->preparation, c);
        if (strlen(class) != name - 1 || memcmp(class, text, name - 1) != 0) continue;
        if (r->precision == REEL_FLOAT)
            ((float *)r->weights->data)[c] = (float)value;
        else
            ((double *)r->weights->data)[c] = value;
        return;
    }
    reel_error_set(r->context, REEL_BAD_ARGUMENT, NULL, NULL, "--class-weights: there is no class \"%.*s\"",
                   (int)(name - 1), text);
}

static void set_class_weights(csv_run *r)
{
    const char *how = r->settings->class_weights;
    int64_t classes = reel_preparation_output_count(r->preparation);
    if (!how || strcmp(how, "none") == 0) return;
    if (r->loss != CSV_CROSS_ENTROPY) {
        reel_error_set(r->context, REEL_BAD_ARGUMENT, NULL, NULL, "--class-weights is for classification");
        return;
    }
    bool balanced = strcmp(how, "balanced") == 0;
    r->weights = reel_array_new(NULL, r->context, r->precision, 1, &classes);
    for (int c = 0; r->weights && c < (int)classes; c++) {
        double weight = balanced ? (double)r->train->x->shape[0] /
                                       ((double)classes * (double)reel_preparation_class_rows(r->preparation, c))
                                 : 1;
        if (r->precision == REEL_FLOAT)
            ((float *)r->weights->data)[c] = (float)weight;
        else
            ((double *)r->weights->data)[c] = weight;
    }
    for (const char *at = how; !balanced && *at && !reel_failed(r->context);) {
        size_t length = strcspn(at, ",");
        set_class_weight(r, at, length);
        at += length + (at[length] == ',');
    }
}

static void set_loss(csv_run *r)
{
    const char *loss = r->settings->loss;
    bool classes = reel_preparation_task(r->preparation) == REEL_TASK_CLASSIFICATION;
    r->loss = classes ? CSV_CROSS_ENTROPY : CSV_MSE;
    r->delta = 1;
    if (loss && !classes && strncmp(loss, "huber", 5) == 0 && (loss[5] == '\0' || loss[5] == ':')) {
        r->loss = CSV_HUBER;
        if (loss[5] && !read_number(r, "loss", loss + 6, strlen(loss + 6), 1e-30, 1e30, &r->delta)) return;
    } else if (loss && strcmp(loss, classes ? "cross-entropy" : "mse") != 0) {
        reel_error_set(r->context, REEL_BAD_ARGUMENT, NULL, NULL, "--loss: found \"%.40s\", expected %s", loss,
                       classes ? "cross-entropy, as this is a classification"
                               : "mse or huber[:DELTA], as this is a regression");
        return;
    }
    set_class_weights(r);
}

static reel_value weighted_loss(const reel_batch *batch, void *user)
{
    csv_run *r = user;
    reel_value z = reel_forward(NULL, r->net, batch->x);
    if (r->loss == CSV_HUBER) return reel_huber(NULL, z, batch->y, r->delta);
    return reel_cross_entropy_with(NULL, z, batch->y, reel_input(NULL, batch->tape, r->weights), -100, 0, REEL_MEAN);
}

const char *csv_loss_text(const csv_run *r, char text[64])
{
    if (r->loss == CSV_HUBER)
        snprintf(text, 64, "Huber's loss, delta %g", r->delta);
    else
        snprintf(text, 64, "%s%s", r->loss == CSV_MSE ? "mean squared error" : "cross-entropy",
                 r->weights ? ", weighted" : "");
    return text;
}

/* ---- the net ---- */

static bool read_hidden(csv_run *r, int sizes[CSV_LAYERS_MOST + 2], int *count)
{
    *count = 0;
    sizes[(*count)++] = reel_preparation_input_count(r->preparation);
    for (const char *at = r->settings->hidden; at && strcmp(r->settings->hidden, "0") != 0;) {
        size_t length = strcspn(at, ",");
        double size;
        if (*count > CSV_LAYERS_MOST) {
            reel_error_set(r->context, REEL_BAD_ARGUMENT, NULL, NULL, "--hidden: %d layers at most", CSV_LAYERS_MOST);
            return false;
        }
        if (!read_number(r, "hidden", at, length, 1, 1e6, &size)) return false;
        if (size != floor(size)) {
            reel_error_set(r->context, REEL_BAD_ARGUMENT, NULL, NULL, "--hidden: found %g, expected whole numbers",
                           size);
            return false;
        }
        sizes[(*count)++] = (int)size;
        at = at[length] ? at + length + 1 : NULL;
    }
    sizes[(*count)++] = reel_preparation_output_count(r->preparation);
    return true;
}

bool csv_run_build(csv_run *r, const csv_settings *s, reel_context *context, const char *preparation)
{
    int sizes[CSV_LAYERS_MOST + 2], count;
    *r = (csv_run){.settings = s, .context = context};
    r->precision = strcmp(s->precision, "double") == 0 ? REEL_DOUBLE : REEL_FLOAT;
    read_data(r, preparation);
    if (reel_failed(context)) return false;
    set_loss(r);
    if (reel_failed(context) || !read_hidden(r, sizes, &count)) return false;
    reel_rng *rng = reel_rng_torch_new(NULL, context, (uint64_t)s->seed);
    r->params = reel_params_new(NULL, context, r->precision);
    r->net = reel_mlp_new(NULL, r->params, "net", count, sizes, s->activation, rng);
    r->best_loss = INFINITY;
    if (r->validation) {
        r->best = reel_params_new(NULL, context, r->precision);
        reel_mlp_new(NULL, r->best, "net", count, sizes, s->activation, NULL);
        reel_params_copy(NULL, r->best, r->params);
    }
    return !reel_failed(context);
}

void csv_run_watch(csv_run *r, int64_t epoch, double validation)
{
    if (!r->best || !(validation < r->best_loss)) return;
    r->best_loss = validation;
    r->best_epoch = epoch;
    reel_params_copy(NULL, r->best, r->params);
}

bool csv_run_trainer(csv_run *r)
{
    static const reel_loss_of plain[] = {[CSV_CROSS_ENTROPY] = reel_cross_entropy, [CSV_MSE] = reel_mse};
    if (r->weights || r->loss == CSV_HUBER)
        r->trainer = reel_trainer_custom_new(NULL, r->optimizer, r->net, r->train, weighted_loss, r);
    else
        r->trainer = reel_trainer_new(NULL, r->net, r->train, plain[r->loss], r->optimizer);
    if (!r->trainer) return false;
    reel_state_add_preparation(NULL, reel_trainer_state(r->trainer), "preparation", r->preparation);
    if (r->validation) {
        reel_state *state = reel_trainer_state(r->trainer);
        reel_trainer_set_validation(NULL, r->trainer, r->validation);
        reel_state_add_params(NULL, state, CSV_BEST, r->best);
        reel_state_add_double(NULL, state, "best_validation_loss", &r->best_loss);
        reel_state_add_int64(NULL, state, "best_epoch", &r->best_epoch);
    }
    return !reel_failed(r->context);
}

/* ---- the curve ---- */

bool csv_curve_add(csv_curve *c, int64_t epoch, double loss, double validation)
{
    if (epoch < 0) return true;
    if (epoch >= c->room) {
        int64_t room = 2 * epoch + 64;
        double *losses = realloc(c->loss, (size_t)room * sizeof *losses);
        if (losses) c->loss = losses;
        double *validations = realloc(c->validation, (size_t)room * sizeof *validations);
        if (validations) c->validation = validations;
        int64_t *steps = realloc(c->steps, (size_t)room * sizeof *steps);
        if (steps) c->steps = steps;
        if (!losses || !validations || !steps) return false;
        c->room = room;
    }
    for (; c->count <= epoch; c->count++) {
        c->loss[c->count] = c->validation[c->count] = NAN;
        c->steps[c->count] = 0;
    }
    int64_t n = ++c->steps[epoch];
    c->loss[epoch] = n == 1 ? loss : c->loss[epoch] + (loss - c->loss[epoch]) / (double)n;
    if (!isnan(validation)) c->validation[epoch] = validation;
    return true;
}

bool csv_curve_read(csv_curve *c, const char *who, const char *folder)
{
    runlog_list logs = {NULL, 0};
    bool right = runlog_read(&logs, who, folder) && logs.count > 0;
    const runlog *log = right ? &logs.items[0] : NULL;
    const log_column *epoch = log ? runlog_column(log, "epoch") : NULL, *loss = log ? runlog_column(log, "loss") : NULL;
    const log_column *validation = log ? runlog_column(log, "validation_loss") : NULL;
    c->count = 0;
    for (int64_t i = 0; right && epoch && loss && i < log->lines; i++) {
        double measured = validation ? validation->numbers[i] : ABSENT;
        if (epoch->numbers[i] == ABSENT || loss->numbers[i] == ABSENT) continue;
        right = csv_curve_add(c, (int64_t)epoch->numbers[i], loss->numbers[i], measured == ABSENT ? NAN : measured);
    }
    runlog_list_free(&logs);
    return right;
}

void csv_curve_free(csv_curve *c)
{
    free(c->loss);
    free(c->validation);
    free(c->steps);
    *c = (csv_curve){NULL, NULL, NULL, 0, 0};
}
