/* SPDX-License-Identifier: MIT
 *
 * Numbers, JSON files, folders.
 */
#include "output.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- numbers ---- */

char *number_text(double value, reel_dtype dtype, char text[NUMBER_SIZE])
{
    bool single = dtype == REEL_FLOAT;
    if (!isfinite(value)) {
        snprintf(text, NUMBER_SIZE, "%s", isnan(value) ? "nan" : value < 0 ? "-inf" : "inf");
        return text;
    }
    if (value == floor(value) && fabs(value) < 1e15) {
        snprintf(text, NUMBER_SIZE, value == 0 && signbit(value) ? "-0.0" : "%.0f", value);
        return text;
    }
    for (int digits = 1; digits <= (single ? 9 : 17); digits++) {
        snprintf(text, NUMBER_SIZE, "%.*g", digits, value);
        if (single ? strtof(text, NULL) == (float)value : strtod(text, NULL) == value) break;
    }
    return text;
}

/* ---- JSON ---- */

void json_add_number(cJSON *object, const char *name, double value, reel_dtype dtype)
{
    char text[NUMBER_SIZE];
    number_text(value, dtype, text);
    if (isfinite(value))
        cJSON_AddRawToObject(object, name, text);
    else
        cJSON_AddStringToObject(object, name, text);
}

void json_add_whole(cJSON *object, const char *name, int64_t value)
{
    char text[NUMBER_SIZE];
    snprintf(text, sizeof text, "%lld", (long long)value);
    cJSON_AddRawToObject(object, name, text);
}

void json_add_text(cJSON *object, const char *name, const char *value)
{
    if (value)
        cJSON_AddStringToObject(object, name, value);
    else
        cJSON_AddNullToObject(object, name);
}

/* One text for the whole list: a node for each number would cost 64 bytes. */
void json_add_numbers(cJSON *object, const char *name, const double *values, int64_t count, reel_dtype dtype,
                      const char *nan)
{
    char *list = malloc((size_t)count * (NUMBER_SIZE + 4) + 3), number[NUMBER_SIZE];
    if (!list) return;
    size_t length = 0;
    list[length++] = '[';
    for (int64_t i = 0; i < count; i++) {
        bool known = !(nan && isnan(values[i]));
        const char *quote = known && !isfinite(values[i]) ? "\"" : "";
        const char *text = known ? number_text(values[i], dtype, number) : nan;
        length += (size_t)sprintf(list + length, "%s%s%s%s", i ? ", " : "", quote, text, quote);
    }
    list[length++] = ']';
    list[length] = '\0';
    cJSON_AddRawToObject(object, name, list);
    free(list);
}

void json_add_fingerprint(cJSON *object)
{
    cJSON *rows = cJSON_AddObjectToObject(object, "fingerprint");
    const char *name;
    char value[256];
    for (int i = 0; (name = reel_fingerprint(i, value, sizeof value)) != NULL; i++)
        cJSON_AddStringToObject(rows, name, value);
}

/* ---- files ---- */

static bool write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    if (!file) return false;
    bool right = fputs(text, file) >= 0 && fputc('\n', file) != EOF && fflush(file) == 0;
    int reason = errno;
    if (fclose(file) != 0) return false;
    errno = reason;
    return right;
}

/* A plain file is written beside its place and moved there; a device or a pipe is written to. *beside is NULL then, else
 * the caller's to free. */
static bool place_of(const char *path, char **beside)
{
    struct stat found;
    *beside = NULL;
    if (stat(path, &found) == 0 && !S_ISREG(found.st_mode)) {
        errno = EISDIR;
        return !S_ISDIR(found.st_mode);
    }
    size_t size = strlen(path) + 32;
    *beside = malloc(size);
    if (*beside) snprintf(*beside, size, "%s.%ld.tmp", path, (long)getpid());
    return *beside != NULL;
}

static bool replace_text(const char *path, const char *text)
{
    char *beside;
    if (!place_of(path, &beside)) return false;
    bool right = write_text(beside ? beside : path, text) && (!beside || rename(beside, path) == 0);
    int reason = errno;
    if (!right && beside) unlink(beside);
    free(beside);
    errno = reason;
    return right;
}

bool json_write_results(const char *who, const char *out, const char *name, const char *json, const cJSON *document)
{
    char *path = out ? path_join(out, name) : NULL;
    bool right = document && (!out || path);
    if (!right) complain(who, "out of memory");
    if (right && out) right = json_write(who, path, document);
    if (right && json) right = json_write(who, json, document);
    free(path);
    return right;
}

bool json_probe(const char *who, const char *path)
{
    char *beside = NULL;
    if (strcmp(path, "-") == 0) return true;
    bool right = place_of(path, &beside);
    FILE *file = right && beside ? fopen(beside, "w") : NULL;
    if (beside && !file) right = false;
    if (!right) complain(who, "%s: cannot be written: %s", path, strerror(errno));
    if (file) {
        fclose(file);
        unlink(beside);
    }
    free(beside);
    return right;
}

bool json_write(const char *who, const char *path, const cJSON *document)
{
    char *text = cJSON_Print(document);
    if (!text) {
        complain(who, "out of memory");
        return false;
    }
    bool right = true;
    if (strcmp(path, "-") == 0)
        puts(text);
    else if (!replace_text(path, text)) {
        complain(who, "%s: cannot be written: %s", path, strerror(errno));
        right = false;
    }
    cJSON_free(text);
    return right;
}

char *read_text(const char *who, const char *path)
{
    FILE *file = fopen(path, "rb");
    char *text = NULL;
    size_t size = 0, room = 0;
    bool right = file != NULL;
    while (right && !feof(file)) {
        if (size + 1 >= room) {
            room = room ? 2 * room : 1 << 16;
            char *grown = realloc(text, room);
            if (!grown) errno = ENOMEM, right = false;
            if (!grown) break;
            text = grown;
        }
        size += fread(text + size, 1, room - size - 1, file);
        if (ferror(file)) right = false;
    }
    if (!right) complain(who, "%s: cannot be read: %s", path, strerror(errno));
    if (file) fclose(file);
    if (!right) return free(text), NULL;
    text[size] = '\0';
    return text;
}

bool make_folder(const char *who, const char *path)
{
    char *copy = strdup(path);
    bool right = copy != NULL;
    for (char *c = copy; right && c;) {
        c = strchr(c + 1, '/');
        if (c) *c = '\0';
        struct stat found;
        if (mkdir(copy, 0777) != 0 && !(stat(copy, &found) == 0 && S_ISDIR(found.st_mode))) {
            complain(who, "%s: the folder cannot be made: %s", copy, strerror(errno));
            right = false;
        }
        if (c) *c = '/';
    }
    free(copy);
    return right;
}

char *path_join(const char *folder, const char *name)
{
    size_t length = strlen(folder), size = length + strlen(name) + 2;
    char *path = malloc(size);
    if (path) snprintf(path, size, "%s%s%s", folder, length && folder[length - 1] == '/' ? "" : "/", name);
    return path;
}
