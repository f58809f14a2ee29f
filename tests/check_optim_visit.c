/* SPDX-License-Identifier: MIT
 *
 * Optimizers and schedules saved, checked, loaded and hashed: a run goes on bit for bit, and a wrong file gets its
 * sentence and changes nothing.
 */
#include "common.h"
#include "io/visit_io.h"
#include "optim/average.h"
#include "optim/optim.h"

#define SIZE 13
#define HORIZON 40

typedef struct run_state {
    reel_params *params;
    reel_optimizer *o;
    reel_schedule *schedule;
} run_state;

static run_state run_new(const reel_optimizer_type *type, reel_dtype dtype, const char *spec, int groups)
{
    run_state r = {.params = reel_params_new(NULL, context, dtype)};
    const int64_t sizes[][2] = {{2, 3}, {0, 4}, {7, 1}};
    for (int i = 0; i < 3; i++) {
        char name[8] = {'p', (char)('0' + i), '\0'};
        ck_assert_int_eq(reel_params_add(NULL, r.params, name, 2, sizes[i]), i);
    }
    reel_array flat = reel_params_flat(r.params);
    for (int i = 0; i < SIZE; i++)
        if (dtype == REEL_DOUBLE)
            ((double *)flat.data)[i] = sin(i);
        else
            ((float *)flat.data)[i] = sinf((float)i);
    r.o = reel_optimizer_new(NULL, r.params, type);
    for (int g = 1; g < groups; g++) ck_assert_int_eq(reel_optimizer_group(NULL, r.o, 1, (const int[]){g + 1}), g);
    r.schedule = spec ? reel_schedule_parse(NULL, context, spec, HORIZON) : NULL;
    ck_assert_int_eq(reel_optimizer_set_schedule(NULL, r.o, r.schedule), REEL_OK);
    return r;
}

static void run_free(run_state *r)
{
    reel_optimizer_free(r->o);
    reel_schedule_free(r->schedule);
    reel_params_free(r->params);
}

/* The gradient of step t is a function of the point, so that every difference grows. */
static void go(run_state *r, int steps)
{
    for (int t = 0; t < steps; t++) {
        reel_array flat = reel_params_flat(r->params);
        double g[SIZE];
        for (int i = 0; i < SIZE; i++) g[i] = 0.3 * reel_array_get(&flat, i) + 0.1 * cos(i + 3. * (double)r->o->steps);
        int64_t size = SIZE;
        reel_array gradient = reel_array_view(REEL_DOUBLE, g, 1, &size);
        ck_assert_int_eq(reel_params_set_gradient(NULL, r->params, &gradient), REEL_OK);
        ck_assert_msg(reel_optimizer_step(NULL, r->o) == REEL_OK, "%s", reel_error_text(context));
        reel_optimizer_observe(r->o, 1.0);
    }
}

static char *save(reel_optimizer *o)
{
    json_writer w;
    json_writer_init(&w, context, 1);
    json_write_object_begin(&w, NULL);
    visitor *v = visitor_save(context, &w, NULL);
    optimizer_visit(o, v, "optimizer");
    visitor_free(v);
    json_write_object_end(&w);
    const char *text = json_writer_text(&w, NULL);
    ck_assert_msg(text != NULL, "%s", reel_error_text(context));
    char *copy = malloc(strlen(text) + 1);
    ck_assert(copy != NULL);
    strcpy(copy, text);
    json_writer_free(&w);
    return copy;
}

static void hash(reel_optimizer *o, char hex[33])
{
    visitor *v = visitor_hash(context);
    optimizer_visit(o, v, "optimizer");
    visitor_hash_finish(v, hex);
    visitor_free(v);
}

/* Checks and, when that is good, loads. */
static reel_status load(reel_optimizer *o, const char *text)
{
    json_document *d = json_document_new(NULL, context, "run.json", text, strlen(text));
    ck_assert_msg(d != NULL, "%s", reel_error_text(context));
    visitor *v = visitor_check(context, d, json_root(d));
    optimizer_visit(o, v, "optimizer");
    visitor_finish(v);
    visitor_free(v);
    if (!reel_failed(context)) {
        v = visitor_load(context, d, json_root(d));
        optimizer_visit(o, v, "optimizer");
        visitor_free(v);
    }
    json_document_free(d);
    return reel_error_status(context);
}

/* What a hyper-parameter may be other than its default. */
static double other_value(const reel_hyper *h)
{
    if (h->kind == REEL_HYPER_SWITCH) return 1 - h->value;
    if (h->kind == REEL_HYPER_CHOICE) return h->choices[1] ? 1 : 0;
    double value = h->value == 0 ? 0.125 : h->value * 0.5;
    return h->kind == REEL_HYPER_NUMBER ? value : floor(value) + 3;
}

static void roundtrip(const reel_optimizer_type *type, reel_dtype dtype, const char *spec, int groups, int row)
{
    run_state a = run_new(type, dtype, spec, groups);
    if (row >= 0) {
        const reel_hyper *h = &type->hypers[row];
        ck_assert_msg(reel_optimizer_set(NULL, a.o, h->name, other_value(h)) == REEL_OK, "%s",
                      reel_error_text(context));
    }
    if (groups > 1) reel_optimizer_group_set(NULL, a.o, 1, "lr", 0.07);
    reel_optimizer_set(NULL, a.o, "clip_norm", 0.8);
    reel_optimizer_set(NULL, a.o, "noise", 0.01);
    reel_optimizer_set(NULL, a.o, "noise_seed", 5);
    go(&a, 11);
    char *text = save(a.o), before[33], after[33];
    hash(a.o, before);

    /* Another process: other hyper-parameters and schedule, moments that must go. */
    run_state b = run_new(type, dtype, row % 2 ? "exponential:0.5" : NULL, groups);
    go(&b, 2);
    ck_assert_msg(load(b.o, text) == REEL_OK, "%s, %s: %s", type->name, spec ? spec : "none", reel_error_text(context));
    hash(b.o, after);
    ck_assert_str_eq(before, after);
    char *again = save(b.o);
    ck_assert_str_eq(text, again);
    reel_array from = reel_params_flat(a.params), to = reel_params_flat(b.params);
    memcpy(to.data, from.data, (size_t)to.size * reel_dtype_size(dtype));
    go(&a, 12);
    go(&b, 12);
    ck_assert_msg(memcmp(to.data, from.data, (size_t)to.size * reel_dtype_size(dtype)) == 0, "%s, %s", type->name,
                  spec ? spec : "none");
    hash(a.o, before);
    hash(b.o, after);
    ck_assert_str_eq(before, after);
    free(text);
    free(again);
    run_free(&a);
    run_free(&b);
}

static const char *const specs[] = {NULL,
                                    "constant:0.5:15",
                                    "step:5:0.5",
                                    "multistep:0.5:3:14",
                                    "exponential:0.9",
                                    "cosine:0.001",
                                    "warmup:13,cosine",
                                    "warmup:5,linear*step:4",
                                    "polynomial:2",
                                    "restarts:5:2",
                                    "onecycle:cycle_momentum=0",
                                    "cyclic:0.3:4:cycle_momentum=0",
                                    "plateau:0.5:2:cooldown=1",
                                    "constant:1:6,plateau:0.5:1*exponential:0.99",
                                    "swa:0.01",
                                    "onecycle:0.2"};

START_TEST(every_optimizer_goes_on)
{
    for (int k = 0; reel_optimizer_at(k); k++)
        for (int dtype = REEL_FLOAT; dtype <= REEL_DOUBLE; dtype++) {
            const reel_optimizer_type *type = reel_optimizer_at(k);
            bool momentum = reel_hyper_find(type->hypers, type->hyper_count, "momentum") >= 0 ||
                            reel_hyper_find(type->hypers, type->hyper_count, "beta1") >= 0;
            for (size_t s = 0; s < sizeof specs / sizeof *specs - !momentum; s++) {
                roundtrip(type, (reel_dtype)dtype, specs[s], 1, -1);
                roundtrip(type, (reel_dtype)dtype, specs[s], 2, -1);
            }
            for (int row = 0; row < type->hyper_count; row++) roundtrip(type, (reel_dtype)dtype, specs[6], 2, row);
        }
}
END_TEST

/* text with its first `from` replaced. */
static char *changed(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    ck_assert_msg(at != NULL, "no %s in %s", from, text);
    char *result = malloc(strlen(text) + strlen(to) + 1);
    ck_assert(result != NULL);
    sprintf(result, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    return result;
}

START_TEST(wrong_files)
{
    run_state a = run_new(reel_optimizer_find("adam"), REEL_FLOAT, "warmup:13,cosine", 2);
    go(&a, 3);
    char *text = save(a.o), before[33], after[33];
    const struct {
        const char *from, *to;
        reel_status status;
        const char *sentence;
    } rows[] = {
        {"\"kind\": \"adam\"", "\"kind\": \"sgd\"", REEL_MISMATCH,
         "optimizer.kind: found the text \"sgd\", expected \"adam\""},
        {"\"steps\": 3", "\"steps\": -3", REEL_BAD_FILE, "steps: found -3, expected 0 or above"},
        {"\"beta1\": 0.9,", "\"beta1\": 1.5,", REEL_BAD_FILE, "beta1: found 1.5, expected from 0 to below 1"},
        {"\"beta1\": 0.9,", "\"beta1\": \"nan\",", REEL_BAD_FILE, "beta1: found nan"},
        {"\"beta1\": 0.9,", "\"beta1\": [],", REEL_BAD_FILE, "optimizer.groups[0].hypers.beta1: found"},
        {"\"beta1\": 0.9,", "\"beta1\": 0.9, \"beta3\": 1,", REEL_BAD_FILE, "hypers.beta3: found"},
        {"\"clip_norm_type\": 2.0", "\"clip_norm_type\": 0.0", REEL_BAD_FILE, "clip_norm_type: found 0"},
        {"\"spec\": \"warmup:13,cosine\"", "\"spec\": \"warmup:13,cosin\"", REEL_BAD_FILE, "no schedule \"cosin\""},
        {"\"spec\": \"warmup:13,cosine\"", "\"spec\": 3", REEL_BAD_FILE, "schedule.spec: found"},
        {"\"spec\": \"warmup:13,cosine\"", "\"spec\": \"warmup:40,cosine\"", REEL_BAD_FILE,
         "nothing is left for cosine"},
        {"\"states\": []", "\"states\": [{}]", REEL_BAD_FILE, "states: found 1, expected 0"},
        {"\"horizon\": 40", "\"horizon\": -1", REEL_BAD_FILE, "horizon is negative"},
        {"\"mean\": {", "\"meen\": {", REEL_BAD_FILE, "optimizer.state.mean: found nothing"},
        {"\"name\": \"p0\"", "\"name\": \"p1\"", REEL_MISMATCH,
         "parameters[0].name: found the text \"p1\", expected \"p0\""},
        {"\"shape\": [2, 3]", "\"shape\": [3, 2]", REEL_MISMATCH, "found [3,2], expected [2,3]"},
    };
    run_state b = run_new(reel_optimizer_find("adam"), REEL_FLOAT, "step:3", 2);
    go(&b, 2);
    hash(b.o, before);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *bad = changed(text, rows[i].from, rows[i].to);
        size_t memory = reel_context_memory(context).in_use;
        reel_status status = load(b.o, bad);
        ck_assert_msg(status == rows[i].status && strstr(reel_error_text(context), rows[i].sentence),
                      "row %zu: found status %d \"%s\", expected %d \"%s\"", i, (int)status, reel_error_text(context),
                      (int)rows[i].status, rows[i].sentence);
        reel_error_clear(context);
        ck_assert_uint_eq(reel_context_memory(context).in_use, memory);
        hash(b.o, after);
        ck_assert_msg(strcmp(before, after) == 0, "row %zu changed something", i);
        free(bad);
    }
    /* A file that is older than a hyper-parameter. */
    char *old = changed(text, "\"beta2\": 0.999,", "");
    reel_optimizer_set(NULL, b.o, "beta2", 0.5);
    ck_assert_int_eq(load(b.o, old), REEL_OK);
    ck_assert_double_eq(reel_optimizer_get(b.o, "beta2"), 0.999);
    free(old);
    free(text);
}
END_TEST

/* Two groups that share a schedule may come back with one each, and the other way round. */
START_TEST(schedules_of_groups)
{
    run_state a = run_new(reel_optimizer_find("sgd"), REEL_DOUBLE, "step:2:0.5", 2);
    reel_schedule *own = reel_schedule_exponential_new(NULL, context, 0.75);
    ck_assert_int_eq(reel_optimizer_group_set_schedule(NULL, a.o, 1, own), REEL_OK);
    go(&a, 5);
    char *text = save(a.o), before[33], after[33];
    run_state b = run_new(reel_optimizer_find("sgd"), REEL_DOUBLE, "cosine", 2);
    ck_assert_int_eq(load(b.o, text), REEL_OK);
    hash(a.o, before);
    hash(b.o, after);
    ck_assert_str_eq(before, after);
    ck_assert_ptr_eq(reel_optimizer_schedule(b.o, 0), b.schedule);
    for (int g = 0; g < 2; g++)
        ck_assert_double_eq(reel_optimizer_group_rate(a.o, g), reel_optimizer_group_rate(b.o, g));
    free(text);
}
END_TEST

START_TEST(averages_go_on)
{
    for (int k = 0; reel_average_at(k); k++) {
        run_state a = run_new(reel_optimizer_find("sgd"), REEL_FLOAT, NULL, 1);
        reel_average *x = reel_average_new(NULL, a.params, reel_average_at(k));
        reel_average_set(NULL, x, "every", 3);
        for (int t = 1; t < 9; t++) go(&a, 1), reel_average_step(NULL, x, t);
        ck_assert_int_eq(reel_average_swap(NULL, x), REEL_OK);
        json_writer w;
        json_writer_init(&w, context, 0);
        json_write_object_begin(&w, NULL);
        visitor *v = visitor_save(context, &w, NULL);
        average_visit(x, v, "average");
        visitor_free(v);
        json_write_object_end(&w);
        size_t length;
        const char *text = json_writer_text(&w, &length);
        reel_average *y = reel_average_new(NULL, a.params, reel_average_at(k));
        json_document *d = json_document_new(NULL, context, "run.json", text, length);
        for (int load_it = 0; load_it < 2; load_it++) {
            v = load_it ? visitor_load(context, d, json_root(d)) : visitor_check(context, d, json_root(d));
            average_visit(y, v, "average");
            visitor_finish(v);
            visitor_free(v);
            ck_assert_msg(!reel_failed(context), "%s", reel_error_text(context));
            ck_assert_int_eq(reel_average_count(y), load_it ? 3 : 0);
        }
        ck_assert(reel_average_swapped(y) && reel_average_get(y, "every") == 3);
        reel_array from = reel_average_flat(x), to = reel_average_flat(y);
        ck_assert_mem_eq(from.data, to.data, SIZE * sizeof(float));
        json_document_free(d);
        json_writer_free(&w);
        run_free(&a);
    }
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("visit");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, every_optimizer_goes_on);
    tcase_add_test(tests, wrong_files);
    tcase_add_test(tests, schedules_of_groups);
    tcase_add_test(tests, averages_go_on);
    return run_case(tests, "optim_visit");
}
