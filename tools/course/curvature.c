/* SPDX-License-Identifier: MIT
 *
 * Second derivatives of a small loss and their eigenvalues.
 */
#include "course.h"

#include <math.h>
#include <stdlib.h>

/* The gradient at x (n). */
static void gradient_at(course *c, reel_params *params, descent_loss loss, void *user, const double *x,
                        double *gradient)
{
    int64_t n = reel_params_size(params);
    reel_array from = reel_array_view(REEL_DOUBLE, (void *)x, 1, &n);
    reel_params_write(params, &from);
    reel_params_drop_gradient(params);
    reel_tape *tape = reel_tape_new(c->reel, REEL_DOUBLE);
    reel_backward(loss(tape, params, user));
    reel_array found = reel_params_flat_gradient(params);
    for (int64_t i = 0; i < n; i++) gradient[i] = reel_array_get(&found, i);
    reel_tape_free(tape);
}

/* One sweep of Jacobi's rotations over a symmetric matrix a (n, n); returns what was off the diagonal, squared. */
static double rotate(int n, double *a)
{
    double off = 0;
    for (int p = 0; p < n; p++)
        for (int q = p + 1; q < n; q++) {
            double apq = a[p * n + q];
            off += apq * apq;
            if (apq == 0) continue;
            double theta = (a[q * n + q] - a[p * n + p]) / (2 * apq);
            double t = copysign(1 / (fabs(theta) + hypot(theta, 1)), theta), cosine = 1 / hypot(t, 1),
                   sine = t * cosine;
            for (int k = 0; k < n; k++) {
                double kp = a[k * n + p], kq = a[k * n + q];
                a[k * n + p] = cosine * kp - sine * kq;
                a[k * n + q] = sine * kp + cosine * kq;
            }
            for (int k = 0; k < n; k++) {
                double pk = a[p * n + k], qk = a[q * n + k];
                a[p * n + k] = cosine * pk - sine * qk;
                a[q * n + k] = sine * pk + cosine * qk;
            }
        }
    return off;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void course_curvature(course *c, descent_loss loss, void *user, int n, const double *at, double *eigenvalues)
{
    double *h = course_numbers(c, n * n), *x = course_numbers(c, n), *up = course_numbers(c, n),
           *down = course_numbers(c, n);
    reel_params *params = descent_params(c->reel, "x", n, at);
    for (int j = 0; j < n; j++) {
        for (int i = 0; i < n; i++) x[i] = at[i];
        double step = 1e-4 * fmax(1, fabs(at[j]));
        x[j] = at[j] + step;
        gradient_at(c, params, loss, user, x, up);
        x[j] = at[j] - step;
        gradient_at(c, params, loss, user, x, down);
        for (int i = 0; i < n; i++) h[i * n + j] = (up[i] - down[i]) / (2 * step);
    }
    for (int i = 0; i < n; i++)
        for (int j = 0; j < i; j++) h[i * n + j] = h[j * n + i] = (h[i * n + j] + h[j * n + i]) / 2;
    for (int sweep = 0; sweep < 50 && rotate(n, h) > 0; sweep++) {
    }
    for (int i = 0; i < n; i++) eigenvalues[i] = h[i * n + i];
    qsort(eigenvalues, (size_t)n, sizeof *eigenvalues, ascending);
    reel_params_free(params);
}
