/* SPDX-License-Identifier: MIT
 *
 * Reading logs.
 */
#include "runlog.h"

#include "checkpoints.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define COLUMNS_MOST 256

/* ---- a table that grows ---- */

static log_column *column_add(runlog *log, const char *name)
{
    for (int i = 0; i < log->count; i++)
        if (strcmp(log->columns[i].name, name) == 0) return &log->columns[i];
    if (log->count == COLUMNS_MOST) return NULL;
    log_column *grown = realloc(log->columns, ((size_t)log->count + 1) * sizeof *grown);
    if (!grown) return NULL;
    log->columns = grown;
    log_column *c = &grown[log->count];
    *c = (log_column){strdup(name), malloc(((size_t)log->room + 1) * sizeof *c->numbers), NULL};
    log->count++;
    for (int64_t i = 0; c->numbers && i < log->room; i++) c->numbers[i] = ABSENT;
    return c->name && c->numbers ? c : NULL;
}

/* Room for one more line, absent in all columns. */
static bool line_add(runlog *log)
{
    if (log->lines < log->room) return log->lines++, true;
    int64_t room = log->room ? 2 * log->room : 256;
    for (int k = 0; k < log->count; k++) {
        log_column *c = &log->columns[k];
        double *numbers = realloc(c->numbers, ((size_t)room + 1) * sizeof *numbers);
        if (!numbers) return false;
        c->numbers = numbers;
        for (int64_t i = log->room; i < room; i++) numbers[i] = ABSENT;
        char **texts = c->texts ? realloc(c->texts, (size_t)room * sizeof *texts) : NULL;
        if (c->texts && !texts) return false;
        c->texts = texts;
        for (int64_t i = log->room; texts && i < room; i++) texts[i] = NULL;
    }
    log->room = room;
    return log->lines++, true;
}

/* "nan", "inf", "-inf" are numbers that JSON has no spelling for; any other text is kept as one. */
static bool put_text(runlog *log, const char *key, const char *text)
{
    static const struct {
        const char *text;
        double value;
    } words[] = {{"nan", NAN}, {"inf", INFINITY}, {"-inf", -INFINITY}, {"NaN", NAN}, {"-nan", NAN}};
    log_column *c = column_add(log, key);
    if (!c) return false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(text, words[i].text) == 0) return c->numbers[log->lines - 1] = words[i].value, true;
    if (!c->texts) c->texts = calloc((size_t)log->room, sizeof *c->texts);
    if (!c->texts) return false;
    free(c->texts[log->lines - 1]);
    c->texts[log->lines - 1] = strdup(text);
    return c->texts[log->lines - 1] != NULL;
}

static bool put_number(runlog *log, const char *key, double value)
{
    log_column *c = column_add(log, key);
    if (c) c->numbers[log->lines - 1] = value;
    return c != NULL;
}

static void runlog_free(runlog *log)
{
    for (int k = 0; k < log->count; k++) {
        log_column *c = &log->columns[k];
        for (int64_t i = 0; c->texts && i < log->lines; i++) free(c->texts[i]);
        free(c->texts);
        free(c->numbers);
        free(c->name);
    }
    free(log->columns);
    free(log->name);
    free(log->path);
    free(log->folder);
}

void runlog_list_free(runlog_list *list)
{
    for (int i = 0; i < list->count; i++) runlog_free(&list->items[i]);
    free(list->items);
    *list = (runlog_list){NULL, 0};
}

static runlog *list_add(runlog_list *list, const char *name, const char *path, const char *folder)
{
    runlog *grown = realloc(list->items, ((size_t)list->count + 1) * sizeof *grown);
    if (!grown) return NULL;
    list->items = grown;
    runlog *log = &grown[list->count++];
    *log = (runlog){.name = strdup(name), .path = strdup(path), .folder = folder ? strdup(folder) : NULL};
    return log->name && log->path && (!folder || log->folder) ? log : NULL;
}

const log_column *runlog_column(const runlog *log, const char *name)
{
    for (int k = 0; k < log->count; k++)
        if (strcmp(log->columns[k].name, name) == 0) return &log->columns[k];
    return NULL;
}

/* ---- lines of JSON ---- */

static bool read_object(runlog *log, const cJSON *object)
{
    if (!line_add(log)) return false;
    for (const cJSON *m = object->child; m; m = m->next) {
        bool right = true;
        if (cJSON_IsNumber(m))
            right = put_number(log, m->string, m->valuedouble);
        else if (cJSON_IsBool(m))
            right = put_number(log, m->string, cJSON_IsTrue(m));
        else if (cJSON_IsString(m))
            right = put_text(log, m->string, m->valuestring);
        if (!right) return false;
    }
    return true;
}

/* The last line may be half-written: it has no end yet. */
static bool read_json(runlog *log, const char *who, char *text)
{
    for (int64_t number = 1; *text; number++) {
        size_t length = strcspn(text, "\n");
        bool whole = text[length] == '\n';
        text[length] = '\0';
        if (text[strspn(text, " \t\r")]) {
            cJSON *object = cJSON_Parse(text);
            bool is_object = cJSON_IsObject(object), right = is_object && read_object(log, object);
            cJSON_Delete(object);
            if (!is_object && whole) {
                complain(who, "%s: line %lld is no JSON object: found \"%.40s\"", log->path, (long long)number, text);
                return false;
            }
            if (is_object && !right) {
                complain(who, "%s: line %lld: out of memory, or more than %d keys", log->path, (long long)number,
                         COLUMNS_MOST);
                return false;
            }
            if (!is_object) log->half = true;
        }
        text += length + whole;
    }
    return true;
}

/* ---- CSV ---- */

/* Takes one field off *text, unquoted in place. */
static char *next_field(char **text, bool *last)
{
    char *field = *text, *to = field, *at = field;
    bool quoted = false;
    for (; *at && (quoted || *at != ','); at++) {
        if (*at != '"')
            *to++ = *at;
        else if (quoted && at[1] == '"')
            *to++ = *at++;
        else
            quoted = !quoted;
    }
    *last = *at == '\0';
    *text = *last ? at : at + 1;
    *to = '\0';
    return field;
}

static int split(char *line, char **fields)
{
    bool last = false;
    int count = 0;
    line[strcspn(line, "\r")] = '\0';
    while (!last && count < COLUMNS_MOST) fields[count++] = next_field(&line, &last);
    return last ? count : -1;
}

static bool put_field(runlog *log, const char *key, const char *field)
{
    char *end;
    double value = strtod(field, &end);
    if (*field == '\0') return column_add(log, key) != NULL;
    return *end == '\0' ? put_number(log, key, value) : put_text(log, key, field);
}

/* A first column of texts tells runs apart: each text begins a table of its own. */
static bool read_csv(runlog_list *list, const char *who, const char *path, char *text)
{
    char *names[COLUMNS_MOST], *fields[COLUMNS_MOST];
    int columns = 0, from = list->count - 1;
    for (int64_t number = 1; *text; number++) {
        size_t length = strcspn(text, "\n");
        bool whole = text[length] == '\n';
        char *line = text;
        text += length + whole;
        line[length] = '\0';
        if (!line[strspn(line, " \t\r")]) continue;
        if (!whole && columns > 0) return list->items[list->count - 1].half = true;
        int found = split(line, fields);
        if (columns == 0 && found > 1) {
            memcpy(names, fields, sizeof names);
            columns = found;
            continue;
        }
        if (found != columns || columns == 0) {
            complain(who, "%s: line %lld: found %d fields, expected %s", path, (long long)number, found,
                     columns ? "as many as names in the first line" : "names separated by commas");
            return false;
        }
        char *end;
        strtod(fields[0], &end);
        bool named = *fields[0] && *end, right = true;
        runlog *log = &list->items[list->count - 1];
        if (named && log->lines > 0 && strcmp(log->name, fields[0]) != 0)
            log = list_add(list, fields[0], path, NULL);
        else if (named && list->count - 1 == from && log->lines == 0)
            free(log->name), log->name = strdup(fields[0]);
        right = log && log->name && line_add(log);
        for (int k = named; right && k < columns; k++) right = put_field(log, names[k], fields[k]);
        if (!right) return complain(who, "out of memory"), false;
    }
    return true;
}

/* ---- files and folders ---- */

static bool read_file(runlog_list *list, const char *who, const char *path, const char *name, const char *folder)
{
    char *text = read_text(who, path);
    if (!text) return false;
    runlog *log = list_add(list, name, path, folder);
    bool right = log != NULL;
    if (!right)
        complain(who, "out of memory");
    else if (text[strspn(text, " \t\r\n")] == '{')
        right = read_json(log, who, text);
    else
        right = read_csv(list, who, path, text);
    free(text);
    return right;
}

/* The last name of a path; that of the folder above for one called checkpoints, where `reel train --out` keeps its run. */
static void name_of(const char *path, char name[256])
{
    char copy[4096];
    snprintf(copy, sizeof copy, "%s", path);
    for (int i = 0; i < 2; i++) {
        size_t length = strlen(copy);
        while (length > 1 && copy[length - 1] == '/') copy[--length] = '\0';
        char *slash = strrchr(copy, '/');
        snprintf(name, 256, "%s", slash && slash[1] ? slash + 1 : copy);
        if (i == 1 || strcmp(name, "checkpoints") != 0 || !slash || slash == copy) return;
        *slash = '\0';
    }
}

static bool has_file(const char *path)
{
    struct stat found;
    return stat(path, &found) == 0 && !S_ISDIR(found.st_mode);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int not_hidden(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static bool read_folder(runlog_list *list, const char *who, const char *folder, int depth)
{
    char name[256], *path = path_join(folder, "log.jsonl");
    if (!path) return complain(who, "out of memory"), false;
    bool here = has_file(path), right = true;
    name_of(folder, name);
    if (here) right = read_file(list, who, path, name, folder);
    free(path);
    struct dirent **names = NULL;
    int n = !here && depth > 0 ? scandir(folder, &names, not_hidden, by_name) : 0;
    for (int i = 0; i < n; i++) {
        char *inside = path_join(folder, names[i]->d_name);
        if (right && inside && is_folder(inside)) right = read_folder(list, who, inside, depth - 1);
        free(inside);
        free(names[i]);
    }
    free(names);
    return right;
}

bool runlog_read(runlog_list *list, const char *who, const char *path)
{
    char name[256];
    int before = list->count;
    if (is_folder(path)) {
        if (!read_folder(list, who, path, 2)) return false;
        if (list->count > before) return true;
        complain(who, "%s: holds no run: expected log.jsonl in it, or in folders in it", path);
        return false;
    }
    name_of(path, name);
    if (strcmp(name, "log.jsonl") == 0) {
        char *copy = strdup(path), *slash = copy ? strrchr(copy, '/') : NULL;
        if (slash) *slash = '\0';
        if (slash) name_of(copy, name);
        bool right = read_file(list, who, path, name, slash ? copy : ".");
        free(copy);
        return right;
    }
    return read_file(list, who, path, name, NULL);
}

/* ---- other axes ---- */

double runlog_steps_per_epoch(const runlog *log)
{
    const log_column *step = runlog_column(log, "step"), *epoch = runlog_column(log, "epoch");
    double most = INFINITY;
    if (!step || !epoch) return 0;
    /* epoch = floor((step - 1) / s), so (step - 1) / (epoch + 1) < s <= (step - 1) / epoch */
    for (int64_t i = 0; i < log->lines; i++)
        if (epoch->numbers[i] > 0) most = fmin(most, (step->numbers[i] - 1) / epoch->numbers[i]);
    double s = floor(most);
    if (!isfinite(s) || s < 1) return 0;
    for (int64_t i = 0; i < log->lines; i++)
        if (floor((step->numbers[i] - 1) / s) != epoch->numbers[i]) return 0;
    return s;
}

/* Seconds until `step` by the entries (step, seconds) so far, whose steps increase. */
static double seconds_at(const double *steps, const double *seconds, int64_t count, double step)
{
    int64_t low = 0, high = count; /* the first entry at or behind the step */
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (steps[middle] < step)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == count) return count > 0 ? seconds[count - 1] : 0;
    if (low == 0 || steps[low] == step) return seconds[low];
    double part = (step - steps[low - 1]) / (steps[low] - steps[low - 1]);
    return seconds[low - 1] + (seconds[low] - seconds[low - 1]) * part;
}

/* The entries of times.jsonl as training time since step 0. A session that went on from an earlier step takes the place
 * of what came after that step. Returns how many are left. */
static int64_t join_sessions(const runlog *times, double *steps, double *seconds)
{
    const log_column *step = runlog_column(times, "step"), *from = runlog_column(times, "from_step"),
                     *time = runlog_column(times, "seconds");
    int64_t kept = 0;
    double before = 0;
    for (int64_t i = 0; step && from && time && i < times->lines; i++) {
        double at = step->numbers[i], origin = from->numbers[i], passed = time->numbers[i];
        if (at == ABSENT || origin == ABSENT || passed == ABSENT) continue;
        if (i == 0 || origin != from->numbers[i - 1] || passed < time->numbers[i - 1]) {
            before = seconds_at(steps, seconds, kept, origin);
            while (kept > 0 && steps[kept - 1] > origin) kept--;
        }
        while (kept > 0 && steps[kept - 1] >= at) kept--;
        steps[kept] = at;
        seconds[kept++] = before + passed;
    }
    return kept;
}

bool runlog_seconds(const runlog *log, double *seconds)
{
    char *path = log->folder ? path_join(log->folder, "times.jsonl") : NULL;
    runlog_list list = {NULL, 0};
    const log_column *own = runlog_column(log, "step");
    bool right = own && path && has_file(path) && read_file(&list, "times", path, "times", NULL);
    size_t entries = right ? (size_t)list.items[0].lines + 1 : 1;
    double *known = right ? malloc(2 * entries * sizeof *known) : NULL;
    int64_t kept = known ? join_sessions(&list.items[0], known, known + entries) : 0;
    /* What came after the last entry is not known yet. */
    for (int64_t i = 0; kept > 0 && i < log->lines; i++)
        seconds[i] =
            own->numbers[i] > known[kept - 1] ? ABSENT : seconds_at(known, known + entries, kept, own->numbers[i]);
    free(known);
    free(path);
    runlog_list_free(&list);
    return kept > 0;
}
