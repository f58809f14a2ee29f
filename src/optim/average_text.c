/* SPDX-License-Identifier: MIT
 *
 * Averages as text: name { ":" [ key "=" ] value }, values without a key in the order of the kind's own table.
 */
#include "optim/average.h"

#include <stdio.h>
#include <string.h>

static const char who[] = "average_parse";

static const reel_average_type *kind_of(const char *site, reel_context *context, const char *spec, size_t length)
{
    char names[256] = "";
    const reel_average_type *type;
    for (int i = 0; (type = reel_average_at(i)) != NULL; i++) {
        if (strlen(type->name) == length && memcmp(type->name, spec, length) == 0) return type;
        size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "", type->name);
    }
    reel_error_set(context, REEL_NOT_FOUND, site, who, "no average \"%.*s\"; there are %s",
                   length > 80 ? 80 : (int)length, spec, names);
    return NULL;
}

/* The row that a value is for: of a key, or the next of the kind's own. */
static const reel_hyper *row_of(const char *site, reel_average *a, const char *key, size_t length, int *next)
{
    int shared;
    const reel_hyper *common = reel_average_shared_hypers(&shared), *own = a->type->hypers;
    int count = a->type->hyper_count;
    if (!key) {
        if (*next < count) return &own[(*next)++];
        reel_error_set(a->object.context, REEL_BAD_ARGUMENT, site, who, "%s: found a value more than it has (%d)",
                       a->type->name, count);
        return NULL;
    }
    for (int i = 0; i < count + shared; i++) {
        const reel_hyper *row = i < count ? &own[i] : &common[i - count];
        if (strlen(row->name) != length || memcmp(row->name, key, length) != 0) continue;
        if (i < count) *next = i + 1;
        return row;
    }
    reel_hyper_unknown(site, a->object.context, who, key, length, own, count, common, shared);
    return NULL;
}

reel_average *reel_average_parse(const char *site, reel_params *params, const char *spec)
{
    reel_context *context = reel_params_context(params);
    if (!context || reel_failed(context)) return NULL;
    if (!spec) return reel_error_set(context, REEL_BAD_ARGUMENT, site, who, "there is no text"), NULL;
    size_t length = strcspn(spec, ":");
    const reel_average_type *type = kind_of(site, context, spec, length);
    reel_average *a = type ? reel_average_new(site, params, type) : NULL;
    int next = 0;
    for (const char *at = spec + length; a && *at == ':';) {
        at++;
        size_t word = strcspn(at, ":"), key = strcspn(at, ":=");
        bool named = at[key] == '=';
        double value = 0;
        const reel_hyper *row = row_of(site, a, named ? at : NULL, key, &next);
        const char *text = named ? at + key + 1 : at;
        size_t size = word - (size_t)(text - at);
        bool right = row && reel_hyper_read(site, context, who, row, text, size, &value) == REEL_OK &&
                     reel_average_set(site, a, row->name, value) == REEL_OK;
        if (!right) {
            reel_average_free(a);
            return NULL;
        }
        at += word;
    }
    return a;
}
