// SPDX-License-Identifier: GPL-2.0-only
#include "life/inherit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel/vma.h"

struct inheritance {
	struct space *sp;
	struct regions passed; /* of the parent: what forks hand on */
	struct regions withheld; /* and what not */
	int error;
};

static bool see_parent(void *context, const struct vma *v)
{
	struct inheritance *in = context;
	struct regions *to = v->wipe_on_fork ? &in->withheld : &in->passed;

	in->error = region_add(to, addr_pgno(v->start), addr_pgno(v->end));
	return !in->error;
}

static bool has_executed(const struct space *sp)
{
	return sp->agent.pid > 0 &&
	       syscall(SYS_kcmp, sp->process.pid, sp->agent.pid, KCMP_VM, 0, 0) > 0;
}

/*
 * The parent's space, while its mappings are those of the fork; NULL: they may
 * not be.  They are not where an event is unread, though that is not counted yet.
 */
static struct space *unchanged_parent(struct pager *pg, const struct space *sp)
{
	struct space *from = pager_space(pg, sp->parent_id);
	bool same;

	if (!from || !from->process.pid || from->process.pid != sp->process.parent_pid ||
	    has_executed(from) || !uffd_settles(from->uffd))
		return NULL;
	pthread_mutex_lock(&from->lock);
	same = from->locked.map_changes == sp->orders.parent_changes &&
	       from->phase < SPACE_CLOSING && !from->orders.gone;
	pthread_mutex_unlock(&from->lock);
	return same ? from : NULL;
}

static void look_at_parent(struct pager *pg, struct inheritance *in)
{
	const struct space *from = unchanged_parent(pg, in->sp);
	int smaps_fd =
		from ? openat(from->process.task_dir_fd, "../smaps", O_RDONLY | O_CLOEXEC) : -1;

	if (smaps_fd < 0)
		return;
	if (vma_for_each_detailed(smaps_fd, see_parent, in) || in->error ||
	    !unchanged_parent(pg, in->sp)) {
		regions_forget(&in->passed);
		regions_forget(&in->withheld);
	}
	in->error = 0;
	close(smaps_fd);
}

enum said {
	SAID_NOTHING,
	SAID_PASSED,
	SAID_WITHHELD,
};

/* What the parent says of a piece that begins at n; its end. */
static pgno_t piece(const struct inheritance *in, pgno_t n, pgno_t end, enum said *said)
{
	const struct region *passed = region_next(&in->passed, n);
	const struct region *withheld = region_next(&in->withheld, n);

	*said = SAID_NOTHING;
	if (passed && passed->first.v <= n.v) {
		*said = SAID_PASSED;
		end.v = min_t(uint64_t, end.v, passed->end.v);
	} else if (passed) {
		end.v = min_t(uint64_t, end.v, passed->first.v);
	}
	if (withheld && withheld->first.v <= n.v) {
		*said = SAID_WITHHELD;
		end.v = min_t(uint64_t, end.v, withheld->end.v);
	} else if (withheld) {
		end.v = min_t(uint64_t, end.v, withheld->first.v);
	}
	return end;
}

static bool inherit_one(void *context, const struct vma *v)
{
	struct inheritance *in = context;
	struct space *sp = in->sp;
	pgno_t n = addr_pgno(v->start), end = addr_pgno(v->end), next;
	bool has = !v->wipe_on_fork;

	if (!v->uffd_missing)
		return true;
	for (; n.v < end.v && !in->error; n = next) {
		enum said said;
		bool doubt;

		next = piece(in, n, end, &said);
		doubt = said == (has ? SAID_WITHHELD : SAID_PASSED);
		if (has || doubt)
			in->error = region_add(&sp->orders.born_with, n, next);
		if (doubt && !in->error)
			in->error = region_add(&sp->orders.born_doubted, n, next);
	}
	return !in->error;
}

static int inherit_by_flags(struct pager *pg, struct space *sp, const struct proc *p)
{
	struct inheritance in = { .sp = sp };
	int smaps_fd = proc_open_file(p, "smaps", O_RDONLY);
	int err;

	if (smaps_fd < 0)
		return smaps_fd;
	look_at_parent(pg, &in);
	err = vma_for_each_detailed(smaps_fd, inherit_one, &in);
	close(smaps_fd);
	regions_fini(&in.passed);
	regions_fini(&in.withheld);
	return err ? err : in.error;
}

static bool see_mapping(void *context, const struct vma *v)
{
	struct inheritance *in = context;
	int err;

	if (!v->anonymous)
		return true;
	err = uffd_covers(in->sp->uffd, v->start, v->end - v->start);
	if (!err)
		in->error = run_list_add(&in->sp->orders.born_maps, addr_pgno(v->start),
					 addr_pgno(v->end));
	else if (err != -ENOENT)
		in->error = err; /* EAGAIN: it is changing something */
	return !in->error;
}

int inherit(struct pager *pg, struct space *sp, const struct proc *p)
{
	struct inheritance in = { .sp = sp };
	int err;

	sp->orders.born_maps.nr = 0;
	regions_fini(&sp->orders.born_with);
	regions_fini(&sp->orders.born_doubted);
	pthread_mutex_lock(&sp->lock);
	sp->orders.born_changes = sp->locked.map_changes;
	pthread_mutex_unlock(&sp->lock);
	if (sp->reports.flags_wanted)
		err = inherit_by_flags(pg, sp, p);
	else
		err = vma_for_each(sp->process.maps_fd, see_mapping, &in);
	if (err || in.error)
		return err ? err : in.error;
	sp->orders.identified = true; /* the worker checks that nothing changed meanwhile */
	pager_kick_worker(pg);
	return 0;
}
