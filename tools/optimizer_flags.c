/* SPDX-License-Identifier: MIT
 *
 * Hyper-parameters as flags.
 */
#include "optimizer_flags.h"

#include <string.h>

static void to_file(void *file, const char *text)
{
    fputs(text, file);
}

void optimizer_flags_init(optimizer_flags *f, const optimizer_preset *presets)
{
    reel_optimizer_flags_init(NULL, f, presets);
}

void optimizer_flags_help(const optimizer_flags *f, FILE *file)
{
    reel_optimizer_flags_help(f, to_file, file);
}

const char *optimizer_flags_own(const optimizer_flags *f)
{
    return reel_optimizer_flags_own(f);
}

bool optimizer_choose(const option_set *set, reel_context *context, const optimizer_flags *f, const char *name,
                      optimizer_choice *c)
{
    char wrong[REEL_FLAGS_TEXT];
    if (reel_optimizer_choose(context, f, name, c, wrong)) return true;
    option_fail(set, "%s", wrong);
    return false;
}

reel_optimizer *optimizer_build(reel_params *params, const optimizer_choice *c)
{
    return reel_optimizer_build(NULL, params, c);
}

void optimizer_describe(const reel_optimizer *o, char *text, size_t size)
{
    const reel_optimizer_type *kind = reel_optimizer_kind(o);
    const reel_hyper *h;
    size_t used = 0;
    text[0] = '\0';
    for (int i = 0; (h = reel_optimizer_hyper_at(kind, i)) != NULL; i++) {
        char number[REEL_HYPER_TEXT];
        double value = reel_optimizer_get(o, h->name);
        if (value == h->value && strcmp(h->name, "lr") != 0) continue;
        int n =
            snprintf(text + used, size - used, "%s%s %s", used ? " " : "", h->name, reel_hyper_print(h, value, number));
        if (n > 0) used = used + (size_t)n < size ? used + (size_t)n : size - 1;
    }
}
