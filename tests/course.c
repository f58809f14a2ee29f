/* SPDX-License-Identifier: MIT
 *
 * usage: course REEL FOLDER EXERCISE [first]
 *
 * An exercise of `reel course` against FOLDER/EXERCISE.json, and its table against the lines of FOLDER/EXERCISE.out:
 *
 *     {"runs": [{"arguments": "--lr 0.5",
 *                "figures": {"curvature.1": [10.815, 1e-3]},       number, how far off it may be
 *                "claims": {"perfect": false}}, ...],
 *      "fixed": ["claims that no flag turns"]}
 *
 * The first run has no arguments. Every claim it prints must be expected there, and must come out the other way in a
 * further run. Of the table, and of EXERCISE.out, the lines with a digit are compared word by word; `*` stands for any
 * word. With `first`, only the first run is made.
 */
#include <cjson/cJSON.h>

#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures, checks;

#define FAIL(...) (failures++, printf("FAILED: "), printf(__VA_ARGS__), printf("\n"))

static char *read_all(FILE *file)
{
    size_t size = 0, room = 1 << 16;
    char *text = malloc(room);
    for (size_t n; text && (n = fread(text + size, 1, room - size - 1, file)) > 0;) {
        size += n;
        if (size + 1 == room) text = realloc(text, room *= 2);
    }
    if (!text) abort();
    text[size] = '\0';
    return text;
}

static cJSON *run(const char *reel, const char *exercise, const char *arguments)
{
    char command[1000];
    snprintf(command, sizeof command, "'%s' course %s %s --json - 2>/dev/null", reel, exercise, arguments);
    FILE *pipe = popen(command, "r");
    char *text = pipe ? read_all(pipe) : NULL;
    int status = pipe ? pclose(pipe) : -1;
    cJSON *found = text ? cJSON_Parse(text) : NULL;
    if (status != 0 || !found) FAIL("%s: status %d", command, status);
    free(text);
    return found;
}

/* ---- the table ---- */

/* The next line with a digit, its printable ASCII in `line`; NULL at the end. */
static const char *next_line(const char *text, char line[400])
{
    while (text && *text) {
        size_t length = strcspn(text, "\n"), used = 0;
        bool digit = false;
        for (size_t i = 0; i < length && used < 399; i++) {
            if (!isprint((unsigned char)text[i])) continue;
            line[used++] = text[i];
            digit = digit || isdigit((unsigned char)text[i]);
        }
        line[used] = '\0';
        text += length + (text[length] == '\n');
        if (digit) return text;
    }
    return NULL;
}

static bool same_words(char *expected, char *found)
{
    char *a, *b;
    const char *x = strtok_r(expected, " ", &a), *y = strtok_r(found, " ", &b);
    while (x && y && (strcmp(x, y) == 0 || strcmp(x, "*") == 0)) {
        x = strtok_r(NULL, " ", &a);
        y = strtok_r(NULL, " ", &b);
    }
    return !x && !y;
}

static void check_table(const char *expected, const char *found)
{
    char a[400], b[400], shown[2][400];
    int lines = 0;
    for (;; lines++) {
        expected = next_line(expected, a);
        found = next_line(found, b);
        if (!expected || !found) break;
        memcpy(shown[0], a, sizeof a);
        memcpy(shown[1], b, sizeof b);
        if (!same_words(a, b)) FAIL("table: expected \"%s\", found \"%s\"", shown[0], shown[1]);
    }
    if (expected) FAIL("table: \"%s\" is missing", a);
    if (found) FAIL("table: \"%s\" was not expected", b);
    if (lines == 0) FAIL("table: nothing to compare");
    checks += lines;
}

/* ---- figures and claims ---- */

/* Member "a.2.b". */
static const cJSON *at(const cJSON *o, const char *path)
{
    char name[100];
    while (o && *path) {
        size_t length = strcspn(path, ".");
        snprintf(name, sizeof name, "%.*s", (int)length, path);
        o = cJSON_IsArray(o) ? cJSON_GetArrayItem(o, atoi(name)) : cJSON_GetObjectItem(o, name);
        path += length + (path[length] == '.');
    }
    return o;
}

static void check_figure(const cJSON *expected, const cJSON *found, const char *arguments)
{
    const cJSON *number = at(found, expected->string);
    double value = cJSON_GetNumberValue(cJSON_GetArrayItem(expected, 0));
    double room = cJSON_GetNumberValue(cJSON_GetArrayItem(expected, 1));
    checks++;
    if (!cJSON_IsNumber(number) || !(fabs(number->valuedouble - value) <= room))
        FAIL("[%s] %s: expected %.17g +- %g, found %.17g", arguments, expected->string, value, room,
             cJSON_IsNumber(number) ? number->valuedouble : NAN);
}

static const cJSON *claim_named(const cJSON *found, const char *name)
{
    const cJSON *o;
    cJSON_ArrayForEach(
        o, cJSON_GetObjectItem(found, "claims")) if (strcmp(cJSON_GetStringValue(cJSON_GetObjectItem(o, "name")),
                                                            name) == 0) return o;
    return NULL;
}

static void check_run(const cJSON *expected, const cJSON *found, const char *arguments)
{
    const cJSON *o;
    cJSON_ArrayForEach(o, cJSON_GetObjectItem(expected, "figures")) check_figure(o, found, arguments);
    cJSON_ArrayForEach(o, cJSON_GetObjectItem(expected, "claims"))
    {
        const cJSON *claim = claim_named(found, o->string);
        checks++;
        if (!claim || cJSON_IsTrue(cJSON_GetObjectItem(claim, "holds")) != cJSON_IsTrue(o))
            FAIL("[%s] claim %s: expected %s, found %s", arguments, o->string, cJSON_IsTrue(o) ? "holds" : "differs",
                 claim ? cJSON_GetStringValue(cJSON_GetObjectItem(claim, "found")) : "none");
    }
}

/* Is there a run in which this claim comes out otherwise than in the first one? */
static bool turned(const cJSON *runs, const char *name, int first)
{
    const cJSON *o;
    cJSON_ArrayForEach(o, runs)
    {
        const cJSON *verdict = at(cJSON_GetObjectItem(o, "claims"), name);
        if (verdict && cJSON_IsTrue(verdict) != first) return true;
    }
    return false;
}

static bool listed(const cJSON *names, const char *name)
{
    const cJSON *o;
    cJSON_ArrayForEach(o, names) if (strcmp(cJSON_GetStringValue(o), name) == 0) return true;
    return false;
}

static void check_claims(const cJSON *document, const cJSON *first)
{
    const cJSON *o, *runs = cJSON_GetObjectItem(document, "runs");
    const cJSON *expected = cJSON_GetObjectItem(cJSON_GetArrayItem(runs, 0), "claims");
    cJSON_ArrayForEach(o, cJSON_GetObjectItem(first, "claims"))
    {
        const char *name = cJSON_GetStringValue(cJSON_GetObjectItem(o, "name"));
        const cJSON *verdict = at(expected, name);
        if (!verdict)
            FAIL("claim %s: no verdict is expected", name);
        else if (!listed(cJSON_GetObjectItem(document, "fixed"), name) && !turned(runs, name, cJSON_IsTrue(verdict)))
            FAIL("claim %s: no run has it come out otherwise", name);
    }
}

/* ---- the help ---- */

/* Does the part of the help about JSON have this name? Lines there begin with "  names, by commas  ". */
static bool documented(const char *help, const char *name)
{
    const char *line = strstr(help, "\nJSON:\n");
    for (line = line ? line + 7 : NULL; line && *line; line += strcspn(line, "\n"), line += *line == '\n') {
        if (strncmp(line, "  ", 2) != 0 || line[2] == ' ') continue;
        const char *from = line + 2, *end = strstr(from, "  ");
        size_t length = strcspn(from, "\n");
        if (end && (size_t)(end - from) < length) length = (size_t)(end - from);
        while (length > 0) {
            size_t word = strcspn(from, ", \n");
            if (word > length) word = length;
            if (strlen(name) == word && strncmp(from, name, word) == 0) return true;
            size_t skip = word + strspn(from + word, ", ");
            if (skip >= length) break;
            from += skip;
            length -= skip;
        }
    }
    return false;
}

static void check_help(const char *reel, const char *exercise, const cJSON *found)
{
    char command[1000];
    snprintf(command, sizeof command, "'%s' course %s --help", reel, exercise);
    FILE *pipe = popen(command, "r");
    char *help = pipe ? read_all(pipe) : NULL;
    if (!pipe || pclose(pipe) != 0) FAIL("%s", command);
    const cJSON *o;
    cJSON_ArrayForEach(o, found)
    {
        checks++;
        if (!help || !documented(help, o->string)) FAIL("JSON \"%s\" is not in the help", o->string);
    }
    free(help);
}

int main(int argc, char **argv)
{
    if (argc != 4 && argc != 5) return 2;
    char path[1000];
    snprintf(path, sizeof path, "%s/%s.json", argv[2], argv[3]);
    FILE *file = fopen(path, "r");
    char *text = file ? read_all(file) : NULL;
    cJSON *document = text ? cJSON_Parse(text) : NULL;
    const cJSON *o, *runs = cJSON_GetObjectItem(document, "runs");
    if (file) fclose(file);
    free(text);
    if (cJSON_GetArraySize(runs) == 0) FAIL("%s: expected a list \"runs\"", path);
    cJSON_ArrayForEach(o, runs)
    {
        const char *arguments = cJSON_GetStringValue(cJSON_GetObjectItem(o, "arguments"));
        cJSON *found = run(argv[1], argv[3], arguments ? arguments : "");
        check_run(o, found, arguments ? arguments : "");
        if (o == cJSON_GetArrayItem(runs, 0)) {
            check_claims(document, found);
            check_help(argv[1], argv[3], found);
            snprintf(path, sizeof path, "%s/%s.out", argv[2], argv[3]);
            file = fopen(path, "r");
            text = file ? read_all(file) : NULL;
            if (text) check_table(text, cJSON_GetStringValue(cJSON_GetObjectItem(found, "table")));
            if (file) fclose(file);
            free(text);
        }
        cJSON_Delete(found);
        if (argc == 5) break;
    }
    cJSON_Delete(document);
    printf("%d checks, %d failed\n", checks, failures);
    return failures || checks == 0;
}
