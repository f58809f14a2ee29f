/* SPDX-License-Identifier: MIT
 *
 * Entries of reference streams: names are matched against patterns, and each pattern has a function that makes the call
 * and compares.
 */
#include "rng_cases.h"

#include "rng_case_run.h"
#include "tensors.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void rng_case_fail(run *r, const char *text)
{
    if (!r->reason[0]) snprintf(r->reason, sizeof r->reason, "%s", text);
}

/* Comparison */

static void compare_leaf(run *r, const cJSON *leaf, const reel_array *got, int64_t index)
{
    double difference;
    bool same;
    if (got->dtype == REEL_INT64 && cJSON_IsString(leaf)) {
        int64_t a = strtoll(leaf->valuestring, NULL, 10), b = ((const int64_t *)got->data)[index];
        same = a == b;
        difference = fabs((double)a - (double)b);
    } else {
        double a = cJSON_IsNumber(leaf) ? leaf->valuedouble : NAN, b = reel_array_get(got, index);
        same = a == b;
        difference = fabs(a - b);
    }
    if (!(difference <= r->deviation)) r->deviation = difference;
    if (same || (r->tolerance > 0 && difference <= r->tolerance) || r->reason[0]) return;
    snprintf(r->reason, sizeof r->reason, "element %lld is %.17g", (long long)index, reel_array_get(got, index));
}

static int64_t compare_tree(run *r, const cJSON *tree, const reel_array *got, int64_t index)
{
    if (!cJSON_IsArray(tree)) {
        if (index < got->size) compare_leaf(r, tree, got, index);
        return index + 1;
    }
    for (const cJSON *child = tree->child; child; child = child->next) index = compare_tree(r, child, got, index);
    return index;
}

/* Every number of `tree`, in order, against the elements of `got`. */
void rng_case_compare(run *r, const cJSON *tree, const reel_array *got)
{
    if (!tree || !got) {
        rng_case_fail(r, tree ? reel_error_text(r->context) : "the file lacks a member");
        return;
    }
    int64_t count = compare_tree(r, tree, got, 0);
    r->compared += count;
    if (count != got->size) rng_case_fail(r, "the file has another number of elements");
}

/* Names */

static const char *match_number(run *r, const char *at)
{
    if (r->numbers == MAX_NUMBERS || !(isdigit((unsigned char)*at) || *at == '-')) return NULL;
    char *end;
    long double value = strtold(at, &end);
    if (end == at) return NULL;
    if (*end == 'p' && isdigit((unsigned char)end[1])) value = powl(value, strtold(end + 1, &end));
    if (*end == 'm' && isdigit((unsigned char)end[1])) value -= strtold(end + 1, &end);
    r->number[r->numbers++] = value;
    return end;
}

static const char *match_shape(run *r, const char *at)
{
    r->rank = 0;
    for (;;) {
        if (r->rank == REEL_MAX_RANK || !isdigit((unsigned char)*at)) return NULL;
        char *end;
        r->shape[r->rank++] = strtoll(at, &end, 10);
        if (*end != 'x') return end;
        at = end + 1;
    }
}

static const char *match_type(run *r, const char *at)
{
    bool is_float = strncmp(at, "float32", 7) == 0, is_double = strncmp(at, "float64", 7) == 0;
    if (!is_float && !is_double) return NULL;
    r->dtype = is_float ? REEL_FLOAT : REEL_DOUBLE;
    return at + 7;
}

static bool match(run *r, const char *text, const char *at)
{
    r->numbers = r->rank = 0;
    for (; at && *text; text++) {
        if (*text != '%') {
            if (*at++ != *text) return false;
            continue;
        }
        text++;
        at = *text == 'n' ? match_number(r, at) : *text == 'd' ? match_shape(r, at) : match_type(r, at);
    }
    return at && *at == '\0';
}

bool rng_case_by_name(run *r, const pattern *table, const char *name)
{
    reel_dtype dtype = r->dtype;
    for (; table->text; table++) {
        r->dtype = dtype;
        if (!match(r, table->text, name)) continue;
        table->function(r);
        return true;
    }
    return false;
}

static bool run_entry(reel_context *context, bool numpy, const char *seed, const cJSON *entry, rng_case_report report,
                      void *user)
{
    run r = {.context = context, .expected = entry, .dtype = numpy ? REEL_DOUBLE : REEL_FLOAT};
    uint64_t number = strtoull(seed, NULL, 10);
    r.rng = numpy ? reel_rng_numpy_new(NULL, context, number) : reel_rng_torch_new(NULL, context, number);
    if (!rng_case_by_name(&r, numpy ? rng_case_numpy : rng_case_torch, entry->string)) r.not_covered = true;
    reel_rng_free(r.rng);
    if (reel_failed(context)) {
        rng_case_fail(&r, reel_error_text(context));
        reel_error_clear(context);
    }
    if (!r.compared) rng_case_fail(&r, "nothing was compared");
    rng_case result = {
        .library = numpy ? "numpy" : "torch",
        .seed = seed,
        .name = entry->string,
        .outcome = r.not_covered ? RNG_CASE_NOT_COVERED
                   : r.reason[0] ? RNG_CASE_FAILED
                                 : RNG_CASE_PASSED,
        .compared = r.compared,
        .deviation = r.deviation,
        .tolerance = r.tolerance,
        .reason = r.reason,
    };
    if (report) report(user, &result);
    return result.outcome == RNG_CASE_FAILED;
}

int rng_cases_run(reel_context *context, const cJSON *document, rng_case_report report, void *user)
{
    bool numpy = cJSON_HasObjectItem(document, "numpy"), torch = cJSON_HasObjectItem(document, "torch");
    const cJSON *seeds = cJSON_GetObjectItemCaseSensitive(document, "seeds");
    if (numpy == torch || !cJSON_IsObject(seeds)) return -1;
    int failed = 0;
    for (const cJSON *seed = seeds->child; seed; seed = seed->next) {
        for (const cJSON *entry = seed->child; entry; entry = entry->next)
            failed += run_entry(context, numpy, seed->string, entry, report, user);
    }
    return failed;
}

/* Reading */

/* Copies one number to `to`, in quotes when it is an integer of more than 15 digits. Returns the end of the copy. */
static char *copy_number(char *to, const char **from)
{
    size_t length = strspn(*from, "-+.eE0123456789");
    bool quote = length > 15 && strcspn(*from, ".eE") >= length;
    if (quote) *to++ = '"';
    memcpy(to, *from, length);
    *from += length;
    to += length;
    if (quote) *to++ = '"';
    return to;
}

cJSON *rng_cases_load(const char *path)
{
    char *text = file_text(path), *quoted = text ? malloc(2 * strlen(text) + 1) : NULL;
    if (!quoted) {
        free(text);
        return NULL;
    }
    char *to = quoted;
    bool inside = false; /* a string */
    for (const char *from = text; *from;) {
        if (*from == '"') inside = !inside;
        if (!inside && (isdigit((unsigned char)*from) || *from == '-'))
            to = copy_number(to, &from);
        else
            *to++ = *from++;
    }
    *to = '\0';
    cJSON *document = cJSON_Parse(quoted);
    free(text);
    free(quoted);
    return document;
}
