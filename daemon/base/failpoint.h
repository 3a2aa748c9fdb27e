/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_FAILPOINT_H
#define UPAGER_FAILPOINT_H

#include <stdint.h>

/*
 * Named places where a test makes the daemon die, fail or dawdle.
 *
 * UPAGER_FAILPOINTS="name=action[@nth[-last]][,name=action...]" in the environment of
 * upagerd, read once at start; action is one of
 *   kill       SIGKILL to the own process
 *   err:ERRNO  failpoint() returns -ERRNO (a number)
 *   delay:US   sleep so many microseconds
 * "@nth" arms it for the nth pass only (counted from 1), or for the nth to the last;
 * without it every pass.
 * When no failpoint is armed the test is one predictable load and branch; in a
 * build with RELEASE=1 there is none.  Where the variable is ignored: base/hook.h.
 */
enum failpoint {
	FP_FAULT_READ, /* events were read from the uffd, nothing applied */
	FP_FAULT_SUBMIT, /* swap read queued */
	FP_FAULT_READ_DONE, /* data is in the read buffer */
	FP_FAULT_FILLED, /* page filled, state not yet RESIDENT */
	FP_EVICT_PROTECTED, /* err: what is write-protected stays so, and is not evicted */
	FP_EVICT_RECORDED, /* DETACHING recorded, batch not posted */
	FP_EVICT_POSTED, /* batch posted */
	FP_EVICT_SETTLED, /* STANDBY recorded, write not queued */
	FP_EVICT_SUBMIT, /* write queued */
	FP_EVICT_WRITTEN, /* write completed, not recorded */
	FP_EVENT_ADVANCED, /* a REMAP or UNMAP has come on and says so */
	FP_EVENT_APPLIED, /* an event is applied and does not say so */
	FP_PAGE_SHIFTED, /* an entry is in both places of a REMAP */
	FP_FORK_READ, /* fork event read, child space not made; err: it cannot be made */
	FP_FORK_SHARED, /* child shares the leaves */
	FP_FORK_APPLIED, /* child can be looked for */
	FP_CHILD_ASKED, /* a stack is registered to see whose it is; err: nothing was seen */
	FP_CHILD_RECORDED, /* what is known of a child is written down, it is not yet live */
	FP_ATTACH_ALLOWED, /* who asks may; nothing was opened */
	FP_ATTACH_INJECTED, /* agent runs, nothing recorded of it */
	FP_ATTACH_SEEN, /* a mapping was read that is not registered yet */
	FP_ATTACH_REGISTERED, /* first range registered */
	FP_DETACH_FILLED, /* everything resident, still registered */
	FP_DETACH_UNREGISTERED, /* unregistered, agent still there */
	FP_POOL_GROW, /* err: no memory for more of a standby pool */
	FP_POOL_GROWN, /* it has more places, which are recorded */
	FP_POOL_IDLE, /* err: one that was not used just now is idle */
	FP_POOL_SHED, /* it has less places, the file has their memory still */
	FP_TABLES_GROW, /* err: no room for more page tables */
	FP_RECORD_WRITTEN, /* a space is recorded anew, the copies not switched */
	FP_RESTORE_COUNTED, /* tables and slots of a dead daemon are counted */
	FP_RESTORE_SETTLED, /* all of its spaces are restored */
	FP_KEEPER_NAMED, /* it is ours, the old keeper still there */
	FP_AREA_ADD, /* an area is there, the ring of the worker does not know it */
	FP_DRAIN_WRITE, /* what leaves an area is being written to another */
	FP_DRAIN_WRITTEN, /* it is, and nobody knows */
	FP_DRAIN_MOVED, /* it is named there */
	FP_STORE_READ, /* result of a swap read (err:); EINPROGRESS: it never comes */
	FP_STORE_AHEAD, /* the same of one that nobody asked for */
	FP_STORE_WRITE, /* result of a swap write (err:), likewise */
	__FP_MAX,
};

int failpoint_init(const char *spec);
int failpoint_slow(enum failpoint fp);

extern uint64_t failpoint_armed; /* bit per enum failpoint */

static inline int failpoint(enum failpoint fp)
{
#ifdef UPAGER_RELEASE
	(void)fp;
	return 0;
#endif
	if (__builtin_expect(!(failpoint_armed & (1ULL << fp)), 1))
		return 0;
	return failpoint_slow(fp);
}

#endif
