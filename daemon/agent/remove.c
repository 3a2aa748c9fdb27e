// SPDX-License-Identifier: GPL-2.0-only
#include "agent/remove.h"

#include <errno.h>
#include <linux/kcmp.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/stopped_thread.h"
#include "agent/call.h"
#include "agent/cause.h"
#include "agent/filter.h"
#include "agent/place.h"

#define STOP_NS 2000000000ULL
#define EXIT_MS 1000

static bool has_ended(int pidfd, int timeout_ms)
{
	struct pollfd pfd = { .fd = pidfd, .events = POLLIN };

	return poll(&pfd, 1, timeout_ms) > 0;
}

static int verify_unmapped(pid_t tid, const struct inject_place *place, char *cause)
{
	bool mapped;
	int err = place_mapped(tid, place, &mapped);

	if (!err && mapped)
		return cause_set(cause, -EIO, "the agent's pages are still mapped; detach again");
	return 0;
}

/* Any thread whose memory can still be looked at, though the leader may be gone. */
static int any_thread(pid_t pid, pid_t *tid)
{
	pid_t tids[TARGET_THREADS_MAX];
	char ignored[INJECT_CAUSE_BYTES];
	int nr = target_candidates(pid, tids, ignored);

	*tid = nr > 0 ? tids[0] : 0;
	return nr == -EPERM ? nr : 0;
}

int remove_by_thread(pid_t pid, const struct inject_place *place, char *cause)
{
	struct stopped_thread b = { 0 };
	uint64_t stopped_ns;
	bool mapped;
	int64_t ret;
	pid_t tid;
	int end;
	int err;

	err = any_thread(pid, &tid);
	if (!err && (!tid || place_mapped(tid, place, &mapped) || !mapped))
		return 0;
	err = stopped_thread_begin(&b, pid, FILTER_REMOVE, false, cause);
	if (err)
		return err == -ESRCH ? 0 : err;
	err = remote_set_options(&b.thread, PTRACE_O_TRACESYSGOOD);
	if (!err)
		err = CALL_MUST(&b.thread, &ret, cause, munmap, place->ctl_addr,
				place_bytes(place));
	end = stopped_thread_end(&b, &stopped_ns);
	if (err || end)
		return err ? err : end;
	return verify_unmapped(tid, place, cause);
}

/* The leader may have ended before its process [F18], and that before the agent. */
static bool is_agent_of(pid_t pid, pid_t agent_pid, const struct inject_place *place)
{
	bool mapped;
	pid_t tid;

	if (!any_thread(pid, &tid) && tid)
		return syscall(SYS_kcmp, tid, agent_pid, KCMP_VM, 0, 0) <= 0;
	return !place_mapped(agent_pid, place, &mapped) && mapped;
}

/*
 * Through the agent itself.  It is not let run again in between: it has no
 * code any more.  -ESRCH: it just died, or is no agent of this process.
 */
static int remove_by_agent(pid_t pid, pid_t agent_pid, const struct inject_place *place,
			   char *cause)
{
	struct remote agent = { .deadline_ns = remote_now_ns() + STOP_NS };
	struct target_vdso vdso;
	int64_t ret;
	int err;

	err = target_vdso_find(agent_pid, &vdso, cause);
	if (!err)
		err = remote_seize(&agent, agent_pid, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
	if (!err)
		err = remote_interrupt(&agent);
	if (!err)
		err = remote_wait_stop(&agent);
	if (!err)
		err = remote_get_regs(&agent, &agent.regs);
	if (err)
		return cause_set(cause, err, "the agent %d cannot be stopped: %s", agent_pid,
				 strerror(-err));
	/* It stands still now; what it was before, it may have executed something since. */
	if (!is_agent_of(pid, agent_pid, place)) {
		remote_detach(&agent);
		return -ESRCH;
	}
	agent.insn = vdso.insn;
	err = CALL_MUST(&agent, &ret, cause, munmap, place->ctl_addr, place_bytes(place));
	if (!err)
		err = verify_unmapped(agent_pid, place, cause);
	return err ? err : call_exit(&agent);
}

int remove_agent(pid_t pid, pid_t agent_pid, int agent_pidfd, const struct inject_place *place,
		 char *cause)
{
	int err = -ESRCH;

	if (agent_pidfd < 0)
		return remove_by_thread(pid, place, cause);
	if (!has_ended(agent_pidfd, 0))
		err = remove_by_agent(pid, agent_pid, place, cause);
	if (err && (err == -ESRCH || has_ended(agent_pidfd, 0)))
		err = remove_by_thread(pid, place, cause);
	if (!err && !has_ended(agent_pidfd, EXIT_MS))
		err = cause_set(cause, -EBUSY, "the agent %d does not end; detach again",
				agent_pid);
	return err;
}
