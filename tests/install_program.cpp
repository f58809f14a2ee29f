/* SPDX-License-Identifier: MIT
 *
 * Reel called from C++: linkage, the macros for call sites, and a version that is the same everywhere.
 */
#include <reel/reel.h>

#include <cstdio>
#include <cstring>

int main()
{
    reel_context *reel = reel_context_new(nullptr);
    reel_tape *tape = reel_tape_new(reel, REEL_DOUBLE);
    reel_value three = reel_scalar(tape, 3.0);
    bool right = reel_item(three) == 3.0 && !reel_failed(reel);
    if (std::strcmp(reel_version(), PROJECT_VERSION) != 0 || std::strcmp(REEL_VERSION, PROJECT_VERSION) != 0) {
        std::printf("library %s, header %s, project %s\n", reel_version(), REEL_VERSION, PROJECT_VERSION);
        right = false;
    }
    reel_item(reel_reshape(three, 7, nullptr));
    right = right && std::strncmp(reel_error_text(reel), "install_program.cpp:", 20) == 0;
    if (!right) std::printf("%s\n", reel_error_text(reel));
    reel_context_free(reel);
    return right ? 0 : 1;
}
