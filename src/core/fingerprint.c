/* SPDX-License-Identifier: MIT
 *
 * The fingerprint of a run.
 */
#define _GNU_SOURCE
#include "core/fingerprint.h"

#include "core/threads.h"
#include "kernels/kernels.h"

#include <fenv.h>
#include <stdio.h>
#include <string.h>

#if defined(__GLIBC__)
#include <gnu/libc-version.h>
#endif
#if defined(__x86_64__)
#include <cpuid.h>
#include <xmmintrin.h>
#endif

#ifndef REEL_BUILD_FLAGS
#define REEL_BUILD_FLAGS "unknown"
#endif

static void set(fingerprint_row *row, const char *name, const char *value)
{
    row->name = name;
    snprintf(row->value, sizeof row->value, "%s", value);
}

static void cpu_name(char text[FINGERPRINT_TEXT])
{
#if defined(__x86_64__)
    unsigned words[13] = {0};
    if ((unsigned)__get_cpuid_max(0x80000000u, NULL) >= 0x80000004u) {
        for (unsigned i = 0; i < 3; i++)
            __get_cpuid(0x80000002u + i, &words[4 * i], &words[4 * i + 1], &words[4 * i + 2], &words[4 * i + 3]);
        char name[sizeof words];
        memcpy(name, words, sizeof words);
        const char *start = name;
        while (*start == ' ') start++;
        snprintf(text, FINGERPRINT_TEXT, "%s", start);
        return;
    }
#endif
    snprintf(text, FINGERPRINT_TEXT, "unknown");
}

/* A shared object built with -ffast-math may have switched denormals off for the whole process. */
static const char *floating_point_mode(void)
{
#if defined(__x86_64__)
    unsigned mode = _mm_getcsr();
    bool flush = mode & 0x8000u, zero = mode & 0x40u;
    if (flush || zero)
        return flush && zero ? "denormals flushed and read as zero" : "denormals flushed or read as zero";
#endif
    switch (fegetround()) {
    case FE_TONEAREST: return "to nearest, denormals kept";
    default: return "rounding mode changed";
    }
}

int fingerprint_rows(int threads, fingerprint_row rows[FINGERPRINT_ROWS])
{
    int n = 0;
    set(&rows[n++], "reel", REEL_VERSION);
#if defined(__clang__)
    set(&rows[n++], "compiler", "clang " __clang_version__);
#elif defined(__GNUC__)
    set(&rows[n++], "compiler", "gcc " __VERSION__);
#else
    set(&rows[n++], "compiler", "unknown");
#endif
    set(&rows[n++], "flags", REEL_BUILD_FLAGS);
#if defined(__GLIBC__)
    char libc[FINGERPRINT_TEXT];
    snprintf(libc, sizeof libc, "glibc %s", gnu_get_libc_version());
    set(&rows[n++], "libc", libc);
#else
    set(&rows[n++], "libc", "unknown");
#endif
    char cpu[FINGERPRINT_TEXT];
    cpu_name(cpu);
    set(&rows[n++], "cpu", cpu);
    set(&rows[n++], "kernels", kernels_isa_name());
    set(&rows[n++], "threads", "");
    set(&rows[n++], "floating_point", "");
    fingerprint_renew(threads, rows, n);
    return n;
}

void fingerprint_renew(int threads, fingerprint_row *rows, int count)
{
    for (int i = 0; i < count; i++) {
        if (strcmp(rows[i].name, "floating_point") == 0) set(&rows[i], rows[i].name, floating_point_mode());
        if (strcmp(rows[i].name, "threads") == 0) snprintf(rows[i].value, FINGERPRINT_TEXT, "%d", threads);
    }
}

const char *reel_fingerprint(int index, char *value, size_t size)
{
    fingerprint_row rows[FINGERPRINT_ROWS];
    int count = fingerprint_rows(threads_default(), rows);
    if (index < 0 || index >= count) return NULL;
    if (value && size > 0) snprintf(value, size, "%s", rows[index].value);
    return rows[index].name;
}
