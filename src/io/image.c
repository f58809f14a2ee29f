/* SPDX-License-Identifier: MIT
 *
 * Image files, decoded and encoded by stb_image and stb_image_write.
 */
#include "core/core.h"
#include "io/file.h"

#include <reel/image.h>

#include <math.h>
#include <stb/stb_image.h>
#include <stb/stb_image_write.h>
#include <string.h>

#define FILE_MOST ((size_t)1 << 28) /* bytes */

/* ---- what the decoder does not look at ---- */

static uint32_t word_at(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* CRC-32 of ISO 3309, as PNG has it. */
static uint32_t checksum(const uint32_t table[256], const unsigned char *p, size_t size)
{
    uint32_t c = UINT32_MAX;
    for (size_t i = 0; i < size; i++) c = table[(c ^ p[i]) & 255] ^ c >> 8;
    return ~c;
}

/* Length, type, data, checksum of each chunk up to IEND. NULL, or what is wrong. */
static const char *damage_of_png(const unsigned char *p, size_t size)
{
    uint32_t table[256];
    for (uint32_t i = 0; i < 256; i++) {
        table[i] = i;
        for (int k = 0; k < 8; k++) table[i] = table[i] & 1 ? 0xedb88320u ^ table[i] >> 1 : table[i] >> 1;
    }
    for (size_t at = 8; at + 12 <= size;) {
        size_t length = word_at(p + at);
        if (length > size - at - 12) break;
        if (word_at(p + at + 8 + length) != checksum(table, p + at + 4, length + 4)) return "a checksum is wrong";
        if (memcmp(p + at + 4, "IEND", 4) == 0) return NULL;
        at += 12 + length;
    }
    return "it ends too early";
}

/* The mark of the end stands somewhere near the end; a few bytes after it are usual. */
static const char *damage_of_jpeg(const unsigned char *p, size_t size)
{
    for (size_t i = size; i >= 2 && i + 4096 > size; i--)
        if (p[i - 2] == 0xff && p[i - 1] == 0xd9) return NULL;
    return "it ends too early";
}

/* ---- loading ---- */

typedef struct file_bytes {
    const char *path;
    unsigned char *data;
    size_t size;
} file_bytes;

/* Sizes of a file that may be decoded; false with an error. */
static bool measure(const char *site, reel_context *context, const file_bytes *f, int64_t most, int *width, int *height)
{
    static const unsigned char png[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'}, jpeg[] = {0xff, 0xd8, 0xff};
    const char *who = "image_load", *damage = NULL, *kind = "PNG";
    int channels;
    if (f->size >= sizeof png && memcmp(f->data, png, sizeof png) == 0) {
        damage = damage_of_png(f->data, f->size);
    } else if (f->size >= sizeof jpeg && memcmp(f->data, jpeg, sizeof jpeg) == 0) {
        kind = "JPEG";
        damage = damage_of_jpeg(f->data, f->size);
    } else {
        reel_error_set(context, REEL_BAD_FILE, site, who, "%s is no image: expected a PNG or JPEG file", f->path);
        return false;
    }
    if (!damage && !stbi_info_from_memory(f->data, (int)f->size, width, height, &channels))
        damage = stbi_failure_reason();
    if (!damage && (*width < 1 || *height < 1)) damage = "it has no pixels";
    if (damage) {
        reel_error_set(context, REEL_BAD_FILE, site, who, "%s is a damaged %s file: %s", f->path, kind, damage);
        return false;
    }
    if (most > REEL_IMAGE_MOST) most = REEL_IMAGE_MOST;
    if (*width <= most && *height <= most) return true;
    reel_error_set(context, REEL_BAD_ARGUMENT, site, who, "%s has %d x %d pixels, expected at most %lld x %lld",
                   f->path, *width, *height, (long long)most, (long long)most);
    return false;
}

/* From pixels of four channels of 8 or 16 bits. */
static void take_pixels(const void *pixels, bool deep, int64_t count, float *to)
{
    const float whole = deep ? 65535 : 255;
    for (int64_t i = 0; i < count; i++) {
        float v[4];
        for (int k = 0; k < 4; k++)
            v[k] = (deep ? ((const uint16_t *)pixels)[4 * i + k] : ((const uint8_t *)pixels)[4 * i + k]) / whole;
        for (int k = 0; k < 3; k++) to[k * count + i] = v[3] < 1 ? v[k] * v[3] + (1 - v[3]) : v[k];
    }
}

static reel_array *decode(const char *site, reel_context *context, const file_bytes *f, int64_t most)
{
    int width = 0, height = 0, channels;
    if (!measure(site, context, f, most, &width, &height)) return NULL;
    bool deep = stbi_is_16_bit_from_memory(f->data, (int)f->size);
    void *pixels = deep ? (void *)stbi_load_16_from_memory(f->data, (int)f->size, &width, &height, &channels, 4)
                        : (void *)stbi_load_from_memory(f->data, (int)f->size, &width, &height, &channels, 4);
    if (!pixels) {
        reel_error_set(context, REEL_BAD_FILE, site, "image_load", "%s cannot be decoded: %s", f->path,
                       stbi_failure_reason());
        return NULL;
    }
    reel_array *image = reel_array_new(site, context, REEL_FLOAT, 3, (const int64_t[]){3, height, width});
    if (image) take_pixels(pixels, deep, (int64_t)width * height, image->data);
    stbi_image_free(pixels);
    return image;
}

reel_array *reel_image_load(const char *site, reel_context *context, const char *path, int64_t most)
{
    if (reel_failed(context)) return NULL;
    if (!path || most < 1) {
        reel_error_set(context, REEL_BAD_ARGUMENT, site, "image_load", "found %s and a limit of %lld pixels",
                       path ? path : "no name", (long long)most);
        return NULL;
    }
    file_bytes f = {.path = path};
    f.data = (unsigned char *)file_read(site, context, &file_system, path, FILE_MOST, &f.size);
    if (!f.data) return NULL;
    reel_array *image = decode(site, context, &f, most);
    memory_free(context, f.data, f.size + 1);
    return image;
}

/* ---- saving ---- */

static uint8_t byte_of(const reel_array *a, int64_t i)
{
    if (a->dtype == REEL_UINT8) return ((const uint8_t *)a->data)[i];
    double v = reel_array_get(a, i);
    return v > 0 ? v < 1 ? (uint8_t)(v * 255 + 0.5) : 255 : 0;
}

typedef struct png_target {
    reel_context *context;
    const char *site, *path;
    reel_status status;
} png_target;

/* The encoder hands over the whole file at once. */
static void write_png(void *target, void *data, int size)
{
    png_target *t = target;
    t->status = file_write(t->site, t->context, &file_system, t->path, data, (size_t)size, 0);
}

reel_status reel_image_save(const char *site, reel_context *context, const char *path, const reel_array *image)
{
    const char *who = "image_save";
    char text[SHAPE_TEXT_SIZE];
    if (reel_failed(context)) return reel_error_status(context);
    if (!path || !image || !image->data || image->dtype == REEL_INT64)
        return reel_error_set(context, REEL_BAD_ARGUMENT, site, who,
                              "expected a name and an image of float32, float64 or uint8");
    const int planes = image->rank == 3 ? 3 : 1;
    if (image->rank < 2 || image->rank > 3 || (image->rank == 3 && image->shape[0] != 3) || image->size < 1 ||
        image->shape[image->rank - 1] > REEL_IMAGE_MOST || image->shape[image->rank - 2] > REEL_IMAGE_MOST)
        return reel_error_set(context, REEL_BAD_SHAPE, site, who,
                              "found %s, expected (3,height,width) or (height,width)", shape_text(text, image));
    const int64_t height = image->shape[image->rank - 2], width = image->shape[image->rank - 1],
                  pixels = height * width;
    uint8_t *bytes = memory_new(context, site, who, (size_t)image->size);
    if (!bytes) return reel_error_status(context);
    for (int64_t i = 0; i < pixels; i++)
        for (int k = 0; k < planes; k++) bytes[planes * i + k] = byte_of(image, k * pixels + i);
    png_target to = {context, site, path, REEL_OK};
    bool made = stbi_write_png_to_func(write_png, &to, (int)width, (int)height, planes, bytes, (int)(planes * width));
    memory_free(context, bytes, (size_t)image->size);
    if (!made) return reel_error_set(context, REEL_NO_MEMORY, site, who, "no memory for the PNG file %s", path);
    return to.status;
}

double reel_image_psnr(const reel_array *x, const reel_array *y)
{
    if (!x || !y || x->size != y->size || x->size == 0) return NAN;
    double sum = 0;
    for (int64_t i = 0; i < x->size; i++) {
        double d = reel_array_get(x, i) - reel_array_get(y, i);
        sum += d * d;
    }
    return -10 * log10(sum / (double)x->size);
}
