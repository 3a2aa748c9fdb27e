/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_AREAS_H
#define UPAGER_AREAS_H

#include "pager.h"

/* How areas are shared with other pagers (swap/claim.h); owner 0: not at all. */
struct areas_sharing {
	uint32_t owner; /* this pager */
	uint32_t most_percent; /* of an area that it may have */
	bool found; /* it is the first, and makes the files in its state directory */
	/* Open already, as many as there are specs; none: what is new is left out. */
	const int *fd;
	uint32_t nr_fds;
};

/*
 * The swap areas that a daemon is given, each as "PATH[,pri=N]".  In what it takes
 * over come those first that the dead daemon had, in its order, which slot numbers
 * depend on, and open already; all of them must be given.  What is wrong is logged.
 */
int areas_open(struct pager *pg, const char (*spec)[AREA_SPEC_BYTES], uint32_t nr_specs,
	       const struct areas_sharing *sharing);

#endif
