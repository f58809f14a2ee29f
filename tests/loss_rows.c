/* SPDX-License-Identifier: MIT
 *
 * The losses of reference files in terms of Reel's. Parameters have PyTorch's names.
 */
#include "op_cases.h"

#include <math.h>
#include <string.h>

#define HERE "conform"
#define NOT_IGNORED (-100)

static reel_value input_of(op_run *r)
{
    return operand(r, "input");
}

static reel_value target_of(op_run *r)
{
    return operand(r, "target");
}

static reel_reduction reduction_of(op_run *r, reel_reduction otherwise)
{
    const char *text = text_param(r, "reduction");
    if (strcmp(text, "mean") == 0) return REEL_MEAN;
    if (strcmp(text, "sum") == 0) return REEL_SUM;
    if (strcmp(text, "none") == 0) return REEL_NONE;
    if (*text) decide(&r->outcome, CASE_NOT_COVERED, "there is no reduction %s", text);
    return otherwise;
}

static reel_value run_mse(op_run *r)
{
    return reel_mse_reduced(HERE, input_of(r), target_of(r), reduction_of(r, REEL_MEAN));
}

static reel_value run_l1(op_run *r)
{
    return reel_l1_reduced(HERE, input_of(r), target_of(r), reduction_of(r, REEL_MEAN));
}

static reel_value run_huber(op_run *r)
{
    return reel_huber_reduced(HERE, input_of(r), target_of(r), real_param(r, "delta", 1), reduction_of(r, REEL_MEAN));
}

static reel_value run_smooth_l1(op_run *r)
{
    return reel_smooth_l1(HERE, input_of(r), target_of(r), real_param(r, "beta", 1), reduction_of(r, REEL_MEAN));
}

static reel_value run_bce(op_run *r)
{
    if (!has_operand(r, "weight")) return reel_bce_reduced(HERE, input_of(r), target_of(r), reduction_of(r, REEL_MEAN));
    return reel_bce_weighted(HERE, input_of(r), target_of(r), operand(r, "weight"), reduction_of(r, REEL_MEAN));
}

static reel_value run_bce_with_logits(op_run *r)
{
    if (!has_operand(r, "weight") && !has_operand(r, "pos_weight"))
        return reel_bce_with_logits_reduced(HERE, input_of(r), target_of(r), reduction_of(r, REEL_MEAN));
    return reel_bce_with_logits_weighted(HERE, input_of(r), target_of(r), operand(r, "weight"),
                                         operand(r, "pos_weight"), reduction_of(r, REEL_MEAN));
}

static reel_value run_cross_entropy(op_run *r)
{
    return reel_cross_entropy_with(HERE, input_of(r), target_of(r), operand(r, "weight"),
                                   (int64_t)real_param(r, "ignore_index", NOT_IGNORED),
                                   real_param(r, "label_smoothing", 0), reduction_of(r, REEL_MEAN));
}

static reel_value run_cross_entropy_prob(op_run *r)
{
    return reel_cross_entropy_probs(HERE, input_of(r), target_of(r), operand(r, "weight"),
                                    real_param(r, "label_smoothing", 0), reduction_of(r, REEL_MEAN));
}

static reel_value run_nll(op_run *r)
{
    return reel_nll(HERE, input_of(r), target_of(r), operand(r, "weight"),
                    (int64_t)real_param(r, "ignore_index", NOT_IGNORED), reduction_of(r, REEL_MEAN));
}

static reel_value run_kl_div(op_run *r)
{
    bool batch = strcmp(text_param(r, "reduction"), "batchmean") == 0;
    reel_value y = reel_kl_div(HERE, input_of(r), target_of(r), flag_param(r, "log_target", false),
                               batch ? REEL_SUM : reduction_of(r, REEL_MEAN));
    reel_array x = reel_data(input_of(r));
    return batch ? reel_mul_scalar(HERE, y, 1 / (double)(x.rank ? x.shape[0] : 1)) : y;
}

static reel_value run_hinge(op_run *r)
{
    return reel_hinge(HERE, input_of(r), target_of(r), reduction_of(r, REEL_MEAN));
}

static reel_value run_focal_seed002(op_run *r)
{
    return reel_focal(HERE, operand(r, "y_pred"), operand(r, "y_true"), real_param(r, "gamma", 2),
                      real_param(r, "eps", 1e-8), reduction_of(r, REEL_NONE));
}

#define ROW(name) {#name, run_##name},
const op_row loss_rows[] = {
    ROW(mse) ROW(l1) ROW(huber) ROW(smooth_l1) ROW(bce) ROW(bce_with_logits) ROW(cross_entropy) ROW(cross_entropy_prob)
        ROW(nll) ROW(kl_div) ROW(hinge) ROW(focal_seed002){NULL, NULL},
};
