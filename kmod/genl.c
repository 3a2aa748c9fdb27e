// SPDX-License-Identifier: GPL-2.0-only
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched/mm.h>
#include <net/genetlink.h>
#include "access.h"
#include "dir.h"
#include "genl.h"
#include "registry.h"
#include "sums.h"
#include "tracking.h"
#include "walk.h"

static struct genl_family genl_family;

#define NO_PROCESS "no such process, or a zombie or kernel thread: look for the pid in /proc"
#define TABLE_FULL __stringify(UPAGER_TRACKED_MAX) " processes are tracked: untrack some"
#define BAD_RANGE                                               \
	"START and NR_PAGES are no range of 1 to " __stringify( \
		UPAGER_PINNED_PAGES_MAX) " whole pages of a user"
#define NOT_TRACKED "this socket does not track the process: track it first"
#define NOT_YOURS   "the process is of another user: that takes CAP_SYS_PTRACE over it"

static const struct nla_policy paging_policy[UPAGER_PAGING_A_MAX + 1] = {
	[UPAGER_PAGING_A_PAD] = { .type = NLA_FLAG },
	[UPAGER_PAGING_A_BUDGET_BYTES... UPAGER_PAGING_A_MAX] = { .type = NLA_U64 },
};

/* Of each command but PINNED, up to its last attribute; what is not here is refused. */
static const struct nla_policy policy[UPAGER_A_PAGING + 1] = {
	[UPAGER_A_PID] = { .type = NLA_U32 },
	[UPAGER_A_PAGING] = NLA_POLICY_NESTED(paging_policy),
};

/* Ranges are checked by pinned(): a policy would answer ERANGE. */
static const struct nla_policy pinned_policy[UPAGER_A_NR_PAGES + 1] = {
	[UPAGER_A_PAD] = { .type = NLA_FLAG },
	[UPAGER_A_PID] = { .type = NLA_U32 },
	[UPAGER_A_START] = { .type = NLA_U64 },
	[UPAGER_A_NR_PAGES] = { .type = NLA_U32 },
};

/* Answers with what is filled in, of at most as much as PINNED has. */
static int reply(struct genl_info *info,
		 int (*fill)(struct sk_buff *skb, struct genl_info *info, struct mm_struct *mm),
		 struct mm_struct *mm)
{
	struct sk_buff *skb =
		genlmsg_new(NLMSG_GOODSIZE + UPAGER_PINNED_PAGES_MAX / BITS_PER_BYTE, GFP_KERNEL);
	void *header = NULL;
	int err = -ENOMEM;

	if (skb)
		header = genlmsg_put_reply(skb, info, &genl_family, 0, info->genlhdr->cmd);
	if (header)
		err = fill(skb, info, mm);
	if (err) {
		nlmsg_free(skb);
		return err;
	}
	genlmsg_end(skb, header);
	return genlmsg_reply(skb, info);
}

static int put_features(struct sk_buff *skb, struct genl_info *info, struct mm_struct *mm)
{
	if (nla_put_u32(skb, UPAGER_A_VERSION, UPAGER_FAMILY_VERSION) ||
	    nla_put_u64_64bit(skb, UPAGER_A_FEATURES, tracking_features(), UPAGER_A_PAD) ||
	    nla_put_u32(skb, UPAGER_A_NR_TRACKED, registry_count()) ||
	    nla_put_u32(skb, UPAGER_A_TRACKED_MAX, UPAGER_TRACKED_MAX))
		return -EMSGSIZE;
	return 0;
}

static int do_features(struct sk_buff *request, struct genl_info *info)
{
	return reply(info, put_features, NULL);
}

static int track(struct sk_buff *request, struct genl_info *info, struct pid *pid)
{
	struct mm_struct *mm;
	int err;

	err = access_get_users(request, pid, &mm);
	if (err)
		return err;
	mmput_async(mm);
	err = tracking_add_socket(pid, info->snd_portid);
	if (!err)
		dir_settle();
	return err;
}

static int untrack(struct sk_buff *request, struct genl_info *info, struct pid *pid)
{
	int err = tracking_remove_socket(pid, info->snd_portid);

	if (!err)
		dir_settle();
	return err;
}

static int paging(struct sk_buff *request, struct genl_info *info, struct pid *pid)
{
	struct tracked *tracked;

	if (GENL_REQ_ATTR_CHECK(info, UPAGER_A_PAGING)) {
		GENL_SET_ERR_MSG(info, "PAGING is missing: it holds the counters");
		return -EINVAL;
	}
	tracked = registry_get(pid, info->snd_portid);
	if (!tracked)
		return -ESRCH;
	tracked_report(tracked, info->attrs[UPAGER_A_PAGING]);
	tracked_put(tracked);
	return 0;
}

static int put_pinned(struct sk_buff *skb, struct genl_info *info, struct mm_struct *mm)
{
	u64 start = nla_get_u64(info->attrs[UPAGER_A_START]);
	u32 nr_pages = nla_get_u32(info->attrs[UPAGER_A_NR_PAGES]);
	unsigned int bytes = DIV_ROUND_UP(nr_pages, BITS_PER_BYTE);
	struct nlattr *bitmap;

	if (nla_put_u32(skb, UPAGER_A_PID, nla_get_u32(info->attrs[UPAGER_A_PID])) ||
	    nla_put_u64_64bit(skb, UPAGER_A_START, start, UPAGER_A_PAD) ||
	    nla_put_u32(skb, UPAGER_A_NR_PAGES, nr_pages))
		return -EMSGSIZE;
	bitmap = nla_reserve(skb, UPAGER_A_PINNED, bytes);
	if (!bitmap)
		return -EMSGSIZE;
	memset(nla_data(bitmap), 0, bytes);
	return walk_pinned(mm, start, nr_pages, nla_data(bitmap));
}

static bool range_is_good(struct genl_info *info)
{
	u64 start, bytes;

	if (GENL_REQ_ATTR_CHECK(info, UPAGER_A_START) ||
	    GENL_REQ_ATTR_CHECK(info, UPAGER_A_NR_PAGES))
		return false;
	start = nla_get_u64(info->attrs[UPAGER_A_START]);
	bytes = (u64)nla_get_u32(info->attrs[UPAGER_A_NR_PAGES]) << PAGE_SHIFT;
	return !(start & ~PAGE_MASK) && bytes && bytes <= UPAGER_PINNED_PAGES_MAX * PAGE_SIZE &&
	       start <= TASK_SIZE_MAX - bytes;
}

static int pinned(struct sk_buff *request, struct genl_info *info, struct pid *pid)
{
	struct mm_struct *mm;
	int err;

	if (!range_is_good(info)) {
		GENL_SET_ERR_MSG(info, BAD_RANGE);
		return -EINVAL;
	}
	err = access_get_users(request, pid, &mm);
	if (err)
		return err;
	err = reply(info, put_pinned, mm);
	mmput_async(mm);
	return err;
}

static int (*const answers[])(struct sk_buff *request, struct genl_info *info, struct pid *pid) = {
	[UPAGER_CMD_TRACK] = track,
	[UPAGER_CMD_UNTRACK] = untrack,
	[UPAGER_CMD_PAGING] = paging,
	[UPAGER_CMD_PINNED] = pinned,
};

/* Commands about a process. */
static int do_process(struct sk_buff *request, struct genl_info *info)
{
	struct nlattr *attr = info->attrs[UPAGER_A_PID];
	u8 cmd = info->genlhdr->cmd;
	struct pid *pid;
	int err;

	if (GENL_REQ_ATTR_CHECK(info, UPAGER_A_PID)) {
		GENL_SET_ERR_MSG(info, "PID is missing: say which process");
		return -EINVAL;
	}
	pid = access_find_pid(nla_get_u32(attr), &init_pid_ns);
	if (!pid) {
		NL_SET_ERR_MSG_ATTR(info->extack, attr, NO_PROCESS);
		return -ESRCH;
	}
	err = answers[cmd](request, info, pid);
	put_pid(pid);
	if (err == -ESRCH && (cmd == UPAGER_CMD_UNTRACK || cmd == UPAGER_CMD_PAGING))
		GENL_SET_ERR_MSG(info, NOT_TRACKED);
	else if (err == -ESRCH)
		GENL_SET_ERR_MSG(info, NO_PROCESS);
	else if (err == -EPERM)
		GENL_SET_ERR_MSG(info, NOT_YOURS);
	else if (err == -E2BIG)
		GENL_SET_ERR_MSG(info, TABLE_FULL);
	else if (err == -EBUSY)
		GENL_SET_ERR_MSG(info, "another socket tracks the process: it has to let go first");
	return err;
}

/* What it did, for who was told of its birth; its own and those of its ended children. */
static int put_counts(struct sk_buff *skb, struct tracked *tracked)
{
	struct nlattr *nest = nla_nest_start(skb, UPAGER_A_COW);
	struct figures figures = {};
	enum figure figure;

	if (!nest)
		return -EMSGSIZE;
	sums_count(&figures, tracked);
	for (figure = FIGURE_COPIES; figure < FIGURE_BUDGET_BYTES; figure++)
		if (test_bit(figure, figures.known) &&
		    nla_put_u64_64bit(skb, UPAGER_COW_A_COPIES + figure - FIGURE_COPIES,
				      figures.values[figure], UPAGER_COW_A_PAD))
			return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static const u8 events[] = {
	[EVENT_BORN] = UPAGER_CMD_FORK,
	[EVENT_EXEC] = UPAGER_CMD_EXEC,
	[EVENT_GONE] = UPAGER_CMD_EXIT,
};

static int compose(struct sk_buff *skb, struct tracked *tracked, enum event_kind kind)
{
	void *header = genlmsg_put(skb, 0, 0, &genl_family, 0, events[kind]);

	if (!header || nla_put_u32(skb, UPAGER_A_PID, tracked->nr) ||
	    (kind == EVENT_BORN && nla_put_u32(skb, UPAGER_A_PARENT_PID, tracked->parent_nr)) ||
	    (kind == EVENT_GONE && put_counts(skb, tracked)))
		return -EMSGSIZE;
	genlmsg_end(skb, header);
	return 0;
}

void genl_announce(struct tracked *tracked, enum event_kind kind)
{
	size_t bytes = 2 * nla_total_size(sizeof(u32)) +
		       nla_total_size(UPAGER_COW_A_MAX * nla_total_size_64bit(sizeof(u64)));
	struct sk_buff *skb;

	/* To begin or stop tracking is no event. */
	if (!tracked->announced || (kind == EVENT_BORN && !tracked->parent_nr) ||
	    (kind == EVENT_GONE && !tracked->ended) ||
	    !genl_has_listeners(&genl_family, &init_net, 0))
		return;
	skb = genlmsg_new(bytes, GFP_KERNEL);
	if (skb && !compose(skb, tracked, kind)) {
		genlmsg_multicast(&genl_family, skb, 0, 0, GFP_KERNEL);
		return;
	}
	nlmsg_free(skb);
	/* Who listens reads ENOBUFS and knows that one is missing. */
	genl_set_err(&genl_family, &init_net, 0, 0, ENOBUFS);
}

#define ABOUT_PROCESS(command, its_policy, last)                                           \
	{                                                                                  \
		.cmd = command, .doit = do_process, .policy = its_policy, .maxattr = last, \
		.flags = GENL_ADMIN_PERM                                                   \
	}

static const struct genl_ops ops[] = {
	{ .cmd = UPAGER_CMD_FEATURES,
	  .doit = do_features,
	  .policy = policy,
	  .maxattr = UPAGER_A_PAD },
	ABOUT_PROCESS(UPAGER_CMD_TRACK, policy, UPAGER_A_PID),
	ABOUT_PROCESS(UPAGER_CMD_UNTRACK, policy, UPAGER_A_PID),
	ABOUT_PROCESS(UPAGER_CMD_PAGING, policy, UPAGER_A_PAGING),
	ABOUT_PROCESS(UPAGER_CMD_PINNED, pinned_policy, UPAGER_A_NR_PAGES),
};

/* Events tell pids, which hidepid= may hide. */
static const struct genl_multicast_group groups[] = {
	{ .name = UPAGER_MCGRP_EVENTS, .flags = GENL_MCAST_CAP_NET_ADMIN },
};

/* Commands lock for themselves: a long look at a process delays no other family. */
static struct genl_family genl_family __ro_after_init = {
	.name = UPAGER_FAMILY_NAME,
	.version = UPAGER_FAMILY_VERSION,
	.module = THIS_MODULE,
	.ops = ops,
	.n_ops = ARRAY_SIZE(ops),
	.resv_start_op = UPAGER_CMD_FEATURES,
	.mcgrps = groups,
	.n_mcgrps = ARRAY_SIZE(groups),
	.parallel_ops = true,
};

int genl_init(void)
{
	return genl_register_family(&genl_family);
}

void genl_fini(void)
{
	genl_unregister_family(&genl_family);
}
