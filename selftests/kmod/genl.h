/* SPDX-License-Identifier: GPL-2.0-only */
/* One conversation with the module: a command, its answers, and what the kernel says of a refusal. */
#ifndef UPAGER_KMOD_GENL_H
#define UPAGER_KMOD_GENL_H

#include "module.h"

#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>

#include "uapi/upager.h"

struct genl {
	struct nl_sock *sock;
	int family;
	int group;
	/* Of the command that was asked last. */
	bool done;
	int err;
	char said[256]; /* text of the refusal */
	bool missing; /* it names an attribute that is missing */
	unsigned int nr_heard; /* answers */
	int cmd;
	struct nlattr *attr[UPAGER_A_MAX + 1]; /* of the last answer, in its copy */
	char copy[65536];
	/* Called for each answer. */
	void (*hear)(struct genl *genl, void *arg);
	void *arg;
};

static inline int genl_heard(struct nl_msg *msg, void *arg)
{
	struct genl *genl = arg;
	struct nlmsghdr *header = nlmsg_hdr(msg);

	if (header->nlmsg_len > sizeof(genl->copy))
		return NL_SKIP;
	memcpy(genl->copy, header, header->nlmsg_len);
	header = (struct nlmsghdr *)genl->copy;
	genl->cmd = ((struct genlmsghdr *)nlmsg_data(header))->cmd;
	if (genlmsg_parse(header, 0, genl->attr, UPAGER_A_MAX, NULL))
		return NL_SKIP;
	genl->nr_heard++;
	if (genl->hear)
		genl->hear(genl, genl->arg);
	return NL_OK;
}

static inline int genl_acked(struct nl_msg *msg, void *arg)
{
	struct genl *genl = arg;

	(void)msg;
	genl->done = true;
	return NL_STOP;
}

/* The attributes of an acknowledgement follow the header of what was asked, without its rest. */
static inline int genl_refused(struct sockaddr_nl *from, struct nlmsgerr *error, void *arg)
{
	struct nlmsghdr *header = (struct nlmsghdr *)error - 1;
	struct genl *genl = arg;
	struct nlattr *attr = (struct nlattr *)(error + 1);
	int left = (int)(header->nlmsg_len - sizeof(*header) - sizeof(*error));

	(void)from;
	if (!(header->nlmsg_flags & NLM_F_CAPPED))
		left = 0;
	for (; nla_ok(attr, left); attr = nla_next(attr, &left)) {
		if (nla_type(attr) == NLMSGERR_ATTR_MSG)
			snprintf(genl->said, sizeof(genl->said), "%s", (char *)nla_data(attr));
		/* 5 and 6: the attribute, and the nest, that is missing. */
		if (nla_type(attr) == 5 || nla_type(attr) == 6)
			genl->missing = true;
	}
	genl->err = error->error;
	genl->done = true;
	return NL_STOP;
}

static inline int genl_open(struct genl *genl)
{
	int on = 1;

	memset(genl, 0, sizeof(*genl));
	genl->sock = nl_socket_alloc();
	if (!genl->sock || genl_connect(genl->sock))
		return -ENOMEM;
	genl->family = genl_ctrl_resolve(genl->sock, UPAGER_FAMILY_NAME);
	if (genl->family < 0)
		return -ENOENT;
	genl->group = genl_ctrl_resolve_grp(genl->sock, UPAGER_FAMILY_NAME, UPAGER_MCGRP_EVENTS);
	nl_socket_set_buffer_size(genl->sock, 4 << 20, 0);
	setsockopt(nl_socket_get_fd(genl->sock), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	setsockopt(nl_socket_get_fd(genl->sock), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	nl_socket_modify_cb(genl->sock, NL_CB_VALID, NL_CB_CUSTOM, genl_heard, genl);
	nl_socket_modify_cb(genl->sock, NL_CB_ACK, NL_CB_CUSTOM, genl_acked, genl);
	nl_socket_modify_cb(genl->sock, NL_CB_FINISH, NL_CB_CUSTOM, genl_acked, genl);
	nl_socket_modify_err_cb(genl->sock, NL_CB_CUSTOM, genl_refused, genl);
	return 0;
}

static inline void genl_close(struct genl *genl)
{
	if (genl->sock)
		nl_socket_free(genl->sock);
}

static inline struct nl_msg *genl_command(struct genl *genl, int cmd, int flags)
{
	struct nl_msg *msg = nlmsg_alloc_size(65536);

	genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, genl->family, 0, flags, (uint8_t)cmd,
		    UPAGER_FAMILY_VERSION);
	return msg;
}

/* Sends a message, frees it, and takes what comes until its end: 0 or -errno. */
static inline int genl_ask(struct genl *genl, struct nl_msg *msg)
{
	int err;

	genl->done = false;
	genl->err = 0;
	genl->said[0] = '\0';
	genl->missing = false;
	genl->nr_heard = 0;
	memset(genl->attr, 0, sizeof(genl->attr));
	err = nl_send_auto(genl->sock, msg);
	nlmsg_free(msg);
	if (err < 0)
		return -EIO;
	while (!genl->done) {
		err = nl_recvmsgs_default(genl->sock);
		if (err < 0 && !genl->done)
			return -EIO;
	}
	return genl->err;
}

static inline int genl_ask_pid(struct genl *genl, int cmd, pid_t pid)
{
	struct nl_msg *msg = genl_command(genl, cmd, 0);

	nla_put_u32(msg, UPAGER_A_PID, (uint32_t)pid);
	return genl_ask(genl, msg);
}

static inline uint32_t genl_u32(struct genl *genl, int type)
{
	return genl->attr[type] && nla_len(genl->attr[type]) == 4 ? nla_get_u32(genl->attr[type])
								  : UINT32_MAX;
}

#endif
