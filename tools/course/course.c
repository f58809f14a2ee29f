/* SPDX-License-Identifier: MIT
 *
 * `reel course`: one run of an exercise, what it prints, its JSON and its pictures.
 */
#include "course.h"

#include "run.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* ---- for the exercises ---- */

void course_claim(course *c, const char *name, bool holds, const char *claim, const char *format, ...)
{
    char found[1000];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(found, sizeof found, format, arguments);
    va_end(arguments);
    cJSON *o = cJSON_CreateObject();
    json_add_text(o, "name", name);
    json_add_text(o, "claim", claim);
    cJSON_AddBoolToObject(o, "holds", holds);
    json_add_text(o, "found", found);
    cJSON_AddItemToArray(c->claims, o);
}

reel_optimizer *course_optimizer(course *c, reel_params *params, double rate)
{
    reel_optimizer *optimizer = reel_optimizer_new(params, reel_optimizer_find(c->optimizer ? c->optimizer : "sgd"));
    reel_optimizer_set(optimizer, "lr", rate);
    if (c->momentum != 0) reel_optimizer_set(optimizer, "momentum", c->momentum);
    return optimizer;
}

int course_descend(course *c, descent_loss loss, void *user, int n, const double *start, double rate, int steps,
                   double *path, double *losses)
{
    reel_params *params = descent_params(c->reel, "x", n, start);
    reel_optimizer *optimizer = course_optimizer(c, params, rate);
    int made = descend(optimizer, loss, user, steps, path, losses);
    reel_optimizer_free(optimizer);
    reel_params_free(params);
    return made;
}

double *course_numbers(course *c, int64_t count)
{
    reel_array *numbers = reel_array_new(c->reel, REEL_DOUBLE, 1, &count);
    if (numbers) return numbers->data;
    complain_of(c->who, c->reel);
    exit(EXIT_FAILED);
}

static bool wants_pictures(const course *c)
{
    return c->out && !c->failed && !reel_failed(c->reel);
}

static void add_picture(course *c, const char *name, const char *caption)
{
    cJSON *o = cJSON_CreateObject();
    json_add_text(o, "file", name);
    json_add_text(o, "caption", caption);
    cJSON_AddItemToArray(c->pictures, o);
}

bool course_picture(course *c, plot *p, const char *name, int width, int height, const char *caption)
{
    if (!wants_pictures(c)) return false;
    if (!plot_begin(p, c->who, c->out, name, width, height)) {
        c->failed = true;
        return false;
    }
    add_picture(c, name, caption);
    return true;
}

void course_data(course *c, const plot *p, int64_t rows, int columns, const double *numbers)
{
    char name[80], text[NUMBER_SIZE];
    snprintf(name, sizeof name, "%.60s.dat", p->name);
    if (!c->data)
        c->data = plot_data(p, name);
    else
        fputs("\n\n", c->data);
    if (!c->data) {
        c->failed = true;
        return;
    }
    for (int64_t i = 0; i < rows * columns; i++)
        fprintf(c->data, "%s%c", isfinite(numbers[i]) ? number_text(numbers[i], REEL_DOUBLE, text) : "nan",
                (i + 1) % columns ? ' ' : '\n');
}

/* What became of a picture: without gnuplot there is none, and a line says how to get it. */
static void drawn(course *c, plot_result result)
{
    if (result == PLOT_FAILED) c->failed = true;
    if (result == PLOT_NO_GNUPLOT) c->no_gnuplot = true;
}

void course_draw(course *c, plot *p)
{
    char name[80];
    snprintf(name, sizeof name, "%.60s.dat", p->name);
    if (c->data && !plot_close(p, c->data, name)) c->failed = true;
    c->data = NULL;
    p->svg = c->svg;
    drawn(c, plot_draw(p));
}

void course_chart(course *c, chart *lines, const char *name, const char *caption)
{
    if (wants_pictures(c)) {
        lines->svg = c->svg;
        add_picture(c, name, caption);
        drawn(c, chart_draw(lines, c->who, c->out, name));
    }
    chart_free(lines);
}

/* ---- a run ---- */

bool run_begin(course *c)
{
    c->table = open_memstream(&c->texts[0], &c->sizes[0]);
    c->more = open_memstream(&c->texts[1], &c->sizes[1]);
    c->json = cJSON_CreateObject();
    if (!c->reel || !c->table || !c->more || !c->json) return false;
    json_add_text(c->json, "exercise", c->exercise->name);
    json_add_text(c->json, "text", c->exercise->text);
    c->claims = cJSON_CreateArray();
    c->pictures = cJSON_CreateArray();
    return c->claims && c->pictures;
}

/* The value of each flag that is offered. */
static void add_flags(const course *c)
{
    const exercise *e = c->exercise;
    cJSON *o = cJSON_AddObjectToObject(c->json, "flags");
    if (e->lr) json_add_numbers(o, "lr", c->lr.at, c->lr.count, REEL_DOUBLE, NULL);
    if (e->start) json_add_numbers(o, "start", c->start.at, c->start.count, REEL_DOUBLE, NULL);
    if (e->steps) json_add_whole(o, "steps", c->steps);
    if (e->momentum) json_add_number(o, "momentum", c->momentum, REEL_DOUBLE);
    if (e->optimizer) json_add_text(o, "optimizer", c->optimizer);
    if (e->seed) json_add_whole(o, "seed", (int64_t)c->seed);
    if (e->batch) json_add_whole(o, "batch", c->batch);
}

static int claims_against(const cJSON *claims)
{
    const cJSON *o;
    int against = 0;
    cJSON_ArrayForEach(o, claims) against += !cJSON_IsTrue(cJSON_GetObjectItem(o, "holds"));
    return against;
}

int run_exercise(course *c)
{
    add_flags(c);
    c->exercise->run(c);
    bool whole = fclose(c->table) == 0 && fclose(c->more) == 0;
    c->table = c->more = NULL;
    json_add_text(c->json, "table", whole ? c->texts[0] : NULL);
    json_add_text(c->json, "more", whole ? c->texts[1] : NULL);
    json_add_whole(c->json, "claims_against", claims_against(c->claims));
    cJSON_AddItemToObject(c->json, "claims", c->claims);
    cJSON_AddItemToObject(c->json, "pictures", c->pictures);
    if (!whole) complain(c->who, "out of memory");
    if (reel_failed(c->reel)) return complain_of(c->who, c->reel);
    return c->failed || !whole ? EXIT_FAILED : EXIT_DONE;
}

void run_end(course *c)
{
    if (c->table) fclose(c->table);
    if (c->more) fclose(c->more);
    for (int k = 0; k < 2; k++) free(c->texts[k]);
    cJSON_Delete(c->json);
    reel_context_free(c->reel);
}

/* ---- what is printed ---- */

static void print_claims(FILE *file, const cJSON *run)
{
    const cJSON *claims = cJSON_GetObjectItem(run, "claims"), *o;
    int count = cJSON_GetArraySize(claims), against = claims_against(claims);
    if (count == 0) return;
    fprintf(file, "\nWhat the lesson says, and what comes out:\n");
    cJSON_ArrayForEach(o, claims)
    {
        bool holds = cJSON_IsTrue(cJSON_GetObjectItem(o, "holds"));
        fprintf(file, "  %-7s", holds ? "holds" : "differs");
        option_words(file, 9, 10, cJSON_GetStringValue(cJSON_GetObjectItem(o, "claim")));
        fprintf(file, "         ");
        option_words(file, 9, 10, cJSON_GetStringValue(cJSON_GetObjectItem(o, "found")));
    }
    if (against)
        fprintf(file, "%d of %d differ\n", against, count);
    else
        fprintf(file, "no difference found in %d\n", count);
}

void run_print(const course *c, FILE *file)
{
    fprintf(file, "%s: %s\n\n%s", c->exercise->name, c->exercise->text, c->texts[0]);
    if (c->texts[1][0]) fprintf(file, "%s%s", c->texts[0][0] ? "\n" : "", c->texts[1]);
    print_claims(file, c->json);
    if (c->no_gnuplot) {
        const cJSON *o;
        fprintf(file, "for the pictures install gnuplot and run: cd %s && gnuplot", c->out);
        cJSON_ArrayForEach(o, cJSON_GetObjectItem(c->json, "pictures"))
            fprintf(file, " %s.gp", cJSON_GetStringValue(cJSON_GetObjectItem(o, "file")));
        fprintf(file, "\n");
    } else if (c->out) {
        const cJSON *o;
        fprintf(file, "%s:", c->out);
        cJSON_ArrayForEach(o, cJSON_GetObjectItem(c->json, "pictures"))
            fprintf(file, " %s.png", cJSON_GetStringValue(cJSON_GetObjectItem(o, "file")));
        fprintf(file, " %s.json\n", c->exercise->name);
    }
}
