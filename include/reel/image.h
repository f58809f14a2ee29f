/* SPDX-License-Identifier: MIT
 *
 * Images: arrays (3, height, width), red, green and blue planes of numbers in [0,1].
 */
#ifndef REEL_IMAGE_H
#define REEL_IMAGE_H

#include <reel/array.h>

#ifdef __cplusplus
extern "C" {
#endif

#define REEL_IMAGE_MOST 16384 /* pixels each way */

/* Reads a PNG or JPEG file, whatever its name, as an array of floats, a value v of b bits as v / (2^b - 1): the numbers of
 * the file, whose gamma curve is left as it is. Grey is repeated in the three planes, 16 bits are kept, and what is
 * transparent is laid over white. `most`: pixels allowed each way, at most REEL_IMAGE_MOST. The array belongs to the
 * context. NULL and an error: a file that is missing, no PNG or JPEG, damaged (checksums of a PNG, the end of a JPEG), or
 * larger than `most`. */
REEL_API reel_array *reel_image_load(REEL_SITE reel_context *context, const char *path, int64_t most);
/* Writes a PNG file of 8 bits a channel from an array (3, height, width) or (height, width) of floats or doubles, or of
 * uint8 as they are; numbers are cut to [0,1] and rounded, NaN is 0. The file is whole, or what was there stays. Errors:
 * another shape or type; the file system. */
REEL_API reel_status reel_image_save(REEL_SITE reel_context *context, const char *path, const reel_array *image);

/* Peak signal-to-noise ratio in decibels of images whose values are in [0,1]: -10 log10 of the mean of (x - y)^2; infinite
 * when they are equal, NaN when their sizes differ. */
REEL_API double reel_image_psnr(const reel_array *x, const reel_array *y);

/* Images that are computed, (3, height, width) floats, for tests and studies. Sizes 1 ... REEL_IMAGE_MOST; the same on every
 * machine. Errors: a name or size that does not exist; no memory.
 *   baseline1  grey, 0.7 x / width + (0.2 on the light squares of a board of 8 by 8), in float: the image of the
 *              divergence study, at 64 x 64
 *   landscape  hills of value noise under a sky, a lake
 *   portrait   soft blobs: head, hair, shoulders, a light background
 *   blossoms   round petals over leaves, sharp edges
 *   text       lines of dark marks on paper: fine detail */
REEL_API reel_array *reel_test_image_new(REEL_SITE reel_context *context, const char *name, int64_t width,
                                         int64_t height);
/* Their names; NULL past the end. */
REEL_API const char *reel_test_image_name(int index);

#ifndef REEL_NO_SITE_MACROS
#define reel_image_load(...) reel_image_load(REEL_HERE, __VA_ARGS__)
#define reel_image_save(...) reel_image_save(REEL_HERE, __VA_ARGS__)
#define reel_test_image_new(...) reel_test_image_new(REEL_HERE, __VA_ARGS__)
#endif

#ifdef __cplusplus
}
#endif

#endif
