/* SPDX-License-Identifier: MIT
 *
 * hashes.jsonl: what every gradient, parameter and buffer was after a step, in 16 digits each, so that two runs can be
 * compared bit by bit without keeping their tensors.
 *
 * The first line names the tensors, each further one holds their hashes in that order: XXH3-64 of the bytes of the elements.
 * Gradients are hashed before the update, as it is given them; parameters and buffers after it. A gradient that nothing was
 * added to has none: "".
 */
#include "tape/params.h"
#include "train/saver.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { DIGITS = 16, HASH_ROOM = DIGITS + 4 };

static bool due(const reel_trainer *t, int64_t step)
{
    int64_t every = setting_of(t, SETTING_HASHES);
    return every > 0 && t->folder.path && step % every == 0;
}

static void put_hash(text_rows *to, const void *data, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    uint64_t hash = XXH3_64bits(data, size);
    char *at = to->text + to->count;
    for (int i = DIGITS - 1; i >= 0; i--, hash >>= 4) at[i] = digits[hash & 15];
    to->count += DIGITS;
}

/* "name": ["0123456789abcdef", ...]; of gradients those that were written only. */
static void put_hashes(text_rows *to, const reel_params *p, const slice_vector *v, const void *base, const char *name,
                       bool gradients)
{
    text_put(to, ", \"");
    text_put(to, name);
    text_put(to, "\": [");
    for (int i = 0; i < v->count; i++) {
        const slice *s = &v->slices[i];
        size_t one = element_size(p->dtype);
        text_put(to, i > 0 ? ", \"" : "\"");
        if (!gradients || s->written) put_hash(to, (const char *)base + (size_t)s->offset * one, (size_t)s->size * one);
        text_put(to, "\"");
    }
    text_put(to, "]");
}

static void put_names(text_rows *to, const slice_vector *v, const char *before)
{
    text_put(to, before);
    for (int i = 0; i < v->count; i++) {
        if (i > 0) text_put(to, ", ");
        text_put_name(to, v->slices[i].name);
    }
    text_put(to, "]");
}

static size_t line_room(const reel_params *p, bool names)
{
    const slice_vector *vectors[] = {&p->values, &p->buffers};
    size_t room = 256 + (size_t)(2 * p->values.count + p->buffers.count) * HASH_ROOM;
    for (int k = 0; names && k < 2; k++)
        for (int i = 0; i < vectors[k]->count; i++) room += 6 * strlen(vectors[k]->slices[i].name) + 4;
    return room;
}

reel_status hashes_before(reel_trainer *t, const char *site)
{
    const reel_params *p = t->params;
    if (!due(t, t->step + 1)) return REEL_OK;
    reel_status status = saver_text_room(t, site, TEXT_HASHES, line_room(p, true));
    if (status != REEL_OK) return status;
    text_rows *to = &t->folder.saver->text[TEXT_HASHES];
    to->count = to->whole;
    if (!t->folder.saver->named) {
        put_names(to, &p->values, "{\"parameters\": [");
        put_names(to, &p->buffers, ", \"buffers\": [");
        text_put(to, "}\n");
    }
    text_put_integer(to, "{\"step\": ", t->step + 1);
    put_hashes(to, p, &p->values, p->gradient, "gradients", true);
    return REEL_OK;
}

void hashes_after(reel_trainer *t)
{
    const reel_params *p = t->params;
    if (!due(t, t->step)) return;
    text_rows *to = &t->folder.saver->text[TEXT_HASHES];
    put_hashes(to, p, &p->values, p->values.data, "parameters", false);
    if (p->buffers.count > 0) put_hashes(to, p, &p->buffers, p->buffers.data, "buffers", false);
    text_put(to, "}\n");
    to->whole = to->count;
    t->folder.saver->named = true;
}
