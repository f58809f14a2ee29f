/* SPDX-License-Identifier: MIT
 *
 * Numbers as text, exact and the same in every locale: the shortest decimal that reads back to the same bits, and the
 * correctly rounded value of a decimal of any length.
 */
#ifndef REEL_NUMBER_H
#define REEL_NUMBER_H

#include <reel/base.h>

__extension__ typedef unsigned __int128 number_uint128;

/* 10^q = (t + d) 2^(e - 127) with the 128-bit integer t = number_powers[q - NUMBER_POWER_FIRST] (high word first),
 * 2^127 <= t, 0 <= d < 1 and e = number_floor_log2_power(q). d is 0 for 0 <= q <= 55. */
#define NUMBER_POWER_FIRST (-342)
#define NUMBER_POWER_LAST 324
extern const uint64_t number_powers[NUMBER_POWER_LAST - NUMBER_POWER_FIRST + 1][2];

/* floor(log2(10^q)) for |q| <= 1233. */
static inline int number_floor_log2_power(int q)
{
    return (q * 1741647) >> 19;
}

/* Room for every number that the printers write, with the closing NUL. */
#define NUMBER_TEXT_SIZE 32

/* Write x and a closing NUL; return the length. The digits are the fewest that read back to the same bits (of a float:
 * as a float), the closest such decimal when there are several. Layout as Python's repr: 0.001, 1e-07, 3.0, 1e+16, -0.0.
 * What is not finite is a JSON text: "nan", "inf", "-inf", quotes included. */
size_t number_print_double(char text[NUMBER_TEXT_SIZE], double x);
size_t number_print_float(char text[NUMBER_TEXT_SIZE], float x);
size_t number_print_int64(char text[NUMBER_TEXT_SIZE], int64_t x);
size_t number_print_uint64(char text[NUMBER_TEXT_SIZE], uint64_t x);

/* NUMBER_BAD: there is no number; *text stands at the fault and *value is unchanged. NUMBER_RANGE: a number, but not of
 * this type; *text stands behind it and *value is the nearest bound (an infinity for floating point). */
typedef enum number_status { NUMBER_OK, NUMBER_BAD, NUMBER_RANGE } number_status;

/* Read the longest number at *text, never past `end`, and move *text behind it. Floating point: [+-] digits with at most
 * one point, optional exponent; or nan, inf, infinity in any case. Rounded to nearest, ties to even, directly to the
 * type, whatever the floating-point mode. Integers: [+-] digits; unsigned ones without '-'. No blanks are skipped. */
number_status number_read_double(const char **text, const char *end, double *value);
number_status number_read_float(const char **text, const char *end, float *value);
number_status number_read_int64(const char **text, const char *end, int64_t *value);
number_status number_read_uint64(const char **text, const char *end, uint64_t *value);

/* Floats of a list of JSON numbers that is known to be good, from the first digit or sign of one at *text, as many of
 * `count` as are of the usual form and not at the very end of the text, into `values`. *text moves behind each with its
 * comma and blanks. Returns how many. */
int64_t number_read_floats(const char **text, const char *end, int64_t count, float *values);

/* The end of the JSON number at `text` (RFC 8259: no leading zeros, no '+', digits on both sides of the point), or NULL
 * when there is none. *integer: there is neither point nor exponent. */
const char *number_skip_json(const char *text, const char *end, bool *integer);

#endif
