/* SPDX-License-Identifier: MIT
 *
 * Writes the log and the checkpoints of a run, by a thread of its own or at once, in the same way.
 *
 * A job is what is written together, in this order: lines of the log, the checkpoint that names the log's length, what is
 * removed after it, a line of times. While the writer is busy these belong to it: the job, the draft, the list of
 * checkpoints kept, and of the trainer folder.log_bytes and text_bytes, loss_after, best_saved_loss and best_saved_step.
 */
#ifndef REEL_TRAIN_SAVER_H
#define REEL_TRAIN_SAVER_H

#include "io/draft.h"
#include "io/visit_io.h"
#include "train/evaluator.h"
#include "train/text_rows.h"
#include "train/trainer.h"
#include "train/writer.h"

#define FOLDER_PATH_SIZE 4096
/* step-000000010.json */
#define STEP_PREFIX "step-"
#define STEP_SUFFIX ".json"

/* What a line of the log says. */
typedef struct log_row {
    int64_t step;
    double loss, rate, norm;
    bool validated;
    double validation;
    bool rolled;         /* the line says that the run went back to `step`, the rate being the factor, */
    int64_t rolled_from; /* from there */
} log_row;

typedef struct log_rows {
    log_row *items;
    int64_t count, room;
} log_rows;

typedef struct step_list {
    int64_t *items;
    int64_t count, room;
} step_list;

typedef struct save_job {
    log_rows rows;
    text_rows text[TEXT_FILES];
    bool checkpoint, durable, times;
    bool evaluate; /* loss_after is not known yet */
    int64_t step, keep;
    bool keep_first; /* checkpoint 0 stays */
    step_list gone;  /* checkpoints to remove afterwards */
    /* what came of it */
    file_fault fault;
    bool unknown; /* the loss: the evaluator has failed */
    bool there;   /* the checkpoint */
    draft_sums sums;
} save_job;

typedef struct saver {
    writer writer;
    save_job job;
    log_rows rows;              /* held back until there are many, or a checkpoint */
    text_rows text[TEXT_FILES]; /* likewise */
    step_list kept;             /* checkpoints in the folder, in order */
    draft draft;
    visitor *visitor;
    char *buffer;  /* DRAFT_BUFFER: what is on its way to a file */
    bool drafting; /* the trainer's own save is visiting its state */
    bool failed;   /* a job has failed: nothing more is written */
    bool pending;  /* the job waits for the loss of the step that follows */
    bool named;    /* the first line of the hashes, with the names, is there */
    bool asked;    /* whether there can be an evaluator */
    evaluator *evaluator;
    reel_trainer *trainer;
    const file_ops *files;
    int64_t steps_per_epoch, step_at_begin;
    bool single; /* losses are floats */
    double began_at;
    char log_path[FOLDER_PATH_SIZE], text_paths[TEXT_FILES][FOLDER_PATH_SIZE], times_path[FOLDER_PATH_SIZE],
        path[FOLDER_PATH_SIZE];
    char names[2 * FOLDER_PATH_SIZE + 128]; /* of the temporary file */
} saver;

double saver_now(void); /* seconds of a clock that only goes forward */

/* Makes the saver, once a trainer. Called before the trainer is raised above what it owns. */
reel_status saver_prepare(reel_trainer *trainer, const char *site);
/* A run begins in the folder that holds the checkpoints `names`. */
reel_status saver_begin(reel_trainer *trainer, const char *site, const file_names *names);
/* Adds a line to the log. */
reel_status saver_log(reel_trainer *trainer, const char *site, log_row row);
/* Makes room for `size` more bytes in the lines of a file. */
reel_status saver_text_room(reel_trainer *trainer, const char *site, text_file file, size_t size);
/* Forgets the checkpoints after `step`, which are removed. */
void saver_forget(reel_trainer *trainer, int64_t step);
/* Saves the state as it is now: by the thread when `later` and there is one, else before it returns. It waits for the
 * save before it, so that none is left out. */
reel_status saver_save(reel_trainer *trainer, const char *site, bool durable, bool last, bool later);
/* The loss that a pending save waits for (setting steady_loss): it is given to the thread. */
reel_status saver_know(reel_trainer *trainer, const char *site, double loss);
/* Before parameters or optimizer state change: waits until the thread has copied them. */
static inline void saver_changes(reel_trainer *trainer)
{
    saver *s = trainer->folder.saver;
    if (s && writer_taking(&s->writer)) writer_wait_took(&s->writer);
}
/* If the thread has ended a job: tells the observer of the checkpoint, or keeps the error. */
reel_status saver_collect(reel_trainer *trainer, const char *site);
/* The same after waiting for it. */
reel_status saver_settle(reel_trainer *trainer, const char *site);
/* Before a visit to the state that is not the trainer's own save: waits for the writer; and writes the lines held back
 * when the visit saves, as the file names the length of the log. */
void saver_quiet(reel_trainer *trainer, bool saves);
/* Writes what is left of the log and ends the thread. */
void saver_end(reel_trainer *trainer);
void saver_free(reel_trainer *trainer);

#endif
