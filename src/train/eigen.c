/* SPDX-License-Identifier: MIT
 *
 * The symmetric eigenproblem: Householder's reduction.
 */
#include "train/eigen.h"

#include "train/lanczos.h"

#include <math.h>
#include <string.h>

/* The reflection I - 2 v v' that maps x (n), whose elements are `stride` apart, to a multiple of its first axis; v, or 0 where x
 * is one already, goes over x. Returns the multiple. */
static double reflect(int64_t n, int64_t stride, double *x)
{
    double rest = 0, first = x[0];
    for (int64_t i = 1; i < n; i++) rest += x[i * stride] * x[i * stride];
    if (rest == 0) {
        for (int64_t i = 0; i < n; i++) x[i * stride] = 0;
        return first;
    }
    double norm = sqrt(first * first + rest), onto = first > 0 ? -norm : norm;
    x[0] = first - onto;
    double length = sqrt(x[0] * x[0] + rest);
    for (int64_t i = 0; i < n; i++) x[i * stride] /= length;
    return onto;
}

/* A = H A H on the part after column j, with H = I - 2 v v' and v in column j: A - v w' - w v', w = 2 A v - 2 (v'A v) v. */
static void apply_both_sides(int64_t n, int64_t j, double *a, double *w)
{
    double along = 0;
    for (int64_t r = j + 1; r < n; r++) {
        double sum = 0;
        for (int64_t c = j + 1; c <= r; c++) sum += a[r * n + c] * a[c * n + j];
        for (int64_t c = r + 1; c < n; c++) sum += a[c * n + r] * a[c * n + j];
        w[r] = 2 * sum;
        along += w[r] * a[r * n + j];
    }
    for (int64_t r = j + 1; r < n; r++) w[r] -= along * a[r * n + j];
    for (int64_t r = j + 1; r < n; r++)
        for (int64_t c = j + 1; c <= r; c++) a[r * n + c] -= a[r * n + j] * w[c] + w[r] * a[c * n + j];
}

/* Q = H_0 H_1 ... over the columns that held the v. */
static void gather_reflections(int64_t n, double *a, double *w)
{
    for (int64_t j = n - 1; j >= 0; j--) {
        /* Q is known after row and column j; v is in column j below the diagonal. */
        if (j + 2 < n) {
            for (int64_t r = j + 1; r < n; r++) w[r] = a[r * n + j];
            for (int64_t c = j + 1; c < n; c++) {
                double sum = 0;
                for (int64_t r = j + 1; r < n; r++) sum += w[r] * a[r * n + c];
                for (int64_t r = j + 1; r < n; r++) a[r * n + c] -= 2 * sum * w[r];
            }
        }
        for (int64_t r = j + 1; r < n; r++) a[r * n + j] = a[j * n + r] = 0;
        a[j * n + j] = 1;
    }
}

bool symmetric_eigen(int n, double *a, double *values, double *work)
{
    double *beside = work, *w = work + n;
    for (int64_t j = 0; j + 2 < n; j++) {
        beside[j] = reflect(n - j - 1, n, a + (j + 1) * n + j);
        apply_both_sides(n, j, a, w);
    }
    for (int64_t j = 0; j < n; j++) values[j] = a[j * n + j];
    if (n > 1) beside[n - 2] = a[(int64_t)(n - 1) * n + n - 2];
    for (int64_t j = 0; j < n; j++)
        if (!isfinite(values[j]) || (j + 1 < n && !isfinite(beside[j]))) return false;
    gather_reflections(n, a, w);
    return tridiagonal_eigen(n, values, beside, n, a);
}
