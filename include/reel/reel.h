/* SPDX-License-Identifier: MIT
 *
 * Everything of Reel.
 */
#ifndef REEL_H
#define REEL_H

#include <reel/args.h>
#include <reel/array.h>
#include <reel/average.h>
#include <reel/base.h>
#include <reel/check.h>
#include <reel/checkpoint.h>
#include <reel/context.h>
#include <reel/data.h>
#include <reel/diagnose.h>
#include <reel/hyper.h>
#include <reel/landscape.h>
#include <reel/image.h>
#include <reel/nn.h>
#include <reel/op.h>
#include <reel/ops.h>
#include <reel/optim.h>
#include <reel/params.h>
#include <reel/random.h>
#include <reel/resume.h>
#include <reel/schedule.h>
#include <reel/table.h>
#include <reel/tape.h>
#include <reel/trace.h>
#include <reel/train.h>

#endif
