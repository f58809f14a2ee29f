/* SPDX-License-Identifier: MIT
 *
 * What every other header stands on: version, export mark, status codes, element types and call sites.
 */
#ifndef REEL_BASE_H
#define REEL_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REEL_VERSION_MAJOR 0
#define REEL_VERSION_MINOR 1
#define REEL_VERSION_PATCH 0
#define REEL_VERSION "0.1.0"

#if defined(__GNUC__)
#define REEL_API __attribute__((visibility("default")))
#define REEL_PRINTF(string, first) __attribute__((format(__printf__, string, first)))
#else
#define REEL_API
#define REEL_PRINTF(string, first)
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Status codes and their texts: one list makes the enumerators and what reel_status_text returns. */
#define REEL_STATUS_LIST(X)                                                                                            \
    X(OK, "no error")                                                                                                  \
    X(NO_MEMORY, "out of memory")                                                                                      \
    X(BAD_ARGUMENT, "an argument is outside what the function accepts")                                                \
    X(BAD_SHAPE, "shapes do not fit together")                                                                         \
    X(BAD_DTYPE, "element types do not fit together")                                                                  \
    X(BAD_INDEX, "an index or class is outside its range")                                                             \
    X(BAD_HANDLE, "a value is nil, of another tape, or older than the last rewind")                                    \
    X(BAD_STATE, "the call is not possible in this state")                                                             \
    X(NOT_FINITE, "a number is not finite")                                                                            \
    X(NOT_FOUND, "no such name")                                                                                       \
    X(IO, "the file system refused")                                                                                   \
    X(BAD_FILE, "a file does not hold what it should")                                                                 \
    X(MISMATCH, "a file belongs to another model, data set or program")                                                \
    X(LOCKED, "another process is using it")                                                                           \
    X(STOPPED, "stopped on request")

typedef enum reel_status {
#define REEL_STATUS_ENUM(name, text) REEL_##name,
    REEL_STATUS_LIST(REEL_STATUS_ENUM)
#undef REEL_STATUS_ENUM
        REEL_STATUS_COUNT
} reel_status;

/* The fixed text of a status code. Static storage; "unknown status" outside the list. */
REEL_API const char *reel_status_text(reel_status status);

/* Version of the library in use, as REEL_VERSION was when it was built. Static storage. */
REEL_API const char *reel_version(void);
/* What can make two runs of one program differ in their bits, row by row: version of Reel, compiler, flags, C library, CPU,
 * kernels, floating-point mode; and the threads of a new context, whose number does not. Returns the name of row `index`,
 * in static storage, and writes its value, cut to `size` with its NUL, to `value`; NULL past the end. */
REEL_API const char *reel_fingerprint(int index, char *value, size_t size);

/* Element types. Float and double are differentiable; int64 (indices, classes) and uint8 (masks) never are. */
typedef enum reel_dtype { REEL_FLOAT, REEL_DOUBLE, REEL_INT64, REEL_UINT8 } reel_dtype;

/* Bytes of one element: 4, 8, 8, 1; 0 for anything else. */
REEL_API size_t reel_dtype_size(reel_dtype dtype);
/* "float32", "float64", "int64", "uint8"; "?" for anything else. Static storage. */
REEL_API const char *reel_dtype_name(reel_dtype dtype);

/* Call sites.
 *
 * Functions that can fail take the place they are called from as their first argument, `const char *site`, written
 * REEL_SITE in the declarations. In C and C++ a macro of the same name supplies it: reel_relu(x) reaches the library
 * as reel_relu("train.c:41", x), which is how an error can name the line. For a function pointer or another language
 * there is the function itself, with "" or NULL for the site: (reel_relu)(NULL, x). A program that wants no macros
 * defines REEL_NO_SITE_MACROS before including and passes sites by hand, as the library itself does.
 */
#define REEL_SITE const char *site,
#define REEL_STRING_(x) #x
#define REEL_STRING(x) REEL_STRING_(x)
#ifdef __FILE_NAME__
#define REEL_HERE __FILE_NAME__ ":" REEL_STRING(__LINE__)
#else
#define REEL_HERE __FILE__ ":" REEL_STRING(__LINE__)
#endif

#ifdef __cplusplus
}
#endif

#endif
