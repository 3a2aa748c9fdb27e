// SPDX-License-Identifier: LGPL-2.1-or-later
#include "lib/spawn.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* A tracer of this process is not told, and does not get hold of them. */
#define MIDDLE_FLAGS (CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_UNTRACED)
#define ORPHAN_FLAGS (CLONE_VM | CLONE_UNTRACED)

/* These run with the caller's thread-local memory, on stacks of their own. */
#define UNWATCHED __attribute__((no_sanitize_address, no_sanitize_thread, no_sanitize_undefined))

struct birth {
	struct spawn *sp;
	volatile pid_t pid;
};

UNWATCHED static int orphan_main(void *arg)
{
	const struct spawn *sp = arg;

	sp->entry(sp->arg[0], sp->arg[1]);
	return 0;
}

UNWATCHED static int middle_main(void *arg)
{
	struct birth *birth = arg;
	struct spawn *sp = birth->sp;
	pid_t pid = clone(orphan_main, sp->stack + sp->stack_bytes, ORPHAN_FLAGS, sp);

	birth->pid = pid < 0 ? -errno : pid;
	syscall(SYS_exit, 0);
	return 0;
}

pid_t spawn_orphan(struct spawn *sp)
{
	struct birth birth = { .sp = sp };
	uint64_t all = ~0ULL, before;
	pid_t middle;

	/* Not by the C library, which keeps two signals for itself. */
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, sizeof(all));
	middle = clone(middle_main, sp->stack + sp->stack_bytes / 2, MIDDLE_FLAGS, &birth);
	if (middle < 0)
		birth.pid = -errno;
	/* ECHILD: another thread waited with __WALL just now. */
	while (middle > 0 && syscall(SYS_wait4, middle, NULL, __WALL, NULL) < 0 && errno == EINTR)
		;
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, sizeof(before));
	return birth.pid;
}
