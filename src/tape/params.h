/* SPDX-License-Identifier: MIT
 *
 * Inside of the parameter store.
 */
#ifndef REEL_TAPE_PARAMS_H
#define REEL_TAPE_PARAMS_H

#include "core/core.h"
#include "core/visit.h"
#include <reel/params.h>

typedef struct slice {
    char *name;
    int64_t offset; /* elements from the start of the vector */
    int64_t size;
    int64_t shape[REEL_MAX_RANK];
    int rank;
    bool trainable;
    bool bounded;
    double low, high;
    bool written; /* its gradient holds something since the last step; else the next contribution overwrites */
} slice;

/* One vector and the slices in it. */
typedef struct slice_vector {
    slice *slices;
    int count, capacity;
    int64_t size, room; /* elements */
    void *block;        /* what was allocated */
    void *data;         /* aligned */
} slice_vector;

typedef enum gradient_state {
    GRADIENT_NONE,  /* none since the last step */
    GRADIENT_FRESH, /* complete */
    GRADIENT_OPEN   /* a walk back is writing it, or has failed */
} gradient_state;

struct reel_params {
    reel_object object;
    reel_dtype dtype;
    bool sealed;
    slice_vector values, buffers;
    void *gradient_block, *gradient;
    gradient_state state;
    uint32_t version;       /* changes whenever values change */
    reel_params *next_open; /* stores a walk back has opened */
};

/* A vector of params->size elements of the store's type, cleared and aligned to 64 bytes. Vectors of different `slot`
 * start at different places modulo 2 MB, because arrays at equal offsets contend for the same cache sets. *block is
 * what to give back with params_vector_free. */
void *params_vector_new(reel_params *params, const char *site, const char *who, int slot, void **block);
void params_vector_free(reel_params *params, int slot, void *block);
/* Size of such a block, for those who may have to give it back after the store. */
size_t params_vector_bytes(const reel_params *params, int slot);

/* The array that slice s covers in a vector that starts at base; data NULL when either is. */
reel_array slice_view(const reel_params *params, const slice *s, void *base);

/* Puts the elements of every trainable parameter that has bounds between them. */
void params_project(reel_params *params);

/* Saves, checks, loads or hashes all parameters and buffers by name. */
void params_visit(reel_params *params, visitor *v, const char *name);

#endif
