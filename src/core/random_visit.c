/* SPDX-License-Identifier: MIT
 *
 * Saving and loading of random streams.
 */
#include "core/random.h"

#include <math.h>

static bool reading(const visitor *v)
{
    visit_mode mode = visit_mode_of(v);
    return mode == VISIT_CHECK || mode == VISIT_LOAD;
}

/* The engine of numpy and torch. Fields are visited through copies, which are taken over only when they are good. */
static void visit_mt19937(mt19937 *mt, visitor *v)
{
    int64_t words[MT19937_WORDS], count = MT19937_WORDS, index = mt->index;
    for (int i = 0; i < MT19937_WORDS; i++) words[i] = mt->word[i];
    reel_array array = reel_array_view(REEL_INT64, words, 1, &count);
    visit_int64(v, "index", &index);
    visit_peek_int64(v, "index", &index);
    if (reading(v) && !visit_failed(v) && (index < 0 || index > MT19937_WORDS))
        visit_reject(v, REEL_BAD_FILE, "index is %lld, expected 0 to %d", (long long)index, MT19937_WORDS);
    visit_array(v, "words", &array);
    visit_peek_array(v, "words", &array);
    if (reading(v) && !visit_failed(v)) {
        for (int i = 0; i < MT19937_WORDS; i++) {
            if (words[i] >= 0 && words[i] <= UINT32_MAX) continue;
            visit_reject(v, REEL_BAD_FILE, "word %d is %lld, expected 0 to %lld", i, (long long)words[i],
                         (long long)UINT32_MAX);
            break;
        }
    }
    if (visit_mode_of(v) != VISIT_LOAD || visit_failed(v)) return;
    mt->index = (int32_t)index;
    for (int i = 0; i < MT19937_WORDS; i++) mt->word[i] = (uint32_t)words[i];
}

static void visit_philox(reel_rng *rng, visitor *v, uint64_t seed)
{
    uint64_t position = rng->philox.position, index = rng->philox.index;
    visit_same_text(v, "stream", rng->name);
    visit_uint64(v, "position", &position);
    visit_uint64(v, "index", &index);
    if (visit_mode_of(v) != VISIT_LOAD || visit_failed(v)) return;
    reel_rng_seed(rng, seed); /* the key follows from seed and name */
    rng_philox_seek(rng, position);
    rng->philox.index = index;
}

static void visit_chacha(reel_rng *rng, visitor *v, uint64_t seed)
{
    uint64_t index = rng->chacha.index;
    visit_uint64(v, "index", &index);
    if (visit_mode_of(v) != VISIT_LOAD || visit_failed(v)) return;
    reel_rng_seed(rng, seed); /* the key follows from the seed */
    rng_rust_seek(rng, index);
}

void rng_visit(reel_rng *rng, visitor *v, const char *name)
{
    if (!rng || !v) return;
    uint64_t seed = rng->seed;
    bool has_kept = rng->has_kept;
    double kept = rng->kept;
    visit_begin(v, name);
    visit_same_text(v, "kind", rng->methods->kind);
    visit_uint64(v, "seed", &seed);
    if (rng->methods == &rng_philox)
        visit_philox(rng, v, seed);
    else if (rng->methods == &rng_rust)
        visit_chacha(rng, v, seed);
    else
        visit_mt19937(&rng->mt, v);
    visit_bool(v, "has_kept", &has_kept);
    visit_double(v, "kept", &kept);
    visit_peek_double(v, "kept", &kept);
    if (reading(v) && !visit_failed(v) && !isfinite(kept))
        visit_reject(v, REEL_BAD_FILE, "the kept normal number is not finite");
    if (visit_mode_of(v) == VISIT_LOAD && !visit_failed(v)) {
        rng->seed = seed;
        rng->has_kept = has_kept;
        rng->kept = has_kept ? kept : 0;
    }
    visit_end(v);
}
