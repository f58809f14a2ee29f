/* SPDX-License-Identifier: MIT
 *
 * A report in Markdown and in HTML.
 */
#include "page.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static FILE *open_file(page *p, const char *name)
{
    char *path = path_join(p->folder, name);
    FILE *file = path ? fopen(path, "w") : NULL;
    if (!file) {
        complain(p->who, "%s/%s: cannot be written: %s", p->folder, name, strerror(errno));
        p->failed = true;
    }
    free(path);
    return file;
}

static const char style[] =
    "body{font:16px/1.5 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "table{border-collapse:collapse;margin:1rem 0;font-size:14px}"
    "th,td{border:1px solid #ccc;padding:.25rem .5rem;text-align:left;vertical-align:top}"
    "th{background:#f2f2f2}tr:nth-child(even) td{background:#fafafa}"
    "img{max-width:100%;display:block}figure{margin:1rem 0}figcaption{color:#555;font-size:14px}"
    "code{background:#f2f2f2;padding:0 .2rem}h2{margin-top:2.5rem}";

/* ---- text ---- */

static void put_html(FILE *file, const char *text)
{
    bool code = false;
    for (; *text; text++) switch (*text) {
        case '<': fputs("&lt;", file); break;
        case '>': fputs("&gt;", file); break;
        case '&': fputs("&amp;", file); break;
        case '`':
            fputs(code ? "</code>" : "<code>", file);
            code = !code;
            break;
        default: fputc(*text, file);
        }
}

static void put_cell(FILE *file, const char *text)
{
    for (; *text; text++) {
        if (*text == '|') fputc('\\', file);
        fputc(*text == '\n' ? ' ' : *text, file);
    }
}

bool page_begin(page *p, const char *who, const char *folder, const char *title)
{
    *p = (page){.who = who, .folder = folder};
    p->markdown = open_file(p, "report.md");
    p->html = p->markdown ? open_file(p, "report.html") : NULL;
    if (p->failed) {
        if (p->markdown) fclose(p->markdown);
        return false;
    }
    fprintf(p->markdown, "# %s\n", title);
    fprintf(p->html, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>");
    put_html(p->html, title);
    fprintf(p->html,
            "</title><meta name=\"viewport\" content=\"width=device-width\"><style>%s</style></head><body>\n<h1>",
            style);
    put_html(p->html, title);
    fprintf(p->html, "</h1>\n");
    return true;
}

void page_heading(page *p, const char *text)
{
    fprintf(p->markdown, "\n## %s\n", text);
    fprintf(p->html, "<h2>");
    put_html(p->html, text);
    fprintf(p->html, "</h2>\n");
}

void page_text(page *p, const char *format, ...)
{
    char text[6000];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    fprintf(p->markdown, "\n%s\n", text);
    fprintf(p->html, "<p>");
    put_html(p->html, text);
    fprintf(p->html, "</p>\n");
}

/* ---- tables ---- */

void page_table(page *p, int columns, const char *const *titles)
{
    fprintf(p->markdown, "\n|");
    fprintf(p->html, "<table><tr>");
    for (int i = 0; i < columns; i++) {
        fputc(' ', p->markdown);
        put_cell(p->markdown, titles[i]);
        fprintf(p->markdown, " |");
        fprintf(p->html, "<th>");
        put_html(p->html, titles[i]);
        fprintf(p->html, "</th>");
    }
    fprintf(p->markdown, "\n|");
    for (int i = 0; i < columns; i++) fprintf(p->markdown, " --- |");
    fprintf(p->markdown, "\n");
    fprintf(p->html, "</tr>\n");
}

void page_row(page *p, int columns, const char *const *cells)
{
    fprintf(p->markdown, "|");
    fprintf(p->html, "<tr>");
    for (int i = 0; i < columns; i++) {
        const char *cell = cells[i] ? cells[i] : "";
        fputc(' ', p->markdown);
        put_cell(p->markdown, cell);
        fprintf(p->markdown, " |");
        fprintf(p->html, "<td>");
        put_html(p->html, cell);
        fprintf(p->html, "</td>");
    }
    fprintf(p->markdown, "\n");
    fprintf(p->html, "</tr>\n");
}

void page_table_end(page *p)
{
    fprintf(p->html, "</table>\n");
}

/* ---- pictures ---- */

/* RFC 4648. */
static void put_base64(FILE *to, FILE *from)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned char bytes[3];
    for (size_t n; (n = fread(bytes, 1, 3, from)) > 0;) {
        unsigned long word = (unsigned long)bytes[0] << 16;
        if (n > 1) word |= (unsigned long)bytes[1] << 8;
        if (n > 2) word |= bytes[2];
        for (size_t i = 0; i < 4; i++) fputc(i <= n ? letters[word >> (18 - 6 * i) & 63] : '=', to);
    }
}

void page_picture(page *p, const char *file, const char *caption)
{
    char *path = path_join(p->folder, file);
    FILE *picture = path ? fopen(path, "rb") : NULL;
    free(path);
    if (!picture) {
        page_text(p, "(%s is not there: %s)", file, caption);
        return;
    }
    fprintf(p->markdown, "\n![%s](%s)\n\n%s\n", caption, file, caption);
    fprintf(p->html, "<figure><img alt=\"");
    put_html(p->html, caption);
    fprintf(p->html, "\" src=\"data:image/png;base64,");
    put_base64(p->html, picture);
    fprintf(p->html, "\"><figcaption>");
    put_html(p->html, caption);
    fprintf(p->html, "</figcaption></figure>\n");
    fclose(picture);
}

static bool close_file(FILE *file)
{
    bool right = fflush(file) == 0 && !ferror(file);
    return fclose(file) == 0 && right;
}

bool page_end(page *p)
{
    fprintf(p->html, "</body></html>\n");
    bool right = close_file(p->markdown);
    if (!close_file(p->html)) right = false;
    if (!right) complain(p->who, "%s: the report could not be written whole", p->folder);
    return right;
}
