/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_APART_H
#define UPAGER_APART_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "swap/area.h"

/*
 * One pager for each user: which of them this process is. The first one has root's
 * programs, the control socket and the areas; it starts the others (domains.h).
 */
struct apart {
	bool on;
	uid_t uid; /* whose programs these are; 0: this is the first one */
	pid_t first; /* process of the first one, for the others */
	uint32_t user_percent; /* of an area, for one user who is not root */
	/* Of the others: what the first one has opened for them; -1 and none: they take over. */
	int listen_fd;
	uint32_t nr_areas;
	int area_fd[AREAS_MAX]; /* in the order of --swap */
	char front[108]; /* the control socket, which the first one serves */
};

/* "UID:FIRST:LISTEN:FD,FD,...:FRONT", which the first one gives: 0 or -EINVAL. */
int apart_parse(struct apart *apart, const char *text);
void apart_format(const struct apart *apart, char *text, size_t size);

static inline bool apart_is_first(const struct apart *apart)
{
	return apart->on && !apart->uid;
}

/* One of the others ends with the first one. -ESRCH: that has ended already. */
int apart_follow(const struct apart *apart);

#endif
