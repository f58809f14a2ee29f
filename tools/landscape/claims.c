/* SPDX-License-Identifier: MIT
 *
 * Claims, and lists of numbers.
 */
#include "landscape/claims.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

void claim_put(FILE *report, cJSON *list, const char *name, bool holds, const char *claim, const char *format, ...)
{
    char found[640], line[1024];
    cJSON *one = cJSON_CreateObject();
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(found, sizeof found, format, arguments);
    va_end(arguments);
    snprintf(line, sizeof line, "  %s: %s. %s", holds ? "holds" : "does not hold", claim, found);
    option_words(report, 0, 4, line);
    json_add_text(one, "name", name);
    json_add_text(one, "claim", claim);
    cJSON_AddBoolToObject(one, "holds", holds);
    json_add_text(one, "found", found);
    cJSON_AddItemToArray(list, one);
}

char *python_number(double value, char text[NUMBER_SIZE])
{
    number_text(value, REEL_DOUBLE, text);
    if (isfinite(value) && !strpbrk(text, ".e")) strcat(text, ".0");
    return text;
}

int numbers_read(const option_set *set, const char *flag, const reel_hyper *row, const char *text, int most,
                 double *out)
{
    reel_context *context = reel_context_new(NULL);
    bool right = true;
    int count = 0;
    for (; right && text; text = strchr(text, ',') ? strchr(text, ',') + 1 : NULL) {
        char one[64];
        snprintf(one, sizeof one, "%.*s", (int)strcspn(text, ","), text);
        right = count < most;
        if (!right) option_fail(set, "--%s: %d numbers at most", flag, most);
        right = right && option_read(set, context, flag, row, one, &out[count++]);
    }
    reel_context_free(context);
    return right ? count : 0;
}
