/* SPDX-License-Identifier: MIT
 *
 * The tape as text and as a DOT graph.
 */
#include "tape/tape.h"

#include <math.h>

static const char *node_name(const node *n)
{
    switch ((node_kind)n->kind) {
    case NODE_BINARY:
    case NODE_UNARY:
    case NODE_OPERATION: return node_op(n)->name;
    case NODE_SCALAR: return "scalar";
    case NODE_INPUT: return n->rest->array.rank == 0 ? "scalar" : "input";
    case NODE_VARIABLE: return "variable";
    case NODE_PARAMETER: return ((reel_params *)n->rest->payload)->values.slices[n->rest->base].name;
    }
    return "?";
}

static void print_range(FILE *file, const char *title, const reel_array *a)
{
    if (!a->data || a->size == 0) return;
    double least = INFINITY, most = -INFINITY, sum = 0;
    int64_t odd = 0;
    for (int64_t i = 0; i < a->size; i++) {
        double x = reel_array_get(a, i);
        if (!isfinite(x)) odd++;
        least = x < least ? x : least;
        most = x > most ? x : most;
        sum += x * x;
    }
    if (a->size == 1)
        fprintf(file, "  %s %.6g", title, reel_array_get(a, 0));
    else
        fprintf(file, "  %s %.4g .. %.4g, rms %.4g", title, least, most, sqrt(sum / (double)a->size));
    if (odd && a->size > 1) fprintf(file, " (%lld not finite)", (long long)odd);
}

static reel_value handle(const reel_tape *tape, uint32_t i)
{
    return (reel_value){(reel_tape *)(uintptr_t)tape, i, tape_node(tape, i)->generation};
}

static reel_status finish(const char *site, const char *who, const reel_tape *tape, FILE *file)
{
    if (fflush(file) != 0 || ferror(file))
        return reel_error_set(tape->object.context, REEL_IO, site, who, "writing failed");
    return REEL_OK;
}

static reel_status check_file(const char *site, const char *who, const reel_tape *tape, const FILE *file)
{
    if (!tape) return REEL_BAD_ARGUMENT;
    if (file) return REEL_OK;
    return reel_error_set(tape->object.context, REEL_BAD_ARGUMENT, site, who, "there is no file");
}

reel_status reel_tape_print(const char *site, const reel_tape *tape, FILE *file)
{
    reel_status status = check_file(site, "tape_print", tape, file);
    if (status != REEL_OK) return status;
    for (uint32_t i = 0; i < tape->count; i++) {
        const node *n = tape_node(tape, i);
        const reel_array own = node_array(tape, n);
        char text[SHAPE_TEXT_SIZE];
        fprintf(file, "%4u  %s", i, node_name(n));
        for (int k = 0; k < node_count(n); k++) {
            uint32_t operand = node_operands(n)[k];
            if (operand == NO_OPERAND)
                fprintf(file, " -");
            else
                fprintf(file, " %%%u", operand);
        }
        fprintf(file, "  %s", shape_text(text, &own));
        print_range(file, "value", &own);
        reel_array gradient = reel_gradient(handle(tape, i));
        print_range(file, "gradient", &gradient);
        const char *where = node_site(n);
        fprintf(file, "  [%s]\n", where && *where ? where : "?");
    }
    return finish(site, "tape_print", tape, file);
}

reel_status reel_tape_dot(const char *site, const reel_tape *tape, FILE *file)
{
    reel_status status = check_file(site, "tape_dot", tape, file);
    if (status != REEL_OK) return status;
    fprintf(file, "digraph tape {\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\", fontsize=11];\n");
    for (uint32_t i = 0; i < tape->count; i++) {
        const node *n = tape_node(tape, i);
        static const char *const styles[] = {
            [NODE_OPERATION] = "style=rounded",
            [NODE_BINARY] = "style=rounded",
            [NODE_UNARY] = "style=rounded",
            [NODE_SCALAR] = "style=filled, fillcolor=\"#e8e8e8\"",
            [NODE_INPUT] = "style=filled, fillcolor=\"#e8e8e8\"",
            [NODE_VARIABLE] = "style=filled, fillcolor=\"#cfe3f5\"",
            [NODE_PARAMETER] = "style=filled, fillcolor=\"#fbe3c0\"",
        };
        const reel_array own = node_array(tape, n);
        char text[SHAPE_TEXT_SIZE];
        fprintf(file, "  n%u [label=\"", i);
        for (const char *c = node_name(n); *c; c++) fprintf(file, *c == '"' || *c == '\\' ? "\\%c" : "%c", *c);
        fprintf(file, "\\n%s\", %s];\n", shape_text(text, &own), styles[n->kind]);
        for (int k = 0; k < node_count(n); k++)
            if (node_operands(n)[k] != NO_OPERAND)
                fprintf(file, "  n%u -> n%u%s;\n", node_operands(n)[k], i, node_wants(n) ? "" : " [style=dashed]");
    }
    fprintf(file, "}\n");
    return finish(site, "tape_dot", tape, file);
}
