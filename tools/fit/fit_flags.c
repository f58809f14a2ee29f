/* SPDX-License-Identifier: MIT
 *
 * Flags of `reel fit`.
 */
#include "fit/fit.h"

#include "signals.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER(flag, sentence, value_, least_, most_, kind_)                                                           \
    {                                                                                                                  \
        .name = (flag), .text = (sentence), .value = (value_), .least = (least_), .most = (most_), .kind = (kind_)     \
    }
static const reel_hyper rows_of_numbers[] = {
    NUMBER("gaussians", "number of Gaussians", 100, 1, GAUSSIAN_MOST_COUNT, REEL_HYPER_WHOLE),
    NUMBER("blend_eps", "of smooth blending, added to the sum of the weights", 0.001, 0, 1e6, REEL_HYPER_NUMBER),
    NUMBER("least_scale", "lower bound of the scales, as parts of the image's sides", 0.001, 1e-6, 1e6,
           REEL_HYPER_NUMBER),
    NUMBER("most_scale", "upper bound", 0.5, 1e-6, 1e6, REEL_HYPER_NUMBER),
    NUMBER("start_scale", "scales start between 0.2 and 2 times this; 0: 0.35 / sqrt(number of Gaussians)", 0, 0, 1e3,
           REEL_HYPER_NUMBER),
    NUMBER("iterations", "updates in total, those before a resume included", 2000, 0, 1e12, REEL_HYPER_WHOLE),
    NUMBER("seed", "of the start, whose stream is rust's", 42, 0, 9007199254740992.0, REEL_HYPER_WHOLE),
};

fit_settings image_fit_asked;
static double *const numbers[] = {&image_fit_asked.gaussians,   &image_fit_asked.eps,
                                  &image_fit_asked.least_scale, &image_fit_asked.most_scale,
                                  &image_fit_asked.start_scale, &image_fit_asked.iterations,
                                  &image_fit_asked.seed};
#define NUMBERS ((int)(sizeof numbers / sizeof *numbers))

static const option_row model[] = {
    {.name = "gaussians", .number = &image_fit_asked.gaussians, .hyper = &rows_of_numbers[0]},
    {"blending", "NAME", "smooth (default), normalised, additive: see below.", .word = &image_fit_asked.blending},
    {"cutoff", "S|none", "Standard deviations from which on a weight is 0; default 5.",
     .word = &image_fit_asked.cutoff},
    {.name = "blend-eps", .number = &image_fit_asked.eps, .hyper = &rows_of_numbers[1]},
    {"scale-form", "NAME", "What the parameter is: the scale itself, direct (default), or its logarithm, log.",
     .word = &image_fit_asked.scale_form},
    {"train", "PART,...",
     "Parts to train: position, scale, rotation, colour, opacity, or all; default all but opacity.",
     .word = &image_fit_asked.train},
    {.name = "least-scale", .number = &image_fit_asked.least_scale, .hyper = &rows_of_numbers[2]},
    {.name = "most-scale", .number = &image_fit_asked.most_scale, .hyper = &rows_of_numbers[3]},
    {.name = "start-scale", .number = &image_fit_asked.start_scale, .hyper = &rows_of_numbers[4]},
    {"start", "NAME", "Colours to start from: image, those at the positions (default), or random.",
     .word = &image_fit_asked.start},
    {"precision", "TYPE", "float (default) or double.", .word = &image_fit_asked.precision},
};
static const option_row loss[] = {
    {"loss", "TERM+...", "Terms l1, l2, ssim (for 1 - SSIM), with weights as in 0.8*l2+0.2*ssim; default l2.",
     .word = &image_fit_asked.loss},
    {"ssim-window", "NAME", "Of the term ssim: gaussian, 11 x 11 (default), or uniform, 8 x 8.",
     .word = &image_fit_asked.window},
    {.name = "iterations",
     .number = &image_fit_asked.iterations,
     .hyper = &rows_of_numbers[5],
     .given = &image_fit_asked.iterations_given},
};
static const option_row output[] = {
    {"out", "DIR", "Write rendering.png, error.png, ellipses.png, losses.png, fit.json and checkpoints here.",
     .word = &image_fit_asked.out},
    {"json", "FILE", "Write every number in full precision; -: to standard output.", .word = &image_fit_asked.json},
    {"quiet", NULL, "No progress.", .set = &image_fit_asked.quiet},
};

void image_fit_flags_init(void)
{
    image_fit_asked = (fit_settings){.blending = "smooth",
                                     .cutoff = "5",
                                     .scale_form = "direct",
                                     .train = "position,scale,rotation,colour",
                                     .start = "image",
                                     .loss = "l2",
                                     .window = "gaussian",
                                     .precision = "float"};
    for (int i = 0; i < NUMBERS; i++) *numbers[i] = rows_of_numbers[i].value;
}

option_row image_fit_seed_row(void)
{
    return (option_row){.name = "seed", .number = &image_fit_asked.seed, .hyper = &rows_of_numbers[6]};
}

void image_fit_groups(option_group groups[FIT_GROUPS])
{
    groups[0] = (option_group){"model", OPTION_ROWS(model)};
    groups[1] = (option_group){"loss", OPTION_ROWS(loss)};
    groups[2] = (option_group){"output", OPTION_ROWS(output)};
}

void image_fit_more_help(void)
{
    printf("\nIMAGE is a PNG or JPEG file of at most %d x %d pixels, or test:NAME or test:NAME:WIDTHxHEIGHT:",
           FIT_SIDE_MOST, FIT_SIDE_MOST);
    for (int i = 0; reel_test_image_name(i); i++) printf("%s %s", i ? "," : "", reel_test_image_name(i));
    printf(
        ".\n"
        "blending, with w = opacity exp(-q/2), q the squared distance in standard deviations, and sums over "
        "Gaussians:\n"
        "  normalised   sum(w colour) / sum(w), black where nothing is; --cutoff 3.5 as in the divergence study\n"
        "  smooth       sum(w colour) / (sum(w) + blend-eps)\n"
        "  additive     sum(w colour), colours without bounds (GaussianImage, ECCV 2024)\n"
        "error.png is the largest error of the three channels, from dark blue, 0, to yellow, the largest one;\n"
        "ellipses.png has the ellipse of one standard deviation of each Gaussian over the image.\n" SIGNALS_HELP "\n"
        "In the JSON file \"loss\" has a pair of numbers for each line of the log: updates made, loss before the next\n"
        "one; \"psnr\", \"ssim\" and \"parameters\" are those after the last update.\n"
        "\nexample: reel fit test:landscape --gaussians 300 --iterations 500 --out out\n");
}

/* ---- words ---- */

static char wrong[256];

static const char *choose(const char *flag, const char *typed, const char *const *names, int count, int *chosen)
{
    char all[128] = "";
    for (int i = 0; i < count; i++) {
        if (strcmp(typed, names[i]) == 0) return *chosen = i, NULL;
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s",
                 i == 0          ? ""
                 : i + 1 < count ? ", "
                                 : " or ",
                 names[i]);
    }
    snprintf(wrong, sizeof wrong, "--%s: found \"%.40s\", expected %s", flag, typed, all);
    return wrong;
}

static const char *read_cutoff(const char *typed, double *cutoff)
{
    char *end;
    if (strcmp(typed, "none") == 0) return *cutoff = INFINITY, NULL;
    *cutoff = strtod(typed, &end);
    if (*typed && *end == '\0' && *cutoff > 0 && isfinite(*cutoff)) return NULL;
    snprintf(wrong, sizeof wrong, "--cutoff: found \"%.40s\", expected a number above 0 or none", typed);
    return wrong;
}

static const char *read_parts(const char *typed, bool train[GAUSSIAN_PARTS])
{
    char word[32];
    for (int i = 0; i < GAUSSIAN_PARTS; i++) train[i] = strcmp(typed, "all") == 0;
    while (strcmp(typed, "all") != 0) {
        int part = 0;
        size_t length = strcspn(typed, ",");
        snprintf(word, sizeof word, "%.*s", length < sizeof word ? (int)length : (int)sizeof word - 1, typed);
        const char *fault = choose("train", word, gaussian_part_names, GAUSSIAN_PARTS, &part);
        if (fault) return fault;
        train[part] = true;
        if (typed[length] == '\0') break;
        typed += length + 1;
    }
    return NULL;
}

/* [WEIGHT*]NAME+... */
static const char *read_loss(const char *typed, gaussian_loss *to)
{
    const char *at = typed;
    double *const terms[] = {&to->l1, &to->l2, &to->ssim};
    static const char *const names[] = {"l1", "l2", "ssim"};
    while (true) {
        double weight = 1;
        size_t length = strcspn(at, "+");
        const char *star = memchr(at, '*', length);
        int term = 0;
        if (star) {
            char *end;
            weight = strtod(at, &end);
            if (end != star || !(weight > 0) || !isfinite(weight)) break;
            length -= (size_t)(star + 1 - at);
            at = star + 1;
        }
        while (term < 3 && (strlen(names[term]) != length || strncmp(at, names[term], length) != 0)) term++;
        if (term == 3 || *terms[term] != 0) break;
        *terms[term] = weight;
        if (at[length] == '\0') return NULL;
        at += length + 1;
    }
    snprintf(wrong, sizeof wrong, "--loss: found \"%.60s\", expected terms such as l2 or 0.2*l1+0.8*l2+0.1*ssim",
             typed);
    return wrong;
}

const char *image_fit_read(const fit_settings *s, fit_choice *c)
{
    static const char *const forms[] = {"direct", "log"}, *const windows[] = {"uniform", "gaussian"};
    static const char *const precisions[] = {"float", "double"}, *const starts[] = {"image", "random"};
    int blending = 0, form = 0, window = 0, precision = 0, start = 0;
    *c = (fit_choice){.model = gaussian_settings_new()};
    const char *fault = choose("blending", s->blending, gaussian_blending_names, 3, &blending);
    if (!fault) fault = choose("scale-form", s->scale_form, forms, 2, &form);
    if (!fault) fault = choose("ssim-window", s->window, windows, 2, &window);
    if (!fault) fault = choose("precision", s->precision, precisions, 2, &precision);
    if (!fault) fault = choose("start", s->start, starts, 2, &start);
    if (!fault) fault = read_cutoff(s->cutoff, &c->model.cutoff);
    if (!fault) fault = read_parts(s->train, c->model.train);
    if (!fault) fault = read_loss(s->loss, &c->loss);
    if (!fault && s->least_scale > s->most_scale) fault = "--least-scale is above --most-scale";
    if (fault) return fault;
    const double scale = s->start_scale > 0 ? s->start_scale : 0.35 / sqrt(s->gaussians);
    c->model.count = (int64_t)s->gaussians;
    c->model.blending = (gaussian_blending)blending;
    c->model.eps = s->eps;
    c->model.log_scale = form == 1;
    c->model.least_scale = s->least_scale;
    c->model.most_scale = s->most_scale;
    c->model.start_low = fmin(fmax(0.2 * scale, s->least_scale), s->most_scale);
    c->model.start_high = fmin(fmax(2 * scale, s->least_scale), s->most_scale);
    c->loss.window = (reel_ssim_window)window;
    c->precision = precision ? REEL_DOUBLE : REEL_FLOAT;
    c->colours_from_image = start == 0;
    return NULL;
}

bool image_fit_recipe_read(reel_context *context, const char *recipe)
{
    static char text[RECIPE_SIZE]; /* the settings point into it */
    static char *words[RECIPE_WORDS + 1];
    char sentence[REEL_FLAGS_TEXT];
    const char *optimizer = NULL; /* the checkpoint itself tells it */
    const option_row others[] = {{.name = "optimizer", .word = &optimizer}, image_fit_seed_row()};
    option_group groups[FIT_GROUPS];
    image_fit_groups(groups);
    groups[2] = (option_group){"", others, 2};
    snprintf(text, sizeof text, "%s", recipe);
    int count = recipe_split(text, words);
    if (count < 2 || strcmp(words[0], "fit") != 0) return false;
    const reel_flag_set set = {
        .command = "fit", .operands = "IMAGE", .least = 1, .most = 1, .groups = groups, .group_count = FIT_GROUPS};
    int first = reel_flags_read(context, &set, count, words, sentence);
    image_fit_asked.iterations_given = false;
    if (first < 0) return false;
    image_fit_asked.image = words[first];
    return true;
}
