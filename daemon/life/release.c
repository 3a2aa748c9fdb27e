// SPDX-License-Identifier: GPL-2.0-only
#include "life/release.h"

#include "life/descendants.h"
#include "life/pause.h"

void release_proc(struct housekeeping *h, struct proc *p)
{
	pause_end(p);
	tracking_end(&h->tracking, p);
	if (p->exited && !p->by_itself)
		descendants_ended(&h->descendants, p->pid, &p->terms);
	housekeeping_unlink(h, p);
	proc_close(p);
}
