/* SPDX-License-Identifier: MIT
 *
 * The lab's text: the notebook's figures as it prints them, then what they are.
 */
#include "landscape/claims.h"
#include "landscape/lab.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LINE "------------------------------------------------------------"
#define DOUBLE_LINE "============================================================"

/* ---- as the notebook prints it ---- */

static void print_keywords(FILE *file, const landscape_path *p)
{
    char number[NUMBER_SIZE];
    fprintf(file, "  - %s: {'lr': %s", p->label, python_number(p->rate, number));
    if (p->momentum > 0) fprintf(file, ", 'momentum': %s", python_number(p->momentum, number));
    fprintf(file, "}\n");
}

static void print_paths(FILE *file, const lab *l)
{
    fprintf(file, "\nPath Analysis:\n%.50s\n", DOUBLE_LINE);
    for (int i = 0; i < l->run_count; i++) {
        const landscape_path *p = &l->runs[i];
        fprintf(file, "\n%s:\n  Path length:    %.2f\n  Direct distance: %.2f\n", p->label, p->path.length,
                p->path.direct);
        fprintf(file, "  Efficiency:      %.1f%% (100%% = perfectly direct)\n", 100 * p->path.efficiency);
    }
}

void lab_print_notebook(FILE *file, const lab *l)
{
    fprintf(file, "Optimizers to compare:\n");
    for (int i = 0; i < l->run_count; i++) print_keywords(file, &l->runs[i]);
    for (int i = 0; i < l->run_count; i++)
        fprintf(file, "%s: Loss %.4f -> %.4f\n", l->runs[i].label, l->runs[i].losses[0], notebook_final(&l->runs[i]));
    fprintf(file, "Variance explained by 2 PCs: %.1f%%\n", 100 * (l->pca->share[0] + l->pca->share[1]));
    fprintf(file, "Loss surface computed! Range: [%.3f, %.3f]\n", l->notebook.least, l->notebook.most);
    fprintf(file, "Optimizer Comparison Summary\n" DOUBLE_LINE "\n%-20s %-15s %-15s %-15s\n" LINE "\n", "Optimizer",
            "Initial Loss", "Final Loss", "Improvement");
    for (int i = 0; i < l->run_count; i++) {
        const landscape_path *p = &l->runs[i];
        double first = p->losses[0], last = notebook_final(p);
        fprintf(file, "%-20s %-15.4f %-15.4f %-14.1f%%\n", p->label, first, last, 100 * (first - last) / first);
    }
    print_paths(file, l);
}

/* ---- what is wrong with it ---- */

static void print_finals(FILE *file, const lab *l)
{
    fprintf(file,
            "\nThe losses at the end, above, are those before the last update, since the first one is recorded twice.\n"
            "%-32s  %-12s  %-12s  %-14s  %s\n",
            "", "printed", "final loss", "lowest, after", "rising updates");
    for (int k = 0; k < l->run_count + l->rate_count; k++) {
        const landscape_path *p = k < l->run_count ? &l->runs[k] : &l->rates[k - l->run_count];
        path_course c = path_course_of(p);
        fprintf(file, "%-32s  %-12.6f  %-12.6f  %.4f, %-6lld  %lld", p->title, notebook_final(p),
                p->losses[p->count - 1], c.best, (long long)c.best_at, (long long)c.rises);
        if (c.rises > 0)
            fprintf(file, ", the first is number %lld; %.4f after %lld", (long long)c.first_rise, c.peak,
                    (long long)c.peak_at);
        fprintf(file, "%s\n", p->not_finite ? "; then not finite" : c.diverges ? "; diverges" : "");
    }
}

static void print_origins(FILE *file, const lab *l)
{
    const landscape_path *r = &l->runs[l->reference];
    const double *end = r->scores + 2 * (r->count - 1);
    fprintf(
        file,
        "\nThe notebook computes its surface about the end of %s, but draws the paths about the mean of all points: "
        "they\nare (%.2f, %.2f) apart. About the mean the range is [%.3f, %.3f]%s.\n"
        "%-32s  %-9s  %-9s  %-9s\n",
        r->label, end[0], end[1], l->consistent.least, l->consistent.most,
        l->settings->notebook ? "; --notebook draws the other" : "", "loss at the start and at the end", "true",
        "notebook", "mean");
    for (int i = 0; i < l->run_count; i++) {
        const landscape_path *p = &l->runs[i];
        for (int last = 0; last < 2; last++)
            fprintf(file, "%-25s%-7s  %-9.3f  %-9.3f  %-9.3f\n", p->label, last ? "end" : "start",
                    p->losses[last ? p->count - 1 : 0], l->notebook_drawn[i][last], l->consistent_drawn[i][last]);
    }
    fprintf(file, "(the plane holds %.1f %% of the variance: the points are beside it)\n",
            100 * (l->pca->share[0] + l->pca->share[1]));
}

void lab_print_corrections(FILE *file, const lab *l)
{
    print_finals(file, l);
    print_origins(file, l);
}

/* ---- the notebook's observations, computed ---- */

static bool same_start(const lab *l)
{
    size_t bytes = (size_t)reel_trajectory_size(l->runs[0].points) * sizeof(double);
    const double *first = reel_trajectory_point(l->runs[0].points, 0);
    for (int i = 1; i < l->run_count; i++)
        if (memcmp(first, reel_trajectory_point(l->runs[i].points, 0), bytes) != 0) return false;
    return true;
}

static const landscape_path *run_named(const lab *l, const char *name)
{
    for (int i = 0; i < l->run_count; i++)
        if (strcmp(l->runs[i].name, name) == 0) return &l->runs[i];
    return NULL;
}

static double final_of(const landscape_path *p)
{
    return p->not_finite ? INFINITY : p->losses[p->count - 1];
}

static const landscape_path *lowest(const landscape_path *paths, int count)
{
    const landscape_path *best = &paths[0];
    for (int i = 1; i < count; i++)
        if (final_of(&paths[i]) < final_of(best)) best = &paths[i];
    return best;
}

/* The highest final loss of the runs, which all of them reach. */
static double common_loss(const lab *l)
{
    double bound = 0;
    for (int i = 0; i < l->run_count; i++) bound = fmax(bound, l->runs[i].losses[l->runs[i].count - 1]);
    return bound;
}

/* "sgd 200, momentum 31, adam 105" */
static void put_reached(const lab *l, double bound, char *text, size_t size)
{
    text[0] = '\0';
    for (int i = 0; i < l->run_count; i++) {
        size_t used = strlen(text);
        snprintf(text + used, size - used, "%s%s %lld", i ? ", " : "", l->runs[i].name,
                 (long long)path_reaches(&l->runs[i], bound));
    }
}

static void claim_sgd(FILE *file, cJSON *claims, const lab *l)
{
    const landscape_path *sgd = run_named(l, "sgd");
    double bound = common_loss(l);
    char reached[200];
    bool direct = true, slow = true;
    if (!sgd || l->run_count < 2) return;
    for (int i = 0; i < l->run_count; i++) {
        direct = direct && !(l->runs[i].path.efficiency > sgd->path.efficiency);
        slow = slow && path_reaches(&l->runs[i], bound) <= path_reaches(sgd, bound);
    }
    put_reached(l, bound, reached, sizeof reached);
    claim_put(file, claims, "sgd_direct_but_slow", direct && slow, "SGD goes directly but slowly",
              "Its way is %sthe most direct one (%.1f %%), and it is %sthe slowest: updates to a loss of %.4f: %s",
              direct ? "" : "not ", 100 * sgd->path.efficiency, slow ? "" : "not ", bound, reached);
}

static double longest_step(const landscape_path *p, double *first)
{
    double longest = 0;
    int64_t n = reel_trajectory_size(p->points);
    for (int64_t i = 1; i < p->count; i++) {
        const double *a = reel_trajectory_point(p->points, i - 1), *b = reel_trajectory_point(p->points, i);
        double sum = 0;
        for (int64_t k = 0; k < n; k++) sum += (b[k] - a[k]) * (b[k] - a[k]);
        if (i == 1) *first = sqrt(sum);
        longest = fmax(longest, sqrt(sum));
    }
    return longest;
}

static void claim_momentum(FILE *file, cJSON *claims, const lab *l)
{
    const landscape_path *p = run_named(l, "momentum");
    if (!p || p->count < 2) return;
    path_course c = path_course_of(p);
    double first = 0, longest = longest_step(p, &first);
    bool holds = longest > first && c.rises > 0 && final_of(p) <= 1.05 * c.best;
    claim_put(
        file, claims, "momentum_overshoots", holds, "momentum gains speed, may overshoot but recovers",
        "Its longest step is %.3g, %.2g times its first; the loss rises in %lld of %lld updates; it ends at %.4f, and "
        "its lowest is %.4f",
        longest, longest / first, (long long)c.rises, (long long)p->count - 1, p->losses[p->count - 1], c.best);
}

static void claim_adam(FILE *file, cJSON *claims, const lab *l)
{
    const landscape_path *adam = run_named(l, "adam"), *best = lowest(l->runs, l->run_count);
    double bound = common_loss(l);
    char reached[200];
    bool fastest = true;
    if (!adam || l->run_count < 2) return;
    for (int i = 0; i < l->run_count; i++)
        fastest = fastest && path_reaches(adam, bound) <= path_reaches(&l->runs[i], bound);
    put_reached(l, bound, reached, sizeof reached);
    claim_put(file, claims, "adam_best", best == adam && fastest,
              "Adam reaches the good minimum fastest, and its end is usually the best",
              "The lowest end is that of %s, %.4f; Adam ends at %.4f; updates to a loss of %.4f: %s", best->name,
              final_of(best), final_of(adam), bound, reached);
}

static void claim_finals(FILE *file, cJSON *claims, const lab *l)
{
    char text[400] = "";
    bool holds = true;
    for (int i = 0; i < l->run_count; i++) {
        const landscape_path *p = &l->runs[i];
        double printed = notebook_final(p), last = p->losses[p->count - 1];
        size_t used = strlen(text);
        holds = holds && fabs(printed - last) < 5e-5;
        snprintf(text + used, sizeof text - used, "%s%s %.4f, not %.4f", i ? "; " : "", p->name, last, printed);
    }
    claim_put(file, claims, "final_losses", holds, "the final losses in the table are those of the trained nets",
              "After the last update: %s", text);
}

static void claim_on_surface(FILE *file, cJSON *claims, const lab *l)
{
    double worst[2] = {0, 0};
    for (int i = 0; i < l->run_count; i++)
        for (int last = 0; last < 2; last++) {
            double loss = l->runs[i].losses[last ? l->runs[i].count - 1 : 0];
            worst[0] = fmax(worst[0], fabs(l->notebook_drawn[i][last] - loss));
            worst[1] = fmax(worst[1], fabs(l->consistent_drawn[i][last] - loss));
        }
    claim_put(
        file, claims, "paths_on_surface", worst[0] < 0.01, "the paths lie on the surface that is drawn",
        "At their ends the loss differs from the surface's by up to %.3f about the end of %s, by up to %.3f about the "
        "mean",
        worst[0], l->runs[l->reference].name, worst[1]);
}

/* ---- rates ---- */

static void put_rate(const landscape_path *p, char *text, size_t size)
{
    path_course c = path_course_of(p);
    int n = snprintf(text, size, "Rate %g ends at %.4f, its lowest is %.4f after %lld updates; ", p->rate,
                     p->losses[p->count - 1], c.best, (long long)c.best_at);
    if (n < 0 || (size_t)n >= size) return;
    if (c.rises == 0)
        snprintf(text + n, size - (size_t)n, "it falls in every update");
    else
        snprintf(text + n, size - (size_t)n, "it rises in %lld updates, first in number %lld, to %.4f after %lld%s",
                 (long long)c.rises, (long long)c.first_rise, c.peak, (long long)c.peak_at,
                 c.diverges ? ", and diverges" : "");
}

static void claim_rates(FILE *file, cJSON *claims, const lab *l)
{
    const landscape_path *best = lowest(l->rates, l->rate_count), *small = &l->rates[0], *large = &l->rates[0];
    double highest = 0, lowest_ever = INFINITY;
    for (int i = 0; i < l->rate_count; i++) {
        if (l->rates[i].rate < small->rate) small = &l->rates[i];
        if (l->rates[i].rate > large->rate) large = &l->rates[i];
        highest = fmax(highest, final_of(&l->rates[i]));
        lowest_ever = fmin(lowest_ever, path_course_of(&l->rates[i]).best);
    }
    for (int i = 0; i < l->rate_count; i++) {
        const landscape_path *p = &l->rates[i];
        path_course c = path_course_of(p);
        char found[400], name[64], number[NUMBER_SIZE], claim[160];
        bool holds = p == best || c.rises > 0;
        number_text(p->rate, REEL_DOUBLE, number);
        snprintf(claim, sizeof claim, "the rate %s is a good balance, or fast and may oscillate", number);
        if (p == small) {
            snprintf(claim, sizeof claim, "the smallest rate, %s, is slow but stable", number);
            holds = c.rises == 0 && final_of(p) == highest;
        } else if (p == large) {
            snprintf(claim, sizeof claim, "the largest rate, %s, may diverge or bounce around", number);
            holds = c.diverges || c.rises > 0;
        }
        put_rate(p, found, sizeof found);
        if (c.best == lowest_ever && strlen(found) < 360) strcat(found, "; no other rate comes lower");
        snprintf(name, sizeof name, "rate_%s", number);
        claim_put(file, claims, name, holds, claim, "%s", found);
    }
}

void lab_claims(FILE *file, cJSON *claims, const lab *l)
{
    fprintf(file, "\nwhat the notebook says, and what comes out\n");
    claim_put(file, claims, "same_start", same_start(l), "all start at the same point",
              "The first vectors %s, with a loss of %.4f", same_start(l) ? "are equal, bit for bit" : "differ",
              l->runs[0].losses[0]);
    claim_sgd(file, claims, l);
    claim_momentum(file, claims, l);
    claim_adam(file, claims, l);
    claim_finals(file, claims, l);
    claim_on_surface(file, claims, l);
    if (l->rate_count > 1) claim_rates(file, claims, l);
}

/* ---- JSON ---- */

/* A flag of the model that was given: a number, or a text. */
static void add_given(cJSON *o, const char *name, const char *value)
{
    char *end = NULL;
    double number = value ? strtod(value, &end) : 0;
    if (value && *value && !*end)
        json_add_number(o, name, number, REEL_DOUBLE);
    else if (value)
        json_add_text(o, name, value);
}

cJSON *lab_numbers(const lab *l, cJSON *claims)
{
    const landscape_settings *s = l->settings;
    cJSON *document = cJSON_CreateObject(), *runs, *rates;
    json_add_text(document, "command", "landscape");
    json_add_text(document, "version", reel_version());
    json_add_fingerprint(document);
    add_given(document, "samples", s->samples);
    add_given(document, "noise", s->noise);
    add_given(document, "data_seed", s->data_seed);
    add_given(document, "hidden", s->hidden);
    add_given(document, "precision", s->precision);
    add_given(document, "batch", s->batch);
    json_add_number(document, "seed", s->seed, REEL_DOUBLE);
    json_add_number(document, "epochs", s->epochs, REEL_DOUBLE);
    json_add_number(document, "rate_epochs", s->rate_epochs, REEL_DOUBLE);
    runs = cJSON_AddObjectToObject(document, "runs");
    for (int i = 0; i < l->run_count; i++) {
        cJSON *o = cJSON_AddObjectToObject(runs, l->runs[i].name);
        json_add_number(o, "printed_final_loss", notebook_final(&l->runs[i]), REEL_DOUBLE);
        json_add_path(o, &l->runs[i], true);
    }
    rates = cJSON_AddArrayToObject(document, "rates");
    for (int i = 0; i < l->rate_count; i++) {
        cJSON *o = cJSON_CreateObject();
        json_add_number(o, "lr", l->rates[i].rate, REEL_DOUBLE);
        json_add_path(o, &l->rates[i], true);
        cJSON_AddItemToArray(rates, o);
    }
    json_add_pca(document, l->pca);
    json_add_surface(document, "surface", s->notebook ? &l->notebook : &l->consistent);
    if (l->rate_count > 0) json_add_surface(document, "rates_surface", &l->closer);
    cJSON_AddItemToObject(document, "claims", claims);
    return document;
}
