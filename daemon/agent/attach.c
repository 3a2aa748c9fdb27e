// SPDX-License-Identifier: GPL-2.0-only
#include "agent/attach.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/adopter.h"
#include "agent/stopped_thread.h"
#include "agent/call.h"
#include "agent/cause.h"
#include "agent/filter.h"
#include "agent/orphan.h"
#include "agent/place.h"
#include "agent/remove.h"
#include "agent/target.h"
#include "agent/untrusted.h"
#include "base/untrusted_fd.h"
#include "kernel/owner.h"
#include "kernel/uffd.h"

/*
 * May and can something be injected into @pid at all?  The errors are those of
 * inject_attach().
 */
static int check_target(pid_t pid, char *cause)
{
	struct target_thread th;

	if (target_thread_read(pid, &th))
		return cause_set(cause, -ESRCH, "there is no process %d", pid);
	if (th.tgid != pid)
		return cause_set(cause, -ESRCH, "%d is a thread; name its process %d", pid,
				 th.tgid);
	if (th.kernel)
		return cause_set(cause, -EPERM, "%d is a kernel thread; it has no memory to page",
				 pid);
	return adopter_check(&th, cause);
}

#define START_NS 2000000000ULL

/* What needs the thread of the target; that runs on afterwards, also on error. */
static int give_birth(struct attach *at, struct stopped_thread *b, char *cause)
{
	struct orphan orphan = {
		.target = &b->thread,
		.guard = &b->guard,
		.insn = b->vdso.insn,
	};
	struct provision *provision = &at->provision;
	uint64_t ns;
	int err;

	provision->agent = &orphan.agent;
	err = adopter_check_birth(&b->thread, cause);
	if (!err)
		err = orphan_begin(&orphan, cause);
	if (err)
		goto abort_orphan;
	at->agent_pidfd = (int)syscall(SYS_pidfd_open, orphan.agent.tid, 0);
	provision->agent_pidfd = at->agent_pidfd;
	if (at->agent_pidfd < 0) {
		err = cause_set(cause, -errno, "pidfd_open: %s", strerror(errno));
		goto abort_orphan;
	}
	err = provision_map(provision, cause);
	if (!err)
		err = adopter_check_subreaper(&b->thread, provision->place.stack_addr, cause);
	if (!err)
		err = orphan_finish(&orphan);
	if (err)
		goto unmap;
	at->agent = orphan.agent;
	provision->before = orphan.before;
	provision->agent = &at->agent;
	err = stopped_thread_end(b, &at->stopped_ns);
	if (err)
		cause_set(cause, err, "its thread cannot be given back: %s", strerror(-err));
	return err;

unmap:
	provision_unmap(provision);
abort_orphan:
	orphan_abort(&orphan);
	stopped_thread_end(b, &ns);
	return err;
}

/* While a thread of it is stopped nothing else of it can execute another program and go on. */
static int check_owner(const struct attach *at, char *cause)
{
	if (!at->owner || owner_is(at->pid, at->owner))
		return 0;
	return cause_set(cause, -EPERM,
			 "process %d is not yours any more (or set-uid, or not dumpable): ask root",
			 at->pid);
}

/* The number is in memory that the target writes, and so is the agent's program. */
static int open_uffd(struct attach *at, char *cause)
{
	int err;

	if (at->provision.uffd_given) {
		at->uffd = at->provision.fd[PASSED_DEVICE];
		return 0;
	}
	at->uffd = (int)syscall(SYS_pidfd_getfd, at->agent_pidfd,
				untrusted(at->provision.ctl->uffd), 0);
	if (at->uffd < 0)
		return cause_set(cause, -errno, "pidfd_getfd: %s", strerror(errno));
	if (!untrusted_fd_is_uffd(at->uffd)) {
		untrusted_fd_close(at->uffd);
		at->uffd = -1;
		return cause_set(cause, -EACCES, "what its agent opened is no userfaultfd");
	}
	err = uffd_api(at->uffd, at->uffd_features);
	if (err)
		return cause_set(cause, err,
				 "UFFDIO_API: %s; fork events need CAP_SYS_PTRACE of the daemon",
				 strerror(-err));
	return 0;
}

int attach_begin(struct attach *at, char *cause)
{
	unsigned int uses = FILTER_ATTACH | (at->provision.uffd_given	  ? 0
					     : at->provision.unprivileged ? FILTER_UFFD_DEVICE
									  : FILTER_UFFD_SYSCALL);
	struct stopped_thread b = { 0 };
	int err;

	err = check_target(at->pid, cause);
	at->provision.hint = place_hint(at->pid);
	if (!err)
		err = provision_open(&at->provision, cause);
	if (err)
		return err;
	err = stopped_thread_begin(&b, at->pid, uses, at->any, cause);
	if (err)
		return err;
	err = remote_set_options(&b.thread, PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE);
	if (!err)
		err = check_owner(at, cause);
	if (err)
		stopped_thread_end(&b, &at->stopped_ns);
	else
		err = give_birth(at, &b, cause);
	if (err)
		return err;
	at->agent.deadline_ns = remote_now_ns() + START_NS;
	err = provision_start(&at->provision, cause);
	if (!err)
		err = open_uffd(at, cause);
	if (err)
		attach_abort(at);
	return err;
}

int attach_commit(struct attach *at)
{
	int err = remote_interrupt(&at->agent);

	at->agent.deadline_ns = remote_now_ns() + START_NS;
	if (!err)
		err = remote_wait_stop(&at->agent);
	return err ? err : remote_detach(&at->agent);
}

void attach_abort(struct attach *at)
{
	char ignored[INJECT_CAUSE_BYTES];

	kill(at->agent.tid, SIGKILL);
	at->agent.deadline_ns = remote_now_ns() + START_NS;
	if (!remote_wait_exit(&at->agent))
		remove_by_thread(at->pid, &at->provision.place, ignored);
}
