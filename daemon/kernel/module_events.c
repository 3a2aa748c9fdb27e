// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/module_events.h"

#include <errno.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <string.h>

#include "uapi/upager.h"

/* Some thousand events: forks come in bursts. */
#define BUFFER_BYTES (1 << 20)

/* What is shorter would be read beyond its end. */
static struct nla_policy event_policy[UPAGER_A_MAX + 1] = {
	[UPAGER_A_PID] = { .type = NLA_U32 },
	[UPAGER_A_PARENT_PID] = { .type = NLA_U32 },
};

struct reader {
	module_event_fn fn;
	void *context;
};

static int on_event(struct nl_msg *msg, void *context)
{
	const struct genlmsghdr *head = nlmsg_data(nlmsg_hdr(msg));
	struct nlattr *attr[UPAGER_A_MAX + 1];
	const struct reader *r = context;
	struct module_event event = { 0 };

	if (genlmsg_parse(nlmsg_hdr(msg), 0, attr, UPAGER_A_MAX, event_policy) < 0 ||
	    !attr[UPAGER_A_PID])
		return NL_OK;
	event.cmd = head->cmd;
	event.pid = (pid_t)nla_get_u32(attr[UPAGER_A_PID]);
	if (attr[UPAGER_A_PARENT_PID])
		event.parent_pid = (pid_t)nla_get_u32(attr[UPAGER_A_PARENT_PID]);
	r->fn(r->context, &event);
	return NL_OK;
}

/* They answer nothing that was asked. */
static int any_sequence(struct nl_msg *msg, void *context)
{
	(void)msg;
	(void)context;
	return NL_OK;
}

int module_events_open(struct module_events *me)
{
	int group;

	me->sock = nl_socket_alloc();
	if (!me->sock)
		return -ENOMEM;
	if (genl_connect(me->sock) || nl_socket_set_nonblocking(me->sock))
		goto close;
	nl_socket_set_buffer_size(me->sock, BUFFER_BYTES, 0);
	group = genl_ctrl_resolve_grp(me->sock, UPAGER_FAMILY_NAME, UPAGER_MCGRP_EVENTS);
	if (group < 0 || nl_socket_add_membership(me->sock, group))
		goto close;
	return 0;

close:
	module_events_close(me);
	return -ENOENT;
}

void module_events_close(struct module_events *me)
{
	if (me->sock)
		nl_socket_free(me->sock);
	me->sock = NULL;
}

int module_events_fd(const struct module_events *me)
{
	return me->sock ? nl_socket_get_fd(me->sock) : -1;
}

void module_events_read(struct module_events *me, module_event_fn fn, void *context)
{
	struct reader r = { .fn = fn, .context = context };
	struct nl_cb *cb;
	int err;

	if (!me->sock)
		return;
	cb = nl_cb_alloc(NL_CB_DEFAULT);
	if (!cb)
		return;
	nl_cb_set(cb, NL_CB_SEQ_CHECK, NL_CB_CUSTOM, any_sequence, NULL);
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_event, &r);
	do
		err = nl_recvmsgs(me->sock, cb);
	while (!err || err == -NLE_NOMEM || err == -NLE_INTR); /* NOMEM: some were lost */
	nl_cb_put(cb);
}
