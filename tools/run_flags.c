/* SPDX-License-Identifier: MIT
 *
 * Keeping and resuming a run, as flags.
 */
#include "run_flags.h"

#include "checkpoints.h"
#include "output.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const reel_hyper keep_row = {
    .name = "keep", .least = 2, .most = INFINITY, .open_most = true, .kind = REEL_HYPER_WHOLE};
static const reel_hyper prove_row = {.name = "prove", .least = 1, .most = 1e6, .kind = REEL_HYPER_WHOLE};

void run_flags_init(run_flags *f, const run_flags_kind *kind)
{
    *f = (run_flags){.every = kind->every, .keep = kind->keep};
    f->every_row = (reel_hyper){.name = "every",
                                .text = "updates between checkpoints",
                                .value = kind->every,
                                .least = 1,
                                .most = 1e9,
                                .kind = REEL_HYPER_WHOLE};
    const option_row rows[RUN_FLAG_ROWS] = {
        {"checkpoint-dir", "DIR", "Keep checkpoints and log here; default: checkpoints in the folder of --out.",
         .word = &f->checkpoints},
        {.name = "every",
         .argument = kind->every > 0 ? NULL : "K",
         .text = kind->every > 0 ? NULL : "Updates between checkpoints; default: a tenth of the run.",
         .number = &f->every,
         .hyper = &f->every_row,
         .given = &f->every_given},
        {"keep", "N|all",
         kind->keep > 0 ? "Checkpoints kept besides the best one; 2 at least, and by default."
                        : "Checkpoints kept besides the best one; default: all.",
         .word = &f->keep_typed},
        {"resume", "auto|FILE|DIR",
         "Go on from the newest good checkpoint of the folder, or start when there is none; from a file; from the "
         "newest of another folder. Flags that are given win over the checkpoint, the others keep its values.",
         .word = &f->resume},
        {"schedule-origin", "start|here",
         "After a resume the schedule counts from the start of the run, or from here on; default: as before.",
         .word = &f->origin},
        {"reset-moments", "[=steps]", "Forget the moments of the checkpoint; =steps: and the count of steps.",
         .word = &f->reset, .without = "moments"},
        {"force", NULL,
         kind->other_data
             ? "Delete the run that stands in the folder; with --resume: go on with other data or another batch size."
             : "Delete the run that stands in the folder.",
         .set = &f->force},
        {"prove", "K",
         "At the end resume from the last checkpoint in a second process, make K updates and compare them with those "
         "of the run, bit for bit; status 1 when they differ.",
         .number = &f->prove, .hyper = &prove_row},
        {"durable", NULL, "Flush every checkpoint to the disk, against power cuts.", .set = &f->durable},
        {"accept-edited", NULL, "Resume from a checkpoint whose hash is wrong.", .set = &f->accept_edited},
    };
    memcpy(f->rows, rows, sizeof rows);
}

static bool is_auto(const run_flags *f)
{
    return f->resume && strcmp(f->resume, "auto") == 0;
}

bool run_flags_read(run_flags *f, const option_set *set, reel_context *context)
{
    if (!f->keep_typed) return true;
    if (strcmp(f->keep_typed, "all") != 0) return option_read(set, context, "keep", &keep_row, f->keep_typed, &f->keep);
    f->keep = 0;
    return true;
}

const char *run_flags_conflict(const run_flags *f, const char *out)
{
    bool keeps = out || f->checkpoints;
    if (f->origin && strcmp(f->origin, "start") != 0 && strcmp(f->origin, "here") != 0)
        return "--schedule-origin: expected start or here";
    if (f->reset && strcmp(f->reset, "moments") != 0 && strcmp(f->reset, "steps") != 0)
        return "--reset-moments: expected =steps or nothing";
    if (f->origin && !f->resume) return "--schedule-origin is for --resume";
    if (f->reset && !f->resume) return "--reset-moments is for --resume";
    if (f->prove > 0 && !keeps) return "--prove needs a folder for the checkpoints: --out or --checkpoint-dir";
    if (is_auto(f) && !keeps) return "--resume auto needs --out or --checkpoint-dir, the folder to look in";
    if (f->accept_edited && !f->resume) return "--accept-edited is for --resume";
    return NULL;
}

char *run_flags_folder(const run_flags *f, const char *out)
{
    return f->checkpoints ? strdup(f->checkpoints) : out ? path_join(out, "checkpoints") : NULL;
}

reel_checkpoint *run_flags_checkpoint(run_flags *f, const char *folder, reel_context *context, const char **optimizer)
{
    static char kind[64];
    char path[4096];
    bool found = true;
    if (is_auto(f) || is_folder(f->resume))
        found = reel_checkpoint_newest(context, is_auto(f) ? folder : f->resume, path, sizeof path);
    else
        snprintf(path, sizeof path, "%s", f->resume);
    reel_checkpoint *c = found ? reel_checkpoint_open(NULL, context, path) : NULL;
    f->other_optimizer = *optimizer != NULL;
    if (!*optimizer && reel_checkpoint_text(c, "state/optimizer/kind", kind, sizeof kind) && reel_optimizer_find(kind))
        *optimizer = kind;
    return c;
}

int run_flags_ask(const run_flags *f, const option_set *set, const optimizer_choice *choice, reel_context *context,
                  reel_trainer *trainer)
{
    for (int i = 0; i < choice->given_count; i++)
        reel_trainer_ask(NULL, trainer, choice->given[i].name, choice->given[i].value, "flag");
    if (f->other_optimizer) reel_trainer_set(NULL, trainer, "other_optimizer", 1);
    if (f->origin)
        reel_trainer_ask_origin(NULL, trainer, strcmp(f->origin, "here") == 0 ? REEL_ORIGIN_HERE : REEL_ORIGIN_START,
                                "flag");
    if (f->reset) reel_trainer_ask_reset(NULL, trainer, strcmp(f->reset, "steps") == 0, "flag");
    if (reel_failed(context)) return complain_of(set->command, context);
    if (!f->schedule) return EXIT_DONE;
    reel_trainer_ask_schedule(NULL, trainer, f->schedule, "flag");
    if (reel_failed(context)) return option_fail(set, "--schedule: %s", reel_error_text(context));
    return EXIT_DONE;
}

int run_flags_start(const run_flags *f, const option_set *set, const char *folder, reel_context *context,
                    reel_trainer *trainer, char *path, size_t size)
{
    reel_resume how = f->force ? REEL_FORCE : REEL_START;
    path[0] = '\0';
    if (is_auto(f)) {
        how = REEL_AUTO;
    } else if (f->resume && is_folder(f->resume)) {
        if (folder && is_same_file(folder, f->resume)) {
            how = REEL_CONTINUE;
        } else if (!reel_checkpoint_newest(context, f->resume, path, size)) {
            complain(set->command, "--resume: %s holds no checkpoint to resume from", f->resume);
            return EXIT_FAILED;
        }
    } else if (f->resume) {
        snprintf(path, size, "%s", f->resume);
    }
    if (path[0]) reel_trainer_resume_file(NULL, trainer, path);
    if (folder) reel_trainer_set_folder(NULL, trainer, folder, how);
    return reel_failed(context) ? complain_of(set->command, context) : EXIT_DONE;
}

int run_flags_complain(const run_flags *f, const option_set *set, const char *folder, reel_status ended,
                       const reel_context *context)
{
    if (ended != REEL_BAD_STATE || !folder || f->resume || f->force) return complain_of(set->command, context);
    complain(set->command, "%s (--resume auto, --force, --checkpoint-dir)", reel_error_text(context));
    return EXIT_FAILED;
}
