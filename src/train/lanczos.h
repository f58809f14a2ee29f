/* SPDX-License-Identifier: MIT
 *
 * Largest and smallest eigenvalue of a symmetric operator that is known by its products with vectors.
 */
#ifndef REEL_TRAIN_LANCZOS_H
#define REEL_TRAIN_LANCZOS_H

#include "core/core.h"
#include <reel/diagnose.h>

/* y = A x, both (n). Anything but REEL_OK ends the search. */
typedef reel_status (*lanczos_product)(void *user, const double *x, double *y);

typedef struct lanczos_task {
    int64_t n;
    const double *support; /* (n) 0 where every vector is to be 0, or NULL */
    int64_t dimension;     /* how many are not */
    lanczos_product product;
    void *user;
    int iterations;   /* products at most */
    double tolerance; /* on the residual, relative to the largest |eigenvalue| seen; on that of the smallest its root */
    bool largest_alone;
    double *vector; /* (n) receives the eigenvector of the largest eigenvalue */
    /* results */
    reel_eigenvalue largest, smallest;
    int made; /* products, besides the last one, which measures the residual */
} lanczos_task;

reel_status lanczos(reel_context *context, const char *site, const char *who, lanczos_task *task);

/* Eigenvalues of the symmetric tridiagonal matrix with diagonal d (n) and off-diagonal e (n - 1, room for n) to d, not
 * sorted; each row of z (rows, n), row-major, is multiplied by the matrix of eigenvectors: from the identity z becomes
 * that matrix, from its last row its last row. QL with implicit shifts. False when it does not converge. */
bool tridiagonal_eigen(int n, double *d, double *e, int rows, double *z);

#endif
