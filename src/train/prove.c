/* SPDX-License-Identifier: MIT
 *
 * The proof that a checkpoint is complete. A copy of the process makes K steps as the run would (A), loads the file and
 * makes them again (B). A leaves its mark on everything that is not in the file, so that B shows what is missing.
 */
#include "train/resume.h"

#include "io/hash.h"
#include "train/saver.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* A part of the state and its hash. */
typedef struct part {
    char hex[33];
} part;

typedef struct prover {
    reel_trainer *trainer;
    reel_context *context;
    int parts; /* tensors, then entries of the state */
    reel_proof proof;
} prover;

/* ---- the parts, finest first: values, buffers, state vectors by parameter; then whole entries ---- */

static int tensor_count(const reel_trainer *t)
{
    return t->params->values.count * (1 + t->optimizer->type->state_count) + t->params->buffers.count;
}

/* Tensor i: its name and numbers; false when there is none (yet). */
static bool tensor_at(const reel_trainer *t, int i, char *name, size_t size, reel_array *view)
{
    const reel_params *p = t->params;
    const reel_optimizer_type *type = t->optimizer->type;
    const slice *s;
    if (i < p->values.count) {
        s = &p->values.slices[i];
        *view = slice_view(p, s, p->values.data);
        snprintf(name, size, "parameters/%s", s->name);
        return true;
    }
    i -= p->values.count;
    if (i < p->buffers.count) {
        s = &p->buffers.slices[i];
        *view = slice_view(p, s, p->buffers.data);
        snprintf(name, size, "buffers/%s", s->name);
        return true;
    }
    i -= p->buffers.count;
    const state_vector *v = &t->optimizer->state[i / p->values.count];
    s = &p->values.slices[i % p->values.count];
    snprintf(name, size, "optimizer/%s/%s", type->state_names[i / p->values.count], s->name);
    if (v->data) *view = slice_view(p, s, v->data);
    return v->data != NULL;
}

static void part_name(const prover *p, int i, char *name, size_t size)
{
    int tensors = tensor_count(p->trainer);
    reel_array view;
    if (i < tensors)
        tensor_at(p->trainer, i, name, size, &view);
    else
        snprintf(name, size, "%s", p->trainer->state->entries[i - tensors].name);
}

static void hash_part(prover *p, int i, char hex[33])
{
    int tensors = tensor_count(p->trainer);
    hex[0] = '\0';
    if (i < tensors) {
        _Alignas(64) hash_stream h;
        reel_array view;
        char name[256];
        if (!tensor_at(p->trainer, i, name, sizeof name, &view)) return;
        hash_start(&h);
        hash_elements(&h, view.dtype, view.data, view.size);
        hash_digits(&h, hex);
        return;
    }
    state_entry *e = &p->trainer->state->entries[i - tensors];
    visitor *v = visitor_hash(p->context);
    e->visit(e->object, v, e->name);
    visitor_hash_finish(v, hex);
    visitor_free(v);
}

static void hash_parts(prover *p, part *parts)
{
    for (int i = 0; i < p->parts; i++) hash_part(p, i, parts[i].hex);
}

/* ---- in the copy ---- */

static bool compare(prover *p, int64_t step, const part *a, const part *b)
{
    for (int i = 0; i < p->parts; i++) {
        if (strcmp(a[i].hex, b[i].hex) == 0) continue;
        p->proof.differs_at = step;
        part_name(p, i, p->proof.tensor, sizeof p->proof.tensor);
        return false;
    }
    return true;
}

/* (A), load, (B). */
static reel_status make_steps(prover *p, const char *site, const char *path, int64_t steps)
{
    reel_trainer *t = p->trainer;
    size_t bytes = (size_t)(steps + 1) * (size_t)p->parts * sizeof(part);
    part *first = memory_new(p->context, site, "trainer_prove", bytes);
    part *again = memory_new(p->context, site, "trainer_prove", (size_t)p->parts * sizeof *again);
    if (!first || !again) return REEL_NO_MEMORY;
    t->observer = NULL;
    t->stop_requested = t->save_requested = 0;
    hash_parts(p, first);
    for (int64_t k = 1; k <= steps; k++) {
        if (trainer_one_step(t, site) != REEL_OK) return reel_error_status(p->context);
        hash_parts(p, first + k * p->parts);
    }
    reel_status status = reel_state_load(site, t->state, path, setting_of(t, SETTING_ACCEPT_EDITED));
    if (status != REEL_OK) return status;
    hash_parts(p, again);
    bool same = compare(p, 0, first, again);
    for (int64_t k = 1; k <= steps && same; k++) {
        if (trainer_one_step(t, site) != REEL_OK) return reel_error_status(p->context);
        hash_parts(p, again);
        same = compare(p, k, first + k * p->parts, again);
    }
    p->proof.same = same;
    return reel_error_status(p->context);
}

/* What the copy reports. */
typedef struct answer {
    reel_status status;
    reel_proof proof;
    char error[ERROR_TEXT_SIZE];
} answer;

static void in_copy(prover *p, const char *site, const char *path, int64_t steps, int pipe)
{
    answer a;
    a.status = make_steps(p, site, path, steps);
    a.proof = p->proof;
    snprintf(a.error, sizeof a.error, "%s", a.status == REEL_OK ? "" : reel_error_text(p->context));
    const char *at = (const char *)&a;
    for (size_t left = sizeof a; left > 0;) {
        ssize_t n = write(pipe, at, left);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) _exit(1);
        at += n;
        left -= (size_t)n;
    }
    _exit(0);
}

/* ---- in the run ---- */

static bool read_answer(int pipe, answer *a)
{
    char *to = (char *)a;
    for (size_t left = sizeof *a; left > 0;) {
        ssize_t n = read(pipe, to, left);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        to += n;
        left -= (size_t)n;
    }
    return true;
}

static reel_status in_second_process(prover *p, const char *site, const char *path, int64_t steps, answer *a)
{
    const char *who = "trainer_prove";
    int ends[2];
    if (pipe(ends) != 0)
        return reel_error_set(p->context, REEL_IO, site, who, "no pipe to a second process: %s", strerror(errno));
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        in_copy(p, site, path, steps, ends[1]);
    }
    int code = errno, state = 0;
    close(ends[1]);
    bool answered = child > 0 && read_answer(ends[0], a);
    close(ends[0]);
    if (child < 0) return reel_error_set(p->context, REEL_IO, site, who, "no second process: %s", strerror(code));
    while (waitpid(child, &state, 0) < 0 && errno == EINTR) continue;
    if (answered) return REEL_OK;
    return reel_error_set(p->context, REEL_IO, site, who, "the second process ended without an answer (%s %d)",
                          WIFSIGNALED(state) ? "signal" : "exit status",
                          WIFSIGNALED(state) ? WTERMSIG(state) : WEXITSTATUS(state));
}

static void put_in_words(reel_proof *proof)
{
    long long from = (long long)proof->from, at = (long long)proof->differs_at;
    if (proof->same)
        snprintf(proof->text, sizeof proof->text, "proved: %lld steps after step %lld are bit for bit those of the run",
                 (long long)proof->steps, from);
    else if (at == 0)
        snprintf(proof->text, sizeof proof->text,
                 "not proved: the checkpoint of step %lld differs from the run, first in %s", from, proof->tensor);
    else
        snprintf(proof->text, sizeof proof->text,
                 "not proved: step %lld, %lld after the checkpoint, differs from the run, first in %s", from + at, at,
                 proof->tensor);
}

reel_status reel_trainer_prove(const char *site, reel_trainer *t, int64_t steps, reel_proof *proof)
{
    const char *who = "trainer_prove";
    char path[FOLDER_PATH_SIZE];
    answer a;
    if (proof) *proof = (reel_proof){.differs_at = -1};
    if (!t) return REEL_BAD_ARGUMENT;
    reel_context *context = t->object.context;
    if (reel_failed(context)) return reel_error_status(context);
    if (steps < 1 || steps > 1000000)
        return reel_error_set(context, REEL_BAD_ARGUMENT, site, who, "found %lld steps, expected 1 to 1000000",
                              (long long)steps);
    int n = t->folder.path ? snprintf(path, sizeof path, "%s/" STEP_PREFIX "%09lld" STEP_SUFFIX, t->folder.path,
                                      (long long)t->step)
                           : -1;
    if (n < 0 || n >= (int)sizeof path || access(path, R_OK) != 0)
        return reel_error_set(context, REEL_BAD_STATE, site, who,
                              "there is no checkpoint of step %lld: run the trainer in a folder first",
                              (long long)t->step);
    prover p = {.trainer = t, .context = context, .parts = tensor_count(t) + t->state->count};
    p.proof = (reel_proof){.from = t->step, .steps = steps, .differs_at = -1};
    saver_quiet(t, false);
    reel_status status = in_second_process(&p, site, path, steps, &a);
    if (status != REEL_OK) return status;
    if (a.status != REEL_OK) return reel_error_set(context, a.status, site, who, "in the second process: %s", a.error);
    put_in_words(&a.proof);
    if (proof) *proof = a.proof;
    return a.proof.same ? REEL_OK : reel_error_set(context, REEL_MISMATCH, site, who, "%s", a.proof.text);
}
