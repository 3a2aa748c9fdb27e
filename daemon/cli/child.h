/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_CHILD_H
#define UPAGER_CHILD_H

#include <sys/types.h>

/*
 * The program of `upager run`: what is executed has the process group,
 * terminal, environment, signal mask, dispositions and descriptors that this
 * process was started with, and nothing else.
 *
 * Until child_release() a signal that ends this process ends the child too,
 * which sees the gate close; nothing was executed then.
 */
struct child {
	pid_t pid;
	int gate;
};

/* Forks a child that waits at the gate. */
int child_start(struct child *child, char **argv);

/* Lets it execute.  From here on INT and QUIT are its own affair. */
int child_release(struct child *child);

/*
 * Forwards TERM and HUP until it ends.  Returns its exit status as a shell
 * tells it: 128 + signal when killed by one, 127 not found, 126 not executable.
 */
int child_wait(struct child *child);

/* Ends it without having executed anything. */
void child_abandon(struct child *child);

#endif
