/* SPDX-License-Identifier: MIT
 *
 * All eigenvalues and eigenvectors of a symmetric matrix.
 */
#ifndef REEL_TRAIN_EIGEN_H
#define REEL_TRAIN_EIGEN_H

#include "core/core.h"

/* a (n, n), of which the part on and below the diagonal is read, becomes the matrix whose columns are the eigenvectors,
 * values (n) the eigenvalues in the same order, which is none; work (2, n). Householder's reduction to tridiagonal form, then
 * QL (Wilkinson and Reinsch, Handbook for Automatic Computation II, 1971). False when it does not
 * converge, or an element is not finite. */
bool symmetric_eigen(int n, double *a, double *values, double *work);

#endif
