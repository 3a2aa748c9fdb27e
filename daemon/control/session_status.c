// SPDX-License-Identifier: GPL-2.0-only
#include "control/session_status.h"

#include <errno.h>
#include <unistd.h>

#include "base/clock.h"
#include "control/proto.h"
#include "life/full_look.h"
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

static bool is_asked(const struct session *s, const struct proc *p, pid_t pid)
{
	return (!pid || p->pid == pid) && (!s->uid || p->uid == s->uid);
}

static uint32_t count_asked(const struct session *s, const struct housekeeping *h, pid_t pid)
{
	uint32_t n = 0;

	for (const struct proc *p = h->procs; p; p = p->next)
		n += is_asked(s, p, pid);
	return n;
}

/* Announces them. False: pid is none that can be told of, which was the answer. */
static bool begin_records(struct session *s, struct housekeeping *h, pid_t pid, uint32_t n,
			  struct upager_reply *reply)
{
	int err = 0;

	if (pid && !n && is_ending(h, pid)) {
		proto_text(reply, "process %d has ended, and its memory is being let go of", pid);
		err = -EAGAIN;
	} else if (pid && !n) {
		proto_text(reply, "process %d is not paged: see upager status for those that are",
			   pid);
		err = -ESRCH;
	} else {
		reply->nr_records = n;
	}
	session_answer(s, reply, err);
	return !err;
}

static void send_record(struct session *s, const void *record, size_t bytes)
{
	if (s->fd >= 0 && proto_send(s->fd, record, bytes, -1))
		session_close(s);
}

static void tell_status(struct session *s, struct housekeeping *h, pid_t pid,
			struct upager_reply *reply)
{
	struct upager_record rec;

	if (!begin_records(s, h, pid, count_asked(s, h, pid), reply))
		return;
	for (const struct proc *p = h->procs; p && s->fd >= 0; p = p->next) {
		if (!is_asked(s, p, pid))
			continue;
		proc_record(&h->families, p, &rec);
		send_record(s, &rec, sizeof(rec));
	}
}

/* A period of one may end a moment before that of the other. */
static uint32_t full_avg(const struct full *full, const struct pressure *some,
			 enum pressure_window window)
{
	return min_t(uint32_t, pressure_avg(&full->pressure, window), pressure_avg(some, window));
}

static void set_stall(struct upager_stall *answer, const struct stall *stall, struct pressure *some,
		      struct full *full)
{
	uint64_t now_ns = clock_ns();

	pressure_look(some, stall_ns(stall), now_ns);
	pressure_look(&full->pressure, full->total_ns, now_ns);
	answer->some_avg10 = pressure_avg(some, PRESSURE_10S);
	answer->some_avg60 = pressure_avg(some, PRESSURE_60S);
	answer->some_avg300 = pressure_avg(some, PRESSURE_300S);
	answer->some_total_us = some->total_ns / NS_PER_US;
	answer->full_avg10 = full_avg(full, some, PRESSURE_10S);
	answer->full_avg60 = full_avg(full, some, PRESSURE_60S);
	answer->full_avg300 = full_avg(full, some, PRESSURE_300S);
	answer->full_total_us = min_t(uint64_t, full->total_ns, some->total_ns) / NS_PER_US;
}

static void send_stall_of_all(struct session *s, struct housekeeping *h)
{
	struct upager_stall answer = { 0 };

	full_look(&h->full, &h->pg->stall, h->procs, true);
	set_stall(&answer, &h->pg->stall, &h->pressure, &h->full);
	send_record(s, &answer, sizeof(answer));
}

static void send_stall(struct session *s, const struct proc *p)
{
	struct upager_stall answer = { .pid = p->pid };
	struct space *sp = p->space;

	if (sp) {
		full_look(&sp->housekeeping.full, &sp->stall, p, false);
		set_stall(&answer, &sp->stall, &sp->housekeeping.pressure, &sp->housekeeping.full);
	}
	send_record(s, &answer, sizeof(answer));
}

static void tell_stall(struct session *s, struct housekeeping *h, pid_t pid,
		       struct upager_reply *reply)
{
	uint32_t n = count_asked(s, h, pid) + !pid;

	if (!begin_records(s, h, pid, n, reply))
		return;
	if (!pid)
		send_stall_of_all(s, h);
	for (const struct proc *p = h->procs; p && s->fd >= 0; p = p->next)
		if (is_asked(s, p, pid))
			send_stall(s, p);
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

static void tell_daemon(struct session *s, struct housekeeping *h, struct upager_reply *reply)
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
	send_record(s, &rec, sizeof(rec));
}

static void tell_features(struct session *s, const struct housekeeping *h, uint64_t known,
			  struct upager_reply *reply)
{
	const struct uffd_caps *caps = &h->pg->caps;

	reply->features = UPAGER_FEATURE_SIZES;
	if (caps->move)
		reply->features |= UPAGER_FEATURE_MOVE;
	if (caps->move && caps->dev_userfaultfd)
		reply->features |= UPAGER_FEATURE_SELF;
	if (caps->poison)
		reply->features |= UPAGER_FEATURE_POISON;
	s->features = known & reply->features;
	session_answer(s, reply, 0);
}

void session_tell(struct session *s, struct housekeeping *h, const struct upager_request *req,
		  struct upager_reply *reply)
{
	if (req->op == UPAGER_OP_HELLO)
		tell_features(s, h, req->arg, reply);
	else if (req->op == UPAGER_OP_STATUS)
		tell_status(s, h, req->pid, reply);
	else if (req->op == UPAGER_OP_STALL)
		tell_stall(s, h, req->pid, reply);
	else
		tell_daemon(s, h, reply);
}
