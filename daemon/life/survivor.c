// SPDX-License-Identifier: GPL-2.0-only
#include "life/survivor.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/log.h"
#include "life/roster.h"

/* The number is its own as long as its directory, opened by the daemon that knew it, has it. */
static bool is_alive(const struct space *sp)
{
	int fd = openat(sp->process.task_dir_fd, "../stat", O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* What an agent that is dead has left; one that the program started is its own affair. */
static void clear_up(struct space *sp, const struct proc *p)
{
	char cause[INJECT_CAUSE_BYTES] = "";

	if (!sp->housekeeping.left_behind.ctl_bytes)
		return;
	if (!p->by_itself && inject_remove(p->pid, 0, -1, &sp->housekeeping.left_behind, cause))
		log_debug("process %d keeps what its agent left (%s), ignoring", p->pid, cause);
	sp->housekeeping.left_behind = (struct inject_place){ 0 };
}

static void take_on(struct housekeeping *h, struct space *sp)
{
	struct proc *p;

	if (proc_open_known(&p, sp->process.pid)) {
		sp->orders.gone = true;
		return;
	}
	if (!is_alive(sp)) {
		proc_close(p);
		sp->orders.gone = true;
		return;
	}
	p->terms = sp->locked.terms;
	if (!family_restore(&h->families, &p->terms, p->pid))
		p->terms.family = 0;
	p->claim.share = sp->orders.budget_pages;
	p->claim.max = p->terms.budget_bytes / PAGE_SIZE;
	p->by_itself = sp->process.by_itself;
	p->child = sp->parent_id;
	p->space = sp;
	p->state = UPAGER_PROC_PAGED;
	proc_sample(p);
	clear_up(sp, p);
	housekeeping_add(h, p);
}

void survivors_take_on(struct housekeeping *h)
{
	for (uint32_t id = 1; id < h->pg->nr_ids; id++) {
		struct space *sp = pager_space(h->pg, id);

		if (sp && sp->process.pid)
			take_on(h, sp);
	}
	roster_take_on(h);
}
