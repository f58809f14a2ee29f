/* SPDX-License-Identifier: MIT
 *
 * Commands whose flags are those of any program beside their own.
 */
#include "training_args.h"

#include "signals.h"

#include <stdio.h>

/* The checkpoints go to a folder in that of --out. */
static const char *check(reel_args *args, void *user)
{
    static char folder[4096];
    const training_command *kind = user;
    if (*kind->out) snprintf(folder, sizeof folder, "%.4000s/checkpoints", *kind->out);
    if (*kind->out) reel_args_default(args, "checkpoint-dir", folder);
    return NULL;
}

reel_args *training_args_new(const training_command *kind, reel_context *context, int argc, char **argv,
                             const option_group *groups, int group_count)
{
    reel_args *args = reel_args_new(NULL, context, argc, argv, kind->text);
    if (kind->operand) reel_args_set_operands(args, kind->operand, 0, 1);
    reel_args_add_groups(NULL, args, groups, group_count);
    reel_args_set_check(args, check, (void *)(uintptr_t)kind);
    return args;
}

int training_args_read(const training_command *kind, reel_args *args)
{
    if (reel_args_read(NULL, args) == REEL_ARGS_GO) return -1;
    int status = reel_args_status(args);
    fputs(reel_args_text(args), status ? stderr : stdout);
    if (status == EXIT_FAILED) fputc('\n', stderr);
    if (status == EXIT_DONE) kind->more();
    return status;
}

int training_args_seed(const training_command *kind, reel_context *context, const reel_args *args,
                       const reel_hyper *row, double *seed)
{
    char wrong[REEL_FLAGS_TEXT];
    const char *typed = reel_args_given(args, "seed");
    return !typed || reel_flag_read(context, "seed", row, typed, seed, wrong) ? -1 : training_args_fail(kind, wrong);
}

int training_args_fail(const training_command *kind, const char *sentence)
{
    return option_fail(&(option_set){.command = kind->name}, "%s", sentence);
}

int training_args_ended(const training_command *kind, const reel_args *args, reel_context *context,
                        const reel_trainer *trainer, reel_status ended)
{
    bool may_hint = !reel_args_given(args, "resume") && !reel_args_given(args, "force");
    if (ended == REEL_BAD_STATE && reel_args_given(args, "checkpoint-dir") && may_hint) {
        complain(kind->name, "%s (%s, --force, --checkpoint-dir)", reel_error_text(context), kind->resume);
        return EXIT_FAILED;
    }
    if (reel_failed(context)) return complain_of(kind->name, context);
    return ended != REEL_OK || signals_caught() ? training_args_stopped(kind, args, trainer) : -1;
}

int training_args_stopped(const training_command *kind, const reel_args *args, const reel_trainer *trainer)
{
    char how[80];
    snprintf(how, sizeof how, "the same line with %s goes on", kind->resume);
    return signals_stopped(kind->name, trainer, reel_args_given(args, "checkpoint-dir"), how);
}
