/* SPDX-License-Identifier: MIT
 *
 * Lines of JSON, piece by piece.
 */
#include "train/text_rows.h"

#include "io/number.h"

#include <stdio.h>
#include <string.h>

void text_put(text_rows *to, const char *text)
{
    size_t n = strlen(text);
    memcpy(to->text + to->count, text, n);
    to->count += n;
}

void text_put_number(text_rows *to, const char *before, double x)
{
    text_put(to, before);
    to->count += (size_t)number_print_float(to->text + to->count, (float)x);
}

void text_put_integer(text_rows *to, const char *before, int64_t x)
{
    text_put(to, before);
    to->count += (size_t)number_print_int64(to->text + to->count, x);
}

void text_put_name(text_rows *to, const char *name)
{
    text_put(to, "\"");
    for (; *name; name++) {
        char one[8] = {*name};
        if (*name == '"' || *name == '\\')
            snprintf(one, sizeof one, "\\%c", *name);
        else if ((unsigned char)*name < 32)
            snprintf(one, sizeof one, "\\u%04x", (unsigned)(unsigned char)*name);
        text_put(to, one);
    }
    text_put(to, "\"");
}
