/* SPDX-License-Identifier: MIT
 *
 * The rows of a step.
 */
#include "train/trainer.h"

#include "core/random.h"

#include <string.h>

static bool is_philox(const reel_rng *rng)
{
    return strcmp(reel_rng_kind(rng), "philox") == 0;
}

static reel_array *batch_array(const char *site, reel_context *context, const reel_array *whole, int64_t rows)
{
    int64_t shape[REEL_MAX_RANK] = {rows};
    for (int d = 1; d < whole->rank; d++) shape[d] = whole->shape[d];
    return reel_array_new(site, context, whole->dtype, whole->rank, shape);
}

/* Makes streams and buffers, once. */
reel_status batches_prepare(reel_trainer *t, const char *site)
{
    reel_context *context = t->object.context;
    uint64_t seed = (uint64_t)t->settings[SETTING_SEED];
    int64_t rows = trainer_rows(t), batch = trainer_batch_size(t);
    if (t->data && (rows == 0 || !t->data->y || t->data->y->rank == 0 || t->data->y->shape[0] != rows))
        return reel_error_set(context, REEL_BAD_SHAPE, site, "trainer_run",
                              "found %lld rows of x and %lld of y, expected as many of both and at least one",
                              (long long)rows, t->data->y && t->data->y->rank ? (long long)t->data->y->shape[0] : 0LL);
    if (!t->dropout) t->dropout = reel_rng_philox_new(site, context, seed, "dropout");
    if (!t->order.rng) {
        t->order.rng = reel_rng_philox_new(site, context, seed, "sampler");
        t->order.own = true;
    }
    if (reel_failed(context) || batch == rows) return reel_error_status(context);
    if (!t->rows) {
        t->rows = reel_array_new(site, context, REEL_INT64, 1, &batch);
        t->x = batch_array(site, context, t->data->x, batch);
        t->y = batch_array(site, context, t->data->y, batch);
        if (!is_philox(t->order.rng)) t->order.order = reel_array_new(site, context, REEL_INT64, 1, &rows);
    }
    return reel_error_status(context);
}

static void gather_rows(reel_array *to, const reel_array *from, const int64_t *rows, int64_t count)
{
    size_t row = from->shape[0] ? (size_t)(from->size / from->shape[0]) * reel_dtype_size(from->dtype) : 0;
    to->shape[0] = count;
    to->size = count * (from->size / from->shape[0]);
    for (int64_t i = 0; i < count; i++)
        memcpy((char *)to->data + (size_t)i * row, (const char *)from->data + (size_t)rows[i] * row, row);
}

/* Fills in batch number `part` of a step. The views are of the trainer's buffers, or of the data when a step takes all rows. */
reel_status batch_of_step(reel_trainer *t, const char *site, int64_t step, int64_t part, reel_batch *batch)
{
    *batch = (reel_batch){.tape = t->tape, .x = REEL_NIL, .y = REEL_NIL, .step = step, .part = part};
    if (!t->data) return REEL_OK;
    int64_t rows = trainer_rows(t), size = trainer_batch_size(t), per_epoch = trainer_steps_per_epoch(t);
    if (size == rows) {
        batch->size = rows;
        batch->x = reel_input(site, t->tape, t->data->x);
        batch->y = reel_input(site, t->tape, t->data->y);
        return reel_error_status(t->object.context);
    }
    int64_t epoch = step / per_epoch, number = step % per_epoch * setting_of(t, SETTING_ACCUMULATE) + part;
    int64_t first = number * size;
    int64_t count = first + size <= rows ? size : rows - first, *chosen = t->rows->data;
    if (t->order.order && t->order.order_epoch != epoch) {
        if (reel_rng_permutation(site, t->order.rng, rows, t->order.order->data) != REEL_OK)
            return reel_error_status(t->object.context);
        t->order.order_epoch = epoch;
    }
    for (int64_t i = 0; i < count; i++)
        chosen[i] = t->order.order ? ((int64_t *)t->order.order->data)[first + i]
                                   : reel_rng_permuted(t->order.rng, (uint64_t)epoch, rows, first + i);
    reel_array x = *t->x, y = *t->y; /* the last batch of an epoch may have fewer rows */
    gather_rows(&x, t->data->x, chosen, count);
    gather_rows(&y, t->data->y, chosen, count);
    batch->size = count;
    batch->indices = chosen;
    batch->x = reel_input(site, t->tape, &x);
    batch->y = reel_input(site, t->tape, &y);
    return reel_error_status(t->object.context);
}

/* An order that was edited must not lead out of the data. */
static void check_order(reel_trainer *t, visitor *v)
{
    int64_t rows = trainer_rows(t);
    if (visit_mode_of(v) != VISIT_CHECK || visit_failed(v)) return;
    reel_array *order = reel_array_new(NULL, visit_context(v), REEL_INT64, 1, &rows);
    bool found = order && visit_peek_array(v, "order", order);
    for (int64_t i = 0; found && i < rows; i++) {
        int64_t row = ((const int64_t *)order->data)[i];
        if (row >= 0 && row < rows) continue;
        visit_reject(v, REEL_BAD_FILE, "order: found row %lld, expected 0 to %lld", (long long)row,
                     (long long)rows - 1);
        break;
    }
    reel_array_free(order);
}

void sampler_visit(reel_trainer *t, visitor *v)
{
    int64_t rows = trainer_rows(t), found = rows;
    bool others = setting_of(t, SETTING_OTHER_DATA) && visit_peek_int64(v, "rows", &found) && found != rows;
    visit_begin(v, "sampler");
    rng_visit(t->order.rng, v, "stream");
    if (others) { /* the order is drawn anew */
        visit_skip(v, "order_epoch");
        visit_skip(v, "order");
        if (visit_mode_of(v) == VISIT_LOAD) t->order.order_epoch = -1;
    } else if (t->order.order) {
        visit_int64(v, "order_epoch", &t->order.order_epoch);
        visit_array(v, "order", t->order.order);
        check_order(t, v);
    }
    visit_end(v);
}
