/* SPDX-License-Identifier: MIT
 *
 * Sharpness against dense Hessians, stability limits against what the optimizers do, step fidelity on right and wrong
 * gradients.
 */
#include "moons_run.h"
#include "train/lanczos.h"

/* ---- a quadratic ---- */

typedef struct bowl {
    reel_params *params;
    reel_optimizer *optimizer;
    reel_trainer *trainer;
    int index;
    double curvature[4]; /* loss = sum c_i x_i^2 / 2 */
} bowl;

static reel_value bowl_loss(const reel_batch *batch, void *user)
{
    bowl *b = user;
    reel_array c = reel_array_view(REEL_DOUBLE, b->curvature, 1, &(int64_t){4});
    reel_value x = reel_param(NULL, batch->tape, b->params, b->index);
    reel_value weighted = reel_mul(NULL, reel_square(NULL, x), reel_input(NULL, batch->tape, &c));
    return reel_mul_scalar(NULL, reel_sum(NULL, weighted), 0.5);
}

static void bowl_new(bowl *b, const char *optimizer, reel_dtype dtype)
{
    static const double start[4] = {1, -2, 0.5, 3};
    b->params = reel_params_new(NULL, context, dtype);
    b->index = reel_params_add(NULL, b->params, "x", 1, &(int64_t){4});
    b->optimizer = reel_optimizer_new(NULL, b->params, reel_optimizer_find(optimizer));
    reel_array values = reel_array_view(REEL_DOUBLE, (void *)(uintptr_t)start, 1, &(int64_t){4});
    reel_params_write(NULL, b->params, &values);
    b->trainer = reel_trainer_custom_new(NULL, b->optimizer, NULL, NULL, bowl_loss, b);
    expect_fine();
}

static void bowl_free(bowl *b)
{
    reel_trainer_free(b->trainer);
    reel_optimizer_free(b->optimizer);
    reel_params_free(b->params);
}

/* x^2 + y^2 in a space of its own. */
static reel_value circle_loss(const reel_batch *batch, void *user)
{
    return reel_sum(NULL, reel_square(NULL, reel_param(NULL, batch->tape, user, 0)));
}

START_TEST(test_circle)
{
    reel_params *params = reel_params_new(NULL, context, REEL_DOUBLE);
    reel_params_add(NULL, params, "xy", 1, &(int64_t){2});
    reel_optimizer *sgd = reel_sgd_new(NULL, params, 0.1);
    double start[2] = {5, -3};
    reel_array values = reel_array_view(REEL_DOUBLE, start, 1, &(int64_t){2});
    reel_params_write(NULL, params, &values);
    reel_trainer *trainer = reel_trainer_custom_new(NULL, sgd, NULL, NULL, circle_loss, params);
    reel_curvature c;
    ck_assert_int_eq(reel_sharpness(NULL, trainer, NULL, &c), REEL_OK);
    ck_assert_double_eq_tol(c.largest.value, 2, 1e-9);
    ck_assert_double_eq_tol(c.smallest.value, 2, 1e-9);
    ck_assert_double_eq_tol(c.limit, 1, 1e-9);
    ck_assert_double_eq(c.loss, 34);
    ck_assert_double_eq(c.rate, 0.1);
    ck_assert_int_eq(c.parameters, 2);
    ck_assert_int_eq(c.kinks, 0);
    ck_assert_str_eq(c.formula, "2 / lambda");
    ck_assert_double_lt(c.largest.residual, 1e-8);
    reel_optimizer_set(NULL, sgd, "momentum", 0.9);
    ck_assert_int_eq(reel_sharpness(NULL, trainer, NULL, &c), REEL_OK);
    ck_assert_double_eq_tol(c.limit, 1.9, 1e-9);
    reel_optimizer_set(NULL, sgd, "maximize", 1);
    ck_assert_int_eq(reel_sharpness(NULL, trainer, NULL, &c), REEL_OK);
    ck_assert_double_eq_tol(c.scaled.value, -2, 1e-9);
    ck_assert(isinf(c.limit));
}
END_TEST

/* Trains from a small start for `steps` at a rate; the length of the parameters at the end. */
static double length_after(const char *optimizer, const double *hypers, const char *const *names, int count,
                           double rate, int steps)
{
    bowl b = {.curvature = {1, 8, 0.25, 3}};
    bowl_new(&b, optimizer, REEL_DOUBLE);
    for (int i = 0; i < count; i++) reel_optimizer_set(NULL, b.optimizer, names[i], hypers[i]);
    reel_optimizer_set(NULL, b.optimizer, "lr", rate);
    reel_trainer_set(NULL, b.trainer, "epochs", steps);
    reel_trainer_set(NULL, b.trainer, "stop_when_not_finite", 0);
    ck_assert_int_eq(reel_trainer_run(NULL, b.trainer), REEL_OK);
    reel_array flat = reel_params_flat(b.params);
    double sum = 0;
    for (int64_t i = 0; i < flat.size; i++) sum += at(flat, i) * at(flat, i);
    bowl_free(&b);
    return sqrt(sum);
}

/* What descent and its kin really do on either side of the limit. */
START_TEST(test_limits_hold)
{
    static const char *const names[] = {"momentum", "dampening", "nesterov", "weight_decay"};
    static const double rows[][4] = {{0, 0, 0, 0},   {0.9, 0, 0, 0},   {0.8, 0.3, 0, 0},
                                     {0.9, 0, 1, 0}, {0.5, 0, 1, 0.7}, {0, 0, 0, 1.5}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bowl b = {.curvature = {1, 8, 0.25, 3}};
        bowl_new(&b, "sgd", REEL_DOUBLE);
        for (int k = 0; k < 4; k++) reel_optimizer_set(NULL, b.optimizer, names[k], rows[i][k]);
        reel_curvature c;
        ck_assert_int_eq(reel_sharpness(NULL, b.trainer, NULL, &c), REEL_OK);
        ck_assert_double_eq_tol(c.largest.value, 8, 1e-8);
        ck_assert_double_eq_tol(c.smallest.value, 0.25, 1e-8);
        bowl_free(&b);
        double below = length_after("sgd", rows[i], names, 4, 0.99 * c.limit, 4000);
        double above = length_after("sgd", rows[i], names, 4, 1.01 * c.limit, 4000);
        ck_assert_msg(below < 1e-3, "row %zu: length %g below the limit %g", i, below, c.limit);
        ck_assert_msg(above > 1e3, "row %zu: length %g above the limit %g", i, above, c.limit);
    }
}
END_TEST

/* As long as eps is far above the roots of the second moments D stands still, and Adam is linear too; AdamW shrinks
 * besides. */
START_TEST(test_adaptive_limits_hold)
{
    static const char *const kinds[] = {"adam", "adamw", "rmsprop", "adam"};
    for (int i = 0; i < 4; i++) {
        double far[2];
        reel_curvature c;
        for (int side = 0; side < 2; side++) {
            bowl b = {.curvature = {1, 8, 0.25, 3}};
            bowl_new(&b, kinds[i], REEL_DOUBLE);
            if (i == 2) reel_optimizer_set(NULL, b.optimizer, "alpha", 1 - 1e-12);
            if (i == 2) reel_optimizer_set(NULL, b.optimizer, "momentum", 0.5);
            if (i != 2) reel_optimizer_set(NULL, b.optimizer, "beta2", 1 - 1e-12);
            reel_optimizer_set(NULL, b.optimizer, "eps", 2); /* far above the root of the moments: D stands still */
            if (i == 1 || i == 3) reel_optimizer_set(NULL, b.optimizer, "weight_decay", 0.3);
            reel_optimizer_set(NULL, b.optimizer, "lr", 1e-9);
            reel_trainer_set(NULL, b.trainer, "epochs", 200); /* until the bias of the mean is gone */
            ck_assert_int_eq(reel_trainer_run(NULL, b.trainer), REEL_OK);
            double start[4] = {1e-6, 1e-6, 1e-6, 1e-6};
            reel_array values = reel_array_view(REEL_DOUBLE, start, 1, &(int64_t){4});
            reel_params_write(NULL, b.params, &values);
            reel_array mean = reel_optimizer_state(b.optimizer, i == 2 ? "momentum" : "mean", 0);
            memset(mean.data, 0, 4 * sizeof(double));
            reel_array square = reel_optimizer_state(b.optimizer, "square", 0);
            memset(square.data, 0, 4 * sizeof(double));
            ck_assert_int_eq(reel_sharpness(NULL, b.trainer, NULL, &c), REEL_OK);
            ck_assert_str_eq(c.why, "");
            reel_optimizer_set(NULL, b.optimizer, "lr", (side ? 1.02 : 0.98) * c.limit);
            reel_trainer_set(NULL, b.trainer, "epochs", 240);
            ck_assert_int_eq(reel_trainer_run(NULL, b.trainer), REEL_OK);
            reel_array flat = reel_params_flat(b.params);
            far[side] = 0;
            for (int k = 0; k < 4; k++) far[side] = fmax(far[side], fabs(at(flat, k)));
            bowl_free(&b);
        }
        ck_assert_msg(far[0] < 5e-6 && far[1] > 1e-5, "%s: %g below the limit %g (%s), %g above", kinds[i], far[0],
                      c.limit, c.formula, far[1]);
    }
}
END_TEST

/* ---- dense Hessians ---- */

/* Largest and smallest eigenvalue of a symmetric matrix (n, n), which is destroyed, by Jacobi's rotations. */
static void jacobi(int n, double *a, double *most, double *least)
{
    for (int sweep = 0; sweep < 60; sweep++) {
        double off = 0;
        for (int p = 0; p < n; p++)
            for (int q = p + 1; q < n; q++) {
                double h = a[p * n + q];
                off += h * h;
                if (h == 0) continue;
                double theta = (a[q * n + q] - a[p * n + p]) / (2 * h);
                double t = copysign(1, theta) / (fabs(theta) + sqrt(theta * theta + 1));
                double c = 1 / sqrt(t * t + 1), s = t * c;
                for (int k = 0; k < n; k++) {
                    double x = a[k * n + p], y = a[k * n + q];
                    a[k * n + p] = c * x - s * y;
                    a[k * n + q] = s * x + c * y;
                }
                for (int k = 0; k < n; k++) {
                    double x = a[p * n + k], y = a[q * n + k];
                    a[p * n + k] = c * x - s * y;
                    a[q * n + k] = s * x + c * y;
                }
            }
        if (off < 1e-26) break;
    }
    *most = -INFINITY;
    *least = INFINITY;
    for (int i = 0; i < n; i++) {
        *most = fmax(*most, a[i * n + i]);
        *least = fmin(*least, a[i * n + i]);
    }
}

typedef struct moons {
    reel_dataset *data;
    reel_params *params;
    reel_module *net;
    reel_optimizer *optimizer;
    reel_trainer *trainer;
} moons;

/* The notebook's net and data after `epochs` of training. */
static moons moons_new(const char *optimizer, reel_dtype dtype, int epochs)
{
    moons m = {.data = reel_moons_new(NULL, context, 200, 0.15, reel_rng_numpy_new(NULL, context, 42))};
    reel_params *drawn = reel_params_new(NULL, context, REEL_FLOAT);
    reel_mlp_new(NULL, drawn, "net", 3, (const int[]){2, 8, 1}, "relu", reel_rng_torch_new(NULL, context, 42));
    m.params = reel_params_new(NULL, context, dtype);
    m.net = reel_mlp_new(NULL, m.params, "net", 3, (const int[]){2, 8, 1}, "relu", NULL);
    reel_params_copy(NULL, m.params, drawn);
    m.optimizer = reel_optimizer_new(NULL, m.params, reel_optimizer_find(optimizer));
    reel_optimizer_set(NULL, m.optimizer, "lr", strcmp(optimizer, "sgd") == 0 ? 0.5 : 0.05);
    m.trainer = reel_trainer_new(NULL, m.net, m.data, reel_bce_with_logits, m.optimizer);
    reel_trainer_set(NULL, m.trainer, "epochs", epochs);
    ck_assert_int_eq(reel_trainer_run(NULL, m.trainer), REEL_OK);
    return m;
}

/* The Hessian of the mean loss over all rows, in double, column by column from fourth-order differences of gradients. */
static double *dense_hessian(const moons *m, int n)
{
    reel_params *params = reel_params_new(NULL, context, REEL_DOUBLE);
    reel_module *net = reel_mlp_new(NULL, params, "net", 3, (const int[]){2, 8, 1}, "relu", NULL);
    reel_params_copy(NULL, params, m->params);
    reel_params_seal(NULL, params);
    reel_tape *tape = reel_tape_new(NULL, context, REEL_DOUBLE);
    double *h = calloc((size_t)(n * n), sizeof *h);
    reel_array flat = reel_params_flat(params);
    static const double at_[4] = {-2, -1, 1, 2}, weight[4] = {1.0 / 12, -8.0 / 12, 8.0 / 12, -1.0 / 12};
    const double d = 1e-6; /* small, so as to stay between the kinks */
    for (int j = 0; j < n; j++) {
        double kept = ((double *)flat.data)[j];
        for (int k = 0; k < 4; k++) {
            ((double *)flat.data)[j] = kept + at_[k] * d;
            reel_params_touch(params);
            reel_params_drop_gradient(params);
            reel_tape_rewind(tape);
            reel_value z = reel_forward(NULL, net, reel_input(NULL, tape, m->data->x));
            reel_backward(NULL, reel_bce_with_logits(NULL, z, reel_input(NULL, tape, m->data->y)));
            reel_array g = reel_params_flat_gradient(params);
            for (int i = 0; i < n; i++) h[i * n + j] += weight[k] * at(g, i) / d;
        }
        ((double *)flat.data)[j] = kept;
    }
    for (int i = 0; i < n; i++)
        for (int j = 0; j < i; j++) h[i * n + j] = h[j * n + i] = (h[i * n + j] + h[j * n + i]) / 2;
    expect_fine();
    return h;
}

START_TEST(test_moons_against_dense)
{
    static const struct {
        const char *optimizer;
        reel_dtype dtype;
        int epochs;
    } rows[] = {{"sgd", REEL_DOUBLE, 1}, {"sgd", REEL_FLOAT, 60}, {"adam", REEL_FLOAT, 40}, {"adam", REEL_DOUBLE, 100}};
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        moons m = moons_new(rows[r].optimizer, rows[r].dtype, rows[r].epochs);
        const int n = (int)reel_params_size(m.params);
        double *h = dense_hessian(&m, n), *copy = malloc((size_t)(n * n) * sizeof *copy), most, least;
        memcpy(copy, h, (size_t)(n * n) * sizeof *copy);
        jacobi(n, copy, &most, &least);
        reel_curvature c;
        ck_assert_msg(reel_sharpness(NULL, m.trainer, NULL, &c) == REEL_OK, "%s", reel_error_text(context));
        ck_assert_int_eq(c.dtype, REEL_DOUBLE);
        ck_assert_int_eq(c.rows, 200);
        ck_assert_int_eq(c.kink_places, 1600);
        ck_assert_msg(fabs(c.largest.value - most) <= 1e-6 * most, "row %zu: lambda %.12g, dense %.12g (%lld kinks)", r,
                      c.largest.value, most, (long long)c.kinks);
        ck_assert_msg(fabs(c.smallest.value - least) <= 1e-5 * most, "row %zu: smallest %.12g, dense %.12g", r,
                      c.smallest.value, least);
        if (strcmp(rows[r].optimizer, "adam") == 0) {
            double d[64];
            for (int i = 0, k = 0; i < reel_params_count(m.params); i++) {
                reel_array v = reel_optimizer_state(m.optimizer, "square", i);
                for (int64_t e = 0; e < v.size; e++) d[k++] = sqrt(at(v, e) / (1 - pow(0.999, rows[r].epochs))) + 1e-8;
            }
            for (int i = 0; i < n; i++)
                for (int j = 0; j < n; j++) h[i * n + j] /= sqrt(d[i] * d[j]);
            jacobi(n, h, &most, &least);
            ck_assert_msg(fabs(c.scaled.value - most) <= 1e-6 * most, "row %zu: scaled %.12g, dense %.12g", r,
                          c.scaled.value, most);
            ck_assert_double_eq_tol(c.limit, 38 / most, 1e-6 * c.limit);
        } else {
            ck_assert_double_eq_tol(c.limit, 2 / most, 1e-6 * c.limit);
        }
        free(h);
        free(copy);
    }
}
END_TEST

/* Curved curvature: the Hessian of sum exp(c_i x_i) is diagonal, c_i^2 exp(c_i x_i). */
static reel_value steep_loss(const reel_batch *batch, void *user)
{
    bowl *b = user;
    reel_array c = reel_array_view(REEL_DOUBLE, b->curvature, 1, &(int64_t){4});
    reel_value x = reel_param(NULL, batch->tape, b->params, b->index);
    return reel_sum(NULL, reel_exp(NULL, reel_mul(NULL, x, reel_input(NULL, batch->tape, &c))));
}

START_TEST(test_smooth)
{
    bowl b = {.curvature = {3, -2, 1, 0.5}};
    bowl_new(&b, "sgd", REEL_DOUBLE);
    reel_trainer *steep = reel_trainer_custom_new(NULL, b.optimizer, NULL, NULL, steep_loss, &b);
    reel_curvature c;
    ck_assert_int_eq(reel_sharpness(NULL, steep, NULL, &c), REEL_OK);
    ck_assert_double_eq_tol(c.largest.value, 4 * exp(4), 4 * exp(4) * 1e-8);
    ck_assert_double_eq_tol(c.smallest.value, 0.25 * exp(1.5), 1e-6);
    bowl single = {.curvature = {3, -2, 1, 0.5}};
    bowl_new(&single, "sgd", REEL_FLOAT);
    steep = reel_trainer_custom_new(NULL, single.optimizer, NULL, NULL, steep_loss, &single);
    ck_assert_int_eq(reel_sharpness(NULL, steep, NULL, &c), REEL_OK);
    ck_assert_int_eq(c.dtype, REEL_FLOAT);
    ck_assert_double_eq_tol(c.largest.value, 4 * exp(4), 4 * exp(4) * 1e-3);
}
END_TEST

/* sum relu(x) + x^2: 2 everywhere, but the gradient jumps by 1 at 0. */
static reel_value bent_loss(const reel_batch *batch, void *user)
{
    reel_value x = reel_param(NULL, batch->tape, ((bowl *)user)->params, 0);
    return reel_sum(NULL, reel_add(NULL, reel_relu(NULL, x), reel_square(NULL, x)));
}

START_TEST(test_kinks)
{
    bowl b = {.params = NULL};
    bowl_new(&b, "sgd", REEL_DOUBLE);
    reel_trainer *bent = reel_trainer_custom_new(NULL, b.optimizer, NULL, NULL, bent_loss, &b);
    double start[4] = {1, -2, 2e-6, 3};
    reel_array values = reel_array_view(REEL_DOUBLE, start, 1, &(int64_t){4});
    reel_curvature c;
    reel_params_write(NULL, b.params, &values);
    ck_assert_int_eq(reel_sharpness(NULL, bent, NULL, &c), REEL_OK);
    ck_assert_int_eq(c.kinks, 0); /* a shorter difference stays on one side */
    ck_assert_int_eq(c.kink_places, 4);
    ck_assert_double_eq_tol(c.largest.value, 2, 1e-6);
    start[2] = 1e-14;
    reel_params_write(NULL, b.params, &values);
    ck_assert_int_eq(reel_sharpness(NULL, bent, NULL, &c), REEL_OK);
    ck_assert_int_gt(c.kinks, 0); /* none is short enough, and it says so */
    ck_assert_double_gt(c.largest.value, 1e3);
}
END_TEST

/* Eigenvalues of the second-difference matrix are 2 - 2 cos(k pi / (n + 1)). */
START_TEST(test_tridiagonal)
{
    enum { N = 40 };
    double d[N], e[N], z[N * N];
    for (int i = 0; i < N; i++) d[i] = 2, e[i] = -1;
    memset(z, 0, sizeof z);
    for (int i = 0; i < N; i++) z[i * N + i] = 1;
    ck_assert(tridiagonal_eigen(N, d, e, N, z));
    for (int k = 1; k <= N; k++) {
        double expected = 2 - 2 * cos(k * acos(-1) / (N + 1));
        int found = -1;
        for (int i = 0; i < N; i++)
            if (fabs(d[i] - expected) < 1e-13) found = i;
        ck_assert_msg(found >= 0, "eigenvalue %.15g is missing", expected);
        for (int i = 0; i < N; i++) {
            double v = 2 * z[i * N + found] - (i > 0 ? z[(i - 1) * N + found] : 0);
            v -= i < N - 1 ? z[(i + 1) * N + found] : 0;
            ck_assert_double_eq_tol(v, expected * z[i * N + found], 1e-13);
        }
    }
}
END_TEST

/* ---- step fidelity ---- */

/* On a quadratic the ratio is 1 + c s'Hs / (2 g.s) exactly. */
START_TEST(test_fidelity_of_a_quadratic)
{
    bowl b = {.curvature = {1, 8, 0.25, 3}};
    bowl_new(&b, "sgd", REEL_DOUBLE);
    reel_optimizer_set(NULL, b.optimizer, "lr", 0.2);
    reel_fidelity f;
    ck_assert_int_eq(reel_step_fidelity(NULL, b.trainer, NULL, &f), REEL_OK);
    ck_assert_int_eq(f.count, 11);
    ck_assert_double_eq_tol(f.cosine, 1, 1e-12);
    ck_assert_double_eq(f.rate, 0.2);
    static const double start[4] = {1, -2, 0.5, 3};
    double gg = 0, ghg = 0;
    for (int i = 0; i < 4; i++) {
        double g = b.curvature[i] * start[i];
        gg += g * g;
        ghg += b.curvature[i] * g * g;
    }
    for (int k = 0; k < f.count; k++) {
        double c = ldexp(1, -k);
        ck_assert_double_eq(f.table[k].fraction, c);
        ck_assert_double_eq_tol(f.table[k].ratio, 1 - c * 0.2 * ghg / (2 * gg), 1e-11);
        ck_assert_double_lt(f.table[k].error, 1e-11);
    }
}
END_TEST

/* y = x^2 whose backward says 3 g x instead of 2 g x. */
static reel_status square_shape(reel_call *call)
{
    call->out->rank = call->in[0]->rank;
    for (int d = 0; d < call->in[0]->rank; d++) call->out->shape[d] = call->in[0]->shape[d];
    return REEL_OK;
}

static reel_status square_forward(reel_call *call)
{
    const double *x = call->in[0]->data;
    double *y = call->out->data;
    for (int64_t i = 0; i < call->out->size; i++) y[i] = x[i] * x[i];
    return REEL_OK;
}

static reel_status square_wrong(reel_call *call)
{
    const double *x = call->in[0]->data, *g = call->out_gradient;
    double *to = call->in_gradient[0];
    for (int64_t i = 0; to && i < call->out->size; i++) to[i] = (call->add[0] ? to[i] : 0) + 3 * g[i] * x[i];
    return REEL_OK;
}

static const reel_op wrong_op = {.size = sizeof(reel_op),
                                 .name = "square_wrong",
                                 .formula = "y = x^2",
                                 .least = 1,
                                 .most = 1,
                                 .shape = square_shape,
                                 .forward = square_forward,
                                 .backward = square_wrong};

static reel_value wrong_loss(const reel_batch *batch, void *user)
{
    reel_value x = reel_param(NULL, batch->tape, ((bowl *)user)->params, 0);
    return reel_sum(NULL, reel_record(NULL, &wrong_op, 1, &x, NULL));
}

/* Jumps by 1 at the first component's start, downhill. */
static reel_value jumping_loss(const reel_batch *batch, void *user)
{
    bowl *b = user;
    reel_value loss = bowl_loss(batch, user);
    reel_array x = reel_params_value(b->params, 0);
    return reel_add_scalar(NULL, loss, at(x, 0) < 1 ? 1 : 0);
}

START_TEST(test_fidelity_of_wrong_gradients)
{
    bowl b = {.curvature = {1, 8, 0.25, 3}};
    bowl_new(&b, "sgd", REEL_DOUBLE);
    reel_optimizer_set(NULL, b.optimizer, "lr", 0.01);
    reel_fidelity f;
    reel_trainer *wrong = reel_trainer_custom_new(NULL, b.optimizer, NULL, NULL, wrong_loss, &b);
    ck_assert_int_eq(reel_step_fidelity(NULL, wrong, &(reel_fidelity_options){.rows = -1, .halvings = 20}, &f),
                     REEL_OK);
    ck_assert_int_eq(f.count, 21);
    ck_assert_double_eq_tol(f.table[20].ratio, 2.0 / 3, 1e-6);
    reel_trainer *jumps = reel_trainer_custom_new(NULL, b.optimizer, NULL, NULL, jumping_loss, &b);
    ck_assert_int_eq(reel_step_fidelity(NULL, jumps, NULL, &f), REEL_OK);
    ck_assert_double_lt(f.table[10].ratio, -100);
    ck_assert_double_lt(f.table[10].ratio, 1.9 * f.table[9].ratio);
}
END_TEST

/* Adam on two moons, in float: computed in double, so that the ratio is seen to go to 1 until a kink is in the way. */
START_TEST(test_fidelity_of_moons)
{
    moons m = moons_new("adam", REEL_FLOAT, 30);
    reel_fidelity f;
    ck_assert_int_eq(reel_step_fidelity(NULL, m.trainer, &(reel_fidelity_options){.rows = -1, .halvings = 16}, &f),
                     REEL_OK);
    ck_assert_int_eq(f.dtype, REEL_DOUBLE);
    ck_assert_double_gt(f.cosine, 0);
    ck_assert_double_lt(f.cosine, 1);
    double far = fabs(f.table[8].ratio - 1), near = fabs(f.table[16].ratio - 1);
    ck_assert_msg(near < 1e-4 && far < 1e-1 && near < far, "ratios off 1 by %g and %g", far, near);
}
END_TEST

/* ---- errors ---- */

START_TEST(test_errors)
{
    bowl b = {.curvature = {1, 8, 0.25, 3}};
    bowl_new(&b, "nadam", REEL_DOUBLE);
    reel_curvature c;
    reel_fidelity f;
    ck_assert_int_eq(reel_sharpness(NULL, NULL, NULL, &c), REEL_BAD_ARGUMENT);
    ck_assert_int_eq(reel_step_fidelity(NULL, b.trainer, NULL, NULL), REEL_BAD_ARGUMENT);
    ck_assert_int_eq(reel_sharpness(NULL, b.trainer, NULL, &c), REEL_OK);
    ck_assert(isnan(c.limit));
    ck_assert_str_eq(c.why, "no stability limit is known for nadam");
    ck_assert_double_eq_tol(c.largest.value, 8, 1e-8);
    b.curvature[1] = NAN;
    ck_assert_int_eq(reel_sharpness(NULL, b.trainer, NULL, &c), REEL_NOT_FINITE);
    expect_error(REEL_NOT_FINITE, "the loss is not finite");
    ck_assert_int_eq(reel_step_fidelity(NULL, b.trainer, NULL, &f), REEL_NOT_FINITE);
    expect_error(REEL_NOT_FINITE, "the loss is nan where the step starts");
    ck_assert_ptr_null(reel_lr_find(NULL, b.trainer, NULL));
    expect_error(REEL_NOT_FINITE, "the loss is not finite");
    ck_assert_ptr_null(reel_lr_find(NULL, b.trainer, &(reel_lr_options){.without_sharpness = true}));
    expect_error(REEL_NOT_FINITE, "the loss at the start is nan");
    reel_lr_find(NULL, b.trainer, &(reel_lr_options){.least = 1, .most = 0.5});
    expect_error(REEL_BAD_ARGUMENT, "found rates from 1 to 0.5");
    reel_lr_find(NULL, b.trainer, &(reel_lr_options){.steps = 3});
    expect_error(REEL_BAD_ARGUMENT, "found 3 steps, expected 10 to");
    reel_lr_find(NULL, b.trainer, &(reel_lr_options){.stop = 1});
    expect_error(REEL_BAD_ARGUMENT, "found a stop at 1 times");
    reel_lr_find(NULL, b.trainer, &(reel_lr_options){.smoothing = 1});
    expect_error(REEL_BAD_ARGUMENT, "found smoothing 1");
    reel_sharpness(NULL, b.trainer, &(reel_sharpness_options){.iterations = -1}, &c);
    expect_error(REEL_BAD_ARGUMENT, "found -1 iterations");
    reel_step_fidelity(NULL, b.trainer, &(reel_fidelity_options){.halvings = 99}, &f);
    expect_error(REEL_BAD_ARGUMENT, "found 99 halvings, expected 0 to 32");
    moons m = moons_new("sgd", REEL_FLOAT, 1);
    reel_sharpness(NULL, m.trainer, &(reel_sharpness_options){.rows = 201}, &c);
    expect_error(REEL_BAD_ARGUMENT, "found 201 rows, expected 1 to 200");
    for (int i = 0; i < 4; i++) reel_params_set_trainable(NULL, m.params, i, i == 3);
    ck_assert_int_eq(reel_sharpness(NULL, m.trainer, NULL, &c), REEL_OK);
    ck_assert_int_eq(c.parameters, 1);
    ck_assert_int_eq(c.iterations, 1);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("diagnose");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_circle);
    tcase_add_test(tests, test_limits_hold);
    tcase_add_test(tests, test_adaptive_limits_hold);
    tcase_add_test(tests, test_moons_against_dense);
    tcase_add_test(tests, test_smooth);
    tcase_add_test(tests, test_kinks);
    tcase_add_test(tests, test_tridiagonal);
    tcase_add_test(tests, test_fidelity_of_a_quadratic);
    tcase_add_test(tests, test_fidelity_of_wrong_gradients);
    tcase_add_test(tests, test_fidelity_of_moons);
    tcase_add_test(tests, test_errors);
    return run_case(tests, "diagnose");
}
