/* SPDX-License-Identifier: MIT
 *
 * Running programs from tests: no shell, output caught in files.
 */
#ifndef TESTS_SPAWN_H
#define TESTS_SPAWN_H

#include "moons_run.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

/* A signal during the leak check at a program's end can make the sanitizer wait for ever: programs that get one go
 * without that check. */
static inline void without_leak_check(void)
{
    char options[512];
    const char *given = getenv("ASAN_OPTIONS");
    snprintf(options, sizeof options, "%s:detect_leaks=0", given ? given : "");
    setenv("ASAN_OPTIONS", options, 1);
}

/* Starts argv[0] in `folder`; standard output and error go to files of these names there (NULL: nowhere). `signalled`:
 * it will be sent signals. */
static inline pid_t spawn_either(const char *folder, const char *const *argv, const char *out, const char *err,
                                 bool signalled)
{
    sigset_t all, before;
    fflush(NULL);
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &before);
    pid_t child = fork();
    if (child != 0) sigprocmask(SIG_SETMASK, &before, NULL);
    ck_assert_int_ge(child, 0);
    if (child > 0) return child;
    /* A signal that comes before the program is there must not reach Check's handlers, which kill the process group. */
    const int handled[] = {SIGINT, SIGTERM, SIGALRM};
    for (int i = 0; i < 3; i++) signal(handled[i], SIG_DFL);
    sigprocmask(SIG_SETMASK, &before, NULL);
    const char *names[] = {out ? out : "/dev/null", err ? err : "/dev/null"};
    if (chdir(folder) != 0) _exit(126);
    for (int i = 0; i < 2; i++) {
        int file = open(names[i], O_WRONLY | O_CREAT | O_TRUNC, 0666);
        if (file < 0 || dup2(file, 1 + i) < 0) _exit(126);
        close(file);
    }
    if (signalled) without_leak_check();
    execv(argv[0], (char *const *)(uintptr_t)argv);
    _exit(127);
}

static inline pid_t spawn(const char *folder, const char *const *argv, const char *out, const char *err)
{
    return spawn_either(folder, argv, out, err, true);
}

/* Waits; the exit status, or 1000 + the signal that ended it. */
static inline int spawn_end(pid_t child)
{
    int status;
    pid_t ended;
    do ended = waitpid(child, &status, 0);
    while (ended < 0 && errno == EINTR);
    ck_assert_int_eq(ended, child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static inline int spawn_run(const char *folder, const char *const *argv, const char *out, const char *err)
{
    return spawn_end(spawn_either(folder, argv, out, err, false));
}

static inline double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static inline void sleep_seconds(double duration)
{
    if (duration <= 0) return;
    struct timespec t = {(time_t)duration, (long)((duration - (double)(time_t)duration) * 1e9)};
    nanosleep(&t, NULL);
}

/* Removes a folder with folders in it. */
static inline void folder_remove_deep(const char *path)
{
    DIR *dir = opendir(path);
    if (!dir) return;
    for (struct dirent *e; (e = readdir(dir));) {
        char name[512];
        struct stat found;
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
        if (snprintf(name, sizeof name, "%s/%s", path, e->d_name) >= (int)sizeof name) continue;
        if (lstat(name, &found) == 0 && S_ISDIR(found.st_mode))
            folder_remove_deep(name);
        else
            unlink(name);
    }
    closedir(dir);
    rmdir(path);
}

#endif
