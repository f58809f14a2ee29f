/* SPDX-License-Identifier: MIT
 *
 * Image files: what is saved is read again, every kind of PNG, damaged files; computed images.
 */
#include "io/file.h"
#include "moons_run.h"

#include <math.h>
#include <reel/image.h>
#include <stb/stb_image_write.h>

static char folder[64], path[128];

static void start(void)
{
    setup();
    folder_fresh(folder);
    snprintf(path, sizeof path, "%s/image.png", folder);
}

static void finish(void)
{
    folder_remove(folder);
    teardown();
}

static void write_bytes(const void *data, size_t size)
{
    ck_assert_int_eq(file_write(NULL, context, &file_system, path, data, size, 0), REEL_OK);
}

START_TEST(saved_is_loaded)
{
    for (int i = 0; reel_test_image_name(i); i++) {
        reel_array *image = reel_test_image_new(NULL, context, reel_test_image_name(i), 37, 23);
        ck_assert_int_eq(reel_image_save(NULL, context, path, image), REEL_OK);
        reel_array *again = reel_image_load(NULL, context, path, 64);
        ck_assert_msg(again, "%s", reel_error_text(context));
        ck_assert(again->shape[0] == 3 && again->shape[1] == 23 && again->shape[2] == 37 && again->dtype == REEL_FLOAT);
        double least = 1, most = 0;
        for (int64_t k = 0; k < image->size; k++) {
            double x = reel_array_get(image, k);
            ck_assert(fabs(x - reel_array_get(again, k)) <= 0.5 / 255 + 1e-6);
            least = fmin(least, x);
            most = fmax(most, x);
        }
        ck_assert(least >= 0 && most <= 1 && most - least > 0.3);
        double psnr = reel_image_psnr(image, again);
        ck_assert_msg(psnr > 50 && psnr < 70, "%g dB", psnr);
        ck_assert(isinf(reel_image_psnr(image, image)));
    }
}
END_TEST

/* Numbers outside [0,1], NaN, one plane, bytes. */
START_TEST(saved_numbers)
{
    double numbers[] = {-1, 0, 0.5, 1, 7, NAN};
    uint8_t bytes[] = {0, 1, 254, 255};
    reel_array row = reel_array_view(REEL_DOUBLE, numbers, 2, (const int64_t[]){1, 6});
    reel_array square = reel_array_view(REEL_UINT8, bytes, 2, (const int64_t[]){2, 2});
    const int wanted[] = {0, 0, 128, 255, 255, 0};
    reel_image_save(NULL, context, path, &row);
    reel_array *again = reel_image_load(NULL, context, path, 6);
    for (int k = 0; k < 18; k++) ck_assert(((float *)again->data)[k] == (float)wanted[k % 6] / 255);
    reel_image_save(NULL, context, path, &square);
    again = reel_image_load(NULL, context, path, 2);
    for (int k = 0; k < 12; k++) ck_assert(((float *)again->data)[k] == (float)bytes[k % 4] / 255);
    ck_assert(!reel_failed(context));
}
END_TEST

/* Grey, grey and alpha, colour, colour and alpha. */
START_TEST(channels)
{
    static const uint8_t pixels[] = {200, 100, 50, 128, 10, 20, 30, 255, 1, 2, 3, 0};
    for (int n = 1; n <= 4; n++) {
        ck_assert(stbi_write_png(path, 3, 1, n, pixels, 3 * n));
        reel_array *image = reel_image_load(NULL, context, path, 100);
        ck_assert_msg(image && image->size == 9, "%s", reel_error_text(context));
        for (int x = 0; x < 3; x++)
            for (int k = 0; k < 3; k++) {
                const uint8_t *p = pixels + n * x;
                float value = p[n > 2 ? k : 0] / 255.0f, alpha = n % 2 ? 1 : p[n - 1] / 255.0f;
                ck_assert(fabsf(((float *)image->data)[3 * k + x] - (value * alpha + 1 - alpha)) < 1e-6f);
            }
    }
}
END_TEST

static uint32_t crc(const unsigned char *p, size_t n)
{
    uint32_t c = UINT32_MAX;
    for (size_t i = 0; i < n; i++) {
        c ^= p[i];
        for (int k = 0; k < 8; k++) c = c & 1 ? 0xedb88320u ^ c >> 1 : c >> 1;
    }
    return ~c;
}

static size_t put_chunk(unsigned char *to, const char *type, const void *data, uint32_t size)
{
    for (int i = 0; i < 4; i++) to[i] = (unsigned char)(size >> (24 - 8 * i));
    memcpy(to + 4, type, 4);
    memcpy(to + 8, data, size);
    uint32_t sum = crc(to + 4, size + 4);
    for (int i = 0; i < 4; i++) to[8 + size + i] = (unsigned char)(sum >> (24 - 8 * i));
    return size + 12;
}

/* A grey PNG of 16 bits, 2 x 1: 0x1234 and 0xffff, in a stored block. */
START_TEST(sixteen_bits)
{
    static const unsigned char head[] = {0, 0, 0, 2, 0, 0, 0, 1, 16, 0, 0, 0, 0};
    static const unsigned char data[] = {0x78, 0x01, 1,    5,    0,    0xfa, 0xff, 0,
                                         0x12, 0x34, 0xff, 0xff, 0x06, 0x0b, 0x02, 0x45};
    unsigned char file[200] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    size_t n = 8;
    n += put_chunk(file + n, "IHDR", head, sizeof head);
    n += put_chunk(file + n, "IDAT", data, sizeof data);
    n += put_chunk(file + n, "IEND", "", 0);
    write_bytes(file, n);
    reel_array *image = reel_image_load(NULL, context, path, 100);
    ck_assert_msg(image, "%s", reel_error_text(context));
    ck_assert(((float *)image->data)[0] == 0x1234 / 65535.0f && ((float *)image->data)[3] == 1);
}
END_TEST

START_TEST(refused)
{
    reel_image_load(NULL, context, "/nowhere/at/all.png", 100);
    expect_error(REEL_IO, "/nowhere/at/all.png");
    reel_image_load(NULL, context, folder, 100);
    expect_error(REEL_IO, folder);
    write_bytes("", 0);
    reel_image_load(NULL, context, path, 100);
    expect_error(REEL_BAD_FILE, "is no image: expected a PNG or JPEG file");
    write_bytes("P6 1 1 255 abc", 14);
    reel_image_load(NULL, context, path, 100);
    expect_error(REEL_BAD_FILE, "is no image");
    reel_image_save(NULL, context, path, reel_test_image_new(NULL, context, "text", 65, 40));
    reel_image_load(NULL, context, path, 64);
    expect_error(REEL_BAD_ARGUMENT, "has 65 x 40 pixels, expected at most 64 x 64");
    reel_test_image_new(NULL, context, "nothing", 8, 8);
    expect_error(REEL_NOT_FOUND, "there is no test image \"nothing\"");
    reel_test_image_new(NULL, context, "text", 0, 8);
    expect_error(REEL_BAD_ARGUMENT, "0 x 8 pixels");
    reel_image_save(NULL, context, path, reel_array_new(NULL, context, REEL_FLOAT, 3, (const int64_t[]){2, 4, 4}));
    expect_error(REEL_BAD_SHAPE, "(2,4,4)");
    reel_image_save(NULL, context, "/nowhere/a.png", reel_test_image_new(NULL, context, "text", 8, 8));
    expect_error(REEL_IO, "/nowhere/");
    ck_assert(isnan(reel_image_psnr(NULL, NULL)));
}
END_TEST

/* Cuts and changed bytes, every `step`-th: a sentence, or a whole image; never a half one of a file that was cut. */
static void mangle(const unsigned char *data, size_t size, size_t step, bool checked)
{
    unsigned char *copy = malloc(size);
    for (size_t i = 0; i < size; i += step) {
        write_bytes(data, i);
        reel_array *image = reel_image_load(NULL, context, path, 100);
        ck_assert_msg(!image, "cut after %zu of %zu bytes", i, size);
        ck_assert(reel_error_status(context) == REEL_BAD_FILE && strstr(reel_error_text(context), path));
        reel_error_clear(context);
        memcpy(copy, data, size);
        copy[i] ^= (unsigned char)(1 + i % 255);
        write_bytes(copy, size);
        image = reel_image_load(NULL, context, path, 100);
        ck_assert_msg(!image || !checked, "byte %zu of %zu", i, size);
        ck_assert(!image || image->size > 0);
        reel_array_free(image);
        reel_error_clear(context);
    }
    free(copy);
}

typedef struct bytes {
    unsigned char data[8192];
    size_t size;
} bytes;

static void collect(void *to, void *data, int size)
{
    bytes *b = to;
    ck_assert(b->size + (size_t)size <= sizeof b->data);
    memcpy(b->data + b->size, data, (size_t)size);
    b->size += (size_t)size;
}

START_TEST(mangled)
{
    static uint8_t pixels[16 * 12 * 3];
    for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = (uint8_t)(i * i / 7);
    static bytes png, jpeg;
    png.size = jpeg.size = 0;
    stbi_write_png_to_func(collect, &png, 8, 5, 3, pixels, 24);
    stbi_write_jpg_to_func(collect, &jpeg, 16, 12, 3, pixels, 80);
    write_bytes(jpeg.data, jpeg.size);
    reel_array *image = reel_image_load(NULL, context, path, 100);
    ck_assert_msg(image && image->shape[1] == 12 && image->shape[2] == 16, "%s", reel_error_text(context));
    mangle(png.data, png.size, 1, true);
    mangle(jpeg.data, jpeg.size, 3, false);
}
END_TEST

/* The study's image at a few places. */
START_TEST(baseline1)
{
    reel_array *image = reel_test_image_new(NULL, context, "baseline1", 64, 64);
    const float *v = image->data;
    for (int y = 0; y < 64; y++)
        for (int x = 0; x < 64; x++) {
            float wanted = (float)x / 64.0f * 0.7f + ((x / 8 + y / 8) % 2 == 0 ? 0.2f : 0.0f);
            for (int k = 0; k < 3; k++) ck_assert(v[(k * 64 + y) * 64 + x] == wanted);
        }
}
END_TEST

int main(void)
{
    TCase *c = tcase_create("image");
    tcase_add_checked_fixture(c, start, finish);
    tcase_add_test(c, saved_is_loaded);
    tcase_add_test(c, saved_numbers);
    tcase_add_test(c, channels);
    tcase_add_test(c, sixteen_bits);
    tcase_add_test(c, refused);
    tcase_add_test(c, mangled);
    tcase_add_test(c, baseline1);
    return run_case(c, "image");
}
