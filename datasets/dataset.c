/* SPDX-License-Identifier: MIT
 *
 * Ownership of data sets.
 */
#include "dataset.h"

typedef struct owned_dataset {
    reel_object object;
    reel_dataset dataset;
} owned_dataset;

/* The arrays are older than the data set, so the context, which frees the newest first, leaves them to this. */
static void dataset_destroy(reel_object *object)
{
    reel_dataset *d = &((owned_dataset *)object)->dataset;
    reel_array_free(d->x);
    reel_array_free(d->y);
    object_release(object, sizeof(owned_dataset));
}

reel_dataset *dataset_new(const char *site, const char *who, reel_context *context, reel_array *x, reel_array *y)
{
    owned_dataset *owned = x && y ? object_new(context, site, who, sizeof *owned, dataset_destroy) : NULL;
    if (!owned) {
        reel_array_free(x);
        reel_array_free(y);
        return NULL;
    }
    owned->dataset.x = x;
    owned->dataset.y = y;
    return &owned->dataset;
}

void reel_dataset_free(reel_dataset *dataset)
{
    if (dataset) object_free((char *)dataset - offsetof(owned_dataset, dataset));
}
