/* SPDX-License-Identifier: MIT
 *
 * Scripts, data files, gnuplot.
 */
#include "plot.h"

#include "output.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* blue, vermillion, bluish green, reddish purple, orange, sky blue, black */
const char *const plot_colour[PLOT_COLOURS] = {"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                               "#E69F00", "#56B4E9", "#000000"};

const char *const plot_tint[PLOT_COLOURS] = {"#7FB8D8", "#EAAE7F", "#7FCEB9", "#E5BCD3",
                                             "#F2CF7F", "#AAD9F4", "#7F7F7F"};

const char plot_viridis[] = "set palette defined (0 '#440154', 1 '#482878', 2 '#3e4989', 3 '#31688e', 4 '#26828e', "
                            "5 '#1f9e89', 6 '#35b779', 7 '#6ece58', 8 '#b5de2b', 9 '#fde725')\n";

FILE *plot_data(const plot *p, const char *name)
{
    char *path = path_join(p->folder, name);
    FILE *file = path ? fopen(path, "w") : NULL;
    if (!file) complain(p->who, "%s: cannot be written: %s", path ? path : name, strerror(path ? errno : ENOMEM));
    free(path);
    return file;
}

bool plot_close(const plot *p, FILE *file, const char *name)
{
    if (!file) return false;
    bool wrong = ferror(file);
    if (fclose(file) != 0) wrong = true;
    if (wrong) complain(p->who, "%s/%s: not all could be written", p->folder, name);
    return !wrong;
}

bool plot_begin(plot *p, const char *who, const char *folder, const char *name, int width, int height)
{
    char script[64];
    *p = (plot){.who = who, .folder = folder, .name = name};
    snprintf(script, sizeof script, "%s.gp", name);
    p->script = plot_data(p, script);
    if (!p->script) return false;
    fprintf(p->script,
            "# %s.png: gnuplot %s.gp; %s.svg: gnuplot -e svg=1 %s.gp\n"
            "if (exists('svg')) {\n"
            "    set terminal svg size %d,%d font 'sans,12' background 'white' noenhanced\n"
            "    set output '%s.svg'\n"
            "} else {\n"
            "    if (strstrt(GPVAL_TERMINALS, 'pngcairo')) {\n"
            "        set terminal pngcairo size %d,%d font 'sans,12' noenhanced\n"
            "    } else {\n"
            "        set terminal png size %d,%d noenhanced\n"
            "    }\n"
            "    set output '%s.png'\n"
            "}\n"
            "set datafile missing 'nan'\n"
            "set border linecolor rgb '#444444'\n"
            "set grid linecolor rgb '#dddddd' linetype 1\n",
            name, name, name, name, width, height, name, width, height, width, height, name);
    return true;
}

/* In the child: gnuplot in the folder, so that the script's names need no path. No shell is involved. */
static void run_gnuplot(const char *folder, char *script, bool svg)
{
    char *const png[] = {(char[]){"gnuplot"}, script, NULL};
    char *const as_svg[] = {(char[]){"gnuplot"}, (char[]){"-e"}, (char[]){"svg=1"}, script, NULL};
    char *const *arguments = svg ? as_svg : png;
    signal(SIGPIPE, SIG_DFL);
    if (chdir(folder) == 0) execvp(arguments[0], arguments);
    _exit(errno == ENOENT ? 127 : 126);
}

static plot_result draw_once(const plot *p, char *script, bool svg)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) run_gnuplot(p->folder, script, svg);
    int status = 0;
    pid_t ended = child;
    if (child > 0) do
            ended = waitpid(child, &status, 0);
        while (ended < 0 && errno == EINTR);
    if (ended < 0) {
        complain(p->who, "gnuplot cannot be started: %s", strerror(errno));
        return PLOT_FAILED;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return PLOT_DRAWN;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127) return PLOT_NO_GNUPLOT;
    if (WIFSIGNALED(status))
        complain(p->who, "gnuplot was ended by signal %d", WTERMSIG(status));
    else
        complain(p->who, "gnuplot failed on %s/%s with status %d", p->folder, script, WEXITSTATUS(status));
    return PLOT_FAILED;
}

plot_result plot_draw(plot *p)
{
    char script[64];
    snprintf(script, sizeof script, "%s.gp", p->name);
    bool written = plot_close(p, p->script, script);
    p->script = NULL;
    if (!written) return PLOT_FAILED;
    plot_result result = draw_once(p, script, false);
    return result == PLOT_DRAWN && p->svg ? draw_once(p, script, true) : result;
}

plot_result plot_give_up(plot *p)
{
    char script[80];
    snprintf(script, sizeof script, "%s.gp", p->name);
    plot_close(p, p->script, script);
    p->script = NULL;
    return PLOT_FAILED;
}

void plot_quote(FILE *script, const char *text, int most)
{
    fputc('\'', script);
    for (int count = 0; *text; text++) {
        count += ((unsigned char)*text & 0xc0) != 0x80;
        if (most > 0 && count > most) break;
        if (*text == '\'') fputc('\'', script);
        fputc((unsigned char)*text < ' ' ? ' ' : *text, script);
    }
    if (*text) fputs("...", script);
    fputc('\'', script);
}

int plot_tell(FILE *report, plot_result drawn, const char *folder, const char *const *names, int count, bool svg,
              const char *others)
{
    if (drawn == PLOT_FAILED) return EXIT_FAILED;
    fprintf(report, "%s: ", folder);
    if (drawn == PLOT_DRAWN) {
        for (int i = 0; i < count; i++) {
            fprintf(report, "%s%s.png", i ? ", " : "", names[i]);
            if (svg) fprintf(report, ", %s.svg", names[i]);
        }
        if (others) fprintf(report, ", %s", others);
    } else {
        if (others) fprintf(report, "%s; ", others);
        fprintf(report, "for the picture%s install gnuplot and run: cd %s && gnuplot", count > 1 ? "s" : "", folder);
        for (int i = 0; i < count; i++) fprintf(report, " %s.gp", names[i]);
    }
    fputc('\n', report);
    return EXIT_DONE;
}

void plot_log_labels(FILE *script, const char *axis, double least, double most)
{
    if (!(least > 0 && least <= most && most < INFINITY) || most / least > 1000) return;
    int first = (int)floor(log10(least)), last = (int)ceil(log10(most));
    const char *between = most / least < 10 ? "123456789" : "125";
    fprintf(script, "set %stics (", axis);
    for (int decade = first; decade <= last; decade++)
        for (const char *c = between; *c; c++)
            fprintf(script, "%s%g", decade == first && c == between ? "" : ", ", (*c - '0') * pow(10, decade));
    fprintf(script, ")\n");
}
