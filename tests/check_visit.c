/* SPDX-License-Identifier: MIT
 *
 * Visitors: what is saved is loaded with the same bits, the hash follows the state and not its spelling, and every wrong
 * file gets its sentence.
 */
#include "common.h"
#include "failing.h"
#include "io/visit_io.h"
#include "number_bits.h"

#include <reel/checkpoint.h>

typedef struct group {
    double rate;
    int64_t steps;
} group;

typedef struct model {
    bool ready;
    int64_t step, large;
    uint64_t seed;
    double loss;
    char *note;
    reel_array w, index, mask, scalar, empty, d;
    float w_data[16];
    int64_t index_data[3], no_data[1];
    uint8_t mask_data[4];
    double scalar_data[1], d_data[5];
    group groups[4];
    int64_t group_count;
    bool optional;
    double extra;
} model;

static void model_shapes(model *m)
{
    m->w = reel_array_view(REEL_FLOAT, m->w_data, 2, (const int64_t[]){2, 8});
    m->index = reel_array_view(REEL_INT64, m->index_data, 1, (const int64_t[]){3});
    m->mask = reel_array_view(REEL_UINT8, m->mask_data, 2, (const int64_t[]){2, 2});
    m->scalar = reel_array_view(REEL_DOUBLE, m->scalar_data, 0, NULL);
    m->empty = reel_array_view(REEL_INT64, m->no_data, 2, (const int64_t[]){0, 3});
    m->d = reel_array_view(REEL_DOUBLE, m->d_data, 1, (const int64_t[]){5});
}

static void model_fill(model *m)
{
    memset(m, 0, sizeof *m);
    model_shapes(m);
    m->ready = true;
    m->step = 1500;
    m->large = INT64_MIN;
    m->seed = UINT64_MAX;
    m->loss = -0.0;
    m->note = memory_string(context, NULL, "test", "a \"note\"\n\xc3\xa9");
    for (int i = 0; i < 16; i++) m->w_data[i] = sinf((float)i) * 1e-3f;
    m->w_data[1] = -0.0f;
    m->w_data[2] = INFINITY;
    m->w_data[3] = float_of(0x7fc00000);
    m->w_data[4] = float_of(1);
    m->index_data[0] = INT64_MAX;
    m->index_data[2] = -7;
    memcpy(m->mask_data, (const uint8_t[]){0, 1, 255, 3}, 4);
    m->scalar_data[0] = 0.1;
    memcpy(m->d_data, (const double[]){5e-324, -1.7976931348623157e308, 1.0 / 3, -INFINITY, 0}, sizeof m->d_data);
    m->group_count = 3;
    for (int i = 0; i < 3; i++) m->groups[i] = (group){0.1 * i, i};
    m->optional = true;
    m->extra = NAN;
}

static void model_visit(visitor *v, model *m)
{
    visit_same_text(v, "kind", "model");
    visit_same_int64(v, "inputs", 2);
    visit_same_double(v, "slope", 0.01);
    visit_bool(v, "ready", &m->ready);
    visit_int64(v, "step", &m->step);
    visit_int64(v, "large", &m->large);
    visit_uint64(v, "seed", &m->seed);
    visit_double(v, "loss", &m->loss);
    visit_text(v, "note", &m->note);
    visit_begin(v, "state");
    visit_array(v, "w", &m->w);
    visit_array(v, "index", &m->index);
    visit_array(v, "mask", &m->mask);
    visit_array(v, "scalar", &m->scalar);
    visit_array(v, "empty", &m->empty);
    visit_array(v, "d", &m->d);
    visit_end(v);
    int64_t count = m->group_count;
    visit_list_begin(v, "groups", &count);
    if (count > 4) visit_reject(v, REEL_MISMATCH, "found %lld groups, expected at most 4", (long long)count);
    for (int64_t i = 0; i < count && !visit_failed(v); i++) {
        group other = m->groups[i];
        visit_item_begin(v);
        visit_double(v, "rate", &other.rate);
        visit_int64(v, "steps", &other.steps);
        if (visit_mode_of(v) == VISIT_CHECK && other.steps < 0) visit_reject(v, REEL_BAD_FILE, "never");
        visit_item_end(v);
        if (visit_mode_of(v) == VISIT_LOAD) m->groups[i] = other;
    }
    visit_list_end(v);
    if (visit_mode_of(v) == VISIT_LOAD) m->group_count = count;
    bool has = visit_mode_of(v) == VISIT_SAVE || visit_mode_of(v) == VISIT_HASH ? m->optional : visit_has(v, "extra");
    if (visit_mode_of(v) == VISIT_LOAD) m->optional = has;
    if (has) visit_double(v, "extra", &m->extra);
}

static char *save(model *m, const visit_options *options, json_writer *w)
{
    json_writer_init(w, context, 1);
    json_write_object_begin(w, NULL);
    visitor *v = visitor_save(context, w, options);
    model_visit(v, m);
    visitor_free(v);
    json_write_object_end(w);
    return (char *)(uintptr_t)json_writer_text(w, NULL);
}

static void hash(model *m, char hex[33])
{
    visitor *v = visitor_hash(context);
    model_visit(v, m);
    visitor_hash_finish(v, hex);
    visitor_free(v);
}

/* Reads text into m by CHECK (which must leave m as it is) and LOAD. */
static bool check_and_load(const char *text, model *m)
{
    json_document *d = json_document_new(NULL, context, "run.json", text, strlen(text));
    if (!d) return false;
    static model before;
    memcpy(&before, m, sizeof before);
    visitor *v = visitor_check(context, d, json_root(d));
    model_visit(v, m);
    visitor_finish(v);
    visitor_free(v);
    ck_assert(memcmp(&before, m, sizeof before) == 0);
    bool good = !reel_failed(context);
    if (good) {
        v = visitor_load(context, d, json_root(d));
        model_visit(v, m);
        visitor_free(v);
        ck_assert_msg(!reel_failed(context), "%s", reel_error_text(context));
    }
    json_document_free(d);
    return good;
}

START_TEST(saved_is_loaded)
{
    for (int base64 = 0; base64 < 2; base64++) {
        static model m, other;
        char hex[33], other_hex[33];
        model_fill(&m);
        json_writer w;
        const char *text = save(&m, &(visit_options){.base64 = base64}, &w);
        ck_assert_msg(text != NULL, "%s", reel_error_text(context));
        ck_assert(!strstr(text, "base64") == !base64);
        memset(&other, 0, sizeof other);
        model_shapes(&other);
        ck_assert_msg(check_and_load(text, &other), "%s", reel_error_text(context));
        ck_assert_str_eq(other.note, m.note);
        ck_assert(other.ready && other.step == 1500 && other.large == INT64_MIN && other.seed == UINT64_MAX);
        ck_assert(signbit(other.loss) && other.extra != other.extra && other.group_count == 3);
        ck_assert(memcmp(m.w_data, other.w_data, sizeof m.w_data) == 0);
        ck_assert(memcmp(m.index_data, other.index_data, sizeof m.index_data) == 0);
        ck_assert(memcmp(m.mask_data, other.mask_data, sizeof m.mask_data) == 0);
        ck_assert(memcmp(m.scalar_data, other.scalar_data, sizeof m.scalar_data) == 0);
        ck_assert(memcmp(m.d_data, other.d_data, sizeof m.d_data) == 0);
        ck_assert(memcmp(m.groups, other.groups, sizeof m.groups) == 0);
        hash(&m, hex);
        hash(&other, other_hex);
        ck_assert_str_eq(hex, other_hex);
        ck_assert_uint_eq(strlen(hex), 32);
        json_writer_free(&w);
        memory_string_free(context, m.note);
        memory_string_free(context, other.note);
    }
    ck_assert(!reel_failed(context));
    ck_assert_uint_eq(reel_context_memory(context).in_use, 0);
}
END_TEST

START_TEST(hash_follows_every_field)
{
    static model m;
    char seen[14][33];
    int n = 0;
    model_fill(&m);
    hash(&m, seen[n++]);
    m.w_data[3] = float_of(0xffc12345); /* another NaN is the same state */
    m.extra = -NAN;
    hash(&m, seen[n]);
    ck_assert_str_eq(seen[n], seen[0]);
    m.w_data[3] = float_of(0x7f800001);
    hash(&m, seen[n]);
    ck_assert_str_eq(seen[n], seen[0]);
    m.w_data[1] = 0.0f; /* but 0.0 is not -0.0 */
    hash(&m, seen[n++]);
    m.loss = 0.0;
    hash(&m, seen[n++]);
    m.w_data[15] = nextafterf(m.w_data[15], 1);
    hash(&m, seen[n++]);
    m.d_data[0] = 0;
    hash(&m, seen[n++]);
    m.mask_data[3] = 4;
    hash(&m, seen[n++]);
    m.index_data[1] = 1;
    hash(&m, seen[n++]);
    m.w.shape[0] = 8, m.w.shape[1] = 2;
    hash(&m, seen[n++]);
    m.group_count = 2;
    hash(&m, seen[n++]);
    m.groups[0].steps = 5;
    hash(&m, seen[n++]);
    m.optional = false;
    hash(&m, seen[n++]);
    m.ready = false;
    hash(&m, seen[n++]);
    m.seed = 4;
    hash(&m, seen[n++]);
    char *note = m.note;
    m.note = NULL;
    hash(&m, seen[n++]);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < i; j++) ck_assert_msg(strcmp(seen[i], seen[j]) != 0, "%d and %d", i, j);
    memory_string_free(context, note);
}
END_TEST

START_TEST(hash_depends_on_names_and_nesting)
{
    char hex[5][33];
    int64_t one = 1;
    for (int i = 0; i < 5; i++) {
        visitor *v = visitor_hash(context);
        if (i == 1) visit_begin(v, "a");
        if (i == 4)
            visit_int64(v, "ab", &one);
        else
            visit_int64(v, i == 2 ? "b" : "a", &one);
        if (i == 3) visit_bool(v, "a", &(bool){true});
        if (i == 1) visit_end(v);
        visitor_hash_finish(v, hex[i]);
        for (int j = 0; j < i; j++) ck_assert_str_ne(hex[i], hex[j]);
        visitor_free(v);
    }
}
END_TEST

START_TEST(large_tensors_are_base64)
{
    static float data[REEL_BASE64_ABOVE + 1];
    reel_array small = reel_array_view(REEL_FLOAT, data, 1, (const int64_t[]){REEL_BASE64_ABOVE});
    reel_array large = reel_array_view(REEL_FLOAT, data, 1, (const int64_t[]){REEL_BASE64_ABOVE + 1});
    static const visit_options never = {.base64_from = -1}, from_10 = {.base64_from = 10};
    const visit_options *const options[] = {NULL, &never, &from_10};
    static const bool expected[3][2] = {{false, true}, {false, false}, {true, true}};
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 2; j++) {
            json_writer w;
            json_writer_init(&w, context, 1);
            json_write_object_begin(&w, NULL);
            visitor *v = visitor_save(context, &w, options[i]);
            visit_array(v, "t", j ? &large : &small);
            json_write_object_end(&w);
            const char *text = json_writer_text(&w, NULL);
            ck_assert(text && (strstr(text, "\"base64\"") != NULL) == expected[i][j]);
            json_writer_free(&w);
            visitor_free(v);
        }
}
END_TEST

/* The saved text with one part changed. */
static void refuse(const char *from, const char *to, reel_status status, const char *sentence)
{
    static model m, other;
    model_fill(&m);
    m.w_data[2] = m.w_data[3] = 1;
    json_writer w;
    char *text = save(&m, NULL, &w), *place = strstr(text, from), *changed = malloc(strlen(text) + strlen(to) + 1);
    ck_assert_msg(place != NULL, "%s is not in the file", from);
    sprintf(changed, "%.*s%s%s", (int)(place - text), text, to, place + strlen(from));
    memset(&other, 0, sizeof other);
    model_shapes(&other);
    ck_assert_msg(!check_and_load(changed, &other), "%s -> %s is taken", from, to);
    ck_assert_str_eq(reel_error_text(context), sentence);
    ck_assert_int_eq(reel_error_status(context), status);
    reel_error_clear(context);
    json_writer_free(&w);
    memory_string_free(context, m.note);
    free(changed);
}

START_TEST(wrong_fields_are_named)
{
    refuse("\"model\"", "\"other\"", REEL_MISMATCH, "run.json: kind: found the text \"other\", expected \"model\"");
    refuse("\"model\"", "3", REEL_BAD_FILE, "run.json: kind: found the number 3, expected \"model\"");
    refuse("\"kind\": \"model\",", "", REEL_BAD_FILE, "run.json: kind: found nothing, expected \"model\"");
    refuse("\"inputs\": 2", "\"inputs\": 3", REEL_MISMATCH, "run.json: inputs: found the number 3, expected 2");
    refuse("0.01", "0.02", REEL_MISMATCH, "run.json: slope: found the number 0.02, expected 0.01");
    refuse("true", "1", REEL_BAD_FILE, "run.json: ready: found the number 1, expected true or false");
    refuse("1500", "1500.0", REEL_BAD_FILE,
           "run.json: step: found the number 1500.0, expected an integer from -2^63 to 2^63 - 1");
    refuse("-9223372036854775808", "-9223372036854775809", REEL_BAD_FILE,
           "run.json: large: found the text \"-9223372036854775809\", expected an integer from -2^63 to 2^63 - 1");
    refuse("\"18446744073709551615\"", "-1", REEL_BAD_FILE,
           "run.json: seed: found the number -1, expected an integer from 0 to 2^64 - 1");
    refuse("\"loss\": -0.0", "\"loss\": 1e999", REEL_BAD_FILE,
           "run.json: loss: found the number 1e999, expected a number within the range of float64");
    refuse("\"loss\": -0.0", "\"loss\": [1, 2]", REEL_BAD_FILE,
           "run.json: loss: found a list of 2 numbers, expected a number within the range of float64");
    refuse("\"note\": ", "\"note\": {}, \"x-note\": ", REEL_BAD_FILE,
           "run.json: note: found an object of 0 members, expected a text or null");
    refuse("\"state\": ", "\"state\": 1, \"x-state\": ", REEL_BAD_FILE,
           "run.json: state: found the number 1, expected an object");
    refuse("\"groups\": ", "\"groups\": [1], \"x-groups\": ", REEL_BAD_FILE,
           "run.json: groups: found a list of 1 number, expected a list of objects");
    refuse("\"groups\": ", "\"groups\": [null], \"x-groups\": ", REEL_BAD_FILE,
           "run.json: groups[0]: found null, expected an object");
    refuse("\"groups\": ", "\"groups\": [{},{},{},{},{}], \"x-groups\": ", REEL_MISMATCH,
           "run.json: groups: found 5 groups, expected at most 4");
    refuse("\"steps\": 1", "\"steps\": \"one\"", REEL_BAD_FILE,
           "run.json: groups[1].steps: found the text \"one\", expected an integer from -2^63 to 2^63 - 1");
    refuse("\"steps\": 2", "\"step\": 2", REEL_BAD_FILE,
           "run.json: groups[2].steps: found nothing, expected an integer from -2^63 to 2^63 - 1");
    refuse("\"steps\": 2", "\"steps\": 2, \"momentum\": 0.9", REEL_BAD_FILE,
           "run.json: groups[2].momentum: found the number 0.9, expected no such member");
    refuse("\"kind\"", "\"surplus\": [1], \"kind\"", REEL_BAD_FILE,
           "run.json: surplus: found a list of 1 number, expected no such member");
}
END_TEST

START_TEST(wrong_tensors_are_named)
{
    refuse("float32", "float64", REEL_MISMATCH,
           "run.json: state.w.dtype: found the text \"float64\", expected \"float32\"");
    refuse("[2, 8]", "[8, 2]", REEL_MISMATCH, "run.json: state.w.shape: found [8,2], expected [2,8]");
    refuse("[2, 8]", "[16]", REEL_MISMATCH, "run.json: state.w.shape: found [16], expected [2,8]");
    refuse("[2, 8]", "[]", REEL_MISMATCH, "run.json: state.w.shape: found [], expected [2,8]");
    refuse("[2, 8]", "[2, 8.0]", REEL_BAD_FILE, "run.json: state.w.shape: found a list of 2 numbers, expected [2,8]");
    refuse("[2, 8]", "\"2, 8\"", REEL_BAD_FILE, "run.json: state.w.shape: found the text \"2, 8\", expected [2,8]");
    refuse("[2, 8]", "[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]", REEL_BAD_FILE,
           "run.json: state.w.shape: found a list of 13 numbers, expected [2,8]");
    refuse("\"shape\": [2, 8], ", "", REEL_BAD_FILE, "run.json: state.w.shape: found nothing, expected [2,8]");
    refuse("\"data\": [0.0, ", "\"data\": [", REEL_BAD_FILE,
           "run.json: state.w.data: found 15 numbers, expected 16 as the shape says");
    refuse("\"data\": [0.0, ", "\"data\": [1e39, ", REEL_BAD_FILE,
           "run.json: state.w.data[0]: found 1e39, expected a number within the range of float32");
    refuse("\"data\": [0.0, ", "\"data\": [\"x\", ", REEL_BAD_FILE,
           "run.json: state.w.data[0]: found the text \"x\", expected a number within the range of float32");
    refuse("255, 3]", "256, 3]", REEL_BAD_FILE,
           "run.json: state.mask.data[2]: found 256, expected an integer from 0 to 255");
    refuse("\"data\": [0.0", "\"dat\": [0.0", REEL_BAD_FILE,
           "run.json: state.w.data: found nothing, expected a list of numbers");
    refuse("\"data\": [0.0", "\"extra\": 1, \"data\": [0.0", REEL_BAD_FILE,
           "run.json: state.w.extra: found the number 1, expected no such member");
    refuse("\"data\": [0.0", "\"base64\": \"\", \"data\": [0.0", REEL_BAD_FILE,
           "run.json: state.w: found both data and base64, expected one of them");
    refuse("\"data\": [0.1]", "\"base64\": \"AAAA\"", REEL_BAD_FILE,
           "run.json: state.scalar.base64: found 3 bytes, expected 8 as shape and dtype say");
    refuse("\"data\": [0.1]", "\"base64\": \"AAAAAAAA8D9=\"", REEL_BAD_FILE,
           "run.json: state.scalar.base64: found bits behind the last byte that are not 0, at letter 10, expected "
           "base64 as in "
           "RFC 4648");
    refuse("\"data\": [0.1]", "\"base64\": \"AAAAAAAA*D8=\"", REEL_BAD_FILE,
           "run.json: state.scalar.base64: found a character outside the base64 alphabet, at letter 8, expected base64 "
           "as in "
           "RFC 4648");
    refuse("\"data\": [0.1]", "\"base64\": [0.1]", REEL_BAD_FILE,
           "run.json: state.scalar.base64: found a list of 1 number, expected a text");
    refuse("\"w\": ", "\"w\": [1], \"x-w\": ", REEL_BAD_FILE,
           "run.json: state.w: found a list of 1 number, expected an object with dtype, shape and data");
}
END_TEST

START_TEST(tolerated)
{
    static model m, other;
    model_fill(&m);
    json_writer w;
    char *text = save(&m, NULL, &w), changed[8192];
    snprintf(changed, sizeof changed, "{\"x-note\": {\"any\": 1}, \"outside\": 3, %s", strchr(text, '"'));
    memset(&other, 0, sizeof other);
    model_shapes(&other);
    json_document *d = json_document_new(NULL, context, "run.json", changed, strlen(changed));
    visitor *v = visitor_check(context, d, json_root(d));
    visitor_known(v, "outside");
    model_visit(v, &other);
    visitor_finish(v);
    ck_assert_msg(!reel_failed(context), "%s", reel_error_text(context));
    visitor_free(v);
    json_document_free(d);
    json_writer_free(&w);
    memory_string_free(context, m.note);
}
END_TEST

START_TEST(a_document_is_checked_twice)
{
    const char *text = "{\"g\": [{\"a\": 1, \"b\": 0}], \"o\": {\"a\": 0, \"b\": 1}, \"b\": 1}";
    json_document *d = json_document_new(NULL, context, "t", text, strlen(text));
    static const char *const sentences[] = {"", "t: g[0].b: found the number 0, expected no such member",
                                            "t: o.b: found the number 1, expected no such member",
                                            "t: b: found the number 1, expected no such member"};
    for (int left_out = 0; left_out < 4; left_out++) { /* a member asked for before is not remembered */
        int64_t x = 0, count = 0;
        visitor *v = visitor_check(context, d, json_root(d));
        visit_list_begin(v, "g", &count);
        visit_item_begin(v);
        visit_int64(v, "a", &x);
        if (left_out != 1) visit_int64(v, "b", &x);
        visit_item_end(v);
        visit_list_end(v);
        visit_begin(v, "o");
        if (left_out != 2) visit_int64(v, "b", &x); /* in any order */
        visit_int64(v, "a", &x);
        visit_end(v);
        if (left_out != 3) visit_int64(v, "b", &x);
        visitor_finish(v);
        visitor_free(v);
        ck_assert_str_eq(reel_error_text(context), sentences[left_out]);
        reel_error_clear(context);
    }
}
END_TEST

START_TEST(misuse_is_an_error)
{
    for (int i = 0; i < 6; i++) {
        visitor *v = visitor_hash(context);
        int64_t x = 1;
        switch (i) {
        case 0: visit_end(v); break;
        case 1: visit_item_begin(v); break;
        case 2: visit_list_end(v); break;
        case 3:
            visit_list_begin(v, "l", &x);
            visit_int64(v, "x", &x);
            break;
        case 4:
            for (int n = 0; n < 70; n++) visit_begin(v, "deeper");
            break;
        default: visit_array(v, "none", NULL);
        }
        ck_assert_msg(reel_failed(context), "case %d", i);
        reel_error_clear(context);
        visitor_free(v);
    }
    ck_assert(visit_failed(NULL));
    int64_t count = 3;
    visit_list_begin(NULL, "l", &count);
    visit_end(NULL);
    visit_array(NULL, "a", NULL);
    ck_assert(!reel_failed(context));
}
END_TEST

START_TEST(no_memory_is_an_error)
{
    reel_context *kept = context;
    int failures = 0;
    for (int n = 1;; n++, failures++) {
        static model m, other;
        failing f = {.left = (uint64_t)n};
        char hex[33];
        context = reel_context_new(&(reel_allocator){fail_after, &f});
        model_fill(&m);
        json_writer w;
        const char *text = save(&m, NULL, &w);
        memset(&other, 0, sizeof other);
        model_shapes(&other);
        json_document *d = text ? json_document_new(NULL, context, "t", text, strlen(text)) : NULL;
        visitor *v = visitor_check(context, d, json_root(d));
        model_visit(v, &other);
        visitor_finish(v);
        visitor *load = visitor_load(context, d, json_root(d));
        model_visit(load, &other);
        hash(&other, hex);
        bool done = !reel_failed(context);
        ck_assert(done == (strlen(hex) == 32));
        if (!done) ck_assert_msg(reel_error_status(context) == REEL_NO_MEMORY, "%s", reel_error_text(context));
        visitor_free(load);
        visitor_free(v);
        json_document_free(d);
        json_writer_free(&w);
        memory_string_free(context, m.note);
        memory_string_free(context, other.note);
        ck_assert_uint_eq(reel_context_memory(context).in_use, 0);
        reel_context_free(context);
        if (done) break;
    }
    context = kept;
    ck_assert_int_gt(failures, 10);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("visit");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, saved_is_loaded);
    tcase_add_test(tests, hash_follows_every_field);
    tcase_add_test(tests, hash_depends_on_names_and_nesting);
    tcase_add_test(tests, large_tensors_are_base64);
    tcase_add_test(tests, wrong_fields_are_named);
    tcase_add_test(tests, wrong_tensors_are_named);
    tcase_add_test(tests, tolerated);
    tcase_add_test(tests, a_document_is_checked_twice);
    tcase_add_test(tests, misuse_is_an_error);
    tcase_add_test(tests, no_memory_is_an_error);
    return run_case(tests, "visit");
}
