/* SPDX-License-Identifier: MIT
 *
 * What the trainer adds to the state of a run.
 */
#include "optim/optim.h"
#include "train/saver.h"

#include <stdio.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

static void hash_array(XXH3_state_t *hash, const reel_array *a)
{
    int64_t head[2 + REEL_MAX_RANK] = {a->dtype, a->rank};
    for (int d = 0; d < a->rank; d++) head[2 + d] = a->shape[d];
    XXH3_128bits_update(hash, head, sizeof head);
    XXH3_128bits_update(hash, a->data, (size_t)a->size * reel_dtype_size(a->dtype));
}

/* Kept in `kept` once it is known. */
static const char *hash_of(const reel_dataset *data, char **kept, reel_context *context)
{
    if (*kept) return *kept;
    char text[33] = "none";
    if (data) {
        XXH3_state_t hash;
        XXH3_128bits_reset(&hash);
        hash_array(&hash, data->x);
        hash_array(&hash, data->y);
        XXH128_hash_t h = XXH3_128bits_digest(&hash);
        snprintf(text, sizeof text, "%016llx%016llx", (unsigned long long)h.high64, (unsigned long long)h.low64);
    }
    *kept = memory_string(context, NULL, "trainer", text);
    return *kept ? *kept : "";
}

const char *trainer_data_hash(reel_trainer *t, reel_context *context)
{
    return hash_of(t->data, &t->data_hash, context);
}

const char *trainer_validation_hash(reel_trainer *t, reel_context *context)
{
    return hash_of(t->validation, &t->validation_hash, context);
}

static bool reading(const visitor *v)
{
    return visit_mode_of(v) == VISIT_CHECK || visit_mode_of(v) == VISIT_LOAD;
}

bool setting_is_saved(setting s)
{
    return s != SETTING_DURABLE && s != SETTING_BASE64_ABOVE && s != SETTING_BACKGROUND && s != SETTING_ACCEPT_EDITED &&
           s != SETTING_OTHER_DATA && s != SETTING_OTHER_OPTIMIZER && s != SETTING_PROVE && s != SETTING_STEADY_LOSS;
}

/* For the report of what changed; a resume keeps the program's. */
static void visit_settings(reel_trainer *t, visitor *v)
{
    if (!visit_has(v, "settings")) return; /* an older file */
    visit_begin(v, "settings");
    for (int i = 0; i < SETTING_COUNT; i++) {
        double value = t->settings[i];
        const char *name = reel_trainer_setting(i)->name;
        if (setting_is_saved((setting)i) && (!reading(v) || visit_has(v, name))) visit_double(v, name, &value);
    }
    visit_end(v);
}

/* Which data and which rows of them make a step. */
static void visit_identity(reel_trainer *t, visitor *v)
{
    static const char *const names[] = {"batch", "rows", "data_hash"};
    const char *hash = trainer_data_hash(t, visit_context(v));
    char found[64];
    if (reading(v) && setting_of(t, SETTING_OTHER_DATA)) {
        for (int i = 0; i < 3; i++) visit_skip(v, names[i]);
        visit_same_int64(v, "seed", setting_of(t, SETTING_SEED));
        return;
    }
    visit_same_int64(v, "batch", trainer_batch_size(t));
    visit_same_int64(v, "seed", setting_of(t, SETTING_SEED));
    visit_same_int64(v, "rows", trainer_rows(t));
    if (visit_mode_of(v) == VISIT_CHECK && visit_peek_text(v, "data_hash", found, sizeof found) &&
        strcmp(found, hash) != 0)
        visit_reject(
            v, REEL_MISMATCH,
            "data_hash: found %s, expected %s: these are not the data of the run (the setting other_data allows "
            "them)",
            found, hash);
    visit_same_text(v, "data_hash", hash);
}

/* For tools: a resume keeps the program's. */
static void visit_recipe(reel_trainer *t, visitor *v)
{
    if (reading(v) && visit_has(v, "recipe"))
        visit_skip(v, "recipe");
    else if (!reading(v) && t->recipe)
        visit_text(v, "recipe", &t->recipe);
}

/* No part of the state hash, which files of older versions have made without it. */
static void visit_validation(reel_trainer *t, visitor *v)
{
    const char *hash = trainer_validation_hash(t, visit_context(v)), *const name = "validation_hash";
    char found[64];
    if (reading(v) && (!visit_has(v, name) || setting_of(t, SETTING_OTHER_DATA))) {
        visit_skip(v, name);
        return;
    }
    if (visit_mode_of(v) == VISIT_CHECK && visit_peek_text(v, name, found, sizeof found) && strcmp(found, hash) != 0)
        visit_reject(
            v, REEL_MISMATCH,
            "validation_hash: found %s, expected %s: these are not the validation data of the run (the setting "
            "other_data allows them)",
            found, hash);
    visit_same_text(v, name, hash);
}

static void visit_bookkeeping(reel_trainer *t, visitor *v)
{
    int64_t epochs = setting_of(t, SETTING_EPOCHS), per_epoch = trainer_steps_per_epoch(t);
    visit_int64(v, "epochs", &epochs);
    visit_int64(v, "steps_per_epoch", &per_epoch);
    visit_validation(t, v);
    visit_late_double(v, "best_saved_loss", &t->best_saved_loss);
    visit_late_int64(v, "best_saved_step", &t->best_saved_step);
    visit_late_int64(v, "log_bytes", &t->folder.log_bytes);
    for (int i = 0; i < TEXT_FILES; i++) {
        int64_t *bytes = &t->folder.text_bytes[i];
        bool there =
            reading(v) ? visit_has(v, text_files[i].member) : setting_of(t, text_files[i].every) > 0 || *bytes > 0;
        if (there)
            visit_late_int64(v, text_files[i].member, bytes);
        else if (visit_mode_of(v) == VISIT_LOAD)
            *bytes = 0;
    }
    visit_recipe(t, v);
    visit_settings(t, v);
}

/* As many batches an update: only when there are several, so that files of older versions fit. */
static void visit_accumulate(const reel_trainer *t, visitor *v)
{
    int64_t parts = setting_of(t, SETTING_ACCUMULATE);
    if (parts > 1 && reading(v) && !visit_has(v, "accumulate"))
        visit_reject(v, REEL_MISMATCH, "accumulate: found 1, expected %lld", (long long)parts);
    else if (reading(v) ? visit_has(v, "accumulate") : parts > 1)
        visit_same_int64(v, "accumulate", parts);
}

void trainer_visit(void *self, visitor *v, const char *name)
{
    reel_trainer *t = self;
    saver_quiet(t, visit_mode_of(v) == VISIT_SAVE);
    visit_begin(v, name);
    visit_count(v, "step", &t->step);
    visit_double(v, "loss_before", &t->loss_before);
    visit_late_double(v, "loss_after", &t->loss_after);
    visit_double(v, "best_loss", &t->best_loss);
    visit_int64(v, "best_step", &t->best_step);
    /* Another batch size or seed is another run; the other settings may change from resume to resume. */
    visit_identity(t, v);
    visit_accumulate(t, v);
    sampler_visit(t, v);
    guards_visit(t, v);
    /* What depends on when the run was saved and how long it is to be is no part of the hash. */
    visit_apart_begin(v);
    visit_bookkeeping(t, v);
    visit_apart_end(v);
    visit_end(v);
}
