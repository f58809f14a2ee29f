/* SPDX-License-Identifier: MIT
 *
 * Checkpoints: round trip, damaged and foreign files, models built from a file, a file of the first format version.
 */
#include "failing.h"
#include "moons_run.h"
#include "train/state.h"

#define NAME "checkpoint.json"

static char folder[64], path[128];

static void setup_folder(void)
{
    setup();
    folder_fresh(folder);
    snprintf(path, sizeof path, "%s/" NAME, folder);
}

static void teardown_folder(void)
{
    teardown();
    folder_remove(folder);
}

/* A small state of every kind of thing. */
typedef struct small {
    reel_state *state;
    reel_params *params;
    reel_module *net;
    reel_optimizer *optimizer;
    reel_rng *rng;
    reel_array *array;
    int64_t count;
    double number;
} small;

static void small_make(small *s, reel_context *own, reel_dtype dtype, uint64_t seed)
{
    *s = (small){.count = (int64_t)seed, .number = 0.1 * (double)seed};
    reel_rng *init = reel_rng_torch_new(NULL, own, seed);
    s->params = reel_params_new(NULL, own, dtype);
    s->net = reel_mlp_new(NULL, s->params, "net", 3, (int[]){2, 3, 1}, "relu", init);
    s->optimizer = reel_adam_new(NULL, s->params, 0.01 * (double)seed);
    s->rng = reel_rng_numpy_new(NULL, own, seed);
    s->array = reel_array_new(NULL, own, REEL_DOUBLE, 1, (int64_t[]){3});
    s->state = reel_state_new(NULL, own, "check_checkpoint");
    reel_state_add_module(NULL, s->state, "model", s->net);
    reel_state_add_params(NULL, s->state, "parameters", s->params);
    reel_state_add_optimizer(NULL, s->state, "optimizer", s->optimizer);
    reel_state_add_rng(NULL, s->state, "noise", s->rng);
    reel_state_add_array(NULL, s->state, "array", s->array);
    reel_state_add_int64(NULL, s->state, "count", &s->count);
    reel_state_add_double(NULL, s->state, "number", &s->number);
}

static void small_step(small *s, reel_context *own)
{
    reel_tape *tape = reel_tape_new(NULL, own, reel_params_dtype(s->params));
    double x[] = {0.5, -1, 2, 0.25};
    reel_array in = reel_array_view(REEL_DOUBLE, x, 2, (int64_t[]){2, 2});
    reel_value y = reel_forward(NULL, s->net, reel_input(NULL, tape, &in));
    reel_backward(NULL, reel_sum(NULL, reel_mul(NULL, y, y)));
    reel_optimizer_step(NULL, s->optimizer);
    reel_rng_normal_one(s->rng);
    reel_tape_free(tape);
}

static void hash_of(small *s, char hash[33])
{
    ck_assert_int_eq(reel_state_hash(NULL, s->state, hash), REEL_OK);
}

START_TEST(test_round_trip)
{
    for (int variant = 0; variant < 4; variant++) {
        reel_dtype dtype = variant & 1 ? REEL_DOUBLE : REEL_FLOAT;
        reel_save_options options = {.base64_above = variant & 2 ? 1 : -1, .verify = true, .durable = true};
        small a, b;
        char hash[2][33];
        small_make(&a, context, dtype, 7);
        small_step(&a, context);
        ((double *)a.array->data)[0] = -0.0;
        ((double *)a.array->data)[1] = NAN;
        ((double *)a.array->data)[2] = 4.9406564584124654e-324;
        a.number = -INFINITY;
        a.count = INT64_MIN + 1;
        ck_assert_int_eq(reel_state_save(NULL, a.state, path, &options), REEL_OK);
        small_make(&b, context, dtype, 8);
        ck_assert_int_eq(reel_state_load(NULL, b.state, path, false), REEL_OK);
        expect_fine();
        hash_of(&a, hash[0]);
        hash_of(&b, hash[1]);
        ck_assert_str_eq(hash[0], hash[1]);
        ck_assert(signbit(((double *)b.array->data)[0]) && b.number == -INFINITY && b.count == INT64_MIN + 1);
        ck_assert_double_eq(((double *)b.array->data)[2], 4.9406564584124654e-324);
        /* what comes next is the same, too */
        small_step(&a, context);
        small_step(&b, context);
        hash_of(&a, hash[0]);
        hash_of(&b, hash[1]);
        ck_assert_str_eq(hash[0], hash[1]);
        reel_state_free(a.state);
        reel_state_free(b.state);
    }
}
END_TEST

/* Loading `text` fails with a sentence, and neither memory nor the file changes. */
static reel_status expect_refused(small *s, const char *text, size_t size, bool accept_edited)
{
    char before[33], after[33];
    hash_of(s, before);
    spill(folder, NAME, text, size);
    reel_status status = reel_state_load("u.c:1", s->state, path, accept_edited);
    ck_assert_int_eq(status, reel_error_status(context));
    if (status != REEL_OK) {
        ck_assert_uint_gt(strlen(reel_error_text(context)), 25);
        ck_assert_ptr_nonnull(strstr(reel_error_text(context), NAME));
        ck_assert_ptr_null(strchr(reel_error_text(context), '\n'));
    }
    reel_error_clear(context);
    hash_of(s, after);
    if (status != REEL_OK) ck_assert_str_eq(before, after);
    return status;
}

START_TEST(test_cut_at_every_byte)
{
    small a, b;
    size_t size = 0;
    small_make(&a, context, REEL_FLOAT, 7);
    small_step(&a, context);
    ck_assert_int_eq(reel_state_save(NULL, a.state, path, NULL), REEL_OK);
    char *text = slurp(folder, NAME, &size);
    small_make(&b, context, REEL_FLOAT, 8);
    for (size_t n = 0; n < size; n++) ck_assert_int_eq(expect_refused(&b, text, n, false), REEL_BAD_FILE);
    /* even when the hash is not asked for */
    for (size_t n = 0; n + 2 < size; n += 3) ck_assert_int_ne(expect_refused(&b, text, n, true), REEL_OK);
    free(text);
}
END_TEST

START_TEST(test_flipped_bytes)
{
    small a, b;
    size_t size = 0;
    small_make(&a, context, REEL_FLOAT, 7);
    small_step(&a, context);
    ck_assert_int_eq(reel_state_save(NULL, a.state, path, NULL), REEL_OK);
    char *text = slurp(folder, NAME, &size);
    small_make(&b, context, REEL_FLOAT, 8);
    for (size_t n = 0; n < size; n++) {
        text[n] ^= (char)(1 << n % 7);
        ck_assert_int_eq(expect_refused(&b, text, size, false), REEL_BAD_FILE);
        text[n] ^= (char)(1 << n % 7);
    }
    free(text);
}
END_TEST

/* `text` with the first `from` after `anchor` replaced by `to`; the caller frees it. */
static char *edited(const char *text, const char *anchor, const char *from, const char *to, size_t *size)
{
    const char *at = strstr(text, anchor);
    ck_assert_msg(at != NULL, "no %s", anchor);
    at = strstr(at, from);
    ck_assert_msg(at != NULL, "no %s after %s", from, anchor);
    *size = strlen(text) - strlen(from) + strlen(to);
    char *result = malloc(*size + 1);
    sprintf(result, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    return result;
}

START_TEST(test_edited_fields)
{
    static const struct {
        const char *anchor, *from, *to, *sentence;
    } cases[] = {
        {"{", "reel checkpoint", "other file", "this is not a checkpoint of Reel"},
        {"{", "\"version\": 1", "\"version\": 2", "found format version 2"},
        {"{", "\"version\": 1", "\"version\": \"x\"", "format version is missing"},
        {"net.0.weight", "float32", "float64", "parameters.values.net.0.weight.dtype: found the text \"float64\""},
        {"net.0.weight", "[3, 2]", "[2, 3]", "parameters.values.net.0.weight.shape: found [2,3], expected [3,2]"},
        {"net.0.weight", "[3, 2]", "[-3, -2]", "expected [3,2]"},
        {"net.0.weight", "[3, 2]", "[9223372036854775807, 9223372036854775807]", "expected [3,2]"},
        {"\"values\"", "\"net.0.weight\"", "\"net.9.weight\"", "net.0.weight: found nothing"},
        {"net.0.weight", "\"data\": [", "\"data\": [\"x\", ", "net.0.weight"},
        {"net.0.weight", "\"data\": [", "\"data\": [1, ", "net.0.weight"},
        {"net.0.weight", "\"data\": [", "\"data\": [[[[[[[[[", "found"},
        {"\"model\"", "\"relu\"", "\"tanh\"", "model.activation: found the text \"tanh\", expected \"relu\""},
        {"\"model\"", "[2, 3, 1]", "[2, 4, 1]", "model.sizes: found [2,4,1], expected [2,3,1]"},
        {"\"count\"", "7", "\"seven\"", "count: found the text \"seven\", expected"},
        {"\"count\"", "7", "1e400", "count"},
        {"\"count\"", "7", "7, \"count\": 7", "count"},
        {"\"count\"", "7", "7, \"more\": 7", "more"},
        {"\"noise\"", "\"index\": 624", "\"index\": 625", "noise: index is 625, expected 0 to 624"},
        {"\"words\"", "\"data\": [", "\"data\": [-", "noise: word 0 is -"},
        {"\"number\"", ":", ": nan, \"x-n\":", "found"},
    };
    small a;
    size_t size = 0, changed;
    small_make(&a, context, REEL_FLOAT, 7);
    ck_assert_int_eq(reel_state_save(NULL, a.state, path, NULL), REEL_OK);
    char *text = slurp(folder, NAME, &size);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *bad = edited(text, cases[i].anchor, cases[i].from, cases[i].to, &changed);
        spill(folder, NAME, bad, changed);
        /* the hash is wrong, and says so first */
        ck_assert_int_eq(reel_state_load(NULL, a.state, path, false), REEL_BAD_FILE);
        expect_error(REEL_BAD_FILE, "damaged or edited");
        char before[33], after[33];
        hash_of(&a, before);
        reel_status status = reel_state_load(NULL, a.state, path, true);
        ck_assert_msg(status != REEL_OK, "%s -> %s was taken", cases[i].from, cases[i].to);
        ck_assert_msg(strstr(reel_error_text(context), cases[i].sentence), "%s -> %s: \"%s\" lacks \"%s\"",
                      cases[i].from, cases[i].to, reel_error_text(context), cases[i].sentence);
        reel_error_clear(context);
        hash_of(&a, after);
        ck_assert_str_eq(before, after);
        free(bad);
    }
    /* a good edit is taken when asked for */
    char *good = edited(text, "\"count\"", "7", "123", &changed);
    spill(folder, NAME, good, changed);
    ck_assert_int_eq(reel_state_load(NULL, a.state, path, true), REEL_OK);
    ck_assert_int_eq(a.count, 123);
    free(good);
    /* deep nesting, an endless text, other files */
    char *deep = malloc(200001);
    memset(deep, '[', 200000);
    deep[200000] = '\0';
    expect_refused(&a, deep, 200000, true);
    free(deep);
    ck_assert_int_eq(expect_refused(&a, "", 0, true), REEL_BAD_FILE);
    ck_assert_int_eq(expect_refused(&a, "null\n", 5, true), REEL_BAD_FILE);
    ck_assert_int_eq(expect_refused(&a, "[1]\n", 4, true), REEL_BAD_FILE);
    ck_assert_int_eq(reel_state_load("u.c:2", a.state, "/nowhere/at/all.json", false), REEL_IO);
    expect_error(REEL_IO, "/nowhere/at/all.json");
    ck_assert_int_eq(reel_state_load("u.c:3", a.state, folder, false), REEL_IO);
    expect_error(REEL_IO, folder);
    free(text);
}
END_TEST

START_TEST(test_model_from_file)
{
    small a;
    small_make(&a, context, REEL_DOUBLE, 7);
    small_step(&a, context);
    ck_assert_int_eq(reel_state_save(NULL, a.state, path, NULL), REEL_OK);
    reel_params *params;
    reel_module *net = reel_model_load(NULL, context, path, &params);
    ck_assert_msg(net && params, "%s", reel_error_text(context));
    double x[] = {0.3, -0.7};
    reel_array in = reel_array_view(REEL_DOUBLE, x, 2, (int64_t[]){1, 2});
    reel_tape *tape = reel_tape_new(NULL, context, REEL_DOUBLE);
    double expected = reel_item(NULL, reel_forward(NULL, a.net, reel_input(NULL, tape, &in)));
    double found = reel_item(NULL, reel_forward(NULL, net, reel_input(NULL, tape, &in)));
    ck_assert_double_eq(found, expected);
    ck_assert(isfinite(found));
    /* a model with dropout and activations of its own, nested */
    run_setup s = {.epochs = 1, .dropout = 0.5};
    moons_run r = run_new(context, &s);
    ck_assert_int_eq(reel_trainer_run(NULL, r.trainer), REEL_OK);
    ck_assert_int_eq(reel_state_save(NULL, reel_trainer_state(r.trainer), path, NULL), REEL_OK);
    net = reel_model_load(NULL, context, path, &params);
    ck_assert_msg(net && params, "%s", reel_error_text(context));
    ck_assert_int_eq(reel_params_count(params), 4);
    ck_assert_str_eq(reel_params_name(params, 3), "last.bias");
    size_t size = 0;
    char *text = slurp(folder, NAME, &size), *bad = edited(text, "\"modules\"", "\"dropout\"", "\"mystery\"", &size);
    ck_assert_ptr_null(reel_model_load("m.c:1", context, folder, &params));
    expect_error(REEL_IO, folder);
    spill(folder, NAME, bad, size);
    ck_assert_ptr_null(reel_model_load("m.c:2", context, path, &params));
    ck_assert_ptr_null(params);
    expect_error(REEL_BAD_FILE, "the hash is wrong");
    free(text);
    free(bad);
}
END_TEST

static reel_value own_forward(const char *site, void *user, reel_value x)
{
    (void)user;
    return reel_mul(site, x, x);
}

START_TEST(test_own_module_is_saved_but_not_built)
{
    reel_params *params = reel_params_new(NULL, context, REEL_FLOAT);
    reel_module *parts[] = {reel_linear_plain_new(NULL, params, "l", 2, 1, NULL),
                            reel_module_new(NULL, context, "my square", own_forward, NULL)};
    reel_state *state = reel_state_new(NULL, context, "p");
    reel_state_add_module(NULL, state, "model", reel_sequential_new(NULL, context, 2, parts));
    reel_state_add_params(NULL, state, "parameters", params);
    ck_assert_int_eq(reel_state_save(NULL, state, path, NULL), REEL_OK);
    ck_assert_int_eq(reel_state_load(NULL, state, path, false), REEL_OK);
    ck_assert_ptr_null(reel_model_load(NULL, context, path, &params));
    expect_error(REEL_NOT_FOUND, "\"my square\", which is not a built-in one: load it with its program");
}
END_TEST

START_TEST(test_looking_in)
{
    small a;
    char text[64];
    small_make(&a, context, REEL_FLOAT, 7);
    ck_assert_int_eq(reel_state_save(NULL, a.state, path, NULL), REEL_OK);
    reel_checkpoint *c = reel_checkpoint_open(NULL, context, path);
    ck_assert_ptr_nonnull(c);
    ck_assert_int_eq(reel_checkpoint_hash_verdict(c), REEL_HASH_RIGHT);
    ck_assert_double_eq(reel_checkpoint_number(c, "state/count"), 7);
    ck_assert(isnan(reel_checkpoint_number(c, "state/nothing/there")));
    ck_assert(reel_checkpoint_text(c, "fingerprint/program", text, sizeof text));
    ck_assert_str_eq(text, "check_checkpoint");
    ck_assert(reel_checkpoint_text(c, "fingerprint/program", text, 6));
    ck_assert_str_eq(text, "check");
    ck_assert_str_eq(reel_checkpoint_member(c, "state/parameters/values", 1), "net.0.bias");
    ck_assert_ptr_null(reel_checkpoint_member(c, "state/parameters/values", 4));
    reel_array *w = reel_checkpoint_array(NULL, c, "state/parameters/values/net.1.weight");
    ck_assert_ptr_nonnull(w);
    reel_array expected = reel_params_value(a.params, 2);
    ck_assert_int_eq(w->size, 3);
    ck_assert_int_eq(memcmp(w->data, expected.data, 12), 0);
    ck_assert_ptr_null(reel_checkpoint_array("l.c:1", c, "state/count"));
    expect_error(REEL_NOT_FOUND, "there is no array \"state/count\"");
}
END_TEST

/* A file that the first version wrote. It must be readable for ever: do not make it anew. */
START_TEST(test_first_format_version)
{
    small a;
    small_make(&a, context, REEL_FLOAT, 1);
    reel_status status = reel_state_load(NULL, a.state, REFERENCE "/checkpoint-version-1.json", false);
    ck_assert_msg(status == REEL_OK, "%s", reel_error_text(context));
    ck_assert_int_eq(a.count, 7);
    ck_assert_int_eq(reel_optimizer_steps(a.optimizer), 1);
    reel_params *params;
    ck_assert_ptr_nonnull(reel_model_load(NULL, context, REFERENCE "/checkpoint-version-1.json", &params));
}
END_TEST

START_TEST(test_locale_with_comma)
{
    small a, b;
    char hash[2][33];
    small_make(&a, context, REEL_DOUBLE, 7);
    small_make(&b, context, REEL_DOUBLE, 8);
    ck_assert_int_eq(reel_state_save(NULL, a.state, path, NULL), REEL_OK);
    ck_assert_int_eq(reel_state_load(NULL, b.state, path, false), REEL_OK);
    hash_of(&a, hash[0]);
    hash_of(&b, hash[1]);
    ck_assert_str_eq(hash[0], hash[1]);
}
END_TEST

/* ---- the n-th allocation fails ---- */

/* part 0: making everything, a step, a save and a load; 1: a step; 2: a save; 3: a load. */
static bool survives(uint64_t n, int part)
{
    failing f = {.left = n, .idle = part != 0};
    reel_context *own = reel_context_new(&(reel_allocator){fail_after, &f});
    small s;
    char before[33] = "", after[33] = "";
    small_make(&s, own, REEL_FLOAT, 7);
    f.idle = part > 1;
    small_step(&s, own);
    f.idle = part != 0 && part != 2;
    reel_state_save(NULL, s.state, path, NULL);
    f.idle = true;
    if (part == 3) reel_state_hash(NULL, s.state, before);
    f.idle = part != 0 && part != 3;
    reel_state_load(NULL, s.state, path, false);
    f.idle = true;
    bool failed = reel_failed(own);
    if (failed && own) {
        ck_assert_msg(reel_error_status(own) == REEL_NO_MEMORY, "%s", reel_error_text(own));
        ck_assert_ptr_nonnull(strstr(reel_error_text(own), "out of memory"));
        reel_error_clear(own);
        if (part == 3) ck_assert_int_eq(reel_state_hash(NULL, s.state, after), REEL_OK);
        if (part == 3) ck_assert_str_eq(before, after);
    }
    reel_context_free(own);
    ck_assert_uint_eq(f.in_use, 0);
    return !failed;
}

START_TEST(test_every_allocation_may_fail)
{
    for (int part = 0; part < 4; part++) {
        uint64_t n = 0;
        while (!survives(n, part)) n++;
        ck_assert_msg(n >= (part == 0 ? 40u : 2u), "part %d asked for memory %d times only", part, (int)n);
    }
}
END_TEST

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--write") == 0) { /* how the file of the first format version was made */
        small a;
        context = reel_context_new(NULL);
        small_make(&a, context, REEL_FLOAT, 7);
        small_step(&a, context);
        return reel_state_save(NULL, a.state, argv[2], NULL) == REEL_OK ? 0 : 1;
    }
    TCase *tests = tcase_create("checkpoint");
    tcase_add_checked_fixture(tests, setup_folder, teardown_folder);
    tcase_add_test(tests, test_round_trip);
    tcase_add_test(tests, test_cut_at_every_byte);
    tcase_add_test(tests, test_flipped_bytes);
    tcase_add_test(tests, test_edited_fields);
    tcase_add_test(tests, test_model_from_file);
    tcase_add_test(tests, test_own_module_is_saved_but_not_built);
    tcase_add_test(tests, test_looking_in);
    tcase_add_test(tests, test_first_format_version);
    tcase_add_test(tests, test_locale_with_comma);
    tcase_add_test(tests, test_every_allocation_may_fail);
    return run_case(tests, "checkpoint");
}
