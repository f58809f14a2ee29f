/* SPDX-License-Identifier: MIT
 *
 * Where Adam went on two moons: its path in the plane of its first two principal components, and the loss over that plane.
 * To copy and change.
 *
 *     cc landscape.c -o landscape $(pkg-config --cflags --libs reel)
 */
#include <reel/reel.h>

#include <math.h>

enum { UPDATES = 200, POINTS = 11 };

typedef struct record {
    reel_trajectory *path;
    reel_params *params;
} record;

/* Before the first update, and after each. */
static void observe(const reel_event *event, void *user)
{
    record *r = user;
    if (event->kind == REEL_EVENT_BEGIN || event->kind == REEL_EVENT_STEP) reel_trajectory_add(r->path, r->params);
}

/* `count` values from the smallest to the largest score on component c. */
static void span_axis(const double *scores, int64_t points, int c, int count, double *axis)
{
    double least = INFINITY, most = -INFINITY;
    for (int64_t i = 0; i < points; i++) {
        double score = scores[2 * i + c];
        if (score < least) least = score;
        if (score > most) most = score;
    }
    for (int i = 0; i < count; i++) axis[i] = least + (most - least) * i / (count - 1);
}

int main(void)
{
    reel_context *reel = reel_context_new(NULL);
    reel_dataset *moons = reel_moons_new(reel, 200, 0.15, reel_rng_numpy_new(reel, 42));
    reel_params *params = reel_params_new(reel, REEL_FLOAT);
    reel_module *net = reel_mlp_new(params, "net", 3, (const int[]){2, 8, 1}, "relu", reel_rng_torch_new(reel, 42));
    reel_trainer *trainer = reel_trainer_new(net, moons, reel_bce_with_logits, reel_adam_new(params, 0.05));
    record r = {reel_trajectory_new(reel, reel_params_size(params)), params};
    reel_trainer_set(trainer, "epochs", UPDATES);
    reel_trainer_set_observer(trainer, observe, &r);
    reel_trainer_run(trainer);

    double scores[2 * (UPDATES + 1)], a[POINTS], b[POINTS], losses[POINTS * POINTS];
    reel_pca *pca = reel_pca_new(reel, 2, 1, &r.path);
    if (reel_pca_project(pca, r.path, scores) == REEL_OK) {
        const reel_plane plane = {pca->mean, pca->components, pca->components + pca->size};
        const reel_path path = reel_trajectory_path(r.path);
        for (int c = 0; c < 2; c++) span_axis(scores, UPDATES + 1, c, POINTS, c ? b : a);
        reel_surface(trainer, NULL, &plane, POINTS, a, POINTS, b, losses);
        printf("length %.2f, distance %.2f, efficiency %.1f %%\n", path.length, path.direct, 100 * path.efficiency);
        printf("the plane holds %.1f %% of the variance\nloss over it:\n", 100 * (pca->share[0] + pca->share[1]));
        for (int j = POINTS - 1; j >= 0; j--)
            for (int i = 0; i < POINTS; i++) printf("%.3f%c", losses[j * POINTS + i], i + 1 < POINTS ? ' ' : '\n');
    }
    int status = reel_failed(reel);
    if (status) fprintf(stderr, "%s\n", reel_error_text(reel));
    reel_context_free(reel);
    return status;
}
