/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _KMOD_PAGING_H
#define _KMOD_PAGING_H

#include <linux/spinlock.h>
#include <linux/types.h>
#include <net/netlink.h>
#include "figures.h"
#include "uapi/upager.h"

/* What the pager said last of a process. */
struct paging {
	spinlock_t lock; /* protects all below */
	u32 known; /* a bit for each attribute ever reported */
	u64 values[UPAGER_PAGING_A_MAX + 1];
	u64 reported_ns; /* of the boot clock, which a suspend does not stop */
};

extern const struct nla_policy paging_policy[UPAGER_PAGING_A_MAX + 1];

void paging_prepare(struct paging *paging);
void paging_report(struct paging *paging, struct nlattr *attrs[UPAGER_PAGING_A_MAX + 1]);
void paging_figures(struct figures *figures, struct paging *paging);

#endif /* _KMOD_PAGING_H */
