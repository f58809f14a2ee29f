/* SPDX-License-Identifier: MIT
 *
 * The arms: the built-in ones, and those of a file.
 */
#include "arms.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NOTE "The experiments of the note, from checkpoint 1500"
#define COUNTS "Numbers of Gaussians, from the first iteration"
#define CURES "Cures, from the first iteration"
#define SMOOTH "--blending smooth --cutoff inf"

const char study_interventions[] = "Interventions, constant rate 0.001 from the first iteration";
#define CAUSE study_interventions

static const study_arm built_in[] = {
    {"constant", CAUSE, "as published", "", 0, NULL},
    {"smooth", CAUSE, "only the blending changed: smooth, no cut-off", SMOOTH, 0, "constant"},
    {"smooth-cutoff", CAUSE, "smooth blending, cut-off 3.5 as it was", "--blending smooth", 0, "constant"},
    {"wide-cutoff", CAUSE, "only the cut-off changed: 8.9 deviations", "--cutoff 8.9", 0, "constant"},
    {"frozen-scales", CAUSE, "scales not trained", "--train position,colour", 0, "constant"},
    {"least-scale", CAUSE, "a larger least scale: 0.04", "--least-scale 0.04", 0, "constant"},
    {"whole-gradient", CAUSE, "the gradient of the whole loss", "--gradient full", 0, "constant"},
    {"rotation", CAUSE, "rotation trained too", "--train position,scale,rotation,colour", 0, "constant"},
    {"double", CAUSE, "double precision", "--precision double", 0, "constant"},

    {"from-1500", NOTE, "control: nothing changed", "", 1500, NULL},
    {"half-rate", NOTE, "experiment 1: half the rate", "--lr 0.0005", 1500, "from-1500"},
    {"exponential", NOTE, "experiment 1: exponential decay, 0.9995 an iteration",
     "--schedule exponential:0.9995 --schedule-origin here", 1500, "from-1500"},
    {"step-decay", NOTE, "experiment 1: step decay, halved every 500 iterations",
     "--schedule step:500:0.5 --schedule-origin here", 1500, "from-1500"},
    {"patience", NOTE, "experiment 2: early stopping, patience 100", "--patience 100", 1500, "from-1500"},
    {"clip", NOTE, "experiment 3: gradient clipped at norm 1", "--clip-norm 1", 1500, "from-1500"},
    {"fresh-moments", NOTE, "experiment 4: moments forgotten, count of steps kept", "--reset-moments", 1500,
     "from-1500"},
    {"fresh-adam", NOTE, "experiment 4: moments and count of steps forgotten", "--reset-moments=steps", 1500,
     "from-1500"},
    {"sgd", NOTE, "experiment 5: SGD, the same rate", "--optimizer sgd --lr 0.001", 1500, "from-1500"},
    {"sgd-moving", NOTE, "experiment 5: SGD, a rate that moves: 0.5", "--optimizer sgd --lr 0.5", 1500, "from-1500"},
    {"cosine-start", NOTE, "proposal: cosine 1e-3 to 1e-4, counted from iteration 0",
     "--schedule cosine:1e-4 --schedule-origin start", 1500, "from-1500"},
    {"cosine-here", NOTE, "proposal: cosine 1e-3 to 1e-4, counted from 1500",
     "--schedule cosine:1e-4 --schedule-origin here", 1500, "from-1500"},
    {"warmup", NOTE, "warm-up over 500 iterations", "--schedule warmup:500 --schedule-origin here", 1500, "from-1500"},
    {"smooth-1500", NOTE, "only the blending changed at 1500: smooth, no cut-off", SMOOTH, 1500, "from-1500"},

    {"n45-constant", COUNTS, "N = 45, constant rate", "--gaussians 45", 0, NULL},
    {"n45-fix", COUNTS, "N = 45, the note's proposal", "--gaussians 45 --schedule cosine:1e-4", 0, "n45-constant"},
    {"n45-cure", COUNTS, "N = 45, smooth blending, constant rate", "--gaussians 45 " SMOOTH, 0, "n45-constant"},
    {"n50-fix", COUNTS, "N = 50, the note's proposal", "--schedule cosine:1e-4", 0, "constant"},
    {"n55-constant", COUNTS, "N = 55, constant rate", "--gaussians 55", 0, NULL},
    {"n55-fix", COUNTS, "N = 55, the note's proposal", "--gaussians 55 --schedule cosine:1e-4", 0, "n55-constant"},
    {"n55-cure", COUNTS, "N = 55, smooth blending, constant rate", "--gaussians 55 " SMOOTH, 0, "n55-constant"},

    {"smooth-cosine", CURES, "smooth, cosine to 1e-4", SMOOTH " --schedule cosine:1e-4", 0, "smooth"},
    {"smooth-rotation-cosine", CURES, "smooth, rotation trained, cosine to 1e-4",
     SMOOTH " --train position,scale,rotation,colour --schedule cosine:1e-4", 0, "smooth"},
    {"rotation-0.002", CURES, "smooth, rotation trained, rate 0.002, cosine to 0",
     SMOOTH " --train position,scale,rotation,colour --lr 0.002 --schedule cosine", 0, "smooth-rotation-cosine"},
    {"log-scale", CURES, "smooth, rotation trained, logarithms of the scales, rate 0.01, cosine to 0",
     SMOOTH " --train position,scale,rotation,colour --log-scale --lr 0.01 --schedule cosine", 0, "rotation-0.002"},
    {"opacity", CURES, "smooth, rotation and opacity trained, logarithms of the scales, rate 0.02, cosine to 0",
     SMOOTH " --train position,scale,rotation,colour,opacity --log-scale --lr 0.02 --schedule cosine", 0, "log-scale"},
    {"opacity-whole", CURES,
     "smooth, rotation and opacity trained, logarithms of the scales, gradient of the whole loss, rate 0.02, cosine to "
     "0",
     SMOOTH " --train position,scale,rotation,colour,opacity --log-scale --gradient full --lr 0.02 --schedule cosine",
     0, "opacity"},
};
enum { BUILT_IN = sizeof built_in / sizeof *built_in };

static const char *text_of(const cJSON *object, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItem(object, name));
}

static bool is_file_name(const char *name)
{
    return *name && strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == strlen(name) &&
           *name != '.';
}

static bool read_own(study_arms *a, const char *who, const char *file, const cJSON *row, int index)
{
    const char *name = text_of(row, "name"), *text = text_of(row, "text"), *flags = text_of(row, "flags");
    const cJSON *start = cJSON_GetObjectItem(row, "start");
    if (!name || !is_file_name(name)) {
        complain(who, "%s: arm %d: expected a \"name\" of letters, digits, - and _", file, index + 1);
        return false;
    }
    if (study_arms_find(a, name)) {
        complain(who, "%s: arm %d: there is an arm \"%s\" already", file, index + 1, name);
        return false;
    }
    if (!flags) {
        complain(who, "%s: arm \"%s\": expected \"flags\", a line of flags of reel study baseline1", file, name);
        return false;
    }
    if (start &&
        !(cJSON_IsNumber(start) && start->valuedouble >= 0 && floor(start->valuedouble) == start->valuedouble)) {
        complain(who, "%s: arm \"%s\": \"start\": expected a whole number, 0 or above", file, name);
        return false;
    }
    double from = start ? start->valuedouble : 0;
    a->rows[a->count++] =
        (study_arm){name, "Arms of your own", text ? text : name, flags, from, from > 0 ? "from-1500" : "constant"};
    return true;
}

bool study_arms_read(study_arms *a, const char *who, const char *file)
{
    *a = (study_arms){.count = BUILT_IN};
    const cJSON *list = NULL;
    if (file) {
        char *text = read_text(who, file);
        if (!text) return false;
        a->own = cJSON_Parse(text);
        free(text);
        list = cJSON_GetObjectItem(a->own, "arms");
        if (!cJSON_IsArray(list)) {
            complain(who, "%s: %s", file, a->own ? "expected an object with a list \"arms\"" : "no JSON");
            study_arms_free(a);
            return false;
        }
    }
    int own = cJSON_GetArraySize(list);
    a->rows = calloc((size_t)BUILT_IN + (size_t)own, sizeof *a->rows);
    if (!a->rows) {
        complain(who, "out of memory");
        study_arms_free(a);
        return false;
    }
    memcpy(a->rows, built_in, sizeof built_in);
    for (int i = 0; i < own; i++)
        if (!read_own(a, who, file, cJSON_GetArrayItem(list, i), i)) {
            study_arms_free(a);
            return false;
        }
    return true;
}

void study_arms_free(study_arms *a)
{
    free(a->rows);
    cJSON_Delete(a->own);
    *a = (study_arms){NULL, 0, NULL};
}

const study_arm *study_arms_find(const study_arms *a, const char *name)
{
    for (int i = 0; name && i < a->count; i++)
        if (strcmp(a->rows[i].name, name) == 0) return &a->rows[i];
    return NULL;
}
