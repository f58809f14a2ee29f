/* SPDX-License-Identifier: MIT
 *
 * Room for a file before it is written.
 */
#define _GNU_SOURCE /* fallocate */
#include "io/file.h"

#include <errno.h>
#include <fcntl.h>

void file_room(int file, off_t size)
{
#ifdef FALLOC_FL_KEEP_SIZE
    int before = errno;
    if (fallocate(file, FALLOC_FL_KEEP_SIZE, 0, size) != 0) errno = before;
#else
    (void)file, (void)size;
#endif
}
