/* SPDX-License-Identifier: MIT
 *
 * `reel study`: the studies, one row each.
 */
#include "study.h"

int study_baseline1(int argc, char **argv)
{
    study_settings settings;
    int status = study_settings_read(&settings, argc, argv);
    if (status < 0 && settings.full)
        status = study_run_full(&settings);
    else if (status < 0)
        status =
            settings.arithmetic == ARITHMETIC_PUBLISHED ? study_run_published(&settings) : study_run_reel(&settings);
    return finish_output(settings.who, status);
}

static const command studies[] = {
    {"baseline1", "Fifty Gaussians fitted to an image, whose loss rises after 1500 iterations: why, and what cures it.",
     study_baseline1},
    {NULL, NULL, NULL},
};

int command_study(int argc, char **argv)
{
    return command_of_model(studies, "reel study", "Makes a study again, and settles what it left open.",
                            "reel study baseline1 --full --out study", argc, argv);
}
