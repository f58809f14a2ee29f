/* SPDX-License-Identifier: MIT
 *
 * The method of Lanczos (J. Res. Nat. Bur. Standards 45, 1950): A Q = Q T + beta q e', T tridiagonal, whose extreme
 * eigenvalues go to those of A; a Ritz vector Q s has the residual beta |s_last|. Every new vector is made orthogonal to
 * all of the basis, twice (Parlett, The Symmetric Eigenvalue Problem, 1998), so that no copies of eigenvalues appear.
 * When the basis is full it starts again from the best Ritz vector.
 */
#include "train/lanczos.h"

#include <float.h>
#include <math.h>
#include <reel/random.h>
#include <string.h>

#define BASIS_BYTES ((size_t)1 << 28)
#define BASIS_LEAST 8
#define QL_SWEEPS 60

/* ---- the small matrix ---- */

/* One implicit QL sweep from m down to l (Bowdler, Martin, Reinsch and Wilkinson, Numer. Math. 11, 1968). */
static void ql_sweep(int n, double *d, double *e, int rows, double *z, int l, int m)
{
    double g = (d[l + 1] - d[l]) / (2 * e[l]), r = hypot(g, 1);
    g = d[m] - d[l] + e[l] / (g + copysign(r, g));
    double s = 1, c = 1, p = 0;
    for (int i = m - 1; i >= l; i--) {
        double f = s * e[i], b = c * e[i];
        e[i + 1] = r = hypot(f, g);
        if (r == 0) { /* the matrix splits here */
            d[i + 1] -= p;
            e[m] = 0;
            return;
        }
        s = f / r;
        c = g / r;
        g = d[i + 1] - p;
        r = (d[i] - g) * s + 2 * c * b;
        p = s * r;
        d[i + 1] = g + p;
        g = c * r - b;
        for (int k = 0; k < rows; k++) {
            double *row = z + (size_t)k * (size_t)n, old = row[i + 1];
            row[i + 1] = s * row[i] + c * old;
            row[i] = c * row[i] - s * old;
        }
    }
    d[l] -= p;
    e[l] = g;
    e[m] = 0;
}

bool tridiagonal_eigen(int n, double *d, double *e, int rows, double *z)
{
    if (n > 0) e[n - 1] = 0;
    for (int l = 0; l < n; l++) {
        for (int sweep = 0;; sweep++) {
            int m = l;
            while (m < n - 1 && fabs(e[m]) > DBL_EPSILON * (fabs(d[m]) + fabs(d[m + 1]))) m++;
            if (m == l) break;
            if (sweep == QL_SWEEPS) return false;
            ql_sweep(n, d, e, rows, z, l, m);
        }
    }
    return true;
}

/* ---- vectors ---- */

static double dot(int64_t n, const double *a, const double *b)
{
    double lane[4] = {0};
    int64_t i = 0;
    for (; i + 4 <= n; i += 4)
        for (int k = 0; k < 4; k++) lane[k] += a[i + k] * b[i + k];
    for (; i < n; i++) lane[i % 4] += a[i] * b[i];
    return (lane[0] + lane[1]) + (lane[2] + lane[3]);
}

static void add_scaled(int64_t n, double factor, const double *x, double *y)
{
    for (int64_t i = 0; i < n; i++) y[i] += factor * x[i];
}

static void scale(int64_t n, double factor, double *x)
{
    for (int64_t i = 0; i < n; i++) x[i] *= factor;
}

/* ---- the method ---- */

typedef struct search {
    lanczos_task *task;
    int most;                       /* vectors in the basis */
    double *basis;                  /* (most + 1, n) */
    double *diagonal, *beside;      /* (most) of T */
    double *d, *e, *last, *vectors; /* copies of T for the small problem; (most), (most, most) */
    double *work;                   /* the block that all of these are in */
    size_t size;
    int count; /* vectors in use */
    double beta;
} search;

static double *vector_at(const search *s, int i)
{
    return s->basis + (size_t)i * (size_t)s->task->n;
}

static bool search_new(search *s, reel_context *context, const char *site, const char *who)
{
    lanczos_task *t = s->task;
    size_t n = (size_t)t->n, room = BASIS_BYTES / sizeof(double) / (n ? n : 1);
    int64_t most = t->iterations < t->dimension ? t->iterations : t->dimension;
    if (room < BASIS_LEAST) room = BASIS_LEAST;
    if ((size_t)most > room) most = (int64_t)room;
    s->most = (int)most;
    size_t m = (size_t)most;
    s->size = ((m + 1) * n + 5 * (m + 1) + m * m) * sizeof(double);
    s->work = memory_zero(context, site, who, s->size);
    if (!s->work) return false;
    s->basis = s->work;
    s->diagonal = s->basis + (m + 1) * n;
    s->beside = s->diagonal + m + 1;
    s->d = s->beside + m + 1;
    s->e = s->d + m + 1;
    s->last = s->e + m + 1;
    s->vectors = s->last + m + 1;
    return true;
}

/* A normal vector of a stream of its own: the same search gives the same numbers each time. */
static bool start_vector(search *s, reel_context *context, const char *site)
{
    lanczos_task *t = s->task;
    reel_rng *rng = reel_rng_philox_new(site, context, 1950, "lanczos");
    reel_array q = reel_array_view(REEL_DOUBLE, vector_at(s, 0), 1, &t->n);
    reel_rng_normal(site, rng, &q, 0, 1);
    reel_rng_free(rng);
    if (reel_failed(context)) return false;
    for (int64_t i = 0; t->support && i < t->n; i++)
        if (t->support[i] == 0) vector_at(s, 0)[i] = 0;
    scale(t->n, 1 / sqrt(dot(t->n, vector_at(s, 0), vector_at(s, 0))), vector_at(s, 0));
    return true;
}

/* One more column of Q and T. */
static reel_status extend(search *s)
{
    lanczos_task *t = s->task;
    const int k = s->count;
    double *q = vector_at(s, k), *w = vector_at(s, k + 1);
    reel_status status = t->product(t->user, q, w);
    if (status != REEL_OK) return status;
    t->made++;
    double alpha = 0;
    for (int round = 0; round < 2; round++)
        for (int i = k; i >= 0; i--) {
            double share = dot(t->n, vector_at(s, i), w);
            if (i == k) alpha += share;
            add_scaled(t->n, -share, vector_at(s, i), w);
        }
    s->diagonal[k] = alpha;
    s->beta = sqrt(dot(t->n, w, w));
    s->beside[k] = s->beta;
    if (s->beta > 0) scale(t->n, 1 / s->beta, w);
    s->count++;
    return isfinite(alpha) && isfinite(s->beta) ? REEL_OK : REEL_NOT_FINITE;
}

/* The eigenvalues of T: largest and smallest with their residuals. Returns the index of the largest; -1 on failure. */
static int ritz(search *s, int rows, double *z)
{
    const int n = s->count;
    lanczos_task *t = s->task;
    memcpy(s->d, s->diagonal, (size_t)n * sizeof *s->d);
    memcpy(s->e, s->beside, (size_t)n * sizeof *s->e);
    memset(z, 0, (size_t)rows * (size_t)n * sizeof *z);
    for (int i = 0; i < rows; i++) z[(size_t)i * (size_t)n + (size_t)(rows == 1 ? n - 1 : i)] = 1;
    if (!tridiagonal_eigen(n, s->d, s->e, rows, z)) return -1;
    int high = 0, low = 0;
    for (int i = 1; i < n; i++) {
        if (s->d[i] > s->d[high]) high = i;
        if (s->d[i] < s->d[low]) low = i;
    }
    const double *last = z + (size_t)(rows - 1) * (size_t)n;
    t->largest = (reel_eigenvalue){s->d[high], s->beta * fabs(last[high])};
    if (!(t->smallest.value <= s->d[low])) t->smallest = (reel_eigenvalue){s->d[low], s->beta * fabs(last[low])};
    if (t->smallest.value == s->d[low]) t->smallest.residual = s->beta * fabs(last[low]);
    return high;
}

/* The error of an eigenvalue goes with the square of the residual: the smallest one need not have as small a one. */
static bool converged(const search *s)
{
    const lanczos_task *t = s->task;
    double size = fmax(fabs(t->largest.value), fabs(t->smallest.value));
    bool both = t->largest_alone || t->smallest.residual <= sqrt(t->tolerance) * size;
    return t->largest.residual <= t->tolerance * size && both;
}

/* The Ritz vector of the largest eigenvalue, to `task->vector`. */
static bool best_vector(search *s)
{
    lanczos_task *t = s->task;
    int high = ritz(s, s->count, s->vectors);
    if (high < 0) return false;
    memset(t->vector, 0, (size_t)t->n * sizeof *t->vector);
    for (int i = 0; i < s->count; i++)
        add_scaled(t->n, s->vectors[(size_t)i * (size_t)s->count + (size_t)high], vector_at(s, i), t->vector);
    scale(t->n, 1 / sqrt(dot(t->n, t->vector, t->vector)), t->vector);
    return true;
}

/* value = v'Av and |Av - value v| as they are, rounding and differences included. */
static reel_status measure(search *s)
{
    lanczos_task *t = s->task;
    double *w = s->basis;
    reel_status status = t->product(t->user, t->vector, w);
    if (status != REEL_OK) return status;
    t->largest.value = dot(t->n, t->vector, w);
    add_scaled(t->n, -t->largest.value, t->vector, w);
    t->largest.residual = sqrt(dot(t->n, w, w));
    return REEL_OK;
}

static reel_status run_search(search *s)
{
    lanczos_task *t = s->task;
    while (true) {
        reel_status status = extend(s);
        if (status != REEL_OK) return status;
        if (ritz(s, 1, s->last) < 0) return REEL_NOT_FINITE;
        bool done = converged(s) || t->made >= t->iterations || s->count >= t->dimension;
        if (!done && s->count < s->most) continue;
        if (!best_vector(s)) return REEL_NOT_FINITE;
        if (done) return measure(s);
        memcpy(vector_at(s, 0), t->vector, (size_t)t->n * sizeof(double));
        s->count = 0;
    }
}

reel_status lanczos(reel_context *context, const char *site, const char *who, lanczos_task *t)
{
    search s = {.task = t};
    t->largest = t->smallest = (reel_eigenvalue){NAN, NAN};
    t->made = 0;
    if (t->dimension == 0) return reel_error_set(context, REEL_BAD_STATE, site, who, "there is no trainable parameter");
    reel_status status = REEL_NO_MEMORY;
    if (search_new(&s, context, site, who) && start_vector(&s, context, site)) status = run_search(&s);
    memory_free(context, s.work, s.size);
    if (status == REEL_NOT_FINITE)
        reel_error_set(context, status, site, who, "a product with the Hessian is not finite");
    return reel_failed(context) ? reel_error_status(context) : status;
}
