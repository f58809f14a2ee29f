/* SPDX-License-Identifier: MIT
 *
 * A report written twice at once: report.md, and report.html with the pictures inside.
 */
#ifndef TOOLS_STUDY_PAGE_H
#define TOOLS_STUDY_PAGE_H

#include "../output.h"

typedef struct page {
    const char *who, *folder;
    FILE *markdown, *html;
    bool failed;
} page;

/* Texts are plain, with `code` between backticks. */
bool page_begin(page *p, const char *who, const char *folder, const char *title);
void page_heading(page *p, const char *text);
void page_text(page *p, const char *format, ...) REEL_PRINTF(2, 3);
/* A table: its columns, then rows of as many cells, then the end. */
void page_table(page *p, int columns, const char *const *titles);
void page_row(page *p, int columns, const char *const *cells);
void page_table_end(page *p);
/* A PNG of the folder. */
void page_picture(page *p, const char *file, const char *caption);
/* False, and a complaint, when not all could be written. */
bool page_end(page *p);

#endif
