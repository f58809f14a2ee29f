/* SPDX-License-Identifier: MIT
 *
 * The inside of random streams: what a kind of stream provides, and their state.
 */
#ifndef REEL_CORE_RANDOM_H
#define REEL_CORE_RANDOM_H

#include "core/core.h"
#include "core/visit.h"

#include <reel/random.h>

#define MT19937_WORDS 624

/* Mersenne Twister (Matsumoto and Nishimura, ACM TOMACS 8(1), 1998), the engine of both numpy and torch. `index` is the
 * next word of the block to hand out, 0 .. 624; 624 means that the next draw makes a new block. */
typedef struct mt19937 {
    uint32_t word[MT19937_WORDS];
    int32_t index;
} mt19937;

void mt19937_seed(mt19937 *mt, uint32_t seed);
uint32_t mt19937_next(mt19937 *mt);
/* Two draws, the first one the high half. */
uint64_t mt19937_next64(mt19937 *mt);

/* Philox 4x32-10: word i of position p is word i mod 4 of the block whose counter is (i / 4, p), 64 bits each, low half
 * first. `block` is block number `cached` of this position, kept so that single draws need not compute it again. */
typedef struct philox {
    uint32_t key[2];
    uint64_t position, index;
    uint64_t cached; /* UINT64_MAX: none */
    uint32_t block[4];
} philox;

/* Ten rounds on `counter` with `key`. */
void philox4x32(const uint32_t key[2], const uint32_t counter[4], uint32_t out[4]);

/* ChaCha12: word i is word i mod 16 of block i / 16. `block` is block number `cached`, UINT64_MAX for none. */
typedef struct chacha {
    uint32_t key[8];
    uint64_t index, cached;
    uint32_t block[16];
} chacha;

/* What a kind of stream provides. Arguments have been checked; `range` is high - low >= 1. */
typedef struct rng_methods {
    const char *kind;
    void (*seed)(reel_rng *rng);
    uint32_t (*bits32)(reel_rng *rng);
    uint64_t (*bits64)(reel_rng *rng);
    double (*uniform_one)(reel_rng *rng);
    double (*normal_one)(reel_rng *rng);
    void (*uniform)(reel_rng *rng, reel_array *out, double low, double high);
    void (*normal)(reel_rng *rng, reel_array *out, double mean, double deviation);
    void (*integers)(reel_rng *rng, int64_t count, int64_t *out, int64_t low, uint64_t range);
    /* philox writes the first `count` elements only; the others need room for all n. */
    void (*permutation)(reel_rng *rng, int64_t n, int64_t count, int64_t *out);
    void (*keep_mask)(reel_rng *rng, int64_t count, uint8_t *mask, double p);
    bool permutes_in_part;
} rng_methods;

extern const rng_methods rng_philox, rng_numpy, rng_torch, rng_rust;

struct reel_rng {
    reel_object object;
    const rng_methods *methods;
    uint64_t seed;
    char *name; /* philox only */
    bool has_kept;
    double kept; /* the second normal number of a pair, handed out next; 0 when there is none */
    union {
        mt19937 mt;
        philox philox;
        chacha chacha;
    };
};

/* Drops the kept normal number. */
static inline void rng_drop_kept(reel_rng *rng)
{
    rng->has_kept = false;
    rng->kept = 0;
}

/* Puts the philox part at the start of a position. */
void rng_philox_seek(reel_rng *rng, uint64_t position);
/* Puts a rust stream in front of word `index`. */
void rng_rust_seek(reel_rng *rng, uint64_t index);
/* A torch generator that belongs to no context, for use on the stack. */
void rng_torch_private(reel_rng *rng, uint64_t seed);

/* REEL_OK when a call named `who` may go on: there is a stream, its context has not failed, and `out` is an array whose
 * type is in `types` (bits 1 << dtype). */
#define RNG_REAL (1u << REEL_FLOAT | 1u << REEL_DOUBLE)
reel_status rng_check(const char *site, const char *who, const reel_rng *rng, const reel_array *out, unsigned types);
/* Keeps the error in the context of the stream. */
#define rng_fail(rng, ...) reel_error_set((rng)->object.context, __VA_ARGS__)

/* Saves, checks, loads or hashes kind, seed and whole state. Name and kind must be the same in the file. */
void rng_visit(reel_rng *rng, visitor *v, const char *name);

#endif
