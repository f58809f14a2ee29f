/* SPDX-License-Identifier: MIT
 *
 * The checkpoints of a folder.
 */
#include "checkpoints.h"

#include "output.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* The number in step-NUMBER.json; -1: another name. */
static int64_t step_of(const char *name)
{
    static const char prefix[] = "step-";
    if (strncmp(name, prefix, sizeof prefix - 1) != 0) return -1;
    const char *digits = name + sizeof prefix - 1;
    size_t count = strspn(digits, "0123456789");
    if (count == 0 || count > 18 || strcmp(digits + count, ".json") != 0) return -1;
    return strtoll(digits, NULL, 10);
}

static bool add(checkpoint_list *list, const char *folder, const char *name, int64_t step)
{
    if (list->count == list->room) {
        int64_t room = list->room ? 2 * list->room : 16;
        checkpoint_file *grown = realloc(list->items, (size_t)room * sizeof *grown);
        if (!grown) return false;
        list->items = grown;
        list->room = room;
    }
    struct stat found;
    char *path = path_join(folder, name);
    if (!path) return false;
    list->items[list->count++] = (checkpoint_file){path, step, stat(path, &found) == 0 ? (int64_t)found.st_size : 0};
    return true;
}

static int by_step(const void *a, const void *b)
{
    int64_t first = ((const checkpoint_file *)a)->step, second = ((const checkpoint_file *)b)->step;
    return (first > second) - (first < second);
}

bool checkpoint_list_read(checkpoint_list *list, const char *folder)
{
    *list = (checkpoint_list){NULL, 0, 0};
    DIR *directory = opendir(folder);
    if (!directory) return false;
    bool right = true;
    for (struct dirent *entry; right && (entry = readdir(directory)) != NULL;) {
        int64_t step = step_of(entry->d_name);
        if (step >= 0) right = add(list, folder, entry->d_name, step);
    }
    closedir(directory);
    if (!right) {
        checkpoint_list_free(list);
        errno = ENOMEM;
        return false;
    }
    if (list->count > 0) qsort(list->items, (size_t)list->count, sizeof *list->items, by_step);
    return true;
}

void checkpoint_list_free(checkpoint_list *list)
{
    for (int64_t i = 0; i < list->count; i++) free(list->items[i].path);
    free(list->items);
    *list = (checkpoint_list){NULL, 0, 0};
}

bool is_folder(const char *path)
{
    struct stat found;
    return stat(path, &found) == 0 && S_ISDIR(found.st_mode);
}

bool is_same_file(const char *a, const char *b)
{
    struct stat first, second;
    return stat(a, &first) == 0 && stat(b, &second) == 0 && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino;
}
