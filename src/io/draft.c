/* SPDX-License-Identifier: MIT
 *
 * Drafts of documents.
 */
#include "io/draft.h"

#include "core/core.h"
#include "io/hash.h"
#include "io/number.h"

#include <stdio.h>
#include <string.h>

static const char who[] = "draft";

#define COPY_ALIGN 64

void draft_init(draft *d, reel_context *context)
{
    *d = (draft){.count = 0};
    json_writer_init(&d->w, context, 1);
    d->w.draft = d;
}

static void bytes_free(reel_context *context, draft_bytes *b)
{
    memory_free(context, b->data, b->capacity);
    *b = (draft_bytes){0};
}

void draft_free(draft *d)
{
    reel_context *context = d->w.context;
    json_writer_free(&d->w);
    bytes_free(context, &d->copies);
    bytes_free(context, &d->hashed);
    memory_free(context, d->holes, d->capacity * sizeof *d->holes);
    d->holes = NULL;
    d->count = d->capacity = 0;
}

void draft_begin(draft *d)
{
    json_writer_again(&d->w);
    d->copies.length = d->hashed.length = 0;
    d->count = d->still_count = d->live = 0;
    d->borrows = false;
    json_write_object_begin(&d->w, NULL);
}

/* Room for `size` more bytes at the end, which are then part of it; NULL: no memory. */
static uint8_t *bytes_add(draft *d, draft_bytes *b, size_t size)
{
    if (b->capacity - b->length < size) {
        size_t capacity = b->capacity ? b->capacity : 4096;
        while (capacity - b->length < size && capacity <= SIZE_MAX / 4) capacity *= 2;
        uint8_t *data = memory_resize(d->w.context, NULL, who, b->data, b->capacity, capacity);
        if (!data) {
            d->w.failed = true;
            return NULL;
        }
        b->data = data;
        b->capacity = capacity;
    }
    uint8_t *at = b->data + b->length;
    b->length += size;
    return at;
}

static draft_hole *add_hole(draft *d, draft_form form, size_t at, size_t skip)
{
    if (json_writer_stopped(&d->w)) return NULL;
    if (d->count == d->capacity) {
        size_t capacity = d->capacity ? 2 * d->capacity : 32;
        draft_hole *grown =
            memory_resize(d->w.context, NULL, who, d->holes, d->capacity * sizeof *grown, capacity * sizeof *grown);
        if (!grown) {
            d->w.failed = true;
            return NULL;
        }
        d->holes = grown;
        d->capacity = capacity;
    }
    draft_hole *hole = &d->holes[d->count++];
    *hole = (draft_hole){.form = form, .at = at, .skip = skip};
    d->w.fixed = at + 1;
    return hole;
}

bool draft_holds_still(draft *d, const void *from, size_t size)
{
    if (d->still_count == DRAFT_STILL_MOST) return false;
    d->still[d->still_count++] = (draft_still){from, size};
    return true;
}

void draft_borrow(draft *d)
{
    d->borrows = true;
}

static bool is_still(const draft *d, const void *data, size_t size)
{
    for (size_t i = 0; i < d->still_count; i++) {
        const char *from = d->still[i].from, *at = data;
        if (at >= from && at + size <= from + d->still[i].size) return true;
    }
    return false;
}

void draft_hold(draft *d, const json_array_text *array)
{
    size_t size = (size_t)array->size * element_size(array->dtype);
    draft_hole *hole = add_hole(d, DRAFT_ARRAY, d->w.length, 0);
    if (!hole) return;
    hole->array = *array;
    if (d->borrows && array->size > DRAFT_BORROWED) return;
    size_t padding = (COPY_ALIGN - d->copies.length % COPY_ALIGN) % COPY_ALIGN;
    if (!bytes_add(d, &d->copies, padding + size)) return;
    hole->array.data = NULL;
    hole->from = d->copies.length - size;
    if (is_still(d, array->data, size)) {
        hole->live = array->data;
        d->live++;
    } else {
        memcpy(d->copies.data + hole->from, array->data, size);
    }
}

void draft_take(draft *d)
{
    for (size_t i = 0; i < d->count && d->live > 0; i++) {
        draft_hole *hole = &d->holes[i];
        if (!hole->live) continue;
        memcpy(d->copies.data + hole->from, hole->live, (size_t)hole->array.size * element_size(hole->array.dtype));
        hole->live = NULL;
        d->live--;
    }
}

void draft_late_int64(draft *d, const char *key, const int64_t *value)
{
    json_write_int64(&d->w, key, 0);
    draft_hole *hole = add_hole(d, DRAFT_INTEGER, d->w.length - 1, 1);
    if (hole) hole->late = value;
}

void draft_late_double(draft *d, const char *key, const double *value)
{
    json_write_double(&d->w, key, 0);
    draft_hole *hole = add_hole(d, DRAFT_DOUBLE, d->w.length - 3, 3); /* 0.0 */
    if (hole) hole->late = value;
}

void draft_mix(draft *d, const void *data, size_t size)
{
    if (json_writer_stopped(&d->w)) return;
    uint8_t *at = bytes_add(d, &d->hashed, size);
    if (at) memcpy(at, data, size);
}

void draft_mix_late(draft *d)
{
    if (json_writer_stopped(&d->w)) return;
    draft_hole *hole = &d->holes[d->count - 1];
    hole->hashed = true;
    hole->hash_at = d->hashed.length;
}

bool draft_mix_held(draft *d, const reel_array *array)
{
    if (array->size < DRAFT_HELD) return false;
    draft_mix_late(d);
    return true;
}

/* 32 digits that are put in when the document is written. */
static void hash_member(draft *d, draft_form form, const char *key)
{
    json_write_text(&d->w, key, "00000000000000000000000000000000");
    add_hole(d, form, d->w.length - 33, 32);
}

bool draft_end(draft *d)
{
    size_t length;
    hash_member(d, DRAFT_STATE_HASH, "state_hash");
    add_hole(d, DRAFT_TEXT_END, d->w.length, 0);
    hash_member(d, DRAFT_TEXT_HASH, "hash");
    json_write_object_end(&d->w);
    return json_writer_text(&d->w, &length) != NULL;
}

/* ---- writing ---- */

/* The text on its way to the file: gathered in the buffer, hashed and written when that is full. And the state on its way
 * into its hash, which is of the same arrays in the same order, so that each is in the cache for both. */
typedef struct outlet {
    file_stream *file;
    char *buffer;
    size_t used, size;
    size_t mixed; /* bytes of those that the draft recorded to be hashed */
    hash_stream hash, state;
} outlet;

static void flush(outlet *o)
{
    if (o->used == 0) return;
    hash_bytes(&o->hash, o->buffer, o->used);
    file_stream_put(o->file, o->buffer, o->used);
    o->size += o->used;
    o->used = 0;
}

static void give(outlet *o, const char *text, size_t size)
{
    while (size > 0) {
        if (o->used == DRAFT_BUFFER) flush(o);
        size_t n = DRAFT_BUFFER - o->used < size ? DRAFT_BUFFER - o->used : size;
        memcpy(o->buffer + o->used, text, n);
        o->used += n;
        text += n;
        size -= n;
    }
}

static void mix_to(outlet *o, const draft *d, size_t end)
{
    if (end > o->mixed) hash_bytes(&o->state, d->hashed.data + o->mixed, end - o->mixed);
    o->mixed = end;
}

static void give_array(outlet *o, const draft *d, const draft_hole *hole)
{
    json_array_text t = hole->array;
    size_t size = element_size(t.dtype);
    int64_t mixed = 0;
    if (!t.data) t.data = d->copies.data + hole->from;
    while (!json_array_ended(&t) && !o->file->fault.what) {
        if (DRAFT_BUFFER - o->used < JSON_ARRAY_ROOM) flush(o);
        o->used += json_array_print(&t, o->buffer + o->used, DRAFT_BUFFER - o->used);
        int64_t printed = t.base64 ? t.next / (int64_t)size : t.next;
        if (hole->hashed)
            hash_elements(&o->state, t.dtype, (const char *)t.data + (size_t)mixed * size, printed - mixed);
        mixed = printed;
    }
}

static void give_number(outlet *o, const draft_hole *hole)
{
    char text[NUMBER_TEXT_SIZE];
    if (hole->hashed) hash_elements(&o->state, REEL_DOUBLE, hole->late, 1);
    give(o, text,
         hole->form == DRAFT_INTEGER ? json_print_int64(text, *(const int64_t *)hole->late)
                                     : number_print_double(text, *(const double *)hole->late));
}

void draft_write(draft *d, file_stream *file, char *buffer, draft_sums *sums)
{
    outlet o = {.file = file, .buffer = buffer};
    size_t done = 0;
    draft_take(d);
    hash_start(&o.hash);
    hash_start(&o.state);
    *sums = (draft_sums){.size = 0};
    for (size_t i = 0; i < d->count && !file->fault.what; i++) {
        const draft_hole *hole = &d->holes[i];
        give(&o, d->w.text + done, hole->at - done);
        if (hole->hashed) mix_to(&o, d, hole->hash_at);
        done = hole->at + hole->skip;
        switch (hole->form) {
        case DRAFT_ARRAY: give_array(&o, d, hole); break;
        case DRAFT_INTEGER:
        case DRAFT_DOUBLE: give_number(&o, hole); break;
        case DRAFT_STATE_HASH:
            mix_to(&o, d, d->hashed.length);
            hash_digits(&o.state, sums->state);
            give(&o, sums->state, 32);
            break;
        case DRAFT_TEXT_END:
            flush(&o);
            hash_digits(&o.hash, sums->text);
            break;
        case DRAFT_TEXT_HASH: give(&o, sums->text, 32); break;
        }
    }
    give(&o, d->w.text + done, d->w.length - done);
    flush(&o);
    hash_digits(&o.hash, sums->file);
    sums->size = o.size;
}
