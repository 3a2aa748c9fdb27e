// SPDX-License-Identifier: GPL-2.0-only
#include "control/session_self.h"

#include <errno.h>
#include <unistd.h>

#include "control/advice.h"
#include "control/proto.h"
#include "control/request.h"
#include "control/self.h"

static void answer(struct session *s, struct upager_reply *reply, int err)
{
	s->step = STEP_NONE;
	session_answer(s, reply, err);
}

static void give_up_join(struct session *s)
{
	if (s->join)
		self_abort(s->housekeeping, s->join);
	s->join = NULL;
}

static void join(struct session *s, struct housekeeping *h, struct upager_reply *reply)
{
	int fd[UPAGER_PROVISION_FDS];
	struct upager_provision provision;
	int err;

	give_up_join(s);
	err = self_join(h, &s->peer, s->asked.budget_bytes, &s->join, &provision, fd, reply->text);
	if (!s->join) {
		answer(s, reply, err);
		return;
	}
	reply->nr_records = 1;
	answer(s, reply, 0);
	if (s->fd >= 0 &&
	    proto_send_fds(s->fd, &provision, sizeof(provision), fd, UPAGER_PROVISION_FDS))
		session_close(s);
	for (int i = 0; i < UPAGER_PROVISION_FDS; i++)
		close(fd[i]);
}

/* The next two steps of a join; whatever is wrong ends it. */
static void go_on_joining(struct session *s, struct housekeeping *h,
			  const struct upager_request *req, int *fd, struct upager_reply *reply)
{
	int err;

	if (!s->join) {
		proto_text(reply, "nothing is under way: use the library");
		answer(s, reply, -EINVAL);
		return;
	}
	if (req->op == UPAGER_OP_PROVISIONED)
		err = self_provisioned(h, s->join, req->addr, req->arg, fd, reply->text);
	else
		err = self_started(s->join, fd, reply->text);
	if (err)
		give_up_join(s);
	else if (req->op == UPAGER_OP_STARTED)
		s->step = STEP_READY;
	if (!s->step)
		answer(s, reply, err);
}

static void wait_ready(struct session *s, struct housekeeping *h, struct upager_reply *reply)
{
	int err = self_ready(h, s->join, reply->text);

	if (err == -EINPROGRESS)
		return;
	if (err)
		give_up_join(s);
	s->join = NULL;
	answer(s, reply, err);
}

/* One range at a time; and while the process is detached or populated none. */
static struct proc *ready_proc(struct session *s, struct housekeeping *h,
			       struct upager_reply *reply)
{
	int err;
	struct proc *p = self_find(h, &s->peer, &err);

	if (p && (!p->space || p->space->range_job.state == RANGE_JOB_NONE))
		return p;
	if (p || err == -EAGAIN) {
		s->step = STEP_AGAIN;
		return NULL;
	}
	proto_text(reply, "process %d is not paged: register a range of it first", s->peer.pid);
	answer(s, reply, err);
	return NULL;
}

static void ask(struct session *s, struct housekeeping *h)
{
	const struct upager_request *req = &s->asked;
	enum session_step next = STEP_NONE;
	struct upager_reply reply;
	struct proc *p;
	int err;

	proto_init_reply(&reply);
	s->step = STEP_NONE;
	if (req->op == UPAGER_OP_JOIN) {
		join(s, h, &reply);
		return;
	}
	p = ready_proc(s, h, &reply);
	if (!p)
		return;
	/* The child of a fork has no agent yet. */
	if (req->op == UPAGER_OP_REGISTER && p->by_itself && !p->space->agent.ctl &&
	    !p->space->orders.new_agent) {
		proto_text(&reply, "process %d has no agent", p->pid);
		answer(s, &reply, -ESRCH);
		return;
	}
	if (req->op == UPAGER_OP_REGISTER) {
		err = self_register(h, p, req->addr, req->bytes, reply.text);
	} else if (req->op == UPAGER_OP_UNREGISTER) {
		err = self_unregister(h, p, req->addr, req->bytes, reply.text);
		next = STEP_FETCH;
	} else {
		err = advice_give(h, p, req->addr, req->bytes, (enum upager_advice)req->arg,
				  reply.text);
		if (err == -EINPROGRESS) {
			err = 0;
			next = STEP_PIN;
		}
	}
	if (!err && next)
		s->step = next;
	else
		answer(s, &reply, err);
}

static void wait_range_job(struct session *s, struct housekeeping *h)
{
	struct upager_reply reply;
	int err;
	struct proc *p = housekeeping_find(h, s->peer.pid);
	struct range_job *e = p && p->space ? &p->space->range_job : NULL;

	proto_init_reply(&reply);
	if (!e || e->state == RANGE_JOB_NONE) {
		/* Detached: everything came back. */
		err = s->step == STEP_PIN ? -ESRCH : 0;
		answer(s, &reply, err);
		return;
	}
	if (s->step == STEP_PIN && e->state == RANGE_JOB_FETCHED) {
		e->state = RANGE_JOB_NONE;
		answer(s, &reply, 0);
	} else if (s->step == STEP_FETCH && e->state == RANGE_JOB_FETCHED) {
		if (self_unregister_fetched(h, p))
			s->step = STEP_FORGET;
	} else if (s->step == STEP_FORGET && e->state == RANGE_JOB_FORGOTTEN) {
		err = self_unregister_forgotten(h, p, reply.text);
		answer(s, &reply, err);
	}
}

void session_self_handle(struct session *s, struct housekeeping *h,
			 const struct upager_request *req, int *fd)
{
	struct upager_reply reply;

	if (req->op == UPAGER_OP_PROVISIONED || req->op == UPAGER_OP_STARTED) {
		proto_init_reply(&reply);
		go_on_joining(s, h, req, fd, &reply);
		return;
	}
	s->asked = *req;
	ask(s, h);
}

void session_self_step(struct session *s, struct housekeeping *h)
{
	struct upager_reply reply;

	/* An unregistration that has begun to unregister ends by itself. */
	if (s->step != STEP_FORGET && session_peer_gone(s)) {
		session_close(s);
		return;
	}
	proto_init_reply(&reply);
	if (s->step == STEP_AGAIN)
		ask(s, h);
	else if (s->step == STEP_READY)
		wait_ready(s, h, &reply);
	else
		wait_range_job(s, h);
}

void session_self_drop(struct session *s)
{
	char text[UPAGER_TEXT_BYTES];
	struct proc *p;

	give_up_join(s);
	if (!s->housekeeping)
		return;
	p = housekeeping_find(s->housekeeping, s->peer.pid);
	if (!p || !p->by_itself || !p->space)
		return;
	if (s->step == STEP_PIN || s->step == STEP_FETCH)
		p->space->range_job.state = RANGE_JOB_NONE;
	if (p->state != UPAGER_PROC_DETACHING)
		self_release_idle(s->housekeeping, p, text);
}
