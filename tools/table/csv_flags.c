/* SPDX-License-Identifier: MIT
 *
 * The flags that make data and model of a table.
 */
#include "table/csv_run.h"

#include <math.h>
#include <string.h>

static const reel_hyper validation_row = {.name = "validation",
                                          .text =
                                              "share of the rows that the loss is watched on at the end of each epoch",
                                          .value = 0.2,
                                          .most = 1,
                                          .open_most = true};
static const reel_hyper test_row = {.name = "test",
                                    .text = "share of the rows that are kept for the report at the end",
                                    .value = 0.2,
                                    .most = 1,
                                    .open_most = true};
const reel_hyper csv_seed_row = {.name = "seed",
                                 .text = "of the split, of the initial weights and of the batches",
                                 .value = 42,
                                 .most = 9007199254740992,
                                 .kind = REEL_HYPER_WHOLE};

void csv_settings_init(csv_settings *s, const char *who)
{
    *s = (csv_settings){.who = who,
                        .validation = validation_row.value,
                        .test = test_row.value,
                        .seed = csv_seed_row.value,
                        .task = "auto",
                        .impute = "mean",
                        .hidden = "32,16",
                        .activation = "relu",
                        .precision = "float"};
}

void csv_groups(csv_settings *s, option_group groups[CSV_GROUPS])
{
    static option_row data[TABLE_FLAG_ROWS + 8], model[6];
    const option_row more[] = {
        {"target", "COLUMN", "The column to be predicted, by name or by its number from 1.", .word = &s->target},
        {"ignore", "COLUMN[,...]", "Columns that are left out.", .word = &s->ignore},
        {"categorical", "COLUMN[,...]",
         "Columns whose numbers are names: an input for each. Columns of texts are anyway.", .word = &s->categorical},
        {"numeric", "COLUMN[,...]", "Columns in which a text is a fault.", .word = &s->numeric},
        {"task", "TASK",
         "classification, regression or auto: classification when the target has texts, or at most 20 different whole "
         "numbers that come twice each on average.",
         .word = &s->task},
        {"impute", "HOW",
         "What stands for a missing number: mean (default), median, most-frequent, constant:X, or none: it is a fault. "
         "For a missing text it is the most frequent one, none with constant.",
         .word = &s->impute},
        {.name = "validation", .number = &s->validation, .hyper = &validation_row},
        {.name = "test", .number = &s->test, .hyper = &test_row},
    };
    const option_row net[] = {
        {"hidden", "N[,N...]", "Sizes of the hidden layers; default 32,16. 0: none, a linear model.",
         .word = &s->hidden},
        {"activation", "NAME", "relu (default), tanh, sigmoid, leaky_relu, elu, gelu, silu, softplus or identity.",
         .word = &s->activation},
        {"loss", "LOSS", "cross-entropy; of a regression mse (default), or huber[:DELTA] in deviations of the target.",
         .word = &s->loss},
        {"class-weights", "HOW",
         "none (default), balanced: rows / (classes x rows of the class), or NAME=W,...: by class, else 1.",
         .word = &s->class_weights},
        {"precision", "TYPE", "float (default) or double.", .word = &s->precision},
        {"last", NULL, "Judge the net of the last update instead of the one with the smallest validation loss.",
         .set = &s->last},
    };
    table_flags_rows(&s->table, data);
    memcpy(data + TABLE_FLAG_ROWS, more, sizeof more);
    memcpy(model, net, sizeof net);
    groups[0] = (option_group){"table", OPTION_ROWS(data)};
    groups[1] = (option_group){"model", OPTION_ROWS(model)};
}

static bool is_one_of(const char *text, const char *words)
{
    size_t length = strlen(text);
    for (const char *at = words; length && (at = strstr(at, text)) != NULL; at++)
        if ((at == words || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0')) return true;
    return false;
}

const char *csv_settings_check(const csv_settings *s)
{
    static char sentence[200];
    const struct {
        const char *flag, *found, *words;
    } choices[] = {
        {"task", s->task, "classification regression auto"},
        {"activation", s->activation, "relu tanh sigmoid leaky_relu elu gelu silu softplus identity"},
        {"precision", s->precision, "float double"},
    };
    if (!s->table.csv) return "--csv is missing: the file with the table";
    if (!s->target) return "--target is missing: the column to be predicted";
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++)
        if (!is_one_of(choices[i].found, choices[i].words)) {
            snprintf(sentence, sizeof sentence, "--%s: found \"%.40s\", expected one of %s", choices[i].flag,
                     choices[i].found, choices[i].words);
            return sentence;
        }
    if (s->validation + s->test >= 1) return "--validation and --test leave no rows for the training, expected below 1";
    return table_flags_check(&s->table);
}
