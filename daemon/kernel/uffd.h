/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_UFFD_H
#define UPAGER_UFFD_H

#include <linux/userfaultfd.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>

#include "base/types.h"

/* What the installed header (of 6.1) lacks; values from the kernel's uapi. */
#ifndef UFFD_FEATURE_WP_UNPOPULATED
#define UFFD_FEATURE_WP_UNPOPULATED (1 << 13)
#endif
#ifndef UFFD_FEATURE_POISON
#define UFFD_FEATURE_POISON (1 << 14)
#endif
#ifndef UFFD_FEATURE_WP_ASYNC
#define UFFD_FEATURE_WP_ASYNC (1 << 15)
#endif
#ifndef UFFD_FEATURE_MOVE
#define UFFD_FEATURE_MOVE (1 << 16)
#endif

#ifndef UFFDIO_MOVE
struct uffdio_move {
	__u64 dst;
	__u64 src;
	__u64 len;
	__u64 mode;
	__s64 move;
};
#define UFFDIO_MOVE_MODE_DONTWAKE	 ((__u64)1 << 0)
#define UFFDIO_MOVE_MODE_ALLOW_SRC_HOLES ((__u64)1 << 1)
#define UFFDIO_MOVE			 _IOWR(UFFDIO, 0x05, struct uffdio_move)
#endif

#ifndef UFFDIO_POISON
struct uffdio_poison {
	struct uffdio_range range;
	__u64 mode;
	__s64 updated;
};
#define UFFDIO_POISON _IOWR(UFFDIO, 0x08, struct uffdio_poison)
#endif

/*
 * Every UFFDIO_* call of the daemon is in uffd.c (the agent's MOVE, which must
 * run inside the target, is in agent/staging.h).
 *
 * One classification of ioctl errors for all fills.  filled: pages from the
 * start of the run that this call filled; error: why the next one was not.
 *   0        all of the run
 *   -EEXIST  that page is present (filled by somebody, or a zap is still to
 *            come); its waiters were woken
 *   -EAGAIN  an event is unread: apply events, then decide again
 *   -ENOENT  no such registered VMA any more: the fault is stale, wake it
 *   -ESRCH   the address space is gone
 *   -ENOMEM  charged against the target's cgroup: wait and try again
 *   other    a bug or a kernel that cannot
 */
struct uffd_fill {
	int error;
	uint32_t filled;
};

/* The features that the daemon asks for, given what uffd_probe() found. */
struct uffd_caps {
	uint64_t features; /* all that the kernel offers */
	bool move;
	bool poison;
	bool wp;
	bool wp_async; /* besides MOVE, so that write protection has no other use */
	bool remap_exact; /* EVENT_REMAP tells the length after mremap() has shrunk it [F6] */
	bool dev_userfaultfd; /* /dev/userfaultfd opens */
};

/* From now on at holds the userfaultfd that a call of this thread's is at, and -1 between. */
void uffd_tell_calls(_Atomic int *at);
int uffd_probe(struct uffd_caps *caps);
uint64_t uffd_wanted_features(const struct uffd_caps *caps);
int uffd_api(int uffd, uint64_t features);

int uffd_register(int uffd, uint64_t addr, uint64_t bytes, bool wp);
/* For write protection alone. */
int uffd_register_wp(int uffd, uint64_t addr, uint64_t bytes);
int uffd_unregister(int uffd, uint64_t addr, uint64_t bytes);
struct uffd_fill uffd_copy(int uffd, struct run run, const void *src);
struct uffd_fill uffd_zero(int uffd, struct run run);
struct uffd_fill uffd_poison(int uffd, struct run run);
int uffd_write_protect(int uffd, struct run run, bool on);
int uffd_wake(int uffd, struct run run);
/* Whoever waits for it anywhere. */
int uffd_wake_all(int uffd);
/* -ESRCH once the address space is gone, else 0. Changes nothing. */
int uffd_alive(int uffd);
/* Whether an event was raised that is unread, or whose raiser has not gone on since. */
bool uffd_has_unread(int uffd);
/* Whether there is none, within a moment. Not for the worker, which reads them. */
bool uffd_settles(int uffd);
/* Whether no page of the range is registered with it; false while an event is unread. */
bool uffd_is_free(int uffd, uint64_t addr, uint64_t bytes);
/* 0: one registered private mapping has all of it. Else -ENOENT; -EAGAIN: an event is unread. */
int uffd_covers(int uffd, uint64_t addr, uint64_t bytes);
/* Number of messages read (0 when none is pending) or -errno. */
int uffd_read(int uffd, struct uffd_msg *msg, uint32_t max);

#endif
