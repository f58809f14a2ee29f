/* SPDX-License-Identifier: MIT
 *
 * `reel ops`: the operations of the registry.
 */
#include "options.h"
#include "output.h"

#include <stdlib.h>
#include <string.h>

static const char who[] = "reel ops";

static const struct {
    unsigned flag;
    const char *text;
} marks[] = {
    {REEL_OP_SHARES_VALUE, "shares its value with the operand"},
    {REEL_OP_SHARES_GRADIENT, "shares its gradient with the operand"},
    {REEL_OP_RANDOM, "draws random numbers"},
};

static const char *operands_text(const reel_op *op, char text[64])
{
    if (op->least == op->most)
        snprintf(text, 64, "%d", op->least);
    else if (op->most > 1000)
        snprintf(text, 64, "%d or more", op->least);
    else
        snprintf(text, 64, "%d to %d", op->least, op->most);
    return text;
}

/* "x (3, 4) in [-2, 2), i int64 (3) in [0, 4)" */
static void sample_text(const reel_sample *s, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (int i = 0; i < s->count && used + 1 < size; i++) {
        const reel_sample_operand *o = &s->operand[i];
        char shape[128] = "", range[80] = "";
        for (int d = 0, n = 0; d < o->rank; d++)
            n += snprintf(shape + n, sizeof shape - (size_t)n, "%s%lld", d ? ", " : "", (long long)o->shape[d]);
        if (!o->data) snprintf(range, sizeof range, " in [%g, %g)", o->low, o->high);
        int n = snprintf(text + used, size - used, "%s%s%s(%s)%s", i ? ", " : "",
                         o->dtype == REEL_FLOAT ? "" : reel_dtype_name(o->dtype), o->dtype == REEL_FLOAT ? "" : " ",
                         shape, range);
        if (n > 0) used += (size_t)n;
    }
}

static void add_samples(cJSON *report, const reel_op *op)
{
    cJSON *list = cJSON_AddArrayToObject(report, "samples");
    for (int i = 0; i < op->sample_count; i++) {
        char text[512];
        cJSON *o = cJSON_CreateObject();
        sample_text(&op->samples[i], text, sizeof text);
        json_add_text(o, "name", op->samples[i].name ? op->samples[i].name : "");
        json_add_text(o, "operands", text);
        cJSON_AddBoolToObject(o, "kink", op->samples[i].kink);
        cJSON_AddItemToArray(list, o);
    }
}

static cJSON *describe(const reel_op *op, bool samples)
{
    cJSON *o = cJSON_CreateObject();
    json_add_text(o, "name", op->name);
    json_add_text(o, "formula", op->formula);
    json_add_whole(o, "operands_least", op->least);
    json_add_whole(o, "operands_most", op->most);
    cJSON_AddBoolToObject(o, "differentiable", op->backward || op->flags & REEL_OP_SHARES_GRADIENT);
    if (samples) add_samples(o, op);
    return o;
}

static void print_one(const reel_op *op, FILE *file)
{
    char text[512];
    fprintf(file, "%s\n", op->name);
    fprintf(file, "  %-15s %s\n", "formula", op->formula);
    fprintf(file, "  %-15s %s\n", "operands", operands_text(op, text));
    fprintf(file, "  %-15s %s\n", "differentiable", op->backward || op->flags & REEL_OP_SHARES_GRADIENT ? "yes" : "no");
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (op->flags & marks[i].flag) fprintf(file, "  %-15s %s\n", "", marks[i].text);
    fprintf(file, "  samples, on which its gradient is checked:\n");
    for (int i = 0; i < op->sample_count; i++) {
        const reel_sample *s = &op->samples[i];
        sample_text(s, text, sizeof text);
        fprintf(file, "    %-24s %s%s\n", s->name ? s->name : "-", text, s->kink ? "  (at a kink)" : "");
    }
}

static void print_all(FILE *file, cJSON *list)
{
    char text[64];
    const reel_op *op;
    fprintf(file, "%-18s %-10s %s\n", "operation", "operands", "formula");
    for (int i = 0; (op = reel_op_at(i)) != NULL; i++) {
        fprintf(file, "%-18s %-10s %s\n", op->name, operands_text(op, text), op->formula);
        cJSON_AddItemToArray(list, describe(op, true));
    }
}

static const char *op_name_at(const void *list, int index)
{
    (void)list;
    const reel_op *op = reel_op_at(index);
    return op ? op->name : NULL;
}

int command_ops(int argc, char **argv)
{
    const char *json = NULL;
    const option_row rows[] = {
        {"json", "FILE", "Write it as JSON; -: to standard output, instead of the text.", .word = &json},
    };
    const option_group groups[] = {{"flags", rows, 1}};
    const option_set set = {
        .command = who,
        .operands = "[NAME]",
        .most = 1,
        .text = "Lists the operations: name, number of operands, formula. With a name: all that is known "
                "of this one, and the samples on which its gradient is checked.",
        .example = "reel ops matmul",
        .groups = groups,
        .group_count = 1};
    int first = options_parse(&set, NULL, argc, argv);
    if (first < 0) return finish_output(who, -1 - first);
    const char *name = first < argc ? argv[first] : NULL;
    const reel_op *op = name ? reel_op_find(name) : NULL;
    if (name && !op) {
        const char *near = nearest_name(name, op_name_at, NULL);
        return option_fail(&set, "there is no operation \"%s\"%s%s%s", name, near ? "; did you mean " : "",
                           near ? near : "", near ? "?" : "; reel ops lists them");
    }
    FILE *file = json && strcmp(json, "-") == 0 ? NULL : stdout;
    FILE *text = file ? file : fopen("/dev/null", "w");
    if (!text) return complain(who, "/dev/null cannot be opened"), EXIT_FAILED;
    cJSON *report = op ? describe(op, true) : cJSON_CreateObject();
    if (op)
        print_one(op, text);
    else
        print_all(text, cJSON_AddArrayToObject(report, "operations"));
    int status = json && !json_write(who, json, report) ? EXIT_FAILED : EXIT_DONE;
    cJSON_Delete(report);
    if (!file) fclose(text);
    return finish_output(who, status);
}
