/* SPDX-License-Identifier: MIT
 *
 * Cases of small nets: build, train, compare.
 */
#include "net_cases.h"
#include "optim_cases.h"

#include <math.h>
#include <reel/nn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LAYERS 16
#define LAYER_TEXT 64
#define HERE "conform"

typedef struct net net;
typedef struct layer layer;

/* A kind of layer: adds its parameters (may be NULL), records what it does. */
typedef struct layer_kind {
    const char *name;
    void (*build)(net *n, layer *l);
    reel_value (*record)(net *n, layer *l, reel_value x);
} layer_kind;

struct layer {
    const layer_kind *kind;
    char name[16];      /* "0", "1", ...: what its parameters' names start with */
    const char *detail; /* the text behind the kind: "1->2 k3" */
    reel_module *module;
    int weight, bias, mean, variance; /* indices in the store, -1 when there is none */
};

struct net {
    outcome outcome;
    const cJSON *test, *params, *inputs, *expected;
    reel_context *context;
    reel_params *store;
    reel_tape *tape;
    reel_optimizer *optimizer;
    reel_array *x, *y;
    layer layers[LAYERS];
    int count;
    allowance allowed;
};

/* ---- layers ---- */

/* The tensor `init LAYER.WHAT`, NULL when there is none. */
static const cJSON *initial(const net *n, const layer *l, const char *what)
{
    char name[LAYER_TEXT];
    snprintf(name, sizeof name, "init %s.%s", l->name, what);
    return member(n->inputs, name);
}

static int64_t dimension(const cJSON *tensor, int axis)
{
    const cJSON *n = cJSON_GetArrayItem(member(tensor, "shape"), axis);
    return cJSON_IsNumber(n) ? (int64_t)n->valuedouble : 0;
}

static void build_linear(net *n, layer *l)
{
    const cJSON *weight = initial(n, l, "weight");
    int64_t out = dimension(weight, 0), in = dimension(weight, 1);
    l->module = initial(n, l, "bias") ? reel_linear_new(HERE, n->store, l->name, in, out, NULL)
                                      : reel_linear_plain_new(HERE, n->store, l->name, in, out, NULL);
}

static void build_activation(net *n, layer *l)
{
    l->module = reel_activation_new(HERE, n->context, l->kind->name);
}

static reel_value record_module(net *n, layer *l, reel_value x)
{
    (void)n;
    return reel_forward(HERE, l->module, x);
}

/* Adds LAYER.WHAT in the shape of its initial values; -1 when the case has none. */
static int add_param(net *n, const layer *l, const char *what)
{
    const cJSON *tensor = initial(n, l, what);
    int64_t shape[REEL_MAX_RANK];
    char name[LAYER_TEXT];
    if (!tensor) return -1;
    int rank = cJSON_GetArraySize(member(tensor, "shape"));
    for (int d = 0; d < rank && d < REEL_MAX_RANK; d++) shape[d] = dimension(tensor, d);
    snprintf(name, sizeof name, "%s.%s", l->name, what);
    return reel_params_add(HERE, n->store, name, rank, shape);
}

static void build_affine(net *n, layer *l)
{
    l->weight = add_param(n, l, "weight");
    l->bias = add_param(n, l, "bias");
}

/* Running statistics start as mean 0 and variance 1. */
static void build_batch_norm(net *n, layer *l)
{
    build_affine(n, l);
    int64_t size = dimension(initial(n, l, "weight"), 0);
    char name[LAYER_TEXT];
    snprintf(name, sizeof name, "%s.running_mean", l->name);
    l->mean = reel_params_add_buffer(HERE, n->store, name, 1, &size);
    snprintf(name, sizeof name, "%s.running_var", l->name);
    l->variance = reel_params_add_buffer(HERE, n->store, name, 1, &size);
    reel_array ones = reel_params_buffer(n->store, l->variance);
    for (int64_t i = 0; ones.data && i < ones.size; i++)
        if (ones.dtype == REEL_FLOAT)
            ((float *)ones.data)[i] = 1;
        else
            ((double *)ones.data)[i] = 1;
}

static reel_value param_of(net *n, int index)
{
    return index < 0 ? REEL_NIL : reel_param(HERE, n->tape, n->store, index);
}

static reel_value record_layer_norm(net *n, layer *l, reel_value x)
{
    int axes = reel_params_value(n->store, l->weight).rank;
    return reel_layer_norm(HERE, x, axes, param_of(n, l->weight), param_of(n, l->bias), 1e-5);
}

static reel_value record_batch_norm(net *n, layer *l, reel_value x)
{
    reel_array mean = reel_params_buffer(n->store, l->mean), variance = reel_params_buffer(n->store, l->variance);
    return reel_batch_norm(HERE, x, param_of(n, l->weight), param_of(n, l->bias), &mean, &variance, 0.1, 1e-5);
}

/* The number behind a letter in the detail ("k3"), or `otherwise`. */
static int64_t detail_number(const layer *l, char letter, int64_t otherwise)
{
    const char *at = strchr(l->detail, letter);
    return at ? strtoll(at + 1, NULL, 10) : otherwise;
}

static reel_value record_conv2d(net *n, layer *l, reel_value x)
{
    int64_t stride = detail_number(l, 's', 1), padding = detail_number(l, 'p', 0);
    return reel_conv2d(HERE, x, param_of(n, l->weight), param_of(n, l->bias), (int64_t[]){stride, stride},
                       (int64_t[]){padding, padding}, NULL, 1);
}

static reel_value record_avg_pool2d(net *n, layer *l, reel_value x)
{
    int64_t size = strtoll(l->detail, NULL, 10);
    (void)n;
    return reel_avg_pool2d(HERE, x, (int64_t[]){size, size}, NULL, NULL, false, true);
}

static reel_value record_max_pool2d(net *n, layer *l, reel_value x)
{
    int64_t size = strtoll(l->detail, NULL, 10);
    (void)n;
    return reel_max_pool2d(HERE, x, (int64_t[]){size, size}, NULL, NULL, false);
}

static reel_value record_flatten(net *n, layer *l, reel_value x)
{
    (void)n;
    (void)l;
    return reel_reshape(HERE, x, 2, (int64_t[]){reel_data(x).shape[0], -1});
}

static reel_value record_embedding(net *n, layer *l, reel_value x)
{
    return reel_embedding(HERE, param_of(n, l->weight), x, -1);
}

static const layer_kind kinds[] = {
    {"linear", build_linear, record_module},
    {"relu", build_activation, record_module},
    {"tanh", build_activation, record_module},
    {"sigmoid", build_activation, record_module},
    {"leaky_relu", build_activation, record_module},
    {"elu", build_activation, record_module},
    {"gelu", build_activation, record_module},
    {"silu", build_activation, record_module},
    {"softplus", build_activation, record_module},
    {"layer_norm", build_affine, record_layer_norm},
    {"batch_norm", build_batch_norm, record_batch_norm},
    {"conv2d", build_affine, record_conv2d},
    {"avg_pool2d", NULL, record_avg_pool2d},
    {"max_pool2d", NULL, record_max_pool2d},
    {"flatten", NULL, record_flatten},
    {"embedding", build_affine, record_embedding},
};

/* ---- losses ---- */

static reel_value loss_huber(const char *site, reel_value x, reel_value y)
{
    return reel_huber(site, x, y, 1);
}

static reel_value loss_smooth_l1(const char *site, reel_value x, reel_value y)
{
    return reel_smooth_l1(site, x, y, 1, REEL_MEAN);
}

static const struct {
    const char *name;
    reel_value (*record)(const char *site, reel_value x, reel_value y);
} losses[] = {
    {"mse", reel_mse},
    {"l1", reel_l1},
    {"huber", loss_huber},
    {"smooth_l1", loss_smooth_l1},
    {"bce", reel_bce},
    {"bce_with_logits", reel_bce_with_logits},
    {"cross_entropy", reel_cross_entropy},
};

static reel_value record_loss(net *n, reel_value output)
{
    const char *name = member_text(n->params, "loss");
    reel_value y = reel_input(HERE, n->tape, n->y);
    const cJSON *smoothing = member(n->params, "label_smoothing");
    if (strcmp(name, "cross_entropy") == 0 && smoothing)
        return reel_cross_entropy_with(HERE, output, y, REEL_NIL, -100, number_of(smoothing), REEL_MEAN);
    for (size_t i = 0; i < sizeof losses / sizeof *losses; i++)
        if (strcmp(losses[i].name, name) == 0) return losses[i].record(HERE, output, y);
    decide(&n->outcome, CASE_NOT_COVERED, "there is no loss %s", name);
    return REEL_NIL;
}

static reel_value record_net(net *n)
{
    reel_value x = reel_input(HERE, n->tape, n->x);
    for (int i = 0; i < n->count; i++) x = n->layers[i].kind->record(n, &n->layers[i], x);
    return x;
}

/* ---- building ---- */

static void build_layers(net *n)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, member(n->params, "layers"))
    {
        const char *text = cJSON_GetStringValue(item);
        size_t length = text ? strcspn(text, " ") : 0;
        if (!text || n->count == LAYERS) {
            decide(&n->outcome, CASE_NOT_COVERED, "layers is no list of up to %d texts", LAYERS);
            return;
        }
        layer *l = &n->layers[n->count];
        *l = (layer){.detail = text + length, .weight = -1, .bias = -1, .mean = -1, .variance = -1};
        snprintf(l->name, sizeof l->name, "%d", n->count++);
        for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
            if (strlen(kinds[i].name) == length && strncmp(kinds[i].name, text, length) == 0) l->kind = &kinds[i];
        if (!l->kind) {
            decide(&n->outcome, CASE_NOT_COVERED, "there is no layer %s", text);
            return;
        }
        if (l->kind->build) l->kind->build(n, l);
    }
}

/* Initial values of all parameters, which stand in the order that the case names. */
static void fill_params(net *n)
{
    const cJSON *item;
    int index = 0;
    reel_params_seal(HERE, n->store);
    cJSON_ArrayForEach(item, member(n->params, "param_order"))
    {
        const char *name = cJSON_GetStringValue(item), *found = reel_params_name(n->store, index);
        char input[LAYER_TEXT];
        if (!name || !found || strcmp(name, found) != 0) {
            decide(&n->outcome, CASE_NOT_COVERED, "parameter %d is %s, expected %s", index, found ? found : "none",
                   name ? name : "?");
            return;
        }
        snprintf(input, sizeof input, "init %s", name);
        reel_array to = reel_params_value(n->store, index++);
        reel_array *from = tensor_read(&n->outcome, n->context, member(n->inputs, input), to.dtype, input);
        if (from && from->size == to.size && from->dtype == to.dtype)
            memcpy(to.data, from->data, (size_t)to.size * reel_dtype_size(to.dtype));
        else
            decide(&n->outcome, CASE_NOT_COVERED, "%s does not fit", input);
    }
    if (index != reel_params_count(n->store))
        decide(&n->outcome, CASE_NOT_COVERED, "param_order names %d of %d parameters", index,
               reel_params_count(n->store));
    reel_params_touch(n->store);
}

static void build_optimizer(net *n)
{
    const cJSON *scheduler = member(n->params, "scheduler");
    char note[CASE_NOTE] = "";
    n->optimizer = optim_cases_optimizer(n->store, member(n->params, "optimizer"), note);
    if (n->optimizer && scheduler) {
        reel_schedule *schedule = optim_cases_schedule(n->context, scheduler, note);
        if (schedule) reel_optimizer_set_schedule(HERE, n->optimizer, schedule);
    }
    if (*note) decide(&n->outcome, CASE_NOT_COVERED, "%s", note);
}

static void check_understood(net *n)
{
    static const char *const known[] = {"layers",    "loss",  "label_smoothing", "optimizer",
                                        "scheduler", "steps", "param_order"};
    for (const cJSON *item = n->params ? n->params->child : NULL; item; item = item->next) {
        bool found = false;
        for (size_t i = 0; i < sizeof known / sizeof *known; i++) found |= strcmp(known[i], item->string) == 0;
        if (!found) decide(&n->outcome, CASE_NOT_COVERED, "parameter %s is not understood", item->string);
    }
}

/* ---- training ---- */

static void compare_entry(net *n, double found, const char *list, int64_t index)
{
    const cJSON *expected = cJSON_GetArrayItem(member(n->expected, list), (int)index);
    if (!is_number(expected))
        decide(&n->outcome, CASE_NOT_COVERED, "there is no expected %s[%d]", list, (int)index);
    else
        compare_number(&n->outcome, found, number_of(expected), n->allowed, list, index);
}

static void compare_first_gradient(net *n)
{
    const cJSON *gradients = member(n->expected, "first_grad");
    for (const cJSON *item = gradients ? gradients->child : NULL; item; item = item->next) {
        int index = reel_params_find(n->store, item->string);
        reel_array gradient = reel_params_gradient(n->store, index);
        if (index < 0 || !gradient.data)
            decide(&n->outcome, CASE_FAILED, "there is no gradient of %s", item->string);
        else
            compare_tensor(&n->outcome, &gradient, item, n->allowed, item->string);
    }
}

static void compare_params(net *n, int64_t steps)
{
    char name[48];
    snprintf(name, sizeof name, "%lld", (long long)steps);
    const cJSON *expected = member(member(n->expected, "params_after"), name), *item;
    reel_array flat = reel_params_flat(n->store);
    if (!expected) return;
    if (cJSON_GetArraySize(expected) != flat.size)
        decide(&n->outcome, CASE_FAILED, "there are %lld parameters", (long long)flat.size);
    int64_t i = 0;
    snprintf(name, sizeof name, "parameters after %lld", (long long)steps);
    cJSON_ArrayForEach(item, expected)
    {
        if (i < flat.size) compare_number(&n->outcome, reel_array_get(&flat, i), number_of(item), n->allowed, name, i);
        i++;
    }
}

static void train(net *n)
{
    int64_t steps = (int64_t)number_of(member(n->params, "steps"));
    for (int64_t t = 0; t < steps && n->outcome.verdict == CASE_PASSED; t++) {
        reel_tape_rewind(n->tape);
        reel_value loss = record_loss(n, record_net(n));
        compare_entry(n, reel_item(HERE, loss), "loss", t);
        compare_entry(n, reel_optimizer_rate(n->optimizer), "lr", t);
        reel_backward(HERE, loss);
        if (t == 0) compare_first_gradient(n);
        reel_optimizer_step(HERE, n->optimizer);
        if (reel_failed(n->context)) decide(&n->outcome, CASE_FAILED, "%s", reel_error_text(n->context));
        compare_params(n, t + 1);
    }
    reel_tape_rewind(n->tape);
    reel_value output = record_net(n), loss = record_loss(n, output);
    reel_array found = reel_data(output);
    compare_tensor(&n->outcome, &found, member(n->expected, "final_output"), n->allowed, "final_output");
    compare_number(&n->outcome, reel_item(HERE, loss), number_of(member(n->expected, "final_loss")), n->allowed,
                   "final_loss", 0);
}

/* After 30 steps float64 is within 1e-11 of the reference on the scale of the numbers: rounding errors of 1e-16 a step
 * that training amplifies. Nets in float32 end within 3e-6 of those in float64, so of each other within twice that. */
static void run_net(net *n)
{
    reel_dtype dtype = case_dtype(n->test);
    n->allowed = dtype == REEL_DOUBLE ? (allowance){1e-11, 1e-12} : (allowance){6e-6, 6e-6};
    n->store = reel_params_new(HERE, n->context, dtype);
    n->tape = reel_tape_new(HERE, n->context, dtype);
    n->x = tensor_read(&n->outcome, n->context, member(n->inputs, "X"), dtype, "X");
    n->y = tensor_read(&n->outcome, n->context, member(n->inputs, "y"), dtype, "y");
    if (strcmp(member_text(n->test, "op"), "train") != 0)
        decide(&n->outcome, CASE_NOT_COVERED, "there is no operation %s", member_text(n->test, "op"));
    check_understood(n);
    if (n->outcome.verdict == CASE_PASSED) build_layers(n);
    if (n->outcome.verdict == CASE_PASSED) fill_params(n);
    if (n->outcome.verdict == CASE_PASSED) build_optimizer(n);
    if (reel_failed(n->context)) decide(&n->outcome, CASE_FAILED, "%s", reel_error_text(n->context));
    if (n->outcome.verdict == CASE_PASSED) train(n);
}

int net_cases_run(const cJSON *document, case_report report, void *user)
{
    const char *family = member_text(document, "family");
    if (strcmp(family, "nets") != 0) return -1;
    int failed = 0;
    const cJSON *test;
    cJSON_ArrayForEach(test, member(document, "cases"))
    {
        net n = {.outcome.verdict = CASE_PASSED,
                 .test = test,
                 .params = member(test, "params"),
                 .inputs = member(test, "inputs"),
                 .expected = member(test, "expected"),
                 .context = reel_context_new(NULL)};
        run_net(&n);
        reel_context_free(n.context);
        failed += n.outcome.verdict == CASE_FAILED;
        report(user, family, member_text(test, "name"), n.outcome.verdict, n.outcome.deviation, n.outcome.note);
    }
    return failed;
}
