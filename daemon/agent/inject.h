/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_INJECT_H
#define UPAGER_INJECT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Work inside a target, done by a short-lived helper process of its own (the
 * daemon's binary started again as "upager-inject"), never by the daemon; stops
 * that follow one another share one.
 * These calls block the caller (the housekeeping thread) with bounded waits
 * and never touch anything that the worker needs.  All return 0 or -errno and
 * on error fill `cause` with one clause that names cause and remedy.
 */

#define INJECT_CAUSE_BYTES 200

struct inject_place {
	uint64_t ctl_addr; /* start of the one mapping reservation of ours */
	uint64_t ctl_bytes;
	uint64_t code_addr;
	uint64_t code_bytes;
	uint64_t stack_addr;
	uint64_t stack_bytes;
	uint64_t staging_addr;
	uint64_t staging_bytes;
};

struct inject_result {
	int uffd; /* O_NONBLOCK | O_CLOEXEC, UFFDIO_API issued */
	int agent_pidfd;
	pid_t agent_pid; /* in the caller's pid namespace */
	struct inject_place place;
	uint64_t stopped_ns; /* how long the target was stopped */
	char cause[INJECT_CAUSE_BYTES];
};

/*
 * The agent is there and still dies with the injector, which ends it when the
 * daemon dies: to be written down where it is found again.  On error, of which
 * it may set the cause, the agent is ended.
 */
typedef int (*inject_record_fn)(void *context, struct inject_result *res);

/**
 * inject_attach() - start an agent inside a running process
 * @pid: any live thread group; its leader may have exited [F18]
 * @owner: whose process it must be once a thread of it is stopped, or 0: anybody's.
 *	A user may ask for his own process, which executes a set-uid program
 *	meanwhile
 * @unprivileged: the target lacks CAP_SYS_PTRACE: its userfaultfd is made
 *	through a descriptor of /dev/userfaultfd that is passed in
 * @any: also a thread that notices it may be stopped (waiting.h)
 * @uffd_features: for the UFFDIO_API that the *helper* issues with its own
 *	privilege before it hands the descriptor over (EVENT_FORK needs
 *	CAP_SYS_PTRACE of the caller [F22])
 * @ctl_fd: memfd of AGENT_CTL_BYTES, zeroed; the injector fills its fields,
 *	also when it fails: not to be used again then
 * @pool_fd: memfd of the standby pool
 * @event_fd: eventfd that the agent writes
 * @record: called before the agent is let go of, or NULL; what it wrote down is
 *	void if an error is returned all the same
 *
 * On success staging, control page, code and stack are mapped in the target
 * (MADV_DONTFORK, MADV_DONTDUMP, not locked), the agent runs and is ready, no
 * descriptor of ours is in the target's table, and the target runs on with its
 * interrupted system call restarted.  On error the target is as it was.
 *
 * -ESRCH no such process; -EPERM may not be traced (another tracer, kernel
 * thread), or is not the owner's; -EACCES its seccomp filter forbids what the agent needs; -EOPNOTSUPP
 * not a 64-bit x86 process, or the agent would be adopted by a program that
 * waits for its own children (adopter.h); -EBUSY no thread of it could be
 * stopped, -EAGAIN without noticing it: to be tried again; -EIO the helper died:
 * the target runs on unharmed.
 */
int inject_attach(pid_t pid, uid_t owner, bool unprivileged, bool any, uint64_t uffd_features,
		  int ctl_fd, int pool_fd, int event_fd, inject_record_fn record, void *context,
		  struct inject_result *res);

/*
 * The same for an address space that has a userfaultfd already (a fork's child):
 * the agent gets a duplicate of @uffd and res->uffd is -1.
 */
int inject_attach_uffd(pid_t pid, uid_t owner, int uffd, int ctl_fd, int pool_fd, int event_fd,
		       inject_record_fn record, void *context, struct inject_result *res);

/**
 * inject_remove() - remove every trace of the agent from a target
 *
 * To be called when nothing is registered any more.  Unmaps staging, control
 * page, stack and code and ends the agent.  The target is not stopped while
 * the agent still lives; if the agent died, one thread of the target is
 * stopped briefly instead.  Waits until the agent process is gone or a zombie
 * of its reaper.
 */
int inject_remove(pid_t pid, pid_t agent_pid, int agent_pidfd, const struct inject_place *place,
		  char cause[INJECT_CAUSE_BYTES]);

/*
 * Stopped eviction: stops every thread of every process that shares the
 * address space of @pid, except the agent.  A thread that waits in the kernel
 * for a fault cannot stop until the fault is served, so the worker must go on
 * serving meanwhile.  One that waits in a call that would notice a stop is kept
 * in there: it runs no code of its own.  If not all stop within 200 ms
 * everything resumes and -EBUSY is returned; -EAGAIN, sooner, where one waits
 * that can be neither stopped unnoticed nor kept.  The helper resumes all when its channel closes, so a
 * daemon that dies never leaves a program stopped.
 */
struct inject_stop {
	int channel;
	pid_t helper;
};

int inject_stop_begin(pid_t pid, pid_t agent_pid, struct inject_stop *stop,
		      char cause[INJECT_CAUSE_BYTES]);
void inject_stop_end(struct inject_stop *stop);

/* Takes what is left of helpers that could not be waited for. */
void inject_reap(void);

/* Entry of the helper process; called by main() when argv[0] is INJECT_ARGV0. */
#define INJECT_ARGV0 "upager-inject"
int inject_main(int argc, char **argv);

#endif
