/* SPDX-License-Identifier: MIT
 *
 * The fingerprint of a run: what can make two runs of one program differ in their bits.
 */
#ifndef REEL_FINGERPRINT_H
#define REEL_FINGERPRINT_H

#include <reel/base.h>

#define FINGERPRINT_ROWS 8
#define FINGERPRINT_TEXT 200

typedef struct fingerprint_row {
    const char *name;
    char value[FINGERPRINT_TEXT];
} fingerprint_row;

/* Fills in the rows: version of Reel, compiler, flags, C library, CPU, kernels, threads (whose number changes no bits),
 * floating-point mode. Returns how many. */
int fingerprint_rows(int threads, fingerprint_row rows[FINGERPRINT_ROWS]);
/* Brings rows from an earlier call up to date; asking the CPU for its name again would cost 30 us under a hypervisor. */
void fingerprint_renew(int threads, fingerprint_row *rows, int count);

#endif
