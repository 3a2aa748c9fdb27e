/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_ORPHAN_H
#define UPAGER_ORPHAN_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Children of forks that cannot be served: as many address spaces are paged as
 * can be, or there is no room for page tables.  Their descriptors stay open
 * and are never read, so they wait instead of reading zeros, until they are
 * killed.
 */
#define ORPHANS_MAX 1024u

struct orphans {
	pthread_mutex_t lock;
	int uffd[ORPHANS_MAX];
	uint32_t nr;
	uint32_t nr_more; /* which nobody looks after: open as long as the daemon runs */
};

/* Worker. The descriptor is theirs. */
void orphans_add(struct orphans *o, int uffd);
/* House: lets go of those whose address space is gone; how many are left. */
uint32_t orphans_look_after(struct orphans *o);

#endif
