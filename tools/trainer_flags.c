/* SPDX-License-Identifier: MIT
 *
 * Settings of the trainer as flags.
 */
#include "trainer_flags.h"

#include <math.h>
#include <string.h>

static bool is_one_of(const char *name, const char *const *list)
{
    for (; *list; list++)
        if (strcmp(*list, name) == 0) return true;
    return false;
}

void trainer_flags_init(trainer_flags *f, const char *const *except)
{
    const reel_hyper *h;
    f->count = 0;
    for (int i = 0; (h = reel_trainer_setting(i)) != NULL && f->count < SETTINGS_MOST; i++) {
        if (is_one_of(h->name, except)) continue;
        int row = f->count++;
        option_name(h->name, f->names[row], sizeof f->names[row]);
        f->settings[row] = h;
        f->values[row] = h->value;
        f->rows[row] =
            (option_row){.name = f->names[row], .number = &f->values[row], .hyper = h, .given = &f->given[row]};
    }
}

void trainer_flags_default(trainer_flags *f, const char *name, double value)
{
    for (int i = 0; i < f->count; i++)
        if (strcmp(f->settings[i]->name, name) == 0) f->values[i] = value;
}

void trainer_flags_adopt(trainer_flags *f, const reel_checkpoint *checkpoint)
{
    for (int i = 0; checkpoint && i < f->count; i++) {
        char path[96];
        snprintf(path, sizeof path, "state/trainer/settings/%s", f->settings[i]->name);
        double value = reel_checkpoint_number(checkpoint, path);
        if (!f->given[i] && !isnan(value)) f->values[i] = value;
    }
}

void trainer_flags_apply(const trainer_flags *f, reel_trainer *trainer)
{
    for (int i = 0; i < f->count; i++) reel_trainer_set(NULL, trainer, f->settings[i]->name, f->values[i]);
}
