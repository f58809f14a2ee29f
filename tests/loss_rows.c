/* SPDX-License-Identifier: MIT
 *
 * The losses of reference files in terms of Reel's. Parameters have PyTorch's names.
 */
#include "op_cases.h"

const op_row loss_rows[] = {
    {NULL, NULL},
};
