/* SPDX-License-Identifier: MIT
 *
 * Hyper-parameters as flags.
 */
#include "optimizer_flags.h"

#include <math.h>
#include <string.h>

/* Row i of a kind's own table followed by the table that all kinds share; NULL past the end. */
static const reel_hyper *hyper_at(const reel_optimizer_type *kind, int i)
{
    int shared;
    const reel_hyper *table = reel_optimizer_shared_hypers(&shared);
    if (kind && i < kind->hyper_count) return &kind->hypers[i];
    if (kind) i -= kind->hyper_count;
    return i < shared ? &table[i] : NULL;
}

static const reel_hyper *hyper_find(const reel_optimizer_type *kind, const char *name)
{
    const reel_hyper *h;
    for (int i = 0; (h = hyper_at(kind, i)) != NULL; i++)
        if (strcmp(h->name, name) == 0) return h;
    return NULL;
}

/* ---- flags ---- */

static void add_flag(optimizer_flags *f, const reel_hyper *h)
{
    for (int i = 0; i < f->count; i++)
        if (strcmp(f->hypers[i], h->name) == 0) return;
    if (f->count == HYPERS_MOST) return;
    int i = f->count++;
    option_name(h->name, f->names[i], sizeof f->names[i]);
    f->hypers[i] = h->name;
    f->typed[i] = NULL;
    f->rows[i] = (option_row){.name = f->names[i],
                              .word = &f->typed[i],
                              .without = h->kind == REEL_HYPER_SWITCH ? "1" : NULL,
                              .hidden = true};
}

void optimizer_flags_init(optimizer_flags *f, const optimizer_preset *presets)
{
    f->presets = presets;
    f->count = 0;
    const reel_hyper *h;
    for (int i = 0; reel_optimizer_at(i); i++)
        for (int j = 0; (h = hyper_at(reel_optimizer_at(i), j)) != NULL; j++) add_flag(f, h);
}

static const optimizer_preset *preset_find(const optimizer_preset *presets, const char *name)
{
    for (; presets->name; presets++)
        if (strcmp(presets->name, name) == 0) return presets;
    return NULL;
}

static double preset_value(const optimizer_preset *preset, const reel_hyper *h)
{
    for (int i = 0; preset && i < 4 && preset->values[i].name; i++)
        if (strcmp(preset->values[i].name, h->name) == 0) return preset->values[i].value;
    return h->value;
}

void optimizer_flags_help(const optimizer_flags *f, FILE *file)
{
    char name[40], number[REEL_HYPER_TEXT];
    const reel_optimizer_type *kind;
    for (int i = 0; (kind = reel_optimizer_at(i)) != NULL; i++) {
        option_words(file, fprintf(file, "\n--optimizer %s:", kind->name) - 1, 4, kind->formula);
        for (int j = 0; j < kind->hyper_count; j++) {
            option_name(kind->hypers[j].name, name, sizeof name);
            option_help_hyper(file, name, &kind->hypers[j],
                              preset_value(preset_find(f->presets, kind->name), &kind->hypers[j]));
        }
    }
    for (const optimizer_preset *p = f->presets; p->name; p++) {
        if (reel_optimizer_find(p->name)) continue;
        fprintf(file, "\n--optimizer %s: %s with", p->name, p->kind);
        for (int i = 0; i < 4 && p->values[i].name; i++) {
            const reel_hyper *h = hyper_find(reel_optimizer_find(p->kind), p->values[i].name);
            option_name(p->values[i].name, name, sizeof name);
            fprintf(file, " --%s %s", name, reel_hyper_print(h, p->values[i].value, number));
        }
        fprintf(file, "\n");
    }
    int shared;
    const reel_hyper *table = reel_optimizer_shared_hypers(&shared);
    fprintf(file, "\nwith every optimizer:\n");
    for (int j = 0; j < shared; j++) {
        option_name(table[j].name, name, sizeof name);
        option_help_hyper(file, name, &table[j], table[j].value);
    }
}

const char *optimizer_flags_own(const optimizer_flags *f)
{
    for (int i = 0; i < f->count; i++)
        if (f->typed[i] && !hyper_find(NULL, f->hypers[i])) return f->names[i];
    return NULL;
}

/* ---- choosing ---- */

/* Names of presets, then of kinds that are no preset. */
static const char *choice_name_at(const void *list, int index)
{
    const optimizer_preset *presets = list;
    for (; presets->name; presets++)
        if (index-- == 0) return presets->name;
    for (int i = 0; reel_optimizer_at(i); i++)
        if (!preset_find(list, reel_optimizer_at(i)->name) && index-- == 0) return reel_optimizer_at(i)->name;
    return NULL;
}

static bool refuse_name(const option_set *set, const optimizer_flags *f, const char *name)
{
    char names[512] = "";
    size_t used = 0;
    const char *one, *near = nearest_name(name, choice_name_at, f->presets);
    for (int i = 0; (one = choice_name_at(f->presets, i)) != NULL && used < sizeof names; i++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "", one);
    if (near)
        option_fail(set, "--optimizer: there is no %s; did you mean %s? There are %s", name, near, names);
    else
        option_fail(set, "--optimizer: there is no %s; there are %s", name, names);
    return false;
}

static bool refuse_flag(const option_set *set, const optimizer_choice *c, const char *flag)
{
    char names[512] = "", one[40];
    size_t used = 0;
    for (int i = 0; i < c->kind->hyper_count && used < sizeof names; i++) {
        option_name(c->kind->hypers[i].name, one, sizeof one);
        used += (size_t)snprintf(names + used, sizeof names - used, "%s--%s", i ? ", " : "", one);
    }
    option_fail(set, "--%s: %s has no such hyper-parameter; it has %s", flag, c->name, names);
    return false;
}

bool optimizer_choose(const option_set *set, reel_context *context, const optimizer_flags *f, const char *name,
                      optimizer_choice *c)
{
    *c = (optimizer_choice){.name = name, .preset = preset_find(f->presets, name)};
    c->kind = reel_optimizer_find(c->preset ? c->preset->kind : name);
    if (!c->kind) return refuse_name(set, f, name);
    for (int i = 0; i < f->count; i++) {
        if (!f->typed[i]) continue;
        const reel_hyper *h = hyper_find(c->kind, f->hypers[i]);
        if (!h) return refuse_flag(set, c, f->names[i]);
        hyper_value *given = &c->given[c->given_count++];
        given->name = h->name;
        if (!option_read(set, context, f->names[i], h, f->typed[i], &given->value)) return false;
    }
    return true;
}

reel_optimizer *optimizer_build(reel_params *params, const optimizer_choice *c)
{
    reel_optimizer *o = reel_optimizer_new(NULL, params, c->kind);
    for (int i = 0; c->preset && i < 4 && c->preset->values[i].name; i++)
        reel_optimizer_set(NULL, o, c->preset->values[i].name, c->preset->values[i].value);
    for (int i = 0; i < c->given_count; i++) reel_optimizer_set(NULL, o, c->given[i].name, c->given[i].value);
    return reel_failed(reel_params_context(params)) ? NULL : o;
}

/* ---- telling ---- */

int optimizer_restate(reel_optimizer *o, const optimizer_choice *c, char *text, size_t size)
{
    int changes = 0;
    size_t used = 0;
    text[0] = '\0';
    for (int i = 0; i < c->given_count; i++) {
        const hyper_value *given = &c->given[i];
        const reel_hyper *h = hyper_find(c->kind, given->name);
        double found = reel_optimizer_get(o, given->name);
        char now[REEL_HYPER_TEXT], before[REEL_HYPER_TEXT];
        if (found == given->value) continue;
        reel_optimizer_set(NULL, o, given->name, given->value);
        int n = snprintf(text + used, size - used, "%s%s %s instead of %s", changes ? ", " : "", given->name,
                         reel_hyper_print(h, given->value, now), reel_hyper_print(h, found, before));
        if (n > 0) used = used + (size_t)n < size ? used + (size_t)n : size - 1;
        changes++;
    }
    return changes;
}

void optimizer_describe(const reel_optimizer *o, char *text, size_t size)
{
    const reel_optimizer_type *kind = reel_optimizer_kind(o);
    const reel_hyper *h;
    size_t used = 0;
    text[0] = '\0';
    for (int i = 0; (h = hyper_at(kind, i)) != NULL; i++) {
        char number[REEL_HYPER_TEXT];
        double value = reel_optimizer_get(o, h->name);
        if (value == h->value && strcmp(h->name, "lr") != 0) continue;
        int n =
            snprintf(text + used, size - used, "%s%s %s", used ? " " : "", h->name, reel_hyper_print(h, value, number));
        if (n > 0) used = used + (size_t)n < size ? used + (size_t)n : size - 1;
    }
}
