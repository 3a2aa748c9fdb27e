// SPDX-License-Identifier: GPL-2.0-only
#include "memory/change.h"

#include <assert.h>

bool change_begin(struct space *sp, enum change_cause cause)
{
	assert(!sp->worker.changing);
	if (cause != CHANGE_APART && agent_pending(&sp->agent))
		return false;
	if (cause == CHANGE_LOOKED && (sp->worker.events_waiting || uffd_has_unread(sp->uffd)))
		return false;
	sp->worker.changing = true;
	return true;
}

void change_end(struct space *sp)
{
	assert(sp->worker.changing);
	sp->worker.changing = false;
}
