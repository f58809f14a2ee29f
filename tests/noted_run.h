/* SPDX-License-Identifier: MIT
 *
 * A run in a folder, whose notes are kept.
 */
#ifndef TESTS_NOTED_RUN_H
#define TESTS_NOTED_RUN_H

#include "moons_run.h"

/* The notes that the observer was told. */
static char notes[16384];

static inline void keep_notes(const reel_event *event, void *user)
{
    (void)user;
    if (event->kind != REEL_EVENT_NOTE) return;
    size_t n = strlen(notes);
    snprintf(notes + n, sizeof notes - n, "%s\n", event->text);
}

static inline void expect_note(const char *part)
{
    ck_assert_msg(strstr(notes, part), "\"%s\" is not in:\n%s", part, notes);
}

static inline void expect_no_note(const char *part)
{
    ck_assert_msg(!strstr(notes, part), "\"%s\" is in:\n%s", part, notes);
}

/* A run in a folder, with the notes kept. */
static inline moons_run run_in(const char *folder, reel_resume how, const run_setup *s)
{
    moons_run r = run_new(reel_context_new(NULL), s);
    reel_trainer_set_folder(NULL, r.trainer, folder, how);
    notes[0] = '\0';
    reel_trainer_set_observer(r.trainer, keep_notes, NULL);
    return r;
}

/* One of so many epochs, with a checkpoint after `every` steps, of which so many are kept. */
static inline moons_run run_few(const char *folder, reel_resume how, int epochs, int every, int keep)
{
    const run_setup s = {.epochs = epochs, .every = every};
    moons_run r = run_in(folder, how, &s);
    reel_trainer_set(NULL, r.trainer, "keep", keep);
    return r;
}

/* A whole one, and nothing is left of it but the folder. */
static inline void make_run(const char *folder, const run_setup *s)
{
    moons_run r = run_in(folder, REEL_START, s);
    expect_run(&r, REEL_OK);
    ck_assert_ptr_null(reel_trainer_report(r.trainer));
    reel_context_free(r.context);
}

#endif
