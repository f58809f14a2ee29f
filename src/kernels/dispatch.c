/* SPDX-License-Identifier: MIT
 *
 * The choice of the instruction set.
 */
#include "kernels/kernels.h"
#include "core/philox.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

extern const kernels kernels_table_generic_float, kernels_table_generic_double;
#ifdef KERNEL_X86
extern const kernels kernels_table_avx2_float, kernels_table_avx2_double;
extern const kernels kernels_table_avx512_float, kernels_table_avx512_double;
#endif

static const kernels *const tables[ISA_COUNT][2] = {
    {&kernels_table_generic_float, &kernels_table_generic_double},
#ifdef KERNEL_X86
    {&kernels_table_avx2_float, &kernels_table_avx2_double},
    {&kernels_table_avx512_float, &kernels_table_avx512_double},
#endif
};

static kernels_isa best_supported(void)
{
#ifdef KERNEL_X86
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return ISA_GENERIC;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl"))
        return ISA_AVX512;
    return ISA_AVX2;
#else
    return ISA_GENERIC;
#endif
}

kernels_isa kernels_isa_choose(const char *wanted, kernels_isa best)
{
    static const char *const names[ISA_COUNT] = {"generic", "avx2", "avx512"};
    for (int isa = 0; wanted && isa < ISA_COUNT; isa++)
        if (!strcmp(wanted, names[isa])) return (kernels_isa)isa < best ? (kernels_isa)isa : best;
    return best;
}

/* Several threads may decide at the same time: they decide the same. */
static kernels_isa chosen(void)
{
    static atomic_int kept; /* the choice plus one; 0: not made yet */
    int isa = atomic_load_explicit(&kept, memory_order_relaxed) - 1;
    if (isa < 0) {
        isa = (int)kernels_isa_choose(getenv("REEL_ISA"), best_supported());
        int none = 0;
        if (!atomic_compare_exchange_strong(&kept, &none, isa + 1)) isa = none - 1;
    }
    return (kernels_isa)isa;
}

const kernels *kernels_get(reel_dtype dtype)
{
    if (dtype != REEL_FLOAT && dtype != REEL_DOUBLE) return NULL;
    return tables[chosen()][dtype];
}

const struct random_kernels *random_kernels_get(reel_dtype dtype)
{
    return kernels_get(dtype)->random;
}

const kernels *kernels_get_isa(kernels_isa isa, reel_dtype dtype)
{
    if (dtype != REEL_FLOAT && dtype != REEL_DOUBLE) return NULL;
    if ((unsigned)isa >= ISA_COUNT || isa > best_supported()) return NULL;
    return tables[isa][dtype];
}

const char *kernels_isa_name(void)
{
    return kernels_get(REEL_FLOAT)->isa;
}
