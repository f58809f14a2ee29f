/* SPDX-License-Identifier: MIT
 *
 * Command lines: flags from tables, and the flags of a training for a program of one's own.
 *
 * The library prints nothing and does not exit: help and faults are texts, which main prints.
 */
#ifndef REEL_ARGS_H
#define REEL_ARGS_H

#include <reel/resume.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- a program's training ----
 *
 *     reel_args *args = reel_args_new(reel, argc, argv, "Trains on two moons.");
 *     reel_args_add(args, own_table, own_count, own_values);
 *     if (reel_args_read(args) != REEL_ARGS_GO) {
 *         fputs(reel_args_text(args), reel_args_status(args) ? stderr : stdout);
 *         return reel_args_status(args);
 *     }
 *     reel_optimizer *optimizer = reel_args_optimizer(args, params, "sgd", 0.5);
 *     reel_trainer *trainer = reel_trainer_new(net, data, reel_bce_with_logits, optimizer);
 *     reel_args_apply(args, trainer);
 *
 * gives it --optimizer, every hyper-parameter of every optimizer, clipping and noise, --average, --schedule, --schedule-origin,
 * --reset-moments, --epochs, --batch, --seed, --threads, --checkpoint-dir, --every, --keep, --durable, --resume, --force,
 * --accept-edited, --prove and --help. A flag that is given wins over the checkpoint; one that is not keeps the value of
 * the checkpoint, or of the program when the run starts. */
typedef struct reel_args reel_args;
struct reel_flag_group; /* below */

/* argv is borrowed and put into another order. `text` (borrowed): one sentence for --help. Owned by the context. */
REEL_API reel_args *reel_args_new(REEL_SITE reel_context *context, int argc, char **argv, const char *text);
REEL_API void reel_args_free(reel_args *args);
/* Flags of the program's own: row i sets values[i], which holds its default until then (both borrowed). --clip-norm is the
 * flag of the row clip_norm. Error: a name that is taken. */
REEL_API reel_status reel_args_add(REEL_SITE reel_args *args, const reel_hyper *table, int count, double *values);
/* Groups of flags of the program's own that take words or are switches too (once; borrowed): the rows say where what is typed
 * goes, reel_args_given does not know them. Help has them first. Error: a name that is taken. */
REEL_API reel_status reel_args_add_groups(REEL_SITE reel_args *args, const struct reel_flag_group *groups, int count);
/* What the program has to say against its flags when all of them are read: NULL, or one sentence, which is told as wrong
 * usage. It may give defaults with reel_args_default. */
typedef const char *(*reel_args_check)(reel_args *args, void *user);
REEL_API void reel_args_set_check(reel_args *args, reel_args_check check, void *user);
/* What --checkpoint-dir, --resume, --schedule or --optimizer is when it is not given; `value` is borrowed. */
REEL_API void reel_args_default(reel_args *args, const char *flag, const char *value);
/* Operands, "FILE" for help, `least` to `most` of them; none without this call. */
REEL_API void reel_args_set_operands(reel_args *args, const char *name, int least, int most);

typedef enum reel_args_end {
    REEL_ARGS_GO,    /* read */
    REEL_ARGS_HELP,  /* --help: text to print, status 0 */
    REEL_ARGS_WRONG, /* a fault: one line, status 2 */
    REEL_ARGS_FAILED /* no memory: the context's error, status 1 */
} reel_args_end;
REEL_API reel_args_end reel_args_read(REEL_SITE reel_args *args);
/* Help, or what is wrong, ending with a newline; "" when all is well. Belongs to args. */
REEL_API const char *reel_args_text(const reel_args *args);
/* 0, 1 or 2, for main to return. */
REEL_API int reel_args_status(const reel_args *args);
/* Operand `index`; NULL past the end. */
REEL_API const char *reel_args_operand(const reel_args *args, int index);
/* What was typed for a flag, "" for one without a value; NULL: not given. */
REEL_API const char *reel_args_given(const reel_args *args, const char *flag);

/* The optimizer of --optimizer ("momentum" is sgd with momentum 0.9), or of the checkpoint to be resumed, or else of the
 * program: of `kind` with rate `lr` (NaN: the kind's own); with the hyper-parameters that were given. NULL with an error kept: a hyper-parameter that the kind has
 * not, a file that cannot be read. */
REEL_API reel_optimizer *reel_args_optimizer(REEL_SITE reel_args *args, reel_params *params, const char *kind,
                                             double lr);
/* The checkpoint that is to be resumed, opened, and its path ("" when there is none); NULL: the run starts anew, or an error is
 * kept. It belongs to args. */
REEL_API const reel_checkpoint *reel_args_checkpoint(REEL_SITE reel_args *args, const char **path);
/* Tells a trainer everything that was given. What the program sets on it before is the default. */
REEL_API reel_status reel_args_apply(REEL_SITE reel_args *args, reel_trainer *trainer);

/* Writes the path of the newest checkpoint of a folder whose hash is right; false when there is none. */
REEL_API bool reel_checkpoint_newest(reel_context *context, const char *folder, char *path, size_t size);

/* ---- flags, driven by tables ---- */

/* A flag: what it is called, what it means and where its value goes. At most one of `set`, `word` and `number`. */
typedef struct reel_flag {
    const char *name;     /* "clip-norm", written --clip-norm */
    const char *argument; /* what help calls the value; NULL: none is taken */
    const char *text;     /* one sentence */
    bool *set;            /* becomes true */
    const char **word;    /* the value as it was typed */
    double *number;       /* read and checked by `hyper` */
    const reel_hyper *hyper;
    const char *without; /* the value may be left out (--nesterov, or --nesterov=0), and is then this */
    bool hidden;         /* help lists it elsewhere */
    bool *given;         /* becomes true; may be NULL */
} reel_flag;

typedef struct reel_flag_group {
    const char *title;
    const reel_flag *rows;
    int count;
} reel_flag_group;

typedef struct reel_flag_set {
    const char *command;  /* "reel train two-moons" */
    const char *operands; /* "FILE|DIR"; NULL: none */
    int least, most;      /* number of operands */
    const char *text;     /* what the command does */
    const reel_flag_group *groups;
    int group_count;
} reel_flag_set;

/* Where text goes, piece by piece. */
typedef void (*reel_text_sink)(void *user, const char *text);

#define REEL_FLAGS_TEXT 1024
/* Reads the flags with getopt_long. Returns the index of the first operand in argv, operands last; -1: --help; -2: wrong
 * usage, -3: no memory, one sentence in text. */
REEL_API int reel_flags_read(reel_context *context, const reel_flag_set *set, int argc, char **argv,
                             char text[REEL_FLAGS_TEXT]);
/* Usage, sentence, flags. */
REEL_API void reel_flags_help(const reel_flag_set *set, reel_text_sink sink, void *user);
/* Reads one value; false with a sentence that names the flag. */
REEL_API bool reel_flag_read(reel_context *context, const char *flag, const reel_hyper *hyper, const char *typed,
                             double *value, char text[REEL_FLAGS_TEXT]);
/* Words from `column` on, wrapped between `left` and the width of help; and a newline. */
REEL_API void reel_help_words(reel_text_sink sink, void *user, int column, int left, const char *text);
/* Lines of help: flag, value and sentence, wrapped; and for a hyper-parameter: sentence, range, default. */
REEL_API void reel_help_flag(reel_text_sink sink, void *user, const char *flag, const char *argument, const char *text);
REEL_API void reel_help_hyper(reel_text_sink sink, void *user, const char *flag, const reel_hyper *hyper, double value);
/* The schedules that a context knows (NULL: the built-in ones) and how their text is written. */
REEL_API void reel_help_schedules(const reel_context *context, reel_text_sink sink, void *user);
/* The averages and how their text is written. */
REEL_API void reel_help_averages(reel_text_sink sink, void *user);
/* The flag of a hyper-parameter: what its row says, or clip_norm -> clip-norm. */
REEL_API void reel_hyper_flag(const reel_hyper *hyper, char *name, size_t size);
/* clip_norm -> clip-norm. */
REEL_API void reel_flag_name(const char *hyper_name, char *name, size_t size);
/* The name of a list (NULL past its end) nearest to what was typed, NULL when none is near: about a third of its letters
 * may differ. */
REEL_API const char *reel_nearest_name(const char *typed, const char *(*at)(const void *list, int index),
                                       const void *list);

/* ---- --optimizer, and every hyper-parameter of every optimizer as a flag ---- */

typedef struct reel_hyper_value {
    const char *name; /* as in the table */
    double value;
} reel_hyper_value;

/* A named choice: a kind of optimizer and the hyper-parameters that suit the model. A kind without a row has its own
 * defaults. Tables end with a row without a name. "momentum", sgd with momentum 0.9, is known without a row. */
typedef struct reel_optimizer_preset {
    const char *name, *kind;
    reel_hyper_value values[4]; /* up to one without a name */
    bool marked;                /* for the program's use */
} reel_optimizer_preset;

#define REEL_HYPER_FLAGS 64
/* A row for every name that any optimizer known to the context has. */
typedef struct reel_optimizer_flags {
    const reel_context *context;          /* or NULL */
    const reel_optimizer_preset *presets; /* or NULL */
    reel_flag rows[REEL_HYPER_FLAGS];
    char names[REEL_HYPER_FLAGS][40];
    const char *hypers[REEL_HYPER_FLAGS]; /* names in the tables */
    const char *typed[REEL_HYPER_FLAGS];
    int count;
} reel_optimizer_flags;

/* An optimizer as it was asked for. */
typedef struct reel_optimizer_choice {
    const char *name; /* of the preset, or of the kind */
    const reel_optimizer_type *kind;
    const reel_optimizer_preset *preset;      /* or NULL */
    reel_hyper_value given[REEL_HYPER_FLAGS]; /* on the command line */
    int given_count;
} reel_optimizer_choice;

REEL_API void reel_optimizer_flags_init(const reel_context *context, reel_optimizer_flags *flags,
                                        const reel_optimizer_preset *presets);
/* Lists the optimizers with their hyper-parameters. */
REEL_API void reel_optimizer_flags_help(const reel_optimizer_flags *flags, reel_text_sink sink, void *user);
/* Looks up `name` and reads what was typed; false with a sentence when something is wrong. */
REEL_API bool reel_optimizer_choose(reel_context *context, const reel_optimizer_flags *flags, const char *name,
                                    reel_optimizer_choice *choice, char text[REEL_FLAGS_TEXT]);
/* The first flag given that belongs to some optimizers only; NULL when there is none. */
REEL_API const char *reel_optimizer_flags_own(const reel_optimizer_flags *flags);
/* The optimizer; NULL with an error kept. */
REEL_API reel_optimizer *reel_optimizer_build(REEL_SITE reel_params *params, const reel_optimizer_choice *choice);
/* Row `index` of a kind's own table followed by the table that all kinds share (kind NULL: that alone); NULL past the
 * end. */
REEL_API const reel_hyper *reel_optimizer_hyper_at(const reel_optimizer_type *kind, int index);

#ifndef REEL_NO_SITE_MACROS
#define reel_args_new(...) reel_args_new(REEL_HERE, __VA_ARGS__)
#define reel_args_add(...) reel_args_add(REEL_HERE, __VA_ARGS__)
#define reel_args_add_groups(...) reel_args_add_groups(REEL_HERE, __VA_ARGS__)
#define reel_args_read(...) reel_args_read(REEL_HERE, __VA_ARGS__)
#define reel_args_checkpoint(...) reel_args_checkpoint(REEL_HERE, __VA_ARGS__)
#define reel_args_optimizer(...) reel_args_optimizer(REEL_HERE, __VA_ARGS__)
#define reel_args_apply(...) reel_args_apply(REEL_HERE, __VA_ARGS__)
#define reel_optimizer_build(...) reel_optimizer_build(REEL_HERE, __VA_ARGS__)
#endif

#ifdef __cplusplus
}
#endif

#endif
