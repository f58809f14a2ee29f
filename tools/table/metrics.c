/* SPDX-License-Identifier: MIT
 *
 * How right a trained net is: measuring, printing, JSON.
 */
#include "table/metrics.h"

#include "signals.h"
#include "table/table_flags.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- what the net says ---- */

double *net_outputs(reel_context *context, const reel_preparation *preparation, reel_module *net, const reel_array *x,
                    reel_dtype precision)
{
    enum { ROWS = 1024 };
    int64_t count = reel_preparation_output_count(preparation);
    double *outputs = malloc((size_t)(x->shape[0] * count) * sizeof *outputs + 1);
    size_t width = reel_dtype_size(x->dtype) * (size_t)x->shape[1];
    reel_tape *tape = reel_tape_new(NULL, context, precision);
    reel_tape_set_gradients(tape, false);
    reel_tape_set_training(tape, false);
    if (!outputs) reel_error_set(context, REEL_NO_MEMORY, NULL, "net_outputs", "no room for the outputs");
    for (int64_t first = 0; first < x->shape[0] && !reel_failed(context) && !signals_caught(); first += ROWS) {
        int64_t shape[2] = {x->shape[0] - first < ROWS ? x->shape[0] - first : ROWS, x->shape[1]};
        reel_array part = reel_array_view(x->dtype, (char *)x->data + (size_t)first * width, 2, shape);
        reel_tape_rewind(tape);
        reel_array z = reel_data(reel_forward(NULL, net, reel_input(NULL, tape, &part)));
        if (!reel_failed(context) && z.size != shape[0] * count)
            reel_error_set(context, REEL_MISMATCH, NULL, NULL, "the net has %lld outputs, its preparation %lld",
                           (long long)(z.size / shape[0]), (long long)count);
        for (int64_t i = 0; !reel_failed(context) && i < z.size; i++)
            outputs[first * count + i] = reel_array_get(&z, i);
    }
    reel_tape_free(tape);
    if (!reel_failed(context) && !signals_caught()) return outputs;
    free(outputs);
    return NULL;
}

int largest_of(const double *values, int count)
{
    int best = 0;
    for (int i = 1; i < count; i++)
        if (values[i] > values[best]) best = i;
    return best;
}

void softmax_of(double *logits, int count)
{
    double most = logits[largest_of(logits, count)], sum = 0;
    for (int i = 0; i < count; i++) sum += logits[i] = exp(logits[i] - most);
    for (int i = 0; i < count; i++) logits[i] /= sum;
}

/* ---- measuring ---- */

static double share(int64_t part, int64_t whole)
{
    return whole > 0 ? (double)part / (double)whole : NAN;
}

static void measure_class(metrics *m, int c)
{
    class_metrics *k = &m->class[c];
    int64_t right = m->confusion[c * m->classes + c];
    for (int i = 0; i < m->classes; i++) {
        k->rows += m->confusion[c * m->classes + i];
        k->predicted += m->confusion[i * m->classes + c];
    }
    k->precision = share(right, k->predicted);
    k->recall = share(right, k->rows);
    k->f1 = share(2 * right, k->rows + k->predicted);
}

static void measure_classes(metrics *m, const reel_dataset *data, double *logits)
{
    const int64_t *right = data->y->data;
    int64_t hits = 0, shown = 0;
    double recalls = 0, f1s = 0, sum = 0;
    for (int64_t i = 0; i < m->rows; i++) {
        double *z = logits + i * m->classes;
        int said = largest_of(z, m->classes);
        m->confusion[right[i] * m->classes + said]++;
        hits += said == right[i];
        double most = z[said], log_sum = 0;
        for (int k = 0; k < m->classes; k++) log_sum += exp(z[k] - most);
        sum += log(log_sum) - (z[right[i]] - most);
    }
    m->loss = m->rows > 0 ? sum / (double)m->rows : NAN;
    m->accuracy = share(hits, m->rows);
    for (int c = 0; c < m->classes; c++) {
        measure_class(m, c);
        if (m->class[c].rows == 0) continue;
        shown++;
        recalls += m->class[c].recall;
        f1s += m->class[c].f1;
    }
    m->balanced_accuracy = shown ? recalls / (double)shown : NAN;
    m->macro_f1 = shown ? f1s / (double)shown : NAN;
}

static void measure_values(metrics *m, const reel_dataset *data, const double *outputs)
{
    double mean = 0, squares = 0, absolute = 0, spread = 0, standard = 0, n = (double)m->rows;
    for (int64_t i = 0; i < m->rows; i++) {
        double y = reel_array_get(data->y, i), difference = outputs[i] - y;
        m->predicted[i] = reel_preparation_value(m->preparation, outputs[i]);
        m->actual[i] = reel_preparation_value(m->preparation, y);
        standard += difference * difference / n;
        mean += m->actual[i] / n;
    }
    for (int64_t i = 0; i < m->rows; i++) {
        double error = m->predicted[i] - m->actual[i];
        squares += error * error / n;
        absolute += fabs(error) / n;
        spread += (m->actual[i] - mean) * (m->actual[i] - mean) / n;
        if (!(fabs(error) <= m->largest)) m->largest = fabs(error);
    }
    m->loss = standard;
    m->rmse = sqrt(squares);
    m->mae = absolute;
    m->r2 = spread > 0 ? 1 - squares / spread : NAN;
}

bool metrics_measure(metrics *m, reel_context *context, const reel_preparation *preparation, reel_module *net,
                     const reel_dataset *data, reel_dtype precision)
{
    *m = (metrics){.preparation = preparation, .rows = data->x->shape[0]};
    double *outputs = net_outputs(context, preparation, net, data->x, precision);
    if (!outputs) return false;
    bool classes = reel_preparation_task(preparation) == REEL_TASK_CLASSIFICATION, right;
    if (classes) {
        m->classes = reel_preparation_output_count(preparation);
        m->confusion = calloc((size_t)m->classes * (size_t)m->classes, sizeof *m->confusion);
        m->class = calloc((size_t)m->classes, sizeof *m->class);
        right = m->confusion && m->class;
        if (right) measure_classes(m, data, outputs);
    } else {
        m->predicted = calloc((size_t)m->rows, sizeof *m->predicted);
        m->actual = calloc((size_t)m->rows, sizeof *m->actual);
        right = m->predicted && m->actual;
        if (right) measure_values(m, data, outputs);
    }
    if (!right) reel_error_set(context, REEL_NO_MEMORY, NULL, "metrics", "no room for the numbers");
    free(outputs);
    return right;
}

void metrics_free(metrics *m)
{
    free(m->confusion);
    free(m->class);
    free(m->predicted);
    free(m->actual);
    *m = (metrics){.preparation = NULL};
}

/* ---- printing ---- */

void metrics_print_short(const metrics *m, const char *title, FILE *file)
{
    fprintf(file, "%-10s %6lld rows  loss %.6f  ", title, (long long)m->rows, m->loss);
    if (m->classes)
        fprintf(file, "accuracy %.2f %%\n", 100 * m->accuracy);
    else
        fprintf(file, "RMSE %.6g  MAE %.6g  R2 %.4f\n", m->rmse, m->mae, m->r2);
}

/* A share, or - where it is not defined. */
static void print_share(FILE *file, double value)
{
    if (isnan(value))
        fprintf(file, "  %9s", "-");
    else
        fprintf(file, "  %9.3f", value);
}

enum { MATRIX_MOST = 20, NAME_MOST = 32, CELL_MOST = 11 };

static int widest_class(const metrics *m, int least, int most)
{
    for (int c = 0; c < m->classes; c++) {
        int width = text_width(reel_preparation_class(m->preparation, c));
        if (width > least) least = width;
    }
    return least < most ? least : most;
}

static void print_matrix(const metrics *m, int width, FILE *file)
{
    int cell = widest_class(m, 5, CELL_MOST);
    fprintf(file, "\nconfusion matrix: a row for each class, a column for what its rows were taken for\n");
    print_padded(file, "", width);
    for (int c = 0; c < m->classes; c++) {
        const char *name = reel_preparation_class(m->preparation, c);
        int shown = text_width(name) < cell ? text_width(name) : cell;
        fprintf(file, "  %*s", cell - shown, "");
        print_padded(file, name, shown);
    }
    fprintf(file, "\n");
    for (int c = 0; c < m->classes; c++) {
        print_padded(file, reel_preparation_class(m->preparation, c), width);
        for (int k = 0; k < m->classes; k++)
            fprintf(file, "  %*lld", cell, (long long)m->confusion[c * m->classes + k]);
        fprintf(file, "\n");
    }
}

static void print_classes(const metrics *m, FILE *file)
{
    int width = widest_class(m, 5, NAME_MOST);
    print_padded(file, "class", width);
    fprintf(file, "  precision     recall         F1    rows\n");
    for (int c = 0; c < m->classes; c++) {
        print_padded(file, reel_preparation_class(m->preparation, c), width);
        print_share(file, m->class[c].precision);
        print_share(file, m->class[c].recall);
        print_share(file, m->class[c].f1);
        fprintf(file, "  %6lld\n", (long long)m->class[c].rows);
    }
    if (m->classes <= MATRIX_MOST) print_matrix(m, width, file);
}

void metrics_print(const metrics *m, const char *title, FILE *file)
{
    fprintf(file, "\n%s, %lld rows\n", title, (long long)m->rows);
    if (m->classes) {
        fprintf(file, "accuracy %.2f %%, balanced accuracy %.2f %%, macro F1 %.3f, cross-entropy %.6f\n\n",
                100 * m->accuracy, 100 * m->balanced_accuracy, m->macro_f1, m->loss);
        print_classes(m, file);
    } else {
        fprintf(file, "RMSE %.6g, MAE %.6g, R2 %.6f, largest error %.6g\n", m->rmse, m->mae, m->r2, m->largest);
    }
}

/* ---- JSON ---- */

static void classes_json(const metrics *m, cJSON *object)
{
    double *row = malloc((size_t)m->classes * sizeof *row);
    json_add_number(object, "accuracy", m->accuracy, REEL_DOUBLE);
    json_add_number(object, "balanced_accuracy", m->balanced_accuracy, REEL_DOUBLE);
    json_add_number(object, "macro_f1", m->macro_f1, REEL_DOUBLE);
    cJSON *list = cJSON_AddArrayToObject(object, "classes");
    for (int c = 0; row && c < m->classes; c++) {
        cJSON *one = cJSON_CreateObject();
        json_add_text(one, "name", reel_preparation_class(m->preparation, c));
        json_add_whole(one, "rows", m->class[c].rows);
        json_add_whole(one, "predicted", m->class[c].predicted);
        json_add_number(one, "precision", m->class[c].precision, REEL_DOUBLE);
        json_add_number(one, "recall", m->class[c].recall, REEL_DOUBLE);
        json_add_number(one, "f1", m->class[c].f1, REEL_DOUBLE);
        for (int k = 0; k < m->classes; k++) row[k] = (double)m->confusion[c * m->classes + k];
        json_add_numbers(one, "taken_for", row, m->classes, REEL_DOUBLE, NULL);
        cJSON_AddItemToArray(list, one);
    }
    free(row);
}

void metrics_json(const metrics *m, cJSON *object)
{
    json_add_whole(object, "rows", m->rows);
    json_add_number(object, "loss", m->loss, REEL_DOUBLE);
    if (m->classes) {
        classes_json(m, object);
        return;
    }
    json_add_number(object, "rmse", m->rmse, REEL_DOUBLE);
    json_add_number(object, "mae", m->mae, REEL_DOUBLE);
    json_add_number(object, "r2", m->r2, REEL_DOUBLE);
    json_add_number(object, "largest_error", m->largest, REEL_DOUBLE);
}

void metrics_help(FILE *file, const char *before)
{
    char text[4096];
    snprintf(text, sizeof text,
             "In the JSON file are %s numbers of rows that were measured: \"rows\", \"loss\" (mean cross-entropy; of a "
             "regression mean squared error over the variance of the target in training), and of a classification "
             "\"accuracy\", \"balanced_accuracy\", \"macro_f1\" and \"classes\", each with \"name\", \"rows\", "
             "\"predicted\", "
             "\"precision\", \"recall\", \"f1\" and \"taken_for\", its row of the confusion matrix; of a regression "
             "\"rmse\", "
             "\"mae\", \"r2\", \"largest_error\". What is not defined is \"nan\".",
             before);
    option_words(file, 0, 0, text);
}
