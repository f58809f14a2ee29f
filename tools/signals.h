/* SPDX-License-Identifier: MIT
 *
 * Signals of a training command. SIGINT, SIGTERM and SIGHUP: save and stop, exit status 128 + n; the second one stops at
 * once. SIGUSR1: save and go on. A signal that is ignored when the command starts (nohup) stays ignored.
 */
#ifndef TOOLS_SIGNALS_H
#define TOOLS_SIGNALS_H

#include <reel/reel.h>

void signals_install(void);
/* The trainer that runs now; NULL: none. A stop asked for before is passed on. */
void signals_watch(reel_trainer *trainer);
/* The signal that asked to stop; 0: none. */
int signals_caught(void);
/* Complains of a run that a signal stopped: where it is saved (NULL: nowhere) and how it goes on. Returns the exit status. */
int signals_stopped(const char *who, const reel_trainer *trainer, const char *folder, const char *going_on);

#define SIGNALS_HELP "SIGINT and SIGTERM save and stop, a second one stops at once; SIGUSR1 saves and goes on."

#endif
