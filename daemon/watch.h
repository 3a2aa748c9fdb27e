/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_WATCH_H
#define UPAGER_WATCH_H

#include "busy.h"

/* What a space has in the ring: when its userfaultfd or its agent says something it is busy. */
struct watch {
	struct op uffd;
	struct op agent;
	struct pager *pg; /* NULL: it never had anything */
	struct busy *busy;
	uint32_t id;
	bool uffd_armed;
	bool agent_armed;
	bool agent_signalled;
};

/* What is not yet, or not any more. */
void watch_arm(struct watch *w, struct pager *pg, struct space *sp, struct busy *busy);
/* Both are not armed any more when that is completed. */
void watch_disarm(struct watch *w);

static inline bool watch_is_armed(const struct watch *w)
{
	return w->uffd_armed || w->agent_armed;
}

#endif
