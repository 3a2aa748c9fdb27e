/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_FILTER_H
#define UPAGER_FILTER_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/remote.h"

/* What the calls are for; bits, since a call may serve several. */
enum filter_use {
	FILTER_ATTACH = 1 << 0,
	FILTER_UFFD_SYSCALL = 1 << 1, /* userfaultfd() ... */
	FILTER_UFFD_DEVICE = 1 << 2, /* ... or /dev/userfaultfd */
	FILTER_REMOVE = 1 << 3, /* by a thread of the target */
};

/*
 * Would the seccomp filters of a stopped thread let through every call that
 * @uses need?  A call that the filter does not just allow could kill the
 * program, so this is decided before the first one is made.  -EACCES if not, or
 * if that cannot be found out.
 */
int filter_check(const struct remote *r, unsigned int uses, char *cause);

/* Runs a valid seccomp program and returns its verdict, SECCOMP_RET_*. */
uint32_t filter_run(const struct sock_filter *insn, const struct seccomp_data *data);

/* The agent's own filter: nothing but what it does; whatever else gets EPERM. */
const struct sock_filter *filter_of_agent(unsigned short *nr_insns);

#endif
