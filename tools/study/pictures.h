/* SPDX-License-Identifier: MIT
 *
 * The pictures of the report, by gnuplot.
 */
#ifndef TOOLS_STUDY_PICTURES_H
#define TOOLS_STUDY_PICTURES_H

#include "facts.h"

#include "../plot.h"

/* Loss, pixels without a Gaussian and mean scale of the two runs; L2 of covered and uncovered pixels; renderings; final
 * losses of the arms of a group. PLOT_DRAWN, or what kept it from being drawn. */
plot_result study_draw_course(const study_plan *plan, const study_documents *documents);
plot_result study_draw_parts(const study_plan *plan, const study_documents *documents);
plot_result study_draw_renderings(const study_plan *plan, const study_documents *documents);
plot_result study_draw_arms(const study_plan *plan, const study_documents *documents);

#endif
