/* SPDX-License-Identifier: MIT
 *
 * The divergence monitor: norms of each parameter, units that are dead, losses that jump or go on rising.
 */
#include "kernels/reduce.h"
#include "train/saver.h"
#include "tape/params.h"

#include <stdio.h>
#include <string.h>

#define SEEN_LEAST 20   /* losses before one can be said to jump */
#define MEAN_SHARE 0.05 /* of a new loss in the mean */
#define JUMP 6          /* deviations */
#define JUMP_RATIO 1.5
#define RISES 5 /* epochs in a row; told again after twice as many */
#define RISE_RATIO 1.1

static bool due(const reel_trainer *t, int64_t step)
{
    int64_t every = setting_of(t, SETTING_MONITOR);
    return every > 0 && t->folder.path && step % every == 0;
}

static double norm_of(const reel_params *p, const void *data, int64_t offset, int64_t size)
{
    const char *from = (const char *)data + (size_t)offset * element_size(p->dtype);
    return size ? sqrt(kernels_get(p->dtype)->reduce->squares(size, from)) : 0;
}

/* ---- relu ---- */

static bool is_relu(const node *n)
{
    if (n->kind != NODE_OPERATION || n->rest->array.rank == 0 || n->rest->array.size == 0) return false;
    return strcmp(n->rest->op->name, "relu") == 0 || strcmp(n->rest->op->name, "linear_relu") == 0;
}

static int64_t count_relus(const reel_tape *tape)
{
    int64_t count = 0;
    for (uint32_t i = 0; i < tape->count; i++) count += is_relu(tape_node(tape, i));
    return count;
}

/* Units are along the second axis, of a vector along its only one; one that is 0 everywhere else is dead. */
static void count_dead(const reel_array *a, int64_t *units, int64_t *dead)
{
    int64_t outer = a->rank > 1 ? a->shape[0] : 1, inner = 1;
    *units = a->rank > 1 ? a->shape[1] : a->shape[0];
    *dead = 0;
    for (int d = 2; d < a->rank; d++) inner *= a->shape[d];
    for (int64_t u = 0; u < *units; u++) {
        bool alive = false;
        for (int64_t row = 0; row < outer && !alive; row++)
            for (int64_t k = 0; k < inner && !alive; k++)
                alive = !(reel_array_get(a, (row * *units + u) * inner + k) <= 0);
        *dead += !alive;
    }
}

void monitor_units(const reel_tape *tape, int64_t *units, int64_t *dead, int64_t *layer)
{
    *units = *dead = *layer = 0;
    for (uint32_t i = 0; i < tape->count; i++) {
        int64_t here, silent;
        if (!is_relu(tape_node(tape, i))) continue;
        count_dead(&tape_node(tape, i)->rest->array, &here, &silent);
        *units += here;
        *dead += silent;
        if (silent == here && here > 1 && here > *layer) *layer = here;
    }
}

static void put_relus(text_rows *to, const reel_tape *tape)
{
    bool first = true;
    text_put(to, ", \"relu\": [");
    for (uint32_t i = 0; i < tape->count; i++) {
        const node *n = tape_node(tape, i);
        if (!is_relu(n)) continue;
        int64_t units, dead;
        count_dead(&n->rest->array, &units, &dead);
        text_put_integer(to, first ? "{\"units\": " : ", {\"units\": ", units);
        text_put_number(to, ", \"dead\": ", units ? (double)dead / (double)units : 0);
        text_put(to, "}");
        first = false;
    }
    text_put(to, "]");
}

/* ---- lines ---- */

/* The most that a line takes. */
static size_t line_room(const reel_trainer *t)
{
    const slice_vector *values = &t->params->values;
    size_t room = 512 + (size_t)count_relus(t->tape) * (64 + 2 * TEXT_NUMBER);
    for (int i = 0; i < values->count; i++) room += 4 * (6 * strlen(values->slices[i].name) + 8 + TEXT_NUMBER);
    return room;
}

typedef enum column { GRADIENT, UPDATE, WEIGHT, RATIO } column;

/* After an update `before` holds the change that it made. */
static double figure(const reel_params *p, const void *before, column c, int64_t offset, int64_t size)
{
    switch (c) {
    case GRADIENT: return norm_of(p, p->gradient, offset, size);
    case UPDATE: return norm_of(p, before, offset, size);
    case WEIGHT: return norm_of(p, p->values.data, offset, size);
    case RATIO: return norm_of(p, before, offset, size) / norm_of(p, p->values.data, offset, size);
    }
    return NAN;
}

/* "update": {"net.0.weight": 0.01, ...}, and "all" of them together. */
static void put_column(text_rows *to, const reel_trainer *t, const char *name, column c)
{
    const reel_params *p = t->params;
    text_put(to, ", \"");
    text_put(to, name);
    text_put(to, "\": {");
    text_put_number(to, "\"all\": ", figure(p, t->before, c, 0, p->values.size));
    for (int i = 0; i < p->values.count; i++) {
        const slice *s = &p->values.slices[i];
        text_put(to, ", ");
        text_put_name(to, s->name);
        text_put_number(to, ": ", figure(p, t->before, c, s->offset, s->size));
    }
    text_put(to, "}");
}

/* The line's first part, from what the update changes. It is a part of the lines only once it is closed. */
reel_status monitor_before(reel_trainer *t, const char *site)
{
    const reel_params *p = t->params;
    if (!due(t, t->step + 1)) return REEL_OK;
    reel_status status = saver_text_room(t, site, TEXT_MONITOR, line_room(t));
    if (status != REEL_OK) return status;
    if (p->values.size) memcpy(t->before, p->values.data, (size_t)p->values.size * element_size(p->dtype));
    text_rows *to = &t->folder.saver->text[TEXT_MONITOR];
    to->count = to->whole;
    text_put_integer(to, "{\"step\": ", t->step + 1);
    text_put_integer(to, ", \"epoch\": ", t->step / trainer_steps_per_epoch(t));
    put_column(to, t, "gradient", GRADIENT);
    put_relus(to, t->tape);
    return REEL_OK;
}

void monitor_after(reel_trainer *t)
{
    const reel_params *p = t->params;
    if (!due(t, t->step)) return;
    text_rows *to = &t->folder.saver->text[TEXT_MONITOR];
    for (int64_t i = 0; i < p->values.size; i++)
        if (p->dtype == REEL_FLOAT)
            ((float *)t->before)[i] = ((const float *)p->values.data)[i] - ((float *)t->before)[i];
        else
            ((double *)t->before)[i] = ((const double *)p->values.data)[i] - ((double *)t->before)[i];
    put_column(to, t, "update", UPDATE);
    put_column(to, t, "weight", WEIGHT);
    put_column(to, t, "ratio", RATIO);
    text_put(to, "}\n");
    to->whole = to->count;
}

/* ---- the loss ---- */

void monitor_loss(reel_trainer *t, double loss)
{
    guards *g = &t->guards;
    if (setting_of(t, SETTING_MONITOR) == 0 || !isfinite(loss)) return;
    double above = loss - g->mean;
    if (g->seen >= SEEN_LEAST && above > JUMP * g->deviation && loss > JUMP_RATIO * g->mean && g->mean > 0)
        trainer_note(t,
                     "the loss jumps to %.6g in step %lld: %.1f times the mean of the steps before, %.6g, and %.0f of "
                     "their deviations above it",
                     loss, (long long)t->step, loss / g->mean, g->mean, g->deviation > 0 ? above / g->deviation : 1e9);
    /* The plain mean of the first ones, then one that forgets. */
    double share = g->seen < SEEN_LEAST ? 1 / (double)(g->seen + 1) : MEAN_SHARE;
    if (g->seen > 0) g->deviation += share * (fabs(above) - g->deviation);
    g->mean += share * above;
    g->seen++;
}

void monitor_epoch(reel_trainer *t, double mean)
{
    guards *g = &t->guards;
    if (setting_of(t, SETTING_MONITOR) == 0) return;
    if (!(mean > g->epoch_loss)) {
        g->rising = 0;
        return;
    }
    if (g->rising++ == 0) g->rising_from = g->epoch_loss;
    int64_t times = g->rising / RISES;
    if (g->rising % RISES != 0 || (times & (times - 1)) != 0 ||
        !(g->rising_from > 0 && mean > RISE_RATIO * g->rising_from))
        return;
    trainer_note(t, "the mean loss of an epoch has risen %lld times in a row, from %.6g to %.6g in step %lld",
                 (long long)g->rising, g->rising_from, mean, (long long)t->step);
}
