// SPDX-License-Identifier: GPL-2.0-only
#include "control/session_where.h"

#include <errno.h>

#include "control/proto.h"

static void answer(struct session *s, const struct upager_where *where)
{
	struct upager_reply reply;

	s->step = STEP_NONE;
	proto_init_reply(&reply);
	reply.nr_records = 1;
	session_answer(s, &reply, 0);
	if (s->fd >= 0 && proto_send(s->fd, where, sizeof(*where), -1))
		session_close(s);
}

static struct upager_where asked_where(const struct session *s)
{
	return (struct upager_where){
		.addr = s->asked.addr,
		.bytes = s->asked.bytes,
		.nr_parts = s->asked.arg ? (uint32_t)s->asked.arg : 1,
	};
}

/* The worker keeps the books of a space from when it is no longer new until it closes. */
static struct where_job *job_of(struct session *s, struct housekeeping *h, bool *none)
{
	struct proc *p = housekeeping_find(h, s->asked.pid);
	/* Another's, if it has the number of one that ended meanwhile, is nobody's business. */
	bool is_theirs = p && (!s->uid || p->uid == s->uid);
	struct space *sp = is_theirs ? p->space : NULL;

	*none = !sp;
	return sp && sp->phase != SPACE_NEW && sp->phase < SPACE_CLOSING ? &sp->where_job : NULL;
}

static void begin(struct session *s, struct housekeeping *h, struct where_job *job)
{
	static uint64_t last_ticket;

	s->ticket = ++last_ticket;
	job->ticket = s->ticket;
	job->answer = asked_where(s);
	job->cursor = job->answer.addr >> PAGE_SHIFT;
	job->state = WHERE_JOB_ASKED;
	pager_kick_worker(h->pg);
}

void session_where_step(struct session *s, struct housekeeping *h)
{
	struct upager_where nothing = asked_where(s);
	struct where_job *job;
	bool none;

	if (session_peer_gone(s)) {
		session_close(s);
		return;
	}
	job = job_of(s, h, &none);
	if (!job) {
		/* Nothing of it is out; or it is only now begun with, or ended. */
		if (none)
			answer(s, &nothing);
		return;
	}
	if (job->state == WHERE_JOB_DONE && (!job->ticket || job->ticket == s->ticket)) {
		bool is_mine = job->ticket == s->ticket;

		if (is_mine)
			answer(s, &job->answer);
		job->ticket = 0;
		job->state = WHERE_JOB_NONE;
		if (is_mine)
			return;
	}
	if (job->state == WHERE_JOB_NONE)
		begin(s, h, job);
}

void session_where(struct session *s, struct housekeeping *h, const struct upager_request *req)
{
	struct upager_reply reply;

	if (!housekeeping_find(h, req->pid)) {
		proto_init_reply(&reply);
		proto_text(&reply, "process %d is not paged: see upager status for those that are",
			   req->pid);
		session_answer(s, &reply, -ESRCH);
		return;
	}
	s->asked = *req;
	s->ticket = 0;
	s->step = STEP_WHERE;
	session_where_step(s, h);
}

void session_where_drop(struct session *s)
{
	struct where_job *job;
	bool none;

	if (s->step != STEP_WHERE)
		return;
	job = job_of(s, s->housekeeping, &none);
	if (job && s->ticket && job->ticket == s->ticket)
		job->ticket = 0;
}
