/* SPDX-License-Identifier: MIT
 *
 * The limits of an update by Adam and of the arithmetic itself.
 */
#include "limit_vector.h"

void LIMIT(adam)(int64_t n, float *restrict parameter, const float *restrict gradient, float *restrict m,
                 float *restrict v, limit_adam *state)
{
    V rate, correction;
    adam_next(state, &rate, &correction);
    for (int64_t i = 0; i < n; i += LANES) {
        int part = n - i < LANES ? (int)(n - i) : LANES;
        V mi = v_load_first(m + i, part), vi = v_load_first(v + i, part);
        V x = v_adam(v_load_first(parameter + i, part), v_load_first(gradient + i, part), &mi, &vi, rate, correction);
        v_store_first(m + i, mi, part);
        v_store_first(v + i, vi, part);
        v_store_first(parameter + i, x, part);
    }
}

double LIMIT(peak)(int64_t repeat)
{
    enum { CHAINS = 12 }; /* latency times throughput, and registers left for the factors */
    V sum[CHAINS], factor = v_set(0.999f), more = v_set(1e-3f);
    for (int i = 0; i < CHAINS; i++) sum[i] = v_set((float)i);
    for (int64_t k = 0; k < repeat; k++) {
        UNROLL(12)
        for (int i = 0; i < CHAINS; i++) sum[i] = v_fma(sum[i], factor, more);
    }
    for (int i = 1; i < CHAINS; i++) sum[0] += sum[i];
    volatile float kept = v_sum(sum[0]);
    (void)kept;
    return (double)repeat * CHAINS * LANES * 2;
}
