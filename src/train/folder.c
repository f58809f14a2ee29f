/* SPDX-License-Identifier: MIT
 *
 * The folder of a run: which checkpoint to start from, when to save.
 *
 * Order of a save: the log's lines are written, then the checkpoint that names the log's length. So a checkpoint that is
 * whole always finds its log whole, and on resume the log is cut to the length the checkpoint names.
 */
#include "train/trainer.h"

#include "train/saver.h"
#include "train/state.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define FLUSH_SECONDS 1.0 /* a checkpoint is flushed to the disk at most this often */
#define PATH_SIZE FOLDER_PATH_SIZE

static const file_ops *files_of(const reel_trainer *t)
{
    return t->state->files;
}

static reel_status path_in(reel_trainer *t, const char *site, const char *folder, const char *name,
                           char path[PATH_SIZE])
{
    int n = snprintf(path, PATH_SIZE, "%s/%s", folder, name);
    if (n > 0 && n < PATH_SIZE) return REEL_OK;
    return reel_error_set(t->object.context, REEL_BAD_ARGUMENT, site, "trainer_run",
                          "the path of the folder is too long");
}

/* ---- saving ---- */

reel_status folder_log_step(reel_trainer *t, const char *site)
{
    if (t->step % setting_of(t, SETTING_LOG_EVERY) != 0 && !t->validated) return REEL_OK;
    return saver_log(t, site,
                     (log_row){.step = t->step,
                               .loss = t->loss_before,
                               .rate = t->rate,
                               .norm = trainer_gradient_norm(t),
                               .validated = t->validated,
                               .validation = t->guards.validation});
}

reel_status folder_save(reel_trainer *t, const char *site, save_when when)
{
    run_folder *f = &t->folder;
    bool last = when == SAVE_LAST;
    double time = saver_now();
    bool durable = setting_of(t, SETTING_DURABLE) || last || t->step == 0 || time - f->flushed_at >= FLUSH_SECONDS;
    if (durable) f->flushed_at = time;
    return saver_save(t, site, durable, last, when == SAVE_LATER && setting_of(t, SETTING_BACKGROUND));
}

reel_status folder_collect(reel_trainer *t, const char *site)
{
    return writer_ended(&t->folder.saver->writer) ? saver_collect(t, site) : REEL_OK;
}

/* ---- starting ---- */

static reel_status remove_run(reel_trainer *t, const char *site, const file_names *names)
{
    const char *logs[2 + TEXT_FILES] = {"log.jsonl", "times.jsonl"};
    const file_ops *ops = files_of(t) ? files_of(t) : &file_system;
    char path[PATH_SIZE];
    reel_status status = REEL_OK;
    for (int i = 0; i < TEXT_FILES; i++) logs[2 + i] = text_files[i].name;
    for (int64_t i = 0; i < names->count && status == REEL_OK; i++) {
        status = path_in(t, site, t->folder.path, names->items[i].name, path);
        if (status == REEL_OK && ops->remove(ops->user, path) != 0)
            status = reel_error_set(t->object.context, REEL_IO, site, "trainer_run", "%s: cannot be removed", path);
    }
    for (size_t i = 0; i < sizeof logs / sizeof *logs && status == REEL_OK; i++) {
        status = path_in(t, site, t->folder.path, logs[i], path);
        if (status == REEL_OK) (void)ops->remove(ops->user, path);
    }
    return status;
}

static reel_status cut_file(reel_trainer *t, const char *site, const char *name, int64_t bytes)
{
    char path[PATH_SIZE];
    reel_status status = path_in(t, site, t->folder.path, name, path);
    FILE *log = status == REEL_OK ? fopen(path, "rb") : NULL;
    if (log)
        fclose(log);
    else if (status == REEL_OK && bytes == 0)
        return REEL_OK;
    if (status != REEL_OK) return status;
    return file_truncate(site, t->object.context, files_of(t), path, bytes);
}

/* The logs go on where the checkpoint says that they stood. */
static reel_status cut_log(reel_trainer *t, const char *site)
{
    reel_status status = cut_file(t, site, "log.jsonl", t->folder.log_bytes);
    for (int i = 0; i < TEXT_FILES && status == REEL_OK; i++)
        status = cut_file(t, site, text_files[i].name, t->folder.text_bytes[i]);
    return status;
}

/* Loads the newest checkpoint that is whole; *found tells whether there was one. Nothing newer than `upto` counts. */
static reel_status load_newest(reel_trainer *t, const char *site, const file_names *names, bool *found)
{
    reel_context *context = t->object.context;
    char path[PATH_SIZE];
    *found = false;
    for (int64_t i = names->count; i-- > 0 && !*found;) {
        reel_status status = path_in(t, site, t->folder.path, names->items[i].name, path);
        if (status == REEL_OK) status = resume_load(t, site, path);
        *found = status == REEL_OK;
        if (*found) break;
        /* A damaged file is passed over; one of another model, or no memory, ends the search. */
        if (status != REEL_BAD_FILE && status != REEL_IO) return status;
        if (i == 0) return status;
        char sentence[ERROR_TEXT_SIZE];
        snprintf(sentence, sizeof sentence, "%s", reel_error_text(context));
        reel_error_clear(context);
        trainer_note(t, "passed over a checkpoint: %s", sentence);
    }
    return REEL_OK;
}

static reel_status bring_file(reel_trainer *t, const char *site, const char *name, int64_t *bytes)
{
    reel_context *context = t->object.context;
    const char *slash = strrchr(t->resume_path, '/');
    char from[PATH_SIZE], to[PATH_SIZE];
    int n = snprintf(from, sizeof from, "%.*s%s", slash ? (int)(slash - t->resume_path) + 1 : 0, t->resume_path, name);
    reel_status status = path_in(t, site, t->folder.path, name, to);
    if (status != REEL_OK || n >= (int)sizeof from || *bytes == 0) return status;
    size_t size;
    char *text = file_read(site, context, NULL, from, (size_t)1 << 40, &size);
    if (text && (int64_t)size >= *bytes) {
        status = file_write(site, context, files_of(t), to, text, (size_t)*bytes, 0);
    } else {
        reel_error_clear(context);
        trainer_note(t, "%s of the run so far is not beside %s: this one begins at step %lld", name, t->resume_path,
                     (long long)t->step + 1);
        *bytes = 0;
    }
    memory_free(context, text, text ? size + 1 : 0);
    return status;
}

/* Brings the logs of another folder along, up to the lengths that its checkpoint names. */
static reel_status bring_log(reel_trainer *t, const char *site)
{
    reel_status status = bring_file(t, site, "log.jsonl", &t->folder.log_bytes);
    for (int i = 0; i < TEXT_FILES && status == REEL_OK; i++)
        status = bring_file(t, site, text_files[i].name, &t->folder.text_bytes[i]);
    return status;
}

/* Is the checkpoint to resume from in this very folder? */
static bool resumes_here(const reel_trainer *t, const file_names *names, int64_t *index)
{
    struct stat there, here;
    if (stat(t->resume_path, &there) != 0) return false;
    for (int64_t i = 0; i < names->count; i++) {
        char path[PATH_SIZE];
        int n = snprintf(path, sizeof path, "%s/%s", t->folder.path, names->items[i].name);
        if (n >= PATH_SIZE || stat(path, &here) != 0) continue;
        *index = i;
        if (here.st_dev == there.st_dev && here.st_ino == there.st_ino) return true;
    }
    return false;
}

static reel_status resume_from_file(reel_trainer *t, const char *site, const file_names *names)
{
    int64_t index = 0;
    bool here = resumes_here(t, names, &index);
    if (names->count > 0 && (!here || index + 1 < names->count) && t->folder.resume != REEL_FORCE)
        return reel_error_set(t->object.context, REEL_BAD_STATE, site, "trainer_run",
                              "%s holds checkpoints up to step %lld, which going on from %s would lose: give another "
                              "folder, or force it",
                              t->folder.path, (long long)names->items[names->count - 1].number, t->resume_path);
    reel_status status = resume_load(t, site, t->resume_path);
    if (status != REEL_OK) return status;
    if (here) {
        file_names newer = {names->items + index + 1, names->count - index - 1, 0};
        const file_ops *ops = files_of(t) ? files_of(t) : &file_system;
        char path[PATH_SIZE];
        for (int64_t i = 0; i < newer.count && status == REEL_OK; i++) {
            status = path_in(t, site, t->folder.path, newer.items[i].name, path);
            if (status == REEL_OK) (void)ops->remove(ops->user, path);
        }
        return status == REEL_OK ? cut_log(t, site) : status;
    }
    if (names->count > 0) status = remove_run(t, site, names);
    return status == REEL_OK ? bring_log(t, site) : status;
}

static reel_status resume_or_start(reel_trainer *t, const char *site, const file_names *names, bool *resumed)
{
    reel_context *context = t->object.context;
    reel_resume how = t->folder.resume;
    *resumed = false;
    if (t->resume_path) {
        *resumed = true;
        return resume_from_file(t, site, names);
    }
    if (how == REEL_START && names->count > 0)
        return reel_error_set(context, REEL_BAD_STATE, site, "trainer_run",
                              "%s holds a run up to step %lld: resume it, force a new start, or give another folder",
                              t->folder.path, (long long)names->items[names->count - 1].number);
    if (how == REEL_FORCE || names->count == 0) {
        if (how == REEL_CONTINUE)
            return reel_error_set(context, REEL_NOT_FOUND, site, "trainer_run", "%s holds no checkpoint to resume from",
                                  t->folder.path);
        return remove_run(t, site, names);
    }
    reel_status status = load_newest(t, site, names, resumed);
    return status == REEL_OK && *resumed ? cut_log(t, site) : status;
}

/* ---- going back ---- */

/* The newest first, so that a run that is killed in between finds the oldest of them. */
static reel_status remove_after(reel_trainer *t, const char *site, const file_names *names, int64_t step)
{
    const file_ops *ops = files_of(t) ? files_of(t) : &file_system;
    char path[PATH_SIZE];
    reel_status status = REEL_OK;
    for (int64_t i = names->count; i-- > 0 && names->items[i].number > step && status == REEL_OK;) {
        status = path_in(t, site, t->folder.path, names->items[i].name, path);
        if (status == REEL_OK && ops->remove(ops->user, path) != 0)
            status = reel_error_set(t->object.context, REEL_IO, site, "trainer_run", "%s: cannot be removed", path);
    }
    saver_forget(t, step);
    return status;
}

static reel_status load_and_cut(reel_trainer *t, const char *site, const file_names *names, int64_t *step, bool *found)
{
    char path[PATH_SIZE];
    int64_t at = 0; /* the oldest, unless the best one is good enough */
    for (int64_t i = 0; i < names->count; i++)
        if (names->items[i].number == t->best_saved_step) at = i;
    double most = t->settings[SETTING_ROLLBACK] * t->best_loss;
    if (most > 0 && t->best_saved_loss > most) at = 0;
    /* From the present step it would go the same way. */
    while (at > 0 && names->items[at].number >= t->step) at--;
    *found = names->count > 0;
    if (!*found) return REEL_OK;
    *step = names->items[at].number;
    /* What is in the logs by now stays there. */
    run_folder folder = t->folder;
    reel_status status = path_in(t, site, folder.path, names->items[at].name, path);
    if (status == REEL_OK) status = reel_state_load(site, t->state, path, setting_of(t, SETTING_ACCEPT_EDITED));
    t->folder.log_bytes = folder.log_bytes;
    memcpy(t->folder.text_bytes, folder.text_bytes, sizeof folder.text_bytes);
    return status == REEL_OK ? remove_after(t, site, names, *step) : status;
}

reel_status folder_go_back(reel_trainer *t, const char *site, int64_t *step, bool *found)
{
    *found = false;
    reel_status status = saver_settle(t, site);
    if (status != REEL_OK) return status;
    file_names names = folder_list(site, t->object.context, t->folder.path, STEP_PREFIX, STEP_SUFFIX);
    status = reel_error_status(t->object.context);
    if (status == REEL_OK) status = load_and_cut(t, site, &names, step, found);
    file_names_free(t->object.context, &names);
    return status;
}

reel_status folder_open(reel_trainer *t, const char *site)
{
    run_folder *f = &t->folder;
    reel_context *context = t->object.context;
    reel_status status = folder_make(site, context, f->path);
    if (status != REEL_OK) return status;
    f->lock = folder_lock_new(site, context, f->path);
    if (!f->lock) return reel_error_status(context);
    folder_clean(site, context, files_of(t), f->path);
    file_names names = folder_list(site, context, f->path, STEP_PREFIX, STEP_SUFFIX);
    bool resumed = false;
    status = reel_error_status(context);
    if (status == REEL_OK) status = resume_or_start(t, site, &names, &resumed);
    file_names_free(context, &names);
    if (status != REEL_OK) return status;
    names = folder_list(site, context, f->path, STEP_PREFIX, STEP_SUFFIX);
    status = reel_error_status(context);
    if (status == REEL_OK) status = saver_begin(t, site, &names);
    file_names_free(context, &names);
    if (status != REEL_OK) return status;
    if (resumed) trainer_note(t, "resumed at step %lld", (long long)t->step);
    /* A full disk or a missing permission shows before the first step. */
    if (!resumed || t->resume_path) status = folder_save(t, site, SAVE_NOW);
    return status;
}

void folder_close(reel_trainer *t)
{
    saver_end(t);
    folder_unlock(t->folder.lock);
    t->folder.lock = NULL;
}
