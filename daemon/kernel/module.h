/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_MODULE_H
#define UPAGER_MODULE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/types.h"
#include "uapi/upager_proto.h"

struct nl_sock;

/*
 * The kernel module, asked by generic netlink.  It answers in the system call
 * that asks, so nothing here waits for another process.  One thread's own.
 *
 * It may be unloaded at any time: then everything answers -ENOENT, and the
 * caller closes.
 */
struct module {
	struct nl_sock *sock; /* NULL: closed */
	int family;
	uint32_t version;
	uint64_t features; /* enum upager_feature */
	uint32_t nr_tracked;
	uint32_t tracked_max;
};

/*
 * -ENOENT: it is not loaded; -EXDEV: this pid namespace is not the one that its
 * numbers are of.  Anybody may.
 */
int module_open(struct module *m);
void module_close(struct module *m);
/* Asks again what it has; -ENOENT: it was unloaded. */
int module_refresh(struct module *m);

static inline bool module_has(const struct module *m, uint64_t feature)
{
	return m->sock && m->features & feature;
}

/*
 * CAP_NET_ADMIN, and CAP_SYS_PTRACE over the process, from here on.  What is tracked ends with
 * module_close().  -ESRCH: it is gone; -E2BIG: too many are tracked; -EBUSY: by another socket.
 */
int module_track(struct module *m, pid_t pid);
int module_untrack(struct module *m, pid_t pid);
/* What the module shows as `paging` of a process that was tracked here. */
int module_report(struct module *m, pid_t pid, const struct upager_record *rec);

/*
 * Which pages of a run something besides page tables holds: bit i % 64 of word
 * i / 64 for page i.  At most UPAGER_PINNED_PAGES_MAX pages.
 */
int module_pinned(struct module *m, pid_t pid, struct run run, uint64_t *bits);

#endif
