// SPDX-License-Identifier: GPL-2.0-only
#include "life/child.h"

#include <dirent.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "life/ask.h"
#include "life/inherit.h"
#include "life/takeover.h"

/* One that touches nothing is looked for in vain as long as it has just been born. */
#define SEARCH_NS     (100 * NS_PER_MS)
#define SEARCH_MAX_NS (2 * NS_PER_S)

static struct proc *open_child(const struct pager *pg, const struct space *sp, pid_t pid)
{
	char text[UPAGER_TEXT_BYTES];
	struct proc *p;

	if (!pid || proc_open(&p, pid, text))
		return NULL;
	if (ask_is_child(pg, sp, p))
		return p;
	proc_close(p);
	return NULL;
}

static bool has_space(const struct housekeeping *h, pid_t pid)
{
	const struct proc *known = housekeeping_find(h, pid);

	return known && known->space;
}

/*
 * The parent's children first: what shares the child's address space for a
 * while, by vfork, is the child's child.
 */
static struct proc *search_all(const struct housekeeping *h, const struct space *sp,
			       const struct proc *parent)
{
	pid_t parent_pid = parent ? parent->pid : 0;
	struct proc *found = NULL;
	DIR *dir = opendir("/proc");
	struct dirent *d;

	if (!dir)
		return NULL;
	for (int others = parent_pid ? 0 : 1; others < 2 && !found; others++) {
		rewinddir(dir);
		while (!found && (d = readdir(dir))) {
			pid_t pid = (pid_t)strtol(d->d_name, NULL, 10);

			if (pid <= 0 || has_space(h, pid) ||
			    (proc_parent_of(d->d_name) == parent_pid) == others)
				continue;
			found = open_child(h->pg, sp, pid);
		}
	}
	closedir(dir);
	return found;
}

static struct proc *identify(struct housekeeping *h, struct space *sp, const struct proc *parent,
			     bool search)
{
	struct pager *pg = h->pg;
	struct proc *p = NULL;
	int err;

	if (sp->reports.first_tid)
		p = open_child(pg, sp, proc_of_thread(sp->reports.first_tid, parent));
	if (!p && search)
		p = search_all(h, sp, parent);
	if (!p) {
		sp->reports.first_tid = 0; /* a debugger's thread; the next fault may tell */
		return NULL;
	}
	p->terms = sp->locked.terms;
	p->child = true;
	err = takeover_open_views(sp, p);
	if (!err)
		err = inherit(pg, sp, p);
	if (err) {
		sp->process.pid = 0;
		proc_close(p);
		return NULL;
	}
	pager_record_space(pg, sp);
	failpoint(FP_CHILD_RECORDED);
	p->space = sp;
	p->state = UPAGER_PROC_PAGED;
	return p;
}

/* Whether to ask every process: what faulted first said nothing, or nothing did. */
static bool search_due(struct space *sp)
{
	uint64_t now_ns = clock_ns();

	if (!sp->housekeeping.search_at_ns) {
		sp->housekeeping.search_pause_ns = SEARCH_NS;
		sp->housekeeping.search_at_ns = now_ns + SEARCH_NS;
	}
	if (now_ns < sp->housekeeping.search_at_ns)
		return false;
	sp->housekeeping.search_pause_ns =
		min_t(uint64_t, 2 * sp->housekeeping.search_pause_ns, SEARCH_MAX_NS);
	sp->housekeeping.search_at_ns = now_ns + sp->housekeeping.search_pause_ns;
	return true;
}

/* A child that has touched nothing yet may have been announced. */
static void take_hint(struct housekeeping *h, struct space *sp, const struct space *from)
{
	pid_t pid = from && !sp->reports.first_tid ? announced_try(&h->announced, from->process.pid)
						   : 0;
	uint32_t none = 0;

	if (pid > 0 && !has_space(h, pid))
		atomic_compare_exchange_strong(&sp->reports.first_tid, &none, (uint32_t)pid);
}

/* It may have been followed until now, without anybody knowing that its memory is paged. */
static void take_on(struct housekeeping *h, struct space *sp, struct proc *child)
{
	struct proc *known = housekeeping_find(h, child->pid);

	const struct family *f = family_find(&h->families, sp->locked.terms.family);

	if (f) { /* whose budget may have been changed since the fork */
		child->terms.budget_bytes = f->budget_bytes;
		child->terms.weight = f->weight;
	}
	child->claim.share = sp->orders.budget_pages;
	child->by_itself = sp->process.by_itself;
	if (!known) {
		housekeeping_add(h, child);
		return;
	}
	known->space = sp;
	known->child = true;
	known->by_itself = sp->process.by_itself;
	if (known->state != UPAGER_PROC_DETACHING)
		known->state = UPAGER_PROC_PAGED;
	known->claim.share = child->claim.share;
	proc_close(child);
}

void child_look_after(struct housekeeping *h, struct space *sp)
{
	struct space *from = pager_space(h->pg, sp->parent_id);
	struct proc *parent = from ? housekeeping_find(h, from->process.pid) : NULL;
	struct proc *child = housekeeping_find(h, sp->process.pid);

	if (child && child->space == sp) { /* a mapping went away since */
		inherit(h->pg, sp, child);
		return;
	}
	take_hint(h, sp, from);
	child = identify(h, sp, parent, search_due(sp));
	if (child)
		take_on(h, sp, child);
}
