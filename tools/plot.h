/* SPDX-License-Identifier: MIT
 *
 * Pictures by gnuplot. The script (NAME.gp) and its data stand beside the picture (NAME.png), so that anyone can restyle
 * it: cd FOLDER; gnuplot NAME.gp. As SVG: gnuplot -e svg=1 NAME.gp.
 */
#ifndef TOOLS_PLOT_H
#define TOOLS_PLOT_H

#include "command.h"

/* The colours of Okabe and Ito (2008), which people with any kind of colour blindness tell apart, for up to 7 curves. */
#define PLOT_COLOURS 7
extern const char *const plot_colour[PLOT_COLOURS];
/* The same, half way to white. */
extern const char *const plot_tint[PLOT_COLOURS];
/* "set palette ...", a line: viridis (Smith and van der Walt 2015), even in lightness and safe for the colour-blind. */
extern const char plot_viridis[];

typedef struct plot {
    const char *who; /* complains */
    const char *folder, *name;
    FILE *script;
    bool svg; /* false after plot_begin; true: NAME.svg as well */
} plot;

/* Begins FOLDER/NAME.gp: size in pixels, picture file, fonts, grid. Write the rest to plot->script. False: complained. */
bool plot_begin(plot *p, const char *who, const char *folder, const char *name, int width, int height);
/* A data file beside the script, for the caller to fill and to hand to plot_close. NULL: complained. */
FILE *plot_data(const plot *p, const char *name);
/* Closes a file; false, and a complaint, when not all could be written. NULL is false. */
bool plot_close(const plot *p, FILE *file, const char *name);

/* Text in single quotes for gnuplot, cut after `most` characters, 0: not. One inside is doubled; none of the marks it knows
 * otherwise mean anything there. */
void plot_quote(FILE *script, const char *text, int most);

/* From good to bad: of several pictures the largest counts. */
typedef enum plot_result { PLOT_DRAWN, PLOT_NO_GNUPLOT, PLOT_FAILED } plot_result;
/* Closes the script of a picture whose data could not be written; PLOT_FAILED. */
plot_result plot_give_up(plot *p);
/* Closes the script and has gnuplot draw the picture (NAME.png, with p->svg also NAME.svg). */
plot_result plot_draw(plot *p);
/* A line that tells which pictures stand in the folder, or how to get them where gnuplot is missing; `others`: what stands
 * there in any case, or NULL. Returns the exit status. */
int plot_tell(FILE *report, plot_result drawn, const char *folder, const char *const *names, int count, bool svg,
              const char *others);

/* Labels 1, 2, 5, 10, ... for a logarithmic axis over less than three decades, where gnuplot alone has too few; over less
 * than one 1, 2, 3, 4, ... */
void plot_log_labels(FILE *script, const char *axis, double least, double most);

#endif
