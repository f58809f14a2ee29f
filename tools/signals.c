/* SPDX-License-Identifier: MIT
 *
 * Signals of a training command.
 */
#include "signals.h"

#include "command.h"

#include <signal.h>
#include <unistd.h>

static volatile sig_atomic_t caught;
static reel_trainer *volatile watched;

static void stop(int number)
{
    if (caught) _exit(EXIT_SIGNAL + number);
    caught = number;
    reel_trainer_request_stop(watched);
}

static void save(int number)
{
    (void)number;
    reel_trainer_request_save(watched);
}

static void install(int number, void (*handler)(int))
{
    struct sigaction old, action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    if (sigaction(number, NULL, &old) == 0 && old.sa_handler == SIG_IGN) return;
    sigaction(number, &action, NULL);
}

void signals_install(void)
{
    install(SIGINT, stop);
    install(SIGTERM, stop);
    install(SIGHUP, stop);
    install(SIGUSR1, save);
    /* A reader of the output that ends early (head) must not end the training. */
    install(SIGPIPE, SIG_IGN);
}

void signals_watch(reel_trainer *trainer)
{
    watched = trainer;
    if (caught) reel_trainer_request_stop(trainer);
}

int signals_caught(void)
{
    return caught;
}

int signals_stopped(const char *who, const reel_trainer *trainer, const char *folder, const char *going_on)
{
    complain(who, "stopped by signal %d after %lld of %lld updates%s%s%s%s", (int)caught,
             (long long)reel_trainer_step(trainer), (long long)reel_trainer_steps(trainer),
             folder ? ", saved in " : "; nothing is kept without --out or --checkpoint-dir", folder ? folder : "",
             folder ? ": " : "", folder ? going_on : "");
    return EXIT_SIGNAL + caught;
}
