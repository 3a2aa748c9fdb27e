// SPDX-License-Identifier: GPL-2.0-only
#include "life/release.h"

#include "life/descent.h"
#include "life/pause.h"

void release_proc(struct house *h, struct proc *p)
{
	pause_end(p);
	tracking_end(&h->tracking, p);
	if (p->exited && !p->by_itself)
		descent_ended(&h->descent, p->pid, &p->terms);
	house_unlink(h, p);
	proc_close(p);
}
