/* SPDX-License-Identifier: MIT
 *
 * A small run for the tests: two moons, a net with dropout, any optimizer, sampler and folder.
 */
#ifndef TESTS_MOONS_RUN_H
#define TESTS_MOONS_RUN_H

#include "common.h"
#include "train/trainer.h"

#include <dirent.h>
#include <errno.h>
#include <unistd.h>

typedef struct run_setup {
    const char *optimizer; /* NULL: adam */
    const char *schedule;  /* or NULL */
    const char *sampler;   /* NULL, "numpy", "torch" or "rust" */
    reel_dtype dtype;
    int batch;
    double clip_norm, dropout;
    int epochs, every;
} run_setup;

typedef struct moons_run {
    reel_context *context;
    reel_dataset *data;
    reel_params *params;
    reel_module *net;
    reel_optimizer *optimizer;
    reel_trainer *trainer;
} moons_run;

/* Everything from the set-up, in the given context. With a context that has failed all of it is NULL. */
static inline moons_run run_new(reel_context *own, const run_setup *s)
{
    moons_run r = {.context = own};
    reel_rng *noise = reel_rng_numpy_new(NULL, own, 42), *init = reel_rng_torch_new(NULL, own, 42);
    r.data = reel_moons_new(NULL, own, 100, 0.15, noise);
    r.params = reel_params_new(NULL, own, s->dtype);
    reel_module *parts[] = {reel_linear_new(NULL, r.params, "first", 2, 8, init),
                            reel_activation_new(NULL, own, "tanh"), reel_dropout_new(NULL, own, s->dropout),
                            reel_linear_new(NULL, r.params, "last", 8, 1, init)};
    r.net = reel_sequential_new(NULL, own, 4, parts);
    const reel_optimizer_type *type = reel_optimizer_find(s->optimizer ? s->optimizer : "adam");
    r.optimizer = reel_optimizer_new(NULL, r.params, type);
    reel_optimizer_set(NULL, r.optimizer, "lr", 0.05);
    if (s->optimizer && strcmp(s->optimizer, "sgd") == 0) reel_optimizer_set(NULL, r.optimizer, "momentum", 0.9);
    if (s->clip_norm > 0) reel_optimizer_set(NULL, r.optimizer, "clip_norm", s->clip_norm);
    if (s->schedule) {
        int64_t horizon = s->batch ? (100 + s->batch - 1) / s->batch * s->epochs : s->epochs;
        reel_optimizer_set_schedule(NULL, r.optimizer, reel_schedule_parse(NULL, own, s->schedule, horizon));
    }
    r.trainer = reel_trainer_new(NULL, r.net, r.data, reel_bce_with_logits, r.optimizer);
    reel_trainer_set(NULL, r.trainer, "epochs", s->epochs);
    reel_trainer_set(NULL, r.trainer, "batch", s->batch);
    reel_trainer_set(NULL, r.trainer, "seed", 5);
    reel_trainer_set(NULL, r.trainer, "checkpoint_every", s->every);
    if (s->sampler) {
        bool numpy = strcmp(s->sampler, "numpy") == 0;
        reel_rng *rng = numpy ? reel_rng_numpy_new(NULL, own, 3) : reel_rng_torch_new(NULL, own, 3);
        reel_trainer_set_sampler(NULL, r.trainer, rng);
    }
    return r;
}

/* Trains; the status must be the one expected. */
static inline void expect_run(moons_run *r, reel_status expected)
{
    reel_status status = reel_trainer_run(NULL, r->trainer);
    ck_assert_msg(status == expected, "status %d (%s), expected %d", status, reel_error_text(r->context), expected);
}

/* The hash of everything a checkpoint of the trainer holds. */
static inline void trainer_hash(reel_trainer *trainer, char hash[33])
{
    ck_assert_int_eq(reel_state_hash(NULL, reel_trainer_state(trainer), hash), REEL_OK);
    ck_assert_uint_eq(strlen(hash), 32);
}

/* A fresh folder of its own for each call; the caller removes it with folder_remove. */
static inline void folder_fresh(char path[64])
{
    snprintf(path, 64, "/tmp/reel-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(path));
}

static inline void folder_remove(const char *path)
{
    DIR *dir = opendir(path);
    if (!dir) return;
    for (struct dirent *e; (e = readdir(dir));) {
        char name[512];
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
        snprintf(name, sizeof name, "%s/%s", path, e->d_name);
        unlink(name);
    }
    closedir(dir);
    rmdir(path);
}

/* The whole of a file, in memory that the caller frees; NULL when there is none. */
static inline char *slurp(const char *folder, const char *name, size_t *size)
{
    char path[512];
    *size = 0;
    snprintf(path, sizeof path, "%s%s%s", folder, *folder ? "/" : "", name);
    FILE *file = fopen(path, "rb");
    if (!file) return NULL;
    char *text = NULL;
    size_t room = 0;
    for (size_t n = 1; n > 0; *size += n) {
        if (*size + 65536 > room) text = realloc(text, room = *size + 65536 + 1);
        ck_assert_ptr_nonnull(text);
        n = fread(text + *size, 1, 65536, file);
    }
    fclose(file);
    text[*size] = '\0';
    return text;
}

static inline void spill(const char *folder, const char *name, const char *text, size_t size)
{
    char path[512];
    snprintf(path, sizeof path, "%s%s%s", folder, *folder ? "/" : "", name);
    unlink(path); /* writing over a file makes some file systems wait for the disk */
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(text, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
}

static inline void spill_text(const char *folder, const char *name, const char *text)
{
    spill(folder, name, text, strlen(text));
}

static inline void expect_same_file(const char *a, const char *b, const char *name)
{
    size_t sizes[2];
    char *texts[] = {slurp(a, name, &sizes[0]), slurp(b, name, &sizes[1])};
    ck_assert_msg(texts[0] && texts[1], "%s is missing in %s or %s", name, a, b);
    ck_assert_msg(sizes[0] == sizes[1] && memcmp(texts[0], texts[1], sizes[0]) == 0, "%s differs in %s and %s", name, a,
                  b);
    free(texts[0]);
    free(texts[1]);
}

#endif
