/* SPDX-License-Identifier: MIT
 *
 * Five houses.
 */
#include "houses.h"

#define HOUSES 5

reel_dataset houses_new(reel_context *reel, bool in_feet)
{
    static const double price[2][HOUSES] = {{200, 250, 300, 350, 400}, {200, 280, 350, 400, 480}};
    reel_dataset data = {fit_matrix(reel, HOUSES, 1), fit_matrix(reel, HOUSES, 1)};
    for (int i = 0; i < HOUSES && !reel_failed(reel); i++) {
        fit_elements(data.x)[i] = (in_feet ? 1000 : 1) * (1 + 0.5 * i);
        fit_elements(data.y)[i] = price[in_feet][i];
    }
    return data;
}

fit_net houses_line(reel_context *reel)
{
    fit_net net = {.params = reel_params_new(reel, REEL_DOUBLE)};
    net.module = reel_linear_new(net.params, "line", 1, 1, NULL);
    return net;
}
