/* SPDX-License-Identifier: MIT
 *
 * Writing log and checkpoints.
 */
#include "train/saver.h"

#include "io/number.h"
#include "optim/optim.h"
#include "tape/params.h"
#include "train/state.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
    LOG_ROWS = 1024,       /* lines held back */
    LOG_ROWS_MOST = 65536, /* while the writer is busy */
    LOG_LINE = 320,        /* the most bytes of a line */
    TEXT_MOST = 1 << 20    /* bytes of the lines of a text file held back */
};

static const char who[] = "trainer_run";

double saver_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- what the writer does: no context here ---- */

static char *add_text(char *to, const char *text)
{
    size_t n = strlen(text);
    memcpy(to, text, n);
    return to + n;
}

static char *add_double(char *to, double x)
{
    return to + number_print_double(to, x);
}

/* One line. The rate seldom changes: `rate` keeps the text of the last one. */
typedef struct rate_text {
    double value;
    size_t length;
    char text[NUMBER_TEXT_SIZE];
} rate_text;

static char *add_loss(const saver *s, char *to, double loss)
{
    /* of a float run the shortest decimal of the float */
    return to + (s->single ? number_print_float(to, (float)loss) : number_print_double(to, loss));
}

static char *add_rollback(const saver *s, char *to, const log_row *row)
{
    to = add_text(to, "{\"rollback_to\": ");
    to += number_print_int64(to, row->step);
    to = add_text(to, ", \"from\": ");
    to += number_print_int64(to, row->rolled_from);
    to = add_loss(s, add_text(to, ", \"loss\": "), row->loss);
    to = add_double(add_text(to, ", \"rate_factor\": "), row->rate);
    return add_text(to, "}\n");
}

static char *add_line(const saver *s, char *to, const log_row *row, rate_text *rate)
{
    if (row->rolled) return add_rollback(s, to, row);
    if (rate->length == 0 || memcmp(&rate->value, &row->rate, sizeof rate->value) != 0) {
        rate->value = row->rate;
        rate->length = number_print_double(rate->text, row->rate);
    }
    to = add_text(to, "{\"step\": ");
    to += number_print_int64(to, row->step);
    to = add_text(to, ", \"epoch\": ");
    to += number_print_int64(to, (row->step - 1) / s->steps_per_epoch);
    to = add_loss(s, add_text(to, ", \"loss\": "), row->loss);
    to = add_text(to, ", \"rate\": ");
    memcpy(to, rate->text, rate->length);
    to += rate->length;
    if (!isnan(row->norm)) to = add_double(add_text(to, ", \"gradient_norm\": "), row->norm);
    if (row->validated) to = add_double(add_text(to, ", \"validation_loss\": "), row->validation);
    return add_text(to, "}\n");
}

const struct text_file_row text_files[TEXT_FILES] = {
    [TEXT_MONITOR] = {"monitor.jsonl", "monitor_bytes", SETTING_MONITOR},
    [TEXT_HASHES] = {"hashes.jsonl", "hashes_bytes", SETTING_HASHES},
};

static void write_text(saver *s, text_rows *rows, bool sync, file_fault *fault)
{
    for (int i = 0; i < TEXT_FILES; i++) {
        text_rows *text = &rows[i];
        if (text->whole > 0 && !fault->what &&
            file_append_to(s->files, s->text_paths[i], text->text, text->whole, sync ? FILE_SYNC_CONTENT : 0, fault))
            s->trainer->folder.text_bytes[i] += (int64_t)text->whole;
        text->count = text->whole = 0;
    }
}

static bool has_text(const text_rows *rows)
{
    for (int i = 0; i < TEXT_FILES; i++)
        if (rows[i].whole > 0) return true;
    return false;
}

static void write_rows(saver *s, log_rows *rows, bool sync, file_fault *fault)
{
    rate_text rate = {.length = 0};
    for (int64_t i = 0; i < rows->count && !fault->what;) {
        char *end = s->buffer;
        while (i < rows->count && DRAFT_BUFFER - (size_t)(end - s->buffer) >= LOG_LINE)
            end = add_line(s, end, &rows->items[i++], &rate);
        size_t size = (size_t)(end - s->buffer);
        int flags = sync && i == rows->count ? FILE_SYNC_CONTENT : 0;
        if (file_append_to(s->files, s->log_path, s->buffer, size, flags, fault))
            s->trainer->folder.log_bytes += (int64_t)size;
    }
    rows->count = 0;
}

enum { STEP_NAME = 64 };

static const char *step_name(char name[STEP_NAME], int64_t step)
{
    snprintf(name, STEP_NAME, STEP_PREFIX "%09lld" STEP_SUFFIX, (long long)step);
    return name;
}

/* The loss after the last update, and whether it is the smallest of a checkpoint. */
static void note_loss(saver *s)
{
    reel_trainer *t = s->trainer;
    if (s->job.evaluate) {
        t->loss_after = evaluator_loss(s->evaluator);
        s->job.unknown = reel_failed(evaluator_context(s->evaluator));
    }
    if (!(t->loss_after < t->best_saved_loss)) return;
    t->best_saved_loss = t->loss_after;
    t->best_saved_step = s->job.step;
}

/* Enters the checkpoint in the list, and in the job those to be removed after it: the oldest but for the best and the
 * newest `keep`. There is room. */
static void keep_step(saver *s)
{
    step_list *kept = &s->kept, *gone = &s->job.gone;
    int64_t keep = s->job.keep, step = s->job.step, place = kept->count, left = 0;
    gone->count = 0;
    if (keep == 0) return;
    while (place > 0 && kept->items[place - 1] > step) place--;
    if (place == 0 || kept->items[place - 1] != step) {
        memmove(kept->items + place + 1, kept->items + place, (size_t)(kept->count - place) * sizeof *kept->items);
        kept->items[place] = step;
        kept->count++;
    }
    for (int64_t i = 0; i < kept->count; i++) {
        int64_t one = kept->items[i];
        bool goes = i + keep < kept->count && one != s->trainer->best_saved_step && one <= step;
        if (one == 0 && s->job.keep_first) goes = false;
        step_list *to = goes ? gone : kept;
        to->items[goes ? gone->count++ : left++] = one;
    }
    kept->count = left;
}

static void remove_gone(saver *s)
{
    const file_ops *ops = s->files ? s->files : &file_system;
    char path[FOLDER_PATH_SIZE], name[STEP_NAME];
    size_t folder = (size_t)(strrchr(s->path, '/') - s->path);
    for (int64_t i = 0; i < s->job.gone.count; i++) {
        int n = snprintf(path, sizeof path, "%.*s/%s", (int)folder, s->path, step_name(name, s->job.gone.items[i]));
        if (n < 0 || (size_t)n >= sizeof path) continue;
        /* One that cannot be removed costs room, not data. */
        (void)ops->remove(ops->user, path);
    }
}

/* Wall time has a file of its own: the log is the same for every repetition. */
static void write_times(saver *s)
{
    char line[LOG_LINE];
    int64_t milliseconds = (int64_t)(1e3 * (saver_now() - s->began_at));
    int n =
        snprintf(line, sizeof line, "{\"step\": %lld, \"from_step\": %lld, \"seconds\": %lld.%03d, \"time\": %lld}\n",
                 (long long)s->job.step, (long long)s->step_at_begin, (long long)(milliseconds / 1000),
                 (int)(milliseconds % 1000), (long long)time(NULL));
    file_append_to(s->files, s->times_path, line, (size_t)n, 0, &s->job.fault);
}

/* Does what the job says. */
static void work(void *self)
{
    saver *s = self;
    save_job *job = &s->job;
    if (job->checkpoint) {
        draft_take(&s->draft);
        if (job->evaluate) evaluator_take_large(s->evaluator, s->trainer);
    }
    writer_took(&s->writer);
    write_rows(s, &job->rows, job->durable, &job->fault);
    write_text(s, job->text, job->durable, &job->fault);
    if (!job->checkpoint || job->fault.what) return;
    note_loss(s);
    if (job->unknown) return;
    keep_step(s);
    file_stream file;
    file_stream_start(&file, s->files, s->path, job->durable ? FILE_SYNC_CONTENT | FILE_SYNC_FOLDER : 0, s->names);
    draft_write(&s->draft, &file, s->buffer, &job->sums);
    job->there = file_stream_end(&file);
    job->fault = file.fault;
    if (job->there) remove_gone(s);
    if (job->there && job->times) write_times(s);
}

/* ---- what the trainer does ---- */

static reel_status path_in(reel_trainer *t, const char *site, const char *name, char path[FOLDER_PATH_SIZE])
{
    int n = snprintf(path, FOLDER_PATH_SIZE, "%s/%s", t->folder.path, name);
    if (n > 0 && n < FOLDER_PATH_SIZE) return REEL_OK;
    return reel_error_set(t->object.context, REEL_BAD_ARGUMENT, site, who, "the path of the folder is too long");
}

static void *grown(reel_context *context, const char *site, void *items, int64_t *room, int64_t least, size_t size)
{
    int64_t larger = *room > least / 2 ? 2 * *room : least;
    void *p = memory_resize(context, site, who, items, (size_t)*room * size, (size_t)larger * size);
    if (p) *room = larger;
    return p;
}

static bool grow_rows(reel_trainer *t, const char *site, log_rows *rows)
{
    void *p = grown(t->object.context, site, rows->items, &rows->room, LOG_ROWS, sizeof *rows->items);
    if (p) rows->items = p;
    return p != NULL;
}

/* Room for one more than there are checkpoints. */
static bool reserve_steps(reel_trainer *t, const char *site, step_list *list)
{
    while (list->room <= t->folder.saver->kept.count) {
        void *p = grown(t->object.context, site, list->items, &list->room, 16, sizeof *list->items);
        if (!p) return false;
        list->items = p;
    }
    return true;
}

reel_status saver_prepare(reel_trainer *t, const char *site)
{
    reel_context *context = t->object.context;
    if (t->folder.saver) return REEL_OK;
    saver *s = memory_zero(context, site, who, sizeof *s);
    if (!s) return REEL_NO_MEMORY;
    t->folder.saver = s;
    writer_init(&s->writer, work, s);
    draft_init(&s->draft, context);
    s->buffer = memory_new(context, site, who, DRAFT_BUFFER);
    s->visitor = visitor_draft(context, &s->draft, NULL);
    if (s->buffer && s->visitor && grow_rows(t, site, &s->rows) && grow_rows(t, site, &s->job.rows)) return REEL_OK;
    saver_free(t);
    return REEL_NO_MEMORY;
}

void saver_free(reel_trainer *t)
{
    saver *s = t->folder.saver;
    reel_context *context = t->object.context;
    if (!s) return;
    writer_stop(&s->writer);
    writer_free(&s->writer);
    evaluator_free(s->evaluator);
    visitor_free(s->visitor);
    draft_free(&s->draft);
    memory_free(context, s->buffer, s->buffer ? DRAFT_BUFFER : 0);
    memory_free(context, s->rows.items, (size_t)s->rows.room * sizeof(log_row));
    memory_free(context, s->job.rows.items, (size_t)s->job.rows.room * sizeof(log_row));
    for (int i = 0; i < TEXT_FILES; i++) {
        memory_free(context, s->text[i].text, s->text[i].room);
        memory_free(context, s->job.text[i].text, s->job.text[i].room);
    }
    memory_free(context, s->kept.items, (size_t)s->kept.room * sizeof(int64_t));
    memory_free(context, s->job.gone.items, (size_t)s->job.gone.room * sizeof(int64_t));
    memory_free(context, s, sizeof *s);
    t->folder.saver = NULL;
}

reel_status saver_begin(reel_trainer *t, const char *site, const file_names *names)
{
    saver *s = t->folder.saver;
    s->files = t->state->files;
    s->trainer = t;
    s->steps_per_epoch = trainer_steps_per_epoch(t);
    s->single = reel_params_dtype(t->params) == REEL_FLOAT;
    s->step_at_begin = t->step;
    s->began_at = saver_now();
    s->rows.count = s->job.rows.count = s->kept.count = 0;
    for (int i = 0; i < TEXT_FILES; i++)
        s->text[i].count = s->text[i].whole = s->job.text[i].count = s->job.text[i].whole = 0;
    s->failed = s->asked = false;
    s->named = t->folder.text_bytes[TEXT_HASHES] > 0;
    evaluator_free(s->evaluator);
    s->evaluator = NULL;
    if (path_in(t, site, "log.jsonl", s->log_path) != REEL_OK) return reel_error_status(t->object.context);
    for (int i = 0; i < TEXT_FILES; i++) path_in(t, site, text_files[i].name, s->text_paths[i]);
    path_in(t, site, "times.jsonl", s->times_path);
    for (int64_t i = 0; i < names->count; i++) {
        char name[STEP_NAME]; /* one that is spelled otherwise is not the trainer's */
        if (strcmp(step_name(name, names->items[i].number), names->items[i].name) != 0) continue;
        if (!reserve_steps(t, site, &s->kept)) return REEL_NO_MEMORY;
        s->kept.items[s->kept.count++] = names->items[i].number;
    }
    return REEL_OK;
}

reel_status saver_collect(reel_trainer *t, const char *site)
{
    saver *s = t->folder.saver;
    save_job *job = &s->job;
    if (!writer_ended(&s->writer)) return reel_error_status(t->object.context);
    writer_taken(&s->writer);
    if (job->fault.what) {
        s->failed = true;
        file_refuse(site, t->object.context, &job->fault);
    }
    if (job->unknown) {
        const reel_context *own = evaluator_context(s->evaluator);
        s->failed = true;
        reel_error_set(t->object.context, reel_error_status(own), site, who, "%s", reel_error_text(own));
    }
    if (job->there) trainer_tell_of(t, REEL_EVENT_CHECKPOINT, s->path, job->step);
    return reel_error_status(t->object.context);
}

/* Has the job done: by the thread, which then runs, or at once. The writer must be free. */
static reel_status give(reel_trainer *t, const char *site, bool thread)
{
    saver *s = t->folder.saver;
    s->job.fault = (file_fault){0};
    s->job.there = s->job.unknown = false;
    if (thread) {
        writer_give(&s->writer, s->job.checkpoint && s->draft.live > 0);
        return REEL_OK;
    }
    work(s);
    if (s->job.there && s->job.step == 0) s->job.there = state_verify(site, t->state, s->path, &s->job.sums) == REEL_OK;
    atomic_store(&s->writer.state, WRITER_ENDED);
    return saver_collect(t, site);
}

reel_status saver_know(reel_trainer *t, const char *site, double loss)
{
    saver *s = t->folder.saver;
    if (!s || !s->pending) return REEL_OK;
    s->pending = false;
    t->loss_after = loss;
    return give(t, site, true);
}

reel_status saver_settle(reel_trainer *t, const char *site)
{
    saver *s = t->folder.saver;
    if (s->pending) saver_know(t, site, trainer_loss_now(t, site));
    writer_wait(&s->writer);
    return saver_collect(t, site);
}

/* The lines held back become the job's. */
static void hand_rows(saver *s)
{
    log_rows rows = s->job.rows;
    s->job.rows = s->rows;
    s->rows = rows;
    for (int i = 0; i < TEXT_FILES; i++) {
        text_rows text = s->job.text[i];
        s->job.text[i] = s->text[i];
        s->text[i] = text;
    }
}

/* Writes the lines held back. */
static reel_status write_lines(reel_trainer *t, const char *site)
{
    saver *s = t->folder.saver;
    reel_status status = saver_settle(t, site);
    if (status != REEL_OK) return status;
    hand_rows(s);
    s->job.checkpoint = s->job.durable = false;
    return give(t, site, setting_of(t, SETTING_BACKGROUND) && writer_start(&s->writer));
}

reel_status saver_log(reel_trainer *t, const char *site, log_row row)
{
    saver *s = t->folder.saver;
    reel_status status = REEL_OK;
    if (s->rows.count == s->rows.room) {
        if (writer_busy(&s->writer) && s->rows.room < LOG_ROWS_MOST) {
            if (!grow_rows(t, site, &s->rows)) return REEL_NO_MEMORY;
        } else {
            status = write_lines(t, site);
            if (status != REEL_OK) return status;
        }
    }
    s->rows.items[s->rows.count++] = row;
    return status;
}

reel_status saver_text_room(reel_trainer *t, const char *site, text_file file, size_t size)
{
    text_rows *rows = &t->folder.saver->text[file];
    if (rows->whole + size > TEXT_MOST && rows->whole > 0) {
        reel_status status = write_lines(t, site);
        if (status != REEL_OK) return status;
    }
    if (rows->room - rows->whole >= size) return REEL_OK;
    size_t room = 2 * (rows->whole + size);
    char *text = memory_resize(t->object.context, site, who, rows->text, rows->room, room);
    if (!text) return REEL_NO_MEMORY;
    rows->text = text;
    rows->room = room;
    return REEL_OK;
}

void saver_forget(reel_trainer *t, int64_t step)
{
    step_list *kept = &t->folder.saver->kept;
    while (kept->count > 0 && kept->items[kept->count - 1] > step) kept->count--;
}

void saver_quiet(reel_trainer *t, bool saves)
{
    saver *s = t->folder.saver;
    if (!s || s->drafting) return;
    if (s->pending) saver_know(t, NULL, trainer_loss_now(t, NULL));
    writer_wait(&s->writer);
    if (!saves || s->failed || (s->rows.count == 0 && !has_text(s->text))) return;
    file_fault fault = {0};
    write_rows(s, &s->rows, false, &fault);
    write_text(s, s->text, false, &fault);
    file_refuse(NULL, t->object.context, &fault);
}

/* Is the loss after the update to be computed by the thread? */
static bool can_evaluate(reel_trainer *t)
{
    saver *s = t->folder.saver;
    if (setting_of(t, SETTING_ACCUMULATE) > 1) return false; /* its rows are those of several batches */
    if (!s->asked) s->evaluator = evaluator_new(t);
    s->asked = true;
    return s->evaluator && t->step > 0;
}

/* What nothing changes before the optimizer's next step, the thread copies. */
static void leave_still(reel_trainer *t)
{
    const reel_params *p = t->params;
    size_t size = (size_t)p->values.size * element_size(p->dtype);
    draft_holds_still(&t->folder.saver->draft, p->values.data, size);
    for (int i = 0; i < t->optimizer->type->state_count; i++)
        if (t->optimizer->state[i].data) draft_holds_still(&t->folder.saver->draft, t->optimizer->state[i].data, size);
}

reel_status saver_save(reel_trainer *t, const char *site, bool durable, bool last, bool later)
{
    saver *s = t->folder.saver;
    reel_status status = saver_settle(t, site);
    if (status != REEL_OK) return status;
    if (!reserve_steps(t, site, &s->kept) || !reserve_steps(t, site, &s->job.gone)) return REEL_NO_MEMORY;
    later = later && writer_start(&s->writer);
    bool steady = later && setting_of(t, SETTING_STEADY_LOSS) && t->step > 0 && trainer_steps_per_epoch(t) == 1 &&
                  trainer_parts(t, t->step) == 1;
    s->job.evaluate = later && !steady && can_evaluate(t);
    if (!steady && !s->job.evaluate) t->loss_after = trainer_loss_now(t, site);
    char name[STEP_NAME];
    if (path_in(t, site, step_name(name, t->step), s->path) != REEL_OK) return reel_error_status(t->object.context);
    draft_begin(&s->draft);
    if (s->job.evaluate) leave_still(t);
    s->drafting = true;
    bool good = state_draft(site, t->state, &s->draft, s->visitor, setting_of(t, SETTING_BASE64_ABOVE));
    s->drafting = false;
    if (!good) return reel_error_status(t->object.context);
    if (s->job.evaluate) evaluator_take(s->evaluator, t);
    hand_rows(s);
    s->job.checkpoint = true;
    s->job.durable = durable;
    s->job.times = durable || last;
    s->job.step = t->step;
    s->job.keep = setting_of(t, SETTING_KEEP);
    s->job.keep_first = t->settings[SETTING_ROLLBACK] > 0; /* a rollback may have to go back to it */
    s->pending = steady;
    return steady ? REEL_OK : give(t, site, later);
}

void saver_end(reel_trainer *t)
{
    saver *s = t->folder.saver;
    if (!s) return;
    writer_stop(&s->writer);
    /* What a run that failed has logged since its last checkpoint is of use to the reader; resuming cuts it off. */
    file_fault fault = {0};
    if (!s->failed) write_rows(s, &s->rows, false, &fault);
    if (!s->failed) write_text(s, s->text, false, &fault);
    s->rows.count = 0;
    for (int i = 0; i < TEXT_FILES; i++) s->text[i].count = s->text[i].whole = 0;
    atomic_store(&s->writer.state, WRITER_FREE);
}
