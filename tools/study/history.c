/* SPDX-License-Identifier: MIT
 *
 * Histories of runs.
 */
#include "history.h"

#include <math.h>
#include <stdlib.h>

bool study_is_printed(int64_t iteration)
{
    return iteration > 0 && (iteration % 100 == 0 || (iteration & (iteration - 1)) == 0);
}

bool history_add(study_history *h, study_point point)
{
    if (h->count == h->room) {
        int64_t room = h->room ? 2 * h->room : 128;
        study_point *grown = realloc(h->points, (size_t)room * sizeof *grown);
        if (!grown) return false;
        h->points = grown;
        h->room = room;
    }
    h->points[h->count++] = point;
    return true;
}

void history_free(study_history *h)
{
    free(h->points);
    *h = (study_history){NULL, 0, 0};
}

const study_point *history_at(const study_history *h, int64_t iteration)
{
    int64_t low = 0, high = h->count;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (h->points[middle].iteration < iteration)
            low = middle + 1;
        else
            high = middle;
    }
    return low < h->count && h->points[low].iteration == iteration ? &h->points[low] : NULL;
}

const study_point *history_best(const study_history *h)
{
    const study_point *best = NULL;
    for (int64_t i = 0; i < h->count; i++)
        if (!best || h->points[i].loss < best->loss) best = &h->points[i];
    return best;
}

void history_json(const study_history *h, cJSON *object)
{
    cJSON *list = cJSON_AddArrayToObject(object, "history");
    for (int64_t i = 0; i < h->count; i++) {
        const study_point *p = &h->points[i];
        char loss[NUMBER_SIZE], scale[NUMBER_SIZE], row[4 * NUMBER_SIZE];
        number_text(p->loss, REEL_DOUBLE, loss);
        bool known = isfinite(p->scale);
        snprintf(row, sizeof row, "[%lld, %s%s%s, %lld%s%s]", (long long)p->iteration, isfinite(p->loss) ? "" : "\"",
                 loss, isfinite(p->loss) ? "" : "\"", (long long)p->uncovered, known ? ", " : "",
                 known ? number_text(p->scale, REEL_DOUBLE, scale) : "");
        cJSON_AddItemToArray(list, cJSON_CreateRaw(row));
    }
    const study_point *best = history_best(h);
    if (best) json_add_number(object, "best", best->loss, REEL_DOUBLE);
}

static double number_at(const cJSON *row, int index)
{
    const cJSON *item = cJSON_GetArrayItem(row, index);
    return cJSON_IsNumber(item) ? item->valuedouble : NAN;
}

bool history_read(study_history *h, const cJSON *object)
{
    const cJSON *list = cJSON_GetObjectItem(object, "history"), *row;
    *h = (study_history){NULL, 0, 0};
    if (!cJSON_IsArray(list)) return false;
    cJSON_ArrayForEach(row, list)
    {
        double iteration = number_at(row, 0), uncovered = number_at(row, 2);
        if (!(iteration >= 1) || !(uncovered >= 0)) return false;
        study_point p = {(int64_t)iteration, number_at(row, 1), NAN, number_at(row, 3), (int64_t)uncovered};
        if (!history_add(h, p)) return false;
    }
    return true;
}
