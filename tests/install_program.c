/* SPDX-License-Identifier: MIT
 *
 * What a user's program needs of an installed Reel, in small: public header, call sites, a tape and its gradient.
 */
#include <reel/reel.h>

int main(void)
{
    float numbers[3] = {1, 2, 3};
    reel_context *reel = reel_context_new(NULL);
    reel_tape *tape = reel_tape_new(reel, REEL_FLOAT);
    reel_array array = reel_array_view(REEL_FLOAT, numbers, 1, (const int64_t[]){3});
    reel_value x = reel_variable(tape, &array);
    reel_backward(reel_slice(x, 0, 1, 2, 1));
    reel_array gradient = reel_gradient(x);
    bool right = gradient.size == 3 && reel_array_get(&gradient, 0) == 0 && reel_array_get(&gradient, 1) == 1;
    if (reel_failed(reel)) fprintf(stderr, "%s\n", reel_error_text(reel));
    right = right && !reel_failed(reel);
    reel_context_free(reel);
    return right ? 0 : 1;
}
