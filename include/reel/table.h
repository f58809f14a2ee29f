/* SPDX-License-Identifier: MIT
 *
 * Tables: CSV files, and their preparation, which makes numbers for a network of their columns.
 *
 *     reel_table       *table = reel_table_read(reel, "iris.csv", NULL);
 *     reel_preparation *prep  = reel_preparation_new(reel);
 *     reel_preparation_set_role(prep, "species", REEL_ROLE_TARGET);
 *     reel_split       *split = reel_preparation_split(prep, table, 0, 0.2, 42);
 *     reel_preparation_fit(prep, table, split->train);
 *     reel_dataset     *train = reel_preparation_data(prep, table, split->train, REEL_FLOAT);
 *
 * A fault of a file is one sentence with line and column: `iris.csv: line 12, column 3 ("petal length"): found "abc",
 * expected a number`.
 */
#ifndef REEL_TABLE_H
#define REEL_TABLE_H

#include <reel/checkpoint.h>
#include <reel/data.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- reading ----
 *
 * CSV as RFC 4180 has it, in UTF-8, with or without a byte order mark, lines ending with LF, CR LF or CR. A field may
 * be quoted, with a quote inside doubled and with delimiters and line ends inside. Blanks around a field are dropped,
 * but not inside quotes; a quote within a field that does not start with one is a character as others. Empty lines are
 * skipped.
 *
 * A field is missing when it is empty or one of NA, N/A, ?, nan, null (the last two in any case). It is a number when
 * all of it is one, as 12, -3.5, .5, 1e-3, with a decimal point whatever the locale. A column is one of numbers when
 * all fields in it that are not missing are numbers, else of texts. A number past the range of doubles and an infinity
 * are faults.
 */
typedef struct reel_table reel_table;

typedef enum reel_csv_header {
    REEL_HEADER_AUTO, /* the first line has names when no field of it is a number */
    REEL_HEADER_YES,
    REEL_HEADER_NO /* columns are called column1, column2, ... */
} reel_csv_header;

typedef struct reel_csv_options {
    char delimiter; /* 0: the one of , ; tab | that cuts the first lines into the most fields, as many in each */
    reel_csv_header header;
    const char *missing; /* further texts that stand for a missing value, separated by commas; or NULL */
    size_t most_bytes;   /* a larger file is refused; 0: 2^30 */
} reel_csv_options;

/* Reads a file, or text in memory, which is called `name` in faults. options NULL: all zero. The table takes 8 bytes a
 * field and a line, and each different text of a column once; while it is read, up to twice that and the bytes of the
 * file. Owned by the context. NULL on error: REEL_IO; REEL_BAD_FILE, a fault of the file: fields too few or too many,
 * a quote that is not closed, text behind a closing quote, bytes that are no UTF-8, a NUL, a name twice, no rows, a
 * number out of range; REEL_BAD_ARGUMENT. */
REEL_API reel_table *reel_table_read(REEL_SITE reel_context *context, const char *path,
                                     const reel_csv_options *options);
REEL_API reel_table *reel_table_parse(REEL_SITE reel_context *context, const char *name, const char *text, size_t size,
                                      const reel_csv_options *options);
REEL_API void reel_table_free(reel_table *table);

/* Numbers of rows and columns; the path. */
REEL_API int64_t reel_table_rows(const reel_table *table);
REEL_API int reel_table_columns(const reel_table *table);
REEL_API const char *reel_table_path(const reel_table *table);
REEL_API char reel_table_delimiter(const reel_table *table);
REEL_API bool reel_table_has_header(const reel_table *table);
/* Name of column `index`, from 0; NULL past the end. */
REEL_API const char *reel_table_name(const reel_table *table, int index);
/* The index of a column by its name, or by its number from 1 when no column is called so. Error (REEL_NOT_FOUND, -1):
 * no such column; the sentence has the nearest name. */
REEL_API int reel_table_find(REEL_SITE const reel_table *table, const char *name);

typedef enum reel_column_kind { REEL_COLUMN_NUMBERS, REEL_COLUMN_TEXTS, REEL_COLUMN_EMPTY } reel_column_kind;
/* EMPTY: every field is missing. */
REEL_API reel_column_kind reel_table_kind(const reel_table *table, int column);
/* The number of a field; NaN: missing, a text, or no such field. */
REEL_API double reel_table_number(const reel_table *table, int64_t row, int column);
/* The text of a field of a column of texts, the table's; NULL: missing, a number, or no such field. */
REEL_API const char *reel_table_text(const reel_table *table, int64_t row, int column);
/* Which of the different texts of the column it is, in the order in which they come up; -1 where there is none. */
REEL_API int64_t reel_table_code(const reel_table *table, int64_t row, int column);
REEL_API bool reel_table_missing(const reel_table *table, int64_t row, int column);
/* The line of the file that a row begins in, from 1. */
REEL_API int64_t reel_table_line(const reel_table *table, int64_t row);

/* ---- preparation ----
 *
 * What is learned of the rows of training, and of them alone, and is then done to every table alike, whatever the order
 * of its columns and whatever else is in it. Columns are found by name. Inputs of the network, in the order of the
 * columns of training:
 *
 *     numeric       (x - mean) / deviation, the deviation over n; x - mean in a column that is constant
 *     categorical   one input for each category, 1 or 0; categories in the order of their texts' bytes
 *
 * A missing number is filled in as the imputation says before; a missing category with the most frequent one, with
 * REEL_IMPUTE_CONSTANT with none (all inputs 0). The target of a classification is the number of its class (classes in
 * the order of their texts' bytes, or of their values when they are numbers); of a regression (y - mean) / deviation.
 *
 * A preparation is saved in a checkpoint (reel_state_add_preparation) and read from it (reel_preparation_load).
 */
typedef struct reel_preparation reel_preparation;

typedef enum reel_role {
    REEL_ROLE_AUTO,    /* numeric when the column has numbers, categorical when it has texts */
    REEL_ROLE_NUMERIC, /* a text in it is a fault */
    REEL_ROLE_CATEGORICAL,
    REEL_ROLE_IGNORED,
    REEL_ROLE_TARGET
} reel_role;

typedef enum reel_task {
    REEL_TASK_AUTO, /* classification when the target has texts, or at most 20 different whole numbers that come
                       twice each on average */
    REEL_TASK_CLASSIFICATION,
    REEL_TASK_REGRESSION
} reel_task;

typedef enum reel_imputation {
    REEL_IMPUTE_MEAN,
    REEL_IMPUTE_MEDIAN,
    REEL_IMPUTE_MOST_FREQUENT, /* the smallest of several */
    REEL_IMPUTE_CONSTANT,
    REEL_IMPUTE_NONE /* a missing value is a fault */
} reel_imputation;

/* A preparation that knows nothing. Owned by the context. */
REEL_API reel_preparation *reel_preparation_new(REEL_SITE reel_context *context);
REEL_API void reel_preparation_free(reel_preparation *preparation);
/* What a column, named as for reel_table_find, is for; the rest are REEL_ROLE_AUTO. An AUTO column of texts is refused
 * when most of its fields are numbers, and when it has more than 100 different texts. Error: fitted already; two
 * targets. */
REEL_API reel_status reel_preparation_set_role(REEL_SITE reel_preparation *preparation, const char *column,
                                               reel_role role);
REEL_API reel_status reel_preparation_set_task(REEL_SITE reel_preparation *preparation, reel_task task);
/* How missing numbers are filled in; default REEL_IMPUTE_MEAN. `value`: the constant. */
REEL_API reel_status reel_preparation_set_imputation(REEL_SITE reel_preparation *preparation,
                                                     reel_imputation imputation, double value);

/* Row numbers, int64 (count), rising. */
typedef struct reel_split {
    reel_array *train, *validation, *test;
    int64_t left_out; /* rows whose target is missing: they are in none */
} reel_split;

/* Divides the rows: shares of validation and test, each from 0 to below 1. Of a classification each class is divided in
 * these shares, as nearly as whole rows allow (largest remainders), and keeps a row in `train`. Which rows is drawn
 * from a philox stream of `seed`. Owned by the context. Error: no target; no row left for `train`, or for a part that
 * is asked for. */
REEL_API reel_split *reel_preparation_split(REEL_SITE reel_preparation *preparation, const reel_table *table,
                                            double validation, double test, uint64_t seed);

/* Learns mean, deviation, fillings, categories and classes of these rows; NULL: all. Error: fitted
 * already; no target; no input; a role that does not fit the column; nothing to learn from (a column without a value,
 * one class only, a missing target). */
REEL_API reel_status reel_preparation_fit(REEL_SITE reel_preparation *preparation, const reel_table *table,
                                          const reel_array *rows);

/* The inputs of these rows (NULL: all) as an array (rows, inputs) of floats or doubles, owned by the context; the
 * target need not be there. Error, with line and column: a column that is missing, a text where there were numbers, a
 * category that training had not, a missing value without an imputation. */
REEL_API reel_array *reel_preparation_inputs(REEL_SITE const reel_preparation *preparation, const reel_table *table,
                                             const reel_array *rows, reel_dtype dtype);
/* The same with targets: y (rows) int64 of a classification, (rows, 1) of a regression. Error also: a target that is
 * missing, a class that training had not. */
REEL_API reel_dataset *reel_preparation_data(REEL_SITE const reel_preparation *preparation, const reel_table *table,
                                             const reel_array *rows, reel_dtype dtype);

/* What was learned. */
REEL_API bool reel_preparation_fitted(const reel_preparation *preparation);
REEL_API reel_task reel_preparation_task(const reel_preparation *preparation);
REEL_API const char *reel_preparation_target(const reel_preparation *preparation); /* name of the column; NULL: none */
REEL_API int reel_preparation_input_count(const reel_preparation *preparation);
REEL_API int reel_preparation_output_count(const reel_preparation *preparation); /* classes, or 1 */
/* Name of a class, in the order of their numbers; NULL past the end, and of a regression. Rows of it in training. */
REEL_API const char *reel_preparation_class(const reel_preparation *preparation, int index);
REEL_API int64_t reel_preparation_class_rows(const reel_preparation *preparation, int index);
/* The target of a regression in its own unit: deviation y + mean. */
REEL_API double reel_preparation_value(const reel_preparation *preparation, double y);

typedef struct reel_prepared_column {
    const char *name;
    reel_role role;         /* REEL_ROLE_NUMERIC or REEL_ROLE_CATEGORICAL */
    double mean, deviation; /* numeric; the deviation of a constant column is 0 */
    double fill;            /* what stands for a missing number; NaN: nothing does */
    int64_t missing;        /* missing values in training */
    int first, inputs;      /* the inputs of the network that it is */
    int fill_category;      /* what stands for a missing category; -1: nothing does */
} reel_prepared_column;
/* Column `index` of the inputs; false past the end. The name is the preparation's. */
REEL_API bool reel_preparation_column(const reel_preparation *preparation, int index, reel_prepared_column *column);
/* Name of a category of a column; NULL past the end. */
REEL_API const char *reel_preparation_category(const reel_preparation *preparation, int column, int index);

/* Adds it to what is saved. One that is fitted must be that of the file when loading; one that is not becomes it. */
REEL_API reel_status reel_state_add_preparation(REEL_SITE reel_state *state, const char *name,
                                                reel_preparation *preparation);
/* The preparation of a checkpoint, owned by the context. Error: REEL_IO, REEL_BAD_FILE: damaged, or none in it. */
REEL_API reel_preparation *reel_preparation_load(REEL_SITE reel_context *context, const char *path);

#ifndef REEL_NO_SITE_MACROS
#define reel_table_read(...) reel_table_read(REEL_HERE, __VA_ARGS__)
#define reel_table_parse(...) reel_table_parse(REEL_HERE, __VA_ARGS__)
#define reel_table_find(...) reel_table_find(REEL_HERE, __VA_ARGS__)
#define reel_preparation_new(...) reel_preparation_new(REEL_HERE, __VA_ARGS__)
#define reel_preparation_set_role(...) reel_preparation_set_role(REEL_HERE, __VA_ARGS__)
#define reel_preparation_set_task(...) reel_preparation_set_task(REEL_HERE, __VA_ARGS__)
#define reel_preparation_set_imputation(...) reel_preparation_set_imputation(REEL_HERE, __VA_ARGS__)
#define reel_preparation_split(...) reel_preparation_split(REEL_HERE, __VA_ARGS__)
#define reel_preparation_fit(...) reel_preparation_fit(REEL_HERE, __VA_ARGS__)
#define reel_preparation_inputs(...) reel_preparation_inputs(REEL_HERE, __VA_ARGS__)
#define reel_preparation_data(...) reel_preparation_data(REEL_HERE, __VA_ARGS__)
#define reel_state_add_preparation(...) reel_state_add_preparation(REEL_HERE, __VA_ARGS__)
#define reel_preparation_load(...) reel_preparation_load(REEL_HERE, __VA_ARGS__)
#endif

#ifdef __cplusplus
}
#endif

#endif
