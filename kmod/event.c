// SPDX-License-Identifier: GPL-2.0-only
#include <net/genetlink.h>
#include "event.h"

static const struct genl_family *family;

void event_start(const struct genl_family *of)
{
	family = of;
}

static struct sk_buff *compose(enum upager_cmd event, int pid, int parent_pid)
{
	struct sk_buff *skb =
		genlmsg_new(3 * nla_total_size(sizeof(u32)), GFP_NOWAIT | __GFP_NOWARN);
	void *header;

	if (!skb)
		return NULL;
	header = genlmsg_put(skb, 0, 0, family, 0, event);
	if (!header || nla_put_u32(skb, UPAGER_A_PID, pid) ||
	    (parent_pid && nla_put_u32(skb, UPAGER_A_PARENT_PID, parent_pid))) {
		nlmsg_free(skb);
		return NULL;
	}
	genlmsg_end(skb, header);
	return skb;
}

void event_send(enum upager_cmd event, int pid, int parent_pid)
{
	struct sk_buff *skb;

	if (!genl_has_listeners(family, &init_net, 0))
		return;
	skb = compose(event, pid, parent_pid);
	if (skb)
		genlmsg_multicast(family, skb, 0, 0, GFP_NOWAIT);
	else
		/* Who listens reads ENOBUFS and knows that one is missing. */
		genl_set_err(family, &init_net, 0, 0, ENOBUFS);
}
