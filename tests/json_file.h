/* SPDX-License-Identifier: MIT
 *
 * JSON files that the command wrote, in tests.
 */
#ifndef TESTS_JSON_FILE_H
#define TESTS_JSON_FILE_H

#include "moons_run.h"

#include <cjson/cJSON.h>

static inline cJSON *read_json(const char *folder, const char *name)
{
    size_t size;
    char *text = slurp(folder, name, &size);
    ck_assert_msg(text, "%s is missing", name);
    cJSON *document = cJSON_Parse(text);
    free(text);
    ck_assert_msg(document, "%s is no JSON", name);
    return document;
}

static inline const cJSON *member(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItem(object, name);
    ck_assert_msg(item, "there is no %s", name);
    return item;
}

static inline double number(const cJSON *object, const char *name)
{
    const cJSON *item = member(object, name);
    ck_assert_msg(cJSON_IsNumber(item), "%s is no number", name);
    return item->valuedouble;
}

#endif
