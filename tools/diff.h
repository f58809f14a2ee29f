/* SPDX-License-Identifier: MIT
 *
 * `reel diff`: what each kind of comparison tells.
 */
#ifndef TOOLS_DIFF_H
#define TOOLS_DIFF_H

#include "runlog.h"

/* As of diff(1). */
typedef enum verdict { DIFF_SAME = 0, DIFF_DIFFERENT = 1, DIFF_TROUBLE = 2 } verdict;

extern const char diff_who[];

/* Two logs: steps and keys that differ. The text goes to `file`, the numbers into `report`. */
verdict diff_logs(const runlog *a, const runlog *b, FILE *file, cJSON *report);
/* The hashes of every step in two folders. Trouble was complained of. */
verdict diff_run_hashes(const char *a, const char *b, FILE *file, cJSON *report);
/* Two checkpoint files: state, tensors, fingerprint. Trouble was complained of. */
verdict diff_checkpoints(const char *a, const char *b, FILE *file, cJSON *report);
/* Do two checkpoints hold the same state, by their hashes? One that was edited is different. Trouble was complained of. */
verdict diff_hashes(const char *a, const char *b);

/* Same bits, or both not a number. */
bool diff_equal(double a, double b);

#endif
