/* SPDX-License-Identifier: MIT
 *
 * --optimizer, and hyper-parameters as flags.
 */
#include "core/core.h"
#include "optim/optim.h"

#include <reel/args.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool fail(char text[REEL_FLAGS_TEXT], const char *format, ...) REEL_PRINTF(2, 3);
static bool fail(char text[REEL_FLAGS_TEXT], const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, REEL_FLAGS_TEXT, format, arguments);
    va_end(arguments);
    return false;
}

const reel_hyper *reel_optimizer_hyper_at(const reel_optimizer_type *kind, int i)
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
    for (int i = 0; (h = reel_optimizer_hyper_at(kind, i)) != NULL; i++)
        if (strcmp(h->name, name) == 0) return h;
    return NULL;
}

/* ---- flags ---- */

static void add_flag(reel_optimizer_flags *f, const reel_hyper *h)
{
    for (int i = 0; i < f->count; i++)
        if (strcmp(f->hypers[i], h->name) == 0) return;
    if (f->count == REEL_HYPER_FLAGS) return;
    int i = f->count++;
    reel_hyper_flag(h, f->names[i], sizeof f->names[i]);
    f->hypers[i] = h->name;
    f->typed[i] = NULL;
    f->rows[i] = (reel_flag){.name = f->names[i],
                             .word = &f->typed[i],
                             .without = h->kind == REEL_HYPER_SWITCH ? "1" : NULL,
                             .hidden = true};
}

void reel_optimizer_flags_init(const reel_context *context, reel_optimizer_flags *f,
                               const reel_optimizer_preset *presets)
{
    f->context = context;
    f->presets = presets;
    f->count = 0;
    const reel_hyper *h;
    for (int i = 0; reel_optimizer_known(f->context, i); i++)
        for (int j = 0; (h = reel_optimizer_hyper_at(reel_optimizer_known(f->context, i), j)) != NULL; j++)
            add_flag(f, h);
}

/* Names that every --optimizer knows, unless the program has a preset or a kind of that name. */
static const reel_optimizer_preset usual[] = {{"momentum", "sgd", {{"momentum", 0.9}}, false},
                                              {NULL, NULL, {{NULL, 0}}, false}};

static const reel_optimizer_preset *find_in(const reel_optimizer_preset *presets, const char *name)
{
    for (; presets && presets->name; presets++)
        if (strcmp(presets->name, name) == 0) return presets;
    return NULL;
}

/* The program's own, else a usual one. */
static const reel_optimizer_preset *preset_find(const reel_optimizer_flags *f, const char *name)
{
    const reel_optimizer_preset *own = find_in(f->presets, name);
    return own || optimizer_find_known(f->context, name) ? own : find_in(usual, name);
}

/* Presets that are no kind, one after the other. */
static const reel_optimizer_preset *named_at(const reel_optimizer_flags *f, int index)
{
    const reel_optimizer_preset *const tables[] = {f->presets, usual};
    for (int t = 0; t < 2; t++)
        for (const reel_optimizer_preset *p = tables[t]; p && p->name; p++)
            if (!optimizer_find_known(f->context, p->name) && preset_find(f, p->name) == p && index-- == 0) return p;
    return NULL;
}

static double preset_value(const reel_optimizer_preset *preset, const reel_hyper *h)
{
    for (int i = 0; preset && i < 4 && preset->values[i].name; i++)
        if (strcmp(preset->values[i].name, h->name) == 0) return preset->values[i].value;
    return h->value;
}

/* Prints a piece. */
static void put(reel_text_sink sink, void *user, const char *format, ...) REEL_PRINTF(3, 4);
static void put(reel_text_sink sink, void *user, const char *format, ...)
{
    char piece[REEL_FLAGS_TEXT];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(piece, sizeof piece, format, arguments);
    va_end(arguments);
    sink(user, piece);
}

void reel_optimizer_flags_help(const reel_optimizer_flags *f, reel_text_sink sink, void *user)
{
    char name[40], number[REEL_HYPER_TEXT];
    const reel_optimizer_type *kind;
    for (int i = 0; (kind = reel_optimizer_known(f->context, i)) != NULL; i++) {
        put(sink, user, "\n--optimizer %s:", kind->name);
        reel_help_words(sink, user, (int)strlen("--optimizer :") + (int)strlen(kind->name), 4, kind->formula);
        for (int j = 0; j < kind->hyper_count; j++) {
            reel_hyper_flag(&kind->hypers[j], name, sizeof name);
            reel_help_hyper(sink, user, name, &kind->hypers[j],
                            preset_value(preset_find(f, kind->name), &kind->hypers[j]));
        }
    }
    const reel_optimizer_preset *p;
    for (int j = 0; (p = named_at(f, j)) != NULL; j++) {
        put(sink, user, "\n--optimizer %s: %s with", p->name, p->kind);
        for (int i = 0; i < 4 && p->values[i].name; i++) {
            const reel_hyper *h = hyper_find(optimizer_find_known(f->context, p->kind), p->values[i].name);
            reel_hyper_flag(h, name, sizeof name);
            put(sink, user, " --%s %s", name, reel_hyper_print(h, p->values[i].value, number));
        }
        sink(user, "\n");
    }
    sink(user, "\nwith every optimizer:\n");
    const reel_hyper *h;
    for (int j = 0; (h = reel_optimizer_hyper_at(NULL, j)) != NULL; j++) {
        reel_hyper_flag(h, name, sizeof name);
        reel_help_hyper(sink, user, name, h, h->value);
    }
}

const char *reel_optimizer_flags_own(const reel_optimizer_flags *f)
{
    for (int i = 0; i < f->count; i++)
        if (f->typed[i] && !hyper_find(NULL, f->hypers[i])) return f->names[i];
    return NULL;
}

/* ---- choosing ---- */

/* Names of the program's presets, of kinds that are none, of usual presets. */
static const char *choice_name_at(const void *list, int index)
{
    const reel_optimizer_flags *f = list;
    const reel_optimizer_type *kind;
    for (const reel_optimizer_preset *p = f->presets; p && p->name; p++)
        if (index-- == 0) return p->name;
    for (int i = 0; (kind = reel_optimizer_known(f->context, i)) != NULL; i++)
        if (!find_in(f->presets, kind->name) && index-- == 0) return kind->name;
    for (const reel_optimizer_preset *p = usual; p->name; p++)
        if (preset_find(f, p->name) == p && index-- == 0) return p->name;
    return NULL;
}

static bool refuse_name(char text[REEL_FLAGS_TEXT], const reel_optimizer_flags *f, const char *name)
{
    char names[512] = "";
    size_t used = 0;
    const char *one, *near = reel_nearest_name(name, choice_name_at, f);
    for (int i = 0; (one = choice_name_at(f, i)) != NULL && used < sizeof names; i++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "", one);
    if (near)
        fail(text, "--optimizer: there is no %s; did you mean %s? There are %s", name, near, names);
    else
        fail(text, "--optimizer: there is no %s; there are %s", name, names);
    return false;
}

static bool refuse_flag(char text[REEL_FLAGS_TEXT], const reel_optimizer_choice *c, const char *flag)
{
    char names[512] = "", one[40];
    size_t used = 0;
    for (int i = 0; i < c->kind->hyper_count && used < sizeof names; i++) {
        reel_hyper_flag(&c->kind->hypers[i], one, sizeof one);
        used += (size_t)snprintf(names + used, sizeof names - used, "%s--%s", i ? ", " : "", one);
    }
    fail(text, "--%s: %s has no such hyper-parameter; it has %s", flag, c->name, names);
    return false;
}

bool reel_optimizer_choose(reel_context *context, const reel_optimizer_flags *f, const char *name,
                           reel_optimizer_choice *c, char text[REEL_FLAGS_TEXT])
{
    *c = (reel_optimizer_choice){.name = name, .preset = preset_find(f, name)};
    c->kind = optimizer_find_known(f->context, c->preset ? c->preset->kind : name);
    if (!c->kind) return refuse_name(text, f, name);
    for (int i = 0; i < f->count; i++) {
        if (!f->typed[i]) continue;
        const reel_hyper *h = hyper_find(c->kind, f->hypers[i]);
        if (!h) return refuse_flag(text, c, f->names[i]);
        reel_hyper_value *given = &c->given[c->given_count++];
        given->name = h->name;
        if (!reel_flag_read(context, f->names[i], h, f->typed[i], &given->value, text)) return false;
    }
    return true;
}

reel_optimizer *reel_optimizer_build(const char *site, reel_params *params, const reel_optimizer_choice *c)
{
    reel_optimizer *o = reel_optimizer_new(site, params, c->kind);
    for (int i = 0; c->preset && i < 4 && c->preset->values[i].name; i++)
        reel_optimizer_set(site, o, c->preset->values[i].name, c->preset->values[i].value);
    for (int i = 0; i < c->given_count; i++) reel_optimizer_set(site, o, c->given[i].name, c->given[i].value);
    return reel_failed(reel_params_context(params)) ? NULL : o;
}
