/* SPDX-License-Identifier: MIT
 *
 * A copy of the model that says how large the loss is.
 */
#include "train/evaluator.h"

#include "io/draft.h"
#include "io/visit_io.h"
#include "nn/module.h"
#include "tape/params.h"
#include <reel/ops.h>

#include <math.h>
#include <string.h>

#define BATCH_BYTES ((size_t)1 << 26) /* a larger batch is not copied */

struct evaluator {
    reel_context *context;
    reel_params *params;
    reel_module *module;
    reel_tape *tape;
    reel_loss_of loss_of;
    reel_array *x, *y; /* as many rows as a step takes at most */
};

/* The losses of the library that a trainer can be given as they are; they may be called by any thread. */
static bool is_library_loss(reel_loss_of loss)
{
    static const reel_loss_of known[] = {reel_mse, reel_l1, reel_bce, reel_bce_with_logits, reel_cross_entropy};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i] == loss) return true;
    return false;
}

static bool uses_only(const reel_module *module, const reel_params *params)
{
    if (module->params && module->params != params) return false;
    for (int64_t i = 0; i < module->fields.child_count; i++)
        if (!uses_only(module->fields.children[i], params)) return false;
    return true;
}

/* Are the vectors of parameters laid out alike, so that one can be copied over the other? */
static bool same_layout(const reel_params *a, const reel_params *b)
{
    if (a->dtype != b->dtype || a->buffers.count || b->buffers.count) return false;
    if (a->values.count != b->values.count || a->values.size != b->values.size) return false;
    for (int i = 0; i < a->values.count; i++) {
        const slice *p = &a->values.slices[i], *q = &b->values.slices[i];
        if (p->offset != q->offset || p->size != q->size || strcmp(p->name, q->name) != 0) return false;
    }
    return true;
}

reel_module *evaluator_module(reel_context *context, reel_params *params, reel_module *module)
{
    json_writer w;
    size_t size = 0;
    json_writer_init(&w, context, 0);
    json_write_object_begin(&w, NULL);
    visitor *v = visitor_save(context, &w, NULL);
    if (v) module_visit(module, v, "model");
    visitor_free(v);
    json_write_object_end(&w);
    const char *text = json_writer_text(&w, &size);
    json_document *document = text ? json_document_new(NULL, context, "model", text, size) : NULL;
    v = document ? visitor_load(context, document, json_root(document)) : NULL;
    reel_module *made = v ? module_from_description(NULL, params, v, "model") : NULL;
    visitor_free(v);
    json_document_free(document);
    json_writer_free(&w);
    return made;
}

static reel_array *array_like(reel_context *context, const reel_array *whole, int64_t rows)
{
    int64_t shape[REEL_MAX_RANK] = {rows};
    for (int d = 1; d < whole->rank; d++) shape[d] = whole->shape[d];
    size_t row = (size_t)(whole->size / whole->shape[0]) * element_size(whole->dtype);
    if (row && (size_t)rows > BATCH_BYTES / row) return NULL;
    return reel_array_new(NULL, context, whole->dtype, whole->rank, shape);
}

bool evaluator_possible(const reel_trainer *t)
{
    return t->module && t->data && t->loss_of && is_library_loss(t->loss_of) && uses_only(t->module, t->params);
}

evaluator *evaluator_new(const reel_trainer *t)
{
    if (!evaluator_possible(t)) return NULL;
    reel_context *context = reel_context_new(NULL);
    evaluator *e = memory_zero(context, NULL, "evaluator", sizeof *e);
    if (!e) {
        reel_context_free(context);
        return NULL;
    }
    reel_context_set_threads(context, 1); /* the pool is the training thread's */
    e->context = context;
    e->loss_of = t->loss_of;
    e->params = reel_params_new(NULL, context, t->params->dtype);
    e->module = evaluator_module(context, e->params, t->module);
    reel_params_seal(NULL, e->params);
    e->tape = reel_tape_new(NULL, context, t->params->dtype);
    e->x = array_like(context, t->data->x, trainer_batch_size(t));
    e->y = array_like(context, t->data->y, trainer_batch_size(t));
    if (!reel_failed(context) && e->module && e->x && e->y && same_layout(t->params, e->params)) {
        reel_tape_set_gradients(e->tape, false);
        reel_tape_set_training(e->tape, false);
        return e;
    }
    evaluator_free(e);
    return NULL;
}

void evaluator_free(evaluator *e)
{
    if (!e) return;
    reel_context *context = e->context;
    memory_free(context, e, sizeof *e);
    reel_context_free(context);
}

static void copy_rows(reel_array *to, const reel_array *from, int64_t rows)
{
    to->size = rows * (from->size / from->shape[0]);
    to->shape[0] = rows;
    memcpy(to->data, from->data, (size_t)to->size * element_size(to->dtype));
}

static void copy_params(evaluator *e, const reel_trainer *t, bool large)
{
    size_t size = element_size(e->params->dtype);
    for (int i = 0; i < e->params->values.count; i++) {
        const slice *s = &e->params->values.slices[i];
        size_t from = (size_t)s->offset * size;
        if ((s->size >= DRAFT_HELD) != large) continue;
        memcpy((char *)e->params->values.data + from, (const char *)t->params->values.data + from,
               (size_t)s->size * size);
    }
}

void evaluator_take(evaluator *e, const reel_trainer *t)
{
    int64_t rows = trainer_rows(t), size = trainer_batch_size(t);
    int64_t first = (t->step - 1) % trainer_steps_per_epoch(t) * size;
    bool whole = size == rows; /* else the rows of the last step are in the trainer's buffers still */
    int64_t count = first + size <= rows ? size : rows - first;
    copy_rows(e->x, whole ? t->data->x : t->x, whole ? rows : count);
    copy_rows(e->y, whole ? t->data->y : t->y, whole ? rows : count);
    copy_params(e, t, false);
}

void evaluator_take_large(evaluator *e, const reel_trainer *t)
{
    copy_params(e, t, true);
    reel_params_touch(e->params);
}

double evaluator_loss(evaluator *e)
{
    reel_tape_rewind(e->tape);
    reel_value x = reel_input("trainer", e->tape, e->x), y = reel_input("trainer", e->tape, e->y);
    return reel_item("trainer", e->loss_of("trainer", reel_forward("trainer", e->module, x), y));
}

reel_context *evaluator_context(const evaluator *e)
{
    return e->context;
}
