// SPDX-License-Identifier: GPL-2.0-only
#include "life/announced.h"

#include "base/types.h"

/* To try one costs a look at all its mappings; who is not found so is searched for. */
#define TRIES_MAX 3

void announced_add(struct announced *an, pid_t pid, pid_t parent_pid)
{
	an->at[an->nr++ % ANNOUNCED_MAX] = (struct announcement){ pid, parent_pid, 0 };
}

pid_t announced_try(struct announced *an, pid_t parent_pid)
{
	uint32_t nr = min_t(uint32_t, an->nr, ANNOUNCED_MAX);

	for (uint32_t i = 0; i < nr; i++) {
		struct announcement *a = &an->at[an->next++ % nr];

		if (a->parent_pid == parent_pid && a->tries < TRIES_MAX) {
			a->tries++;
			return a->pid;
		}
	}
	return 0;
}
