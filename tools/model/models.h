/* SPDX-License-Identifier: MIT
 *
 * The built-in models, as the commands make them that measure one: `reel lr-find MODEL` from flags, `reel diagnose` and
 * `reel diff` again from a checkpoint.
 *
 * A model joins with one row in models.c: its name, a sentence, and a function that builds it from flags. What ties a
 * checkpoint to its row is the recipe, `two-moons --samples 200 --noise 0.15 ...`: the name and the flags that make data,
 * model and optimizer. The training writes it into every checkpoint with one call,
 *
 *     recipe_set(trainer, "two-moons", groups, group_count, NULL);
 *
 * whose groups are those of its flags that make data, model and optimizer (not epochs, folders and output), with the values
 * that they have by then. The build function is given these flags again. What the checkpoint itself holds (parameters,
 * buffers, moments, hyper-parameters, schedule, streams, sampler) is loaded into what it has built.
 */
#ifndef TOOLS_MODEL_MODELS_H
#define TOOLS_MODEL_MODELS_H

#include "checkpoint_view.h"
#include "options.h"

#define RECIPE_SIZE 4096 /* characters, the NUL included */
#define RECIPE_WORDS 128

/* A model before its first update. */
typedef struct built_model {
    reel_context *context; /* owns whatever was made with the library; free_own frees it, where there is one */
    reel_trainer *trainer; /* without folder; validation data, where there are any, are set on it */
    reel_optimizer *optimizer;
    char title[64], rows[32], loss[64]; /* for pictures and reports: "Two moons", "points", "binary cross-entropy" */
    char choice[64];                    /* what --optimizer says: "momentum" */
    void *own;                          /* of the model's; or NULL */
    void (*free_own)(void *own);
} built_model;

/* What a build function is asked for: it reads argv with its own flags for data, model, optimizer, batch and seed, and with
 * two groups of the command's. It fills in groups, group_count and, for help, `more` of `set`. */
typedef struct build_request {
    option_set *set;
    const option_group *own; /* 2 */
    int argc;
    char **argv; /* argv[0]: the name of the model */
} build_request;

typedef struct model_row {
    const char *name, *text;
    /* Returns -1 when the model is built; else the exit status: help was asked for, or a fault was complained of. */
    int (*build)(const build_request *request, built_model *model);
    /* The recipe of a checkpoint that holds none, by the form of its model; false: it is not of this model. May be NULL. */
    bool (*guess)(checkpoint_view *view, char recipe[RECIPE_SIZE]);
} model_row;

/* Ends with a row without a name. */
extern const model_row model_rows[];

/* NULL: there is none of this name. */
const model_row *model_find(const char *name);
/* Frees what was built; also what was built by half. */
void model_free(built_model *model);

/* Writes the recipe into every checkpoint of the trainer: name, operands (up to NULL; or NULL), and each flag of the groups
 * with its value. An error is kept in the trainer's context. */
void recipe_set(reel_trainer *trainer, const char *name, const option_group *groups, int count,
                const char *const *operands);

typedef enum rebuilt {
    REBUILT,       /* stands where the checkpoint does */
    REBUILT_NOT,   /* it is of another program, or something does not fit: `why` says what */
    REBUILT_FAILED /* complained of */
} rebuilt;
/* Builds the model of a checkpoint again and loads the file into it. `recipe` NULL: that of the file, or what the rows guess;
 * flags alone, as `--csv moved.csv`, change that.
 * Model_free in any case. */
rebuilt model_rebuild(checkpoint_view *view, const char *who, const char *path, const char *recipe, built_model *model,
                      char why[TEXT_SIZE]);

/* build functions */
int two_moons_build(const build_request *request, built_model *model);
int image_fit_model_build(const build_request *request, built_model *model);
int csv_build(const build_request *request, built_model *model);
bool two_moons_guess(checkpoint_view *view, char recipe[RECIPE_SIZE]);

#endif
