/* SPDX-License-Identifier: MIT
 *
 * The exercises as one HTML file: text, claims, and the pictures inside it as base64.
 */
#include "run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char style[] =
    "body{font:16px/1.5 sans-serif;margin:0;color:#222}nav{position:fixed;top:0;bottom:0;width:13em;overflow:auto;"
    "background:#f3f3f3;padding:1em}nav a{display:block;color:#0072B2;text-decoration:none;padding:.1em "
    "0}main{margin-left:"
    "15.5em;max-width:66em;padding:1em}pre{background:#f8f8f8;padding:.8em;overflow:auto;line-height:1.3}img{max-width:"
    "100%}"
    "section{border-top:1px solid #ccc;margin-top:2em}figure{margin:1em 0}figcaption{color:#444}dt{font-weight:bold}"
    ".differs{color:#A33E00}.holds{color:#0072B2}@media(max-width:50em){nav{position:static;width:auto}main{margin:0}}";

static void escape(FILE *file, const char *text)
{
    for (; text && *text; text++) switch (*text) {
        case '<': fputs("&lt;", file); break;
        case '>': fputs("&gt;", file); break;
        case '&': fputs("&amp;", file); break;
        case '"': fputs("&quot;", file); break;
        default: fputc(*text, file);
        }
}

/* RFC 4648. */
static void base64(FILE *file, FILE *from)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned char b[3];
    size_t n;
    while ((n = fread(b, 1, 3, from)) > 0) {
        for (size_t k = n; k < 3; k++) b[k] = 0;
        fputc(digits[b[0] >> 2], file);
        fputc(digits[(b[0] & 3) << 4 | b[1] >> 4], file);
        fputc(n > 1 ? digits[(b[1] & 15) << 2 | b[2] >> 6] : '=', file);
        fputc(n > 2 ? digits[b[2] & 63] : '=', file);
    }
}

static const char *text_of(const cJSON *o, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItem(o, name));
}

static void write_picture(FILE *file, const char *folder, const char *of, const cJSON *picture)
{
    char name[160];
    snprintf(name, sizeof name, "%s/%s.png", of, text_of(picture, "file"));
    char *path = path_join(folder, name);
    FILE *png = path ? fopen(path, "rb") : NULL;
    free(path);
    if (!png) return; /* without gnuplot; the report says so */
    fprintf(file, "<figure><img alt=\"");
    escape(file, text_of(picture, "caption"));
    fprintf(file, "\" src=\"data:image/png;base64,");
    base64(file, png);
    fclose(png);
    fprintf(file, "\"><figcaption>");
    escape(file, text_of(picture, "caption"));
    fprintf(file, "</figcaption></figure>\n");
}

static void write_text(FILE *file, const char *text)
{
    if (!text || !*text) return;
    fprintf(file, "<pre>");
    escape(file, text);
    fprintf(file, "</pre>\n");
}

static void write_run(FILE *file, const char *folder, const cJSON *run)
{
    const char *name = text_of(run, "exercise");
    const cJSON *o, *claims = cJSON_GetObjectItem(run, "claims");
    fprintf(file, "<section id=\"%s\"><h2>%s</h2>\n<p>", name, name);
    escape(file, text_of(run, "text"));
    fprintf(file, "</p>\n");
    write_text(file, text_of(run, "table"));
    write_text(file, text_of(run, "more"));
    if (cJSON_GetArraySize(claims) > 0) fprintf(file, "<h3>What the lesson says, and what comes out</h3>\n<dl>\n");
    cJSON_ArrayForEach(o, claims)
    {
        const char *verdict = cJSON_IsTrue(cJSON_GetObjectItem(o, "holds")) ? "holds" : "differs";
        fprintf(file, "<dt><span class=\"%s\">%s</span>: ", verdict, verdict);
        escape(file, text_of(o, "claim"));
        fprintf(file, "</dt><dd>");
        escape(file, text_of(o, "found"));
        fprintf(file, "</dd>\n");
    }
    if (cJSON_GetArraySize(claims) > 0) fprintf(file, "</dl>\n");
    cJSON_ArrayForEach(o, cJSON_GetObjectItem(run, "pictures")) write_picture(file, folder, name, o);
    fprintf(file, "</section>\n");
}

bool course_html(const char *who, const char *folder, const cJSON *runs)
{
    const cJSON *run;
    char *path = path_join(folder, "index.html");
    FILE *file = path ? fopen(path, "w") : NULL;
    if (!file) complain(who, "%s: cannot be written: %s", path ? path : "index.html", strerror(path ? errno : ENOMEM));
    free(path);
    if (!file) return false;
    fprintf(
        file,
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
        "content=\"width=device-width\"><title>Gradient descent, run</title><style>%s</style></head>\n<body><nav>\n",
        style);
    cJSON_ArrayForEach(run, runs)
        fprintf(file, "<a href=\"#%s\">%s</a>\n", text_of(run, "exercise"), text_of(run, "exercise"));
    fprintf(file,
            "</nav>\n<main><h1>Gradient descent, run</h1>\n<p>reel %s. Each exercise has the table of the lesson, what "
            "the lesson says beside what comes out, and pictures.</p>\n",
            reel_version());
    cJSON_ArrayForEach(run, runs) write_run(file, folder, run);
    fprintf(file, "</main></body></html>\n");
    bool right = !ferror(file);
    if (fclose(file) != 0) right = false;
    if (!right) complain(who, "%s/index.html: not all could be written", folder);
    return right;
}
