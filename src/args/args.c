/* SPDX-License-Identifier: MIT
 *
 * The flags of a training, for a program of one's own: all of them follow from the tables of the library.
 */
#include "core/core.h"
#include "io/file.h"
#include "optim/optim.h"
#include "train/saver.h"

#include <math.h>
#include <reel/args.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { OPTIMIZER, AVERAGE, SCHEDULE, SCHEDULE_ORIGIN, RESET_MOMENTS, THREADS, TRAINING_COUNT };
enum { CHECKPOINT_DIR, RESUME, FORCE, FOLDER_COUNT };
enum { SETTINGS_MOST = 64, PATH_ROOM = 4096, NAME_ROOM = 40, GROUPS_MOST = 8 };

struct reel_args {
    reel_object object;
    int argc;
    char **argv;
    const char *about, *operands;
    int least, most, first; /* operands; index of the first in argv */
    reel_args_end end;
    char *text; /* help or fault */
    size_t text_size;
    const char *training[TRAINING_COUNT], *folder[FOLDER_COUNT],
        *settings[SETTINGS_MOST]; /* as typed; NULL: not given */
    reel_flag training_rows[TRAINING_COUNT], folder_rows[FOLDER_COUNT], setting_rows[SETTINGS_MOST];
    char setting_names[SETTINGS_MOST][NAME_ROOM];
    double setting_values[SETTINGS_MOST];
    int setting_count;
    reel_flag *own; /* the program's */
    char (*own_names)[NAME_ROOM];
    bool *own_given;
    int own_count;
    const reel_flag_group *groups; /* the program's that are words */
    int group_count;
    reel_args_check check; /* or NULL */
    void *check_user;
    reel_optimizer_flags hypers;
    reel_optimizer_choice choice; /* kind NULL: reel_args_optimizer was not called */
    char path[PATH_ROOM];         /* of the checkpoint to be resumed; "": none */
    reel_checkpoint *checkpoint;  /* that one, opened */
    bool looked;
};

static void own_free(reel_args *a)
{
    size_t n = (size_t)a->own_count;
    memory_free(a->object.context, a->own, n * sizeof *a->own);
    memory_free(a->object.context, a->own_names, n * sizeof *a->own_names);
    memory_free(a->object.context, a->own_given, n * sizeof *a->own_given);
}

static void args_destroy(reel_object *object)
{
    reel_args *a = (reel_args *)object;
    own_free(a);
    memory_free(object->context, a->text, a->text_size);
    object_release(object, sizeof *a);
}

static void rows_new(reel_args *a)
{
    static const reel_flag training[] = {
        [OPTIMIZER] = {.name = "optimizer",
                       .argument = "NAME",
                       .text = "Kind of optimizer: see below for their flags."},
        [AVERAGE] = {.name = "average",
                     .argument = "SPEC",
                     .text =
                         "Average the parameters over the steps, see below; a resume goes on with the checkpoint's."},
        [SCHEDULE] = {.name = "schedule",
                      .argument = "SPEC",
                      .text = "How the rate changes, see below; none: not at all."},
        [SCHEDULE_ORIGIN] = {.name = "schedule-origin",
                             .argument = "start|here",
                             .text = "After a resume the schedule counts from the start of the run, or from here on."},
        [RESET_MOMENTS] = {.name = "reset-moments",
                           .argument = "[=steps]",
                           .text = "Forget the moments of the checkpoint; =steps: and the count of steps.",
                           .without = "moments"},
        [THREADS] = {.name = "threads",
                     .argument = "N",
                     .text = "Threads to use; the bits are the same for any number."},
    };
    static const reel_flag folder[] = {
        [CHECKPOINT_DIR] = {.name = "checkpoint-dir", .argument = "DIR", .text = "Keep checkpoints and log here."},
        [RESUME] = {.name = "resume",
                    .argument = "[=auto|FILE|DIR]",
                    .text =
                        "Go on from the newest good checkpoint of --checkpoint-dir, or start when there is none; from "
                        "a file; from the newest of another folder. Flags that are given win over the checkpoint, "
                        "the others keep its values.",
                    .without = "auto"},
        [FORCE] = {.name = "force",
                   .text =
                       "Without --resume: delete the run that stands in the folder. With it: go on with other data or "
                       "another batch size.",
                   .without = ""},
    };
    for (int i = 0; i < TRAINING_COUNT; i++)
        a->training_rows[i] = training[i], a->training_rows[i].word = &a->training[i];
    for (int i = 0; i < FOLDER_COUNT; i++) a->folder_rows[i] = folder[i], a->folder_rows[i].word = &a->folder[i];
}

/* Every setting of the trainer is a flag; checkpoint_every is --every. */
static void setting_rows_new(reel_args *a)
{
    const reel_hyper *row;
    for (int i = 0; i < SETTINGS_MOST && (row = reel_trainer_setting(i)) != NULL; i++) {
        bool is_switch = row->least == 0 && row->most == 1;
        const char *name = strcmp(row->name, "checkpoint_every") == 0 ? "every" : row->name;
        reel_flag_name(name, a->setting_names[i], NAME_ROOM);
        a->setting_rows[i] = (reel_flag){.name = a->setting_names[i],
                                         .argument = is_switch ? "[=0]" : "N",
                                         .text = row->text,
                                         .word = &a->settings[i],
                                         .without = is_switch ? "1" : NULL};
        a->setting_count++;
    }
}

reel_args *reel_args_new(const char *site, reel_context *context, int argc, char **argv, const char *text)
{
    if (reel_failed(context)) return NULL;
    if (argc < 1 || !argv)
        return reel_error_set(context, REEL_BAD_ARGUMENT, site, "args_new", "there are no arguments"), NULL;
    reel_args *a = object_new(context, site, "args_new", sizeof *a, args_destroy);
    if (!a) return NULL;
    a->argc = argc;
    a->argv = argv;
    a->about = text ? text : "";
    rows_new(a);
    setting_rows_new(a);
    reel_optimizer_flags_init(context, &a->hypers, NULL);
    return a;
}

void reel_args_free(reel_args *args)
{
    object_free(args);
}

static bool is_taken(const reel_args *a, const char *name)
{
    for (int i = 0; i < TRAINING_COUNT; i++)
        if (strcmp(a->training_rows[i].name, name) == 0) return true;
    for (int i = 0; i < FOLDER_COUNT; i++)
        if (strcmp(a->folder_rows[i].name, name) == 0) return true;
    for (int i = 0; i < a->setting_count; i++)
        if (strcmp(a->setting_names[i], name) == 0) return true;
    for (int i = 0; i < a->hypers.count; i++)
        if (strcmp(a->hypers.names[i], name) == 0) return true;
    for (int i = 0; i < a->own_count; i++)
        if (strcmp(a->own_names[i], name) == 0) return true;
    for (int g = 0; g < a->group_count; g++)
        for (int i = 0; i < a->groups[g].count; i++)
            if (strcmp(a->groups[g].rows[i].name, name) == 0) return true;
    return strcmp(name, "help") == 0;
}

reel_status reel_args_add(const char *site, reel_args *a, const reel_hyper *table, int count, double *values)
{
    const char *who = "args_add";
    if (!a) return REEL_BAD_ARGUMENT;
    reel_context *context = a->object.context;
    if (reel_failed(context)) return reel_error_status(context);
    if (count < 0 || (count > 0 && (!table || !values)))
        return reel_error_set(context, REEL_BAD_ARGUMENT, site, who, "a table and its values are needed");
    for (int i = 0; i < count; i++) {
        char name[NAME_ROOM];
        reel_hyper_flag(&table[i], name, sizeof name);
        bool twice = reel_hyper_find(table, i, table[i].name) >= 0;
        if (twice || is_taken(a, name))
            return reel_error_set(context, REEL_BAD_ARGUMENT, site, who, "the name --%s is taken", name);
    }
    size_t old = (size_t)a->own_count, now = old + (size_t)count;
    reel_flag *rows = memory_zero(context, site, who, now * sizeof *rows);
    char(*names)[NAME_ROOM] = memory_zero(context, site, who, now * sizeof *names);
    bool *given = memory_zero(context, site, who, now * sizeof *given);
    for (size_t i = 0; i < old && rows && names && given; i++) {
        rows[i] = a->own[i];
        memcpy(names[i], a->own_names[i], NAME_ROOM);
    }
    if (rows && names && given) {
        own_free(a);
        a->own = rows, a->own_names = names, a->own_given = given, a->own_count = (int)now;
    } else {
        memory_free(context, rows, now * sizeof *rows);
        memory_free(context, names, now * sizeof *names);
        memory_free(context, given, now * sizeof *given);
        return REEL_NO_MEMORY;
    }
    for (int i = 0; i < count; i++) {
        reel_hyper_flag(&table[i], names[old + (size_t)i], NAME_ROOM);
        rows[old + (size_t)i] = (reel_flag){.number = &values[i], .hyper = &table[i]};
        if (table[i].kind == REEL_HYPER_SWITCH) rows[old + (size_t)i].without = "1";
    }
    for (size_t i = 0; i < now; i++) rows[i].name = names[i], rows[i].given = &given[i];
    return REEL_OK;
}

reel_status reel_args_add_groups(const char *site, reel_args *a, const reel_flag_group *groups, int count)
{
    const char *who = "args_add_groups";
    if (!a) return REEL_BAD_ARGUMENT;
    reel_context *context = a->object.context;
    if (reel_failed(context)) return reel_error_status(context);
    if (a->groups || !groups || count < 1 || count > GROUPS_MOST)
        return reel_error_set(context, REEL_BAD_ARGUMENT, site, who, "found %d groups, expected 1 to %d, once", count,
                              GROUPS_MOST);
    for (int g = 0; g < count; g++)
        for (int i = 0; i < groups[g].count; i++)
            if (is_taken(a, groups[g].rows[i].name))
                return reel_error_set(context, REEL_BAD_ARGUMENT, site, who, "the name --%s is taken",
                                      groups[g].rows[i].name);
    a->groups = groups;
    a->group_count = count;
    return REEL_OK;
}

void reel_args_set_check(reel_args *a, reel_args_check check, void *user)
{
    if (!a) return;
    a->check = check;
    a->check_user = user;
}

void reel_args_default(reel_args *a, const char *flag, const char *value)
{
    if (!a || !flag) return;
    for (int i = 0; i < TRAINING_COUNT; i++)
        if (strcmp(a->training_rows[i].name, flag) == 0 && !a->training[i]) a->training[i] = value;
    for (int i = 0; i < FOLDER_COUNT; i++)
        if (strcmp(a->folder_rows[i].name, flag) == 0 && !a->folder[i]) a->folder[i] = value;
}

void reel_args_set_operands(reel_args *a, const char *name, int least, int most)
{
    if (!a) return;
    a->operands = name;
    a->least = least;
    a->most = most;
}

/* ---- reading ---- */

static void add_text(void *args, const char *more)
{
    reel_args *a = args;
    size_t used = a->text ? strlen(a->text) : 0, length = strlen(more);
    if (used + length + 1 > a->text_size) {
        size_t size = 2 * (used + length + 1);
        char *grown = memory_resize(a->object.context, NULL, "args_read", a->text, a->text_size, size);
        if (!grown) return;
        a->text = grown;
        a->text_size = size;
    }
    memcpy(a->text + used, more, length + 1);
}

static const char *command_of(const reel_args *a)
{
    const char *slash = strrchr(a->argv[0], '/');
    return slash ? slash + 1 : a->argv[0];
}

static reel_args_end wrong(reel_args *a, const char *sentence)
{
    const char *parts[] = {command_of(a), ": ", sentence, " (see ", command_of(a), " --help)\n"};
    for (int i = 0; i < 6; i++) add_text(a, parts[i]);
    return a->end = REEL_ARGS_WRONG;
}

static bool is_one_of(const char *typed, const char *first, const char *second)
{
    return !typed || strcmp(typed, first) == 0 || strcmp(typed, second) == 0;
}

/* Flags against each other: NULL, or what does not fit. */
static const char *conflict(const reel_args *a)
{
    const char *resume = a->folder[RESUME];
    if (!is_one_of(a->training[SCHEDULE_ORIGIN], "start", "here")) return "--schedule-origin: expected start or here";
    if (!is_one_of(a->training[RESET_MOMENTS], "moments", "steps"))
        return "--reset-moments: expected =steps or nothing";
    if (resume && strcmp(resume, "auto") == 0 && !a->folder[CHECKPOINT_DIR])
        return "--resume needs --checkpoint-dir, the folder to look in, or a file: --resume=FILE";
    if (!resume && a->training[SCHEDULE_ORIGIN]) return "--schedule-origin is for --resume";
    if (!resume && a->training[RESET_MOMENTS]) return "--reset-moments is for --resume";
    if (!resume && a->folder[FORCE] && !a->folder[CHECKPOINT_DIR]) return "--force needs --checkpoint-dir";
    return NULL;
}

static bool read_values(reel_args *a, char sentence[REEL_FLAGS_TEXT])
{
    static const reel_hyper threads = {.name = "threads", .least = 1, .most = 4096, .kind = REEL_HYPER_WHOLE};
    reel_context *context = a->object.context;
    double number;
    for (int i = 0; i < a->setting_count; i++) {
        const reel_hyper *row = reel_trainer_setting(i);
        bool all = a->settings[i] && strcmp(row->name, "keep") == 0 && strcmp(a->settings[i], "all") == 0;
        const char *typed = all ? "0" : a->settings[i];
        if (typed && !reel_flag_read(context, a->setting_names[i], row, typed, &a->setting_values[i], sentence))
            return false;
    }
    if (!a->training[THREADS]) return true;
    if (!reel_flag_read(context, "threads", &threads, a->training[THREADS], &number, sentence)) return false;
    reel_context_set_threads(context, (int)number);
    return true;
}

reel_args_end reel_args_read(const char *site, reel_args *a)
{
    if (!a) return REEL_ARGS_FAILED;
    (void)site;
    reel_context *context = a->object.context;
    const reel_flag_group training[] = {{"training", a->training_rows, TRAINING_COUNT},
                                        {"hyper-parameters", a->hypers.rows, a->hypers.count},
                                        {"trainer", a->setting_rows, a->setting_count},
                                        {"checkpoints", a->folder_rows, FOLDER_COUNT}};
    reel_flag_group groups[GROUPS_MOST + 1 + sizeof training / sizeof *training];
    int count = 0;
    for (int i = 0; i < a->group_count; i++) groups[count++] = a->groups[i];
    if (a->own_count > 0) groups[count++] = (reel_flag_group){"the program", a->own, a->own_count};
    for (size_t i = 0; i < sizeof training / sizeof *training; i++) groups[count++] = training[i];
    const reel_flag_set set = {.command = command_of(a),
                               .operands = a->operands,
                               .least = a->least,
                               .most = a->most,
                               .text = a->about,
                               .groups = groups,
                               .group_count = count};
    char sentence[REEL_FLAGS_TEXT];
    if (reel_failed(context)) return a->end = REEL_ARGS_FAILED;
    a->end = REEL_ARGS_GO;
    a->first = reel_flags_read(context, &set, a->argc, a->argv, sentence);
    if (a->first == -1) {
        reel_flags_help(&set, add_text, a);
        reel_optimizer_flags_help(&a->hypers, add_text, a);
        reel_help_schedules(context, add_text, a);
        reel_help_averages(add_text, a);
        a->end = REEL_ARGS_HELP;
    } else if (a->first < 0 || !read_values(a, sentence)) {
        wrong(a, sentence);
    } else {
        const char *unfit = a->check ? a->check(a, a->check_user) : NULL;
        if (!unfit) unfit = conflict(a);
        if (unfit) wrong(a, unfit);
    }
    return reel_failed(context) ? (a->end = REEL_ARGS_FAILED) : a->end;
}

const char *reel_args_text(const reel_args *a)
{
    if (a && a->end == REEL_ARGS_FAILED) return reel_error_text(a->object.context);
    return a && a->text ? a->text : "";
}

int reel_args_status(const reel_args *a)
{
    if (!a || a->end == REEL_ARGS_FAILED) return 1;
    return a->end == REEL_ARGS_WRONG ? 2 : 0;
}

const char *reel_args_operand(const reel_args *a, int index)
{
    return a && a->end == REEL_ARGS_GO && a->first > 0 && index >= 0 && index < a->argc - a->first
               ? a->argv[a->first + index]
               : NULL;
}

const char *reel_args_given(const reel_args *a, const char *flag)
{
    if (!a || !flag) return NULL;
    for (int i = 0; i < TRAINING_COUNT; i++)
        if (strcmp(a->training_rows[i].name, flag) == 0) return a->training[i];
    for (int i = 0; i < FOLDER_COUNT; i++)
        if (strcmp(a->folder_rows[i].name, flag) == 0) return a->folder[i];
    for (int i = 0; i < a->setting_count; i++)
        if (strcmp(a->setting_names[i], flag) == 0) return a->settings[i];
    for (int i = 0; i < a->hypers.count; i++)
        if (strcmp(a->hypers.names[i], flag) == 0) return a->hypers.typed[i];
    for (int i = 0; i < a->own_count; i++)
        if (strcmp(a->own_names[i], flag) == 0) return a->own_given[i] ? "" : NULL;
    return NULL;
}

/* ---- the checkpoint to go on from ---- */

bool reel_checkpoint_newest(reel_context *context, const char *folder, char *path, size_t size)
{
    bool found = false;
    struct stat about;
    if (reel_failed(context) || !folder || !path || stat(folder, &about) != 0 || !S_ISDIR(about.st_mode)) return false;
    file_names names = folder_list(NULL, context, folder, STEP_PREFIX, STEP_SUFFIX);
    for (int64_t i = names.count; i-- > 0 && !found && !reel_failed(context);) {
        int n = snprintf(path, size, "%s/%s", folder, names.items[i].name);
        reel_checkpoint *c = n > 0 && (size_t)n < size ? reel_checkpoint_open(NULL, context, path) : NULL;
        found = c && reel_checkpoint_hash_verdict(c) == REEL_HASH_RIGHT;
        reel_checkpoint_free(c);
        if (!c && reel_error_status(context) != REEL_NO_MEMORY) reel_error_clear(context);
    }
    file_names_free(context, &names);
    return found;
}

/* Opens it once; NULL: the run starts anew, or an error is kept. */
static const reel_checkpoint *checkpoint(reel_args *a, const char *site)
{
    reel_context *context = a->object.context;
    const char *resume = a->folder[RESUME];
    struct stat about;
    if (a->looked || !resume || reel_failed(context)) return a->checkpoint;
    a->looked = true;
    if (strcmp(resume, "auto") == 0) {
        if (!reel_checkpoint_newest(context, a->folder[CHECKPOINT_DIR], a->path, PATH_ROOM)) a->path[0] = '\0';
    } else if (stat(resume, &about) == 0 && S_ISDIR(about.st_mode)) {
        if (!reel_checkpoint_newest(context, resume, a->path, PATH_ROOM) && !reel_failed(context))
            reel_error_set(context, REEL_NOT_FOUND, site, "args", "--resume: %s holds no checkpoint to resume from",
                           resume);
    } else {
        snprintf(a->path, PATH_ROOM, "%s", resume);
    }
    if (a->path[0] && !reel_failed(context)) a->checkpoint = reel_checkpoint_open(site, context, a->path);
    return a->checkpoint;
}

const reel_checkpoint *reel_args_checkpoint(const char *site, reel_args *a, const char **path)
{
    const reel_checkpoint *found = a ? checkpoint(a, site) : NULL;
    if (path) *path = a ? a->path : "";
    return found;
}

reel_optimizer *reel_args_optimizer(const char *site, reel_args *a, reel_params *params, const char *kind, double lr)
{
    char found[NAME_ROOM], sentence[REEL_FLAGS_TEXT];
    if (!a || reel_failed(a->object.context)) return NULL;
    reel_context *context = a->object.context;
    const char *name = a->training[OPTIMIZER];
    if (!name && reel_checkpoint_text(checkpoint(a, site), "state/optimizer/kind", found, sizeof found) &&
        optimizer_find_known(context, found))
        name = optimizer_find_known(context, found)->name;
    if (reel_failed(context)) return NULL;
    if (!name) name = kind ? kind : "";
    if (!reel_optimizer_choose(context, &a->hypers, name, &a->choice, sentence)) {
        reel_error_set(context, REEL_BAD_ARGUMENT, site, "args", "%s", sentence);
        return NULL;
    }
    reel_optimizer *o = reel_optimizer_build(site, params, &a->choice);
    bool is_own = kind && strcmp(kind, a->choice.kind->name) == 0;
    if (o && !isnan(lr) && is_own && !reel_args_given(a, "lr")) reel_optimizer_set(site, o, "lr", lr);
    return reel_failed(context) ? NULL : o;
}

/* ---- telling the trainer ---- */

/* A setting as the checkpoint has it; NaN: it has not. Older files have some of them only. */
static double kept_setting(const reel_checkpoint *c, const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "state/trainer/settings/%s", name);
    double value = reel_checkpoint_number(c, path);
    bool older = strcmp(name, "epochs") == 0 || strcmp(name, "batch") == 0 || strcmp(name, "seed") == 0;
    snprintf(path, sizeof path, "state/trainer/%s", name);
    return isnan(value) && older ? reel_checkpoint_number(c, path) : value;
}

static void apply_settings(reel_args *a, const char *site, reel_trainer *t)
{
    const reel_checkpoint *c = checkpoint(a, site);
    for (int i = 0; i < a->setting_count; i++) {
        const char *name = reel_trainer_setting(i)->name;
        double kept = c ? kept_setting(c, name) : NAN;
        if (a->settings[i])
            reel_trainer_ask(site, t, name, a->setting_values[i], "flag");
        else if (!isnan(kept) && reel_hyper_check(NULL, NULL, NULL, reel_trainer_setting(i), kept) == REEL_OK)
            reel_trainer_set(site, t, name, kept);
    }
    if (a->training[OPTIMIZER]) reel_trainer_set(site, t, "other_optimizer", 1);
    if (a->folder[FORCE] && a->folder[RESUME]) reel_trainer_set(site, t, "other_data", 1);
}

/* Of the flag, or of the checkpoint, whose values are then loaded. */
static void apply_average(reel_args *a, const char *site, reel_trainer *t)
{
    char kind[NAME_ROOM];
    const char *spec = a->training[AVERAGE];
    if (!spec && reel_checkpoint_text(checkpoint(a, site), "state/average/kind", kind, sizeof kind)) spec = kind;
    if (!spec || t->average || reel_failed(a->object.context)) return;
    reel_average *average = reel_average_parse(site, t->params, spec);
    if (average) reel_trainer_set_average(site, t, average);
}

static void apply_folder(reel_args *a, const char *site, reel_trainer *t)
{
    const char *folder = a->folder[CHECKPOINT_DIR], *resume = a->folder[RESUME];
    bool is_auto = resume && strcmp(resume, "auto") == 0;
    bool same = false;
    struct stat here, there;
    if (resume && folder && stat(resume, &there) == 0 && stat(folder, &here) == 0)
        same = here.st_dev == there.st_dev && here.st_ino == there.st_ino;
    if (resume && !is_auto && !same) reel_trainer_resume_file(site, t, a->path);
    if (folder)
        reel_trainer_set_folder(site, t, folder,
                                is_auto            ? REEL_AUTO
                                : same             ? REEL_CONTINUE
                                : a->folder[FORCE] ? REEL_FORCE
                                                   : REEL_START);
}

reel_status reel_args_apply(const char *site, reel_args *a, reel_trainer *t)
{
    if (!a || !t) return REEL_BAD_ARGUMENT;
    reel_context *context = a->object.context;
    if (reel_failed(context)) return reel_error_status(context);
    const char *origin = a->training[SCHEDULE_ORIGIN], *reset = a->training[RESET_MOMENTS];
    apply_settings(a, site, t);
    apply_average(a, site, t);
    for (int i = 0; i < a->choice.given_count; i++)
        reel_trainer_ask(site, t, a->choice.given[i].name, a->choice.given[i].value, "flag");
    if (a->training[SCHEDULE]) reel_trainer_ask_schedule(site, t, a->training[SCHEDULE], "flag");
    if (origin)
        reel_trainer_ask_origin(site, t, strcmp(origin, "here") == 0 ? REEL_ORIGIN_HERE : REEL_ORIGIN_START, "flag");
    if (reset) reel_trainer_ask_reset(site, t, strcmp(reset, "steps") == 0, "flag");
    apply_folder(a, site, t);
    return reel_error_status(context);
}
