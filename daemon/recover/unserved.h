/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_UNSERVED_H
#define UPAGER_UNSERVED_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Children of forks that can neither be served nor have their pages poisoned (see
 * event/refuse.h).  Their descriptors stay open, so they wait instead of reading
 * zeros, until a signal ends that (life/sigbus.h).
 */
#define UNSERVED_MAX 65534u

/* The file of that name, which takes room as it fills. */
struct unserved_list {
	_Atomic uint32_t nr; /* of those below; stored after them */
	int32_t zero;
	int32_t uffd[UNSERVED_MAX]; /* -1: free */
};

struct unserved {
	pthread_mutex_t lock;
	struct unserved_list *list; /* in the state file */
	uint32_t nr_more; /* no room for them: open as long as the daemon runs */
};

/* old: those of a daemon that died are there. */
int unserved_map(struct unserved *o, int state_dir_fd, bool old);
/* Worker. The descriptor is theirs. */
void unserved_add(struct unserved *o, int uffd);
/* Whether it is one of those that were added before. */
bool unserved_has(const struct unserved *o, int uffd);
/* Housekeeping: lets go of those whose address space is gone; how many are left. */
uint32_t unserved_look_after(struct unserved *o);

/* Housekeeping: the ith, -1: there is none; false: nor are there others. */
bool unserved_at(struct unserved *o, uint32_t i, int *uffd);
/* Before others are served: who waits for what a dead daemon has read faults again. */
void unserved_wake(struct unserved *o);

#endif
