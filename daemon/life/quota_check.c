// SPDX-License-Identifier: GPL-2.0-only
#include "life/quota_check.h"

#include <errno.h>
#include <stdio.h>

int quota_check_process(const struct housekeeping *h, uid_t uid, uint32_t nr_begun,
			char text[UPAGER_TEXT_BYTES])
{
	uint32_t nr = nr_begun, max = h->quotas.user_processes;

	if (!uid)
		return 0;
	for (const struct proc *p = h->procs; p; p = p->next)
		nr += p->terms.asked_by == uid;
	if (nr < max)
		return 0;
	snprintf(text, UPAGER_TEXT_BYTES,
		 "user %u has %u processes paged, as many as user_processes allows: detach one, or "
		 "have root raise that in the configuration of upagerd",
		 uid, nr);
	return -EUSERS;
}
