// SPDX-License-Identifier: GPL-2.0-only
#include "control/session_status.h"

#include <errno.h>
#include <unistd.h>

#include "control/proto.h"
#include "life/proc_record.h"
#include "kernel/meminfo.h"

/* Of a process that has ended its agent, or who is just looking at it, still holds the memory. */
static bool is_ending(const struct housekeeping *h, pid_t pid)
{
	for (uint32_t id = 1; id < h->pg->nr_ids; id++) {
		const struct space *sp = pager_space(h->pg, id);

		if (sp && sp->process.pid == pid && sp->orders.gone && sp->phase < SPACE_CLOSING)
			return true;
	}
	return false;
}

void session_status(struct session *s, struct housekeeping *h, pid_t pid,
		    struct upager_reply *reply)
{
	struct upager_record rec;
	uint32_t n = 0;

	for (const struct proc *p = h->procs; p; p = p->next)
		n += (!pid || p->pid == pid) && (!s->uid || p->uid == s->uid);
	if (pid && !n && is_ending(h, pid)) {
		proto_text(reply, "process %d has ended, and its memory is being let go of", pid);
		session_answer(s, reply, -EAGAIN);
		return;
	}
	if (pid && !n) {
		proto_text(reply, "process %d is not paged: see upager status for those that are",
			   pid);
		session_answer(s, reply, -ESRCH);
		return;
	}
	reply->nr_records = n;
	session_answer(s, reply, 0);
	for (const struct proc *p = h->procs; p && s->fd >= 0 && n; p = p->next) {
		if ((pid && p->pid != pid) || (s->uid && p->uid != s->uid))
			continue;
		proc_record(&h->families, p, &rec);
		n--;
		if (proto_send(s->fd, &rec, sizeof(rec), -1))
			session_close(s);
	}
}

static uint64_t pools_bytes(const struct pager *pg)
{
	uint64_t pages = 0;

	for (uint32_t id = 1; id < pg->nr_ids; id++) {
		const struct space *sp = pager_space(pg, id);

		if (sp)
			pages += sp->standby.nr_places;
	}
	return pages * PAGE_SIZE;
}

void session_ping(struct session *s, struct housekeeping *h, struct upager_reply *reply)
{
	struct upager_record rec = { .pid = getpid() };

	rec.slots_total = slots_total(h->pg->slots);
	rec.slots_free = slots_free(h->pg->slots);
	rec.table_bytes = tables_used(h->pg->tables) * PAGE_SIZE;
	rec.memory_bytes = meminfo_own_bytes();
	rec.pool_bytes = pools_bytes(h->pg);
	rec.slot_bytes = slots_bytes(h->pg->slots);
	reply->nr_records = 1;
	session_answer(s, reply, 0);
	if (s->fd >= 0 && proto_send(s->fd, &rec, sizeof(rec), -1))
		session_close(s);
}
