// SPDX-License-Identifier: GPL-2.0-only
#include "control/session_fill.h"

#include <errno.h>

#include "control/proto.h"
#include "control/request.h"
#include "life/patience.h"

void session_fill(struct session *s, struct housekeeping *h, struct proc *p, bool detach,
		  struct upager_reply *reply)
{
	int err;

	if (p->state == UPAGER_PROC_DETACHING) {
		proto_text(reply, "process %d is being detached already: wait for the end of that",
			   p->pid);
		err = -EBUSY;
	} else {
		err = request_fill(h, p, reply->text);
	}
	if (err) {
		session_answer(s, reply, err);
		return;
	}
	if (detach)
		p->state = UPAGER_PROC_DETACHING;
	s->waits_for = p->pid;
	s->detach = detach;
}

/* What has come in stays, until the budget is looked at again. */
static void give_up(struct session *s, struct housekeeping *h, struct proc *p, bool others_wait)
{
	if (s->detach)
		p->state = UPAGER_PROC_PAGED;
	if (!others_wait)
		request_resume(h, p);
	s->waits_for = 0;
	session_close(s);
}

void session_fill_step(struct session *s, struct housekeeping *h, bool others_wait)
{
	struct proc *p = housekeeping_find(h, s->waits_for);
	struct upager_reply reply;
	int err = 0;

	if (p && (request_fill_pending(h, p) || (s->detach && !patience_has(h, s->uid)))) {
		if (session_peer_gone(s))
			give_up(s, h, p, others_wait);
		return;
	}
	proto_init_reply(&reply);
	if (!p) {
		proto_text(&reply, "process %d exited or was detached meanwhile", s->waits_for);
		err = -ESRCH;
	} else if (s->detach) {
		err = request_release(h, p, reply.text);
	} else if (!others_wait) {
		request_resume(h, p);
	}
	s->waits_for = 0;
	session_answer(s, &reply, err);
}
