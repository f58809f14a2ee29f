/* SPDX-License-Identifier: MIT
 *
 * Hyper-parameter tables: what an optimizer, a schedule or an averager can be told. Flags, help, files and the report of
 * what changed all follow from the table.
 */
#ifndef REEL_HYPER_H
#define REEL_HYPER_H

#include <reel/context.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Every value is kept as a double. */
typedef enum reel_hyper_kind {
    REEL_HYPER_NUMBER,
    REEL_HYPER_WHOLE,  /* a whole number */
    REEL_HYPER_SWITCH, /* 0 or 1 */
    REEL_HYPER_CHOICE, /* one of `choices`: 0 for the first */
    REEL_HYPER_STEPS   /* a whole number of steps; a schedule fills it from the horizon when it is not given */
} reel_hyper_kind;

typedef struct reel_hyper {
    const char *name;
    const char *text;           /* one sentence for help */
    double value;               /* default; NaN: none, and `text` says what happens then */
    double least, most;         /* range; an infinite bound that is not open means that infinity is accepted */
    bool open_least, open_most; /* the bound itself is excluded */
    bool required;              /* a value must be given */
    bool repeats;               /* last of its table, may be given several times (milestones) */
    reel_hyper_kind kind;
    const char *const *choices; /* ends with NULL */
    const char *flag;           /* what its flag is called; NULL: after the name */
} reel_hyper;

/* Index of a name in a table of `count` rows; -1 when there is none. */
REEL_API int reel_hyper_find(const reel_hyper *table, int count, const char *name);

#define REEL_HYPER_TEXT 256
/* Writes what is accepted: "above 0", "from 0 to below 1", "0 or 1", "cos or linear". Returns text. */
REEL_API char *reel_hyper_range(const reel_hyper *hyper, char text[REEL_HYPER_TEXT]);
/* Writes a value as reel_hyper_read reads it: the name of a choice, else the shortest decimal that reads back to the
 * same bits. Returns text. */
REEL_API char *reel_hyper_print(const reel_hyper *hyper, double value, char text[REEL_HYPER_TEXT]);

/* Is `value` in the range, and whole where it must be? If not: REEL_BAD_ARGUMENT, `lr: found -1, expected 0 or above`. */
REEL_API reel_status reel_hyper_check(REEL_SITE reel_context *context, const char *who, const reel_hyper *hyper,
                                      double value);
/* Reads `length` characters of text (also "inf", on/off, true/false, names of choices), whatever the locale, and checks
 * the value. Error: no number, trailing characters, out of range; *value is then unchanged. */
REEL_API reel_status reel_hyper_read(REEL_SITE reel_context *context, const char *who, const reel_hyper *hyper,
                                     const char *text, size_t length, double *value);
/* Keeps REEL_NOT_FOUND, `no hyper-parameter "betta1"; there are lr, beta1, ...`; `more` is a second table or NULL. */
REEL_API reel_status reel_hyper_unknown(REEL_SITE reel_context *context, const char *who, const char *name,
                                        size_t length, const reel_hyper *table, int count, const reel_hyper *more,
                                        int more_count);

#ifndef REEL_NO_SITE_MACROS
#define reel_hyper_check(...) reel_hyper_check(REEL_HERE, __VA_ARGS__)
#define reel_hyper_read(...) reel_hyper_read(REEL_HERE, __VA_ARGS__)
#define reel_hyper_unknown(...) reel_hyper_unknown(REEL_HERE, __VA_ARGS__)
#endif

#ifdef __cplusplus
}
#endif

#endif
