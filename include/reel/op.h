/* SPDX-License-Identifier: MIT
 *
 * An operation is one descriptor: everything the tape, the tests, the benchmark and `reel ops` need to know of it. The
 * built-in ones use it, and so does a program that adds its own.
 */
#ifndef REEL_OP_H
#define REEL_OP_H

#include <reel/tape.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct reel_op reel_op;

/* What the functions of an operation are given. Arrays in[i] and out are dense and row-major. `out_gradient` has the
 * shape of out, in_gradient[i] that of in[i]; it is NULL where no gradient is wanted, and add[i] tells whether to add
 * to it or to write over it. When the same value is an operand twice, both stand for the same memory, the second one
 * with add set: finish operand i before operand i + 1. */
typedef struct reel_call {
    const reel_op *op;
    reel_tape *tape;
    const char *site;
    void *attributes; /* the tape's copy of what was recorded; forward may keep pointers to scratch in it */
    reel_array *out;
    const reel_array *const *in;
    int count; /* operands */
    bool training;
    bool wants_gradient; /* forward: a walk back may follow */
    reel_rng *rng;       /* the tape's; may be NULL */
    const void *out_gradient;
    void *const *in_gradient;
    const bool *add;
} reel_call;

/* A case the tests and the benchmark try. Operand i is filled with numbers of [low, high) (integers for int64 and uint8)
 * or with the `data` given. `kink`: some element stands where the function has no derivative, and the gradient check is
 * expected to find it. */
typedef struct reel_sample_operand {
    int rank;
    int64_t shape[REEL_MAX_RANK];
    double low, high;
    const double *data; /* or NULL */
    reel_dtype dtype;   /* REEL_FLOAT: the tape's own type, which may be double */
    bool constant;      /* not differentiated */
} reel_sample_operand;

#define REEL_SAMPLE_OPERANDS 6
typedef struct reel_sample {
    const char *name;
    int count;
    reel_sample_operand operand[REEL_SAMPLE_OPERANDS];
    const void *attributes; /* attributes_size bytes, or NULL when the operation has none */
    bool kink;
} reel_sample;

enum {
    REEL_OP_SHARES_VALUE = 1,    /* the result is operand 0's memory in another shape; no forward is called */
    REEL_OP_SHARES_GRADIENT = 2, /* and so is its gradient; no backward is called */
    REEL_OP_RANDOM = 4           /* draws from the tape's stream */
};

struct reel_op {
    size_t size; /* sizeof(reel_op), so that the descriptor can grow */
    const char *name;
    const char *formula;
    int least, most;        /* number of operands */
    size_t attributes_size; /* bytes copied at recording */
    unsigned flags;
    /* Checks operands and sets out->rank and out->shape (and out->dtype where it is not the tape's). */
    reel_status (*shape)(reel_call *call);
    /* Computes out from in. */
    reel_status (*forward)(reel_call *call);
    /* Writes or adds the vector-Jacobian product to each gradient that is wanted. NULL: not differentiable. */
    reel_status (*backward)(reel_call *call);
    const reel_sample *samples;
    int sample_count;
};

/* Records one operation: checks operands, asks its shape rule, computes. Nil when something failed or an operand is nil
 * (an optional operand that is left out is REEL_NIL and allowed from operand `least` on; its in[i] is then NULL). */
REEL_API reel_value reel_record(REEL_SITE const reel_op *op, int count, const reel_value *operands,
                                const void *attributes);

/* Memory for an operation's own use, aligned to 64 bytes, not cleared, valid until the tape is rewound. NULL with an
 * error when there is none. */
REEL_API void *reel_call_scratch(reel_call *call, size_t bytes);
/* Keeps an error: site, the operation's name, the sentence. Returns `status`. */
REEL_API reel_status reel_call_fail(reel_call *call, reel_status status, const char *format, ...) REEL_PRINTF(3, 4);

/* The registry: built-in operations in a fixed order; NULL past the end. */
REEL_API const reel_op *reel_op_at(int index);
/* By name; NULL when there is none. */
REEL_API const reel_op *reel_op_find(const char *name);

#ifndef REEL_NO_SITE_MACROS
#define reel_record(...) reel_record(REEL_HERE, __VA_ARGS__)
#endif

#ifdef __cplusplus
}
#endif

#endif
