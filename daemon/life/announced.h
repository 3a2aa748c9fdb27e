/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_ANNOUNCED_H
#define UPAGER_ANNOUNCED_H

#include <stdint.h>
#include <sys/types.h>

/*
 * Children that were told of by the kernel, of which one may be that of a fork
 * whose event named nobody.  Hints: the oldest gives way.
 */
#define ANNOUNCED_MAX 1024

struct announced {
	struct announcement {
		pid_t pid;
		pid_t parent_pid;
		uint32_t tries;
	} at[ANNOUNCED_MAX];
	uint32_t nr; /* ever */
	uint32_t next; /* to be tried */
};

void announced_add(struct announced *an, pid_t pid, pid_t parent_pid);
/* One that may be a child of parent_pid, each in its turn; 0: none. */
pid_t announced_try(struct announced *an, pid_t parent_pid);

#endif
