// SPDX-License-Identifier: GPL-2.0-only
#include "recover/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "recover/keeper_name.h"
#include "recover/keeper_scope.h"
#include "recover/others.h"
#include "recover/silence.h"
#include "recover/statefile.h"
#include "recover/ward.h"

#define KEEPER_STACK_BYTES 65536
#define KEEPER_POLL_MS	   20
/* How often it looks whether any paged process still lives. */
#define ALIVE_ROUNDS	   50

static pid_t keeper_pid;
static int keeper_pidfd = -1;

struct keeper_arg {
	struct pager *pg;
	int daemon_pidfd;
};

/* Free entries at the end of a slot: only faults are worth nothing to a new daemon. */
static uint32_t slot_used(const struct event_slot *slot)
{
	uint32_t n = 0;

	while (n < EVENTS_BATCH && slot->msg[n].event)
		n++;
	return n;
}

/* Faults need not be kept: whoever waits is woken by the next daemon. */
static bool is_worth_keeping(const struct uffd_msg *msg)
{
	return msg->event != UFFD_EVENT_PAGEFAULT && msg->event != EVENT_APPLIED;
}

static void drop_faults(struct event_slot *slot)
{
	uint32_t to = 0, n = slot_used(slot);

	for (uint32_t from = 0; from < n; from++)
		if (is_worth_keeping(&slot->msg[from]))
			slot->msg[to++] = slot->msg[from];
	for (; to < n; to++)
		slot->msg[to].event = 0;
}

static void drain(struct pager *pg, uint32_t id)
{
	struct event_slot *slot = &pg->state.events[id];
	uint32_t used;

	drop_faults(slot);
	used = slot_used(slot);
	if (used > EVENTS_BATCH / 2) {
		wards_forget(pg, slot);
		used = slot_used(slot);
	}
	if (used < EVENTS_BATCH)
		uffd_read(ward_uffd(pg, id), &slot->msg[used], EVENTS_BATCH - used);
	drop_faults(slot);
	wards_take(pg, slot);
}

static bool has_exited(pid_t pid)
{
	struct pollfd pfd = { .fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN };
	bool exited = pfd.fd < 0 ? errno == ESRCH : poll(&pfd, 1, 0) == 1;

	if (pfd.fd >= 0)
		close(pfd.fd);
	return exited;
}

/* The number may be another process's by now, so it is taken by its name. */
static void end_agent(pid_t pid)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0), fd;
	char path[32], comm[32] = "";

	if (pidfd < 0)
		return;
	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && read(fd, comm, sizeof(comm) - 1) > 0 && !strcmp(comm, "upager-agent\n"))
		syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
	if (fd >= 0)
		close(fd);
	close(pidfd);
}

/* An agent keeps the memory of its program alive, also when that has exited. */
static void end_idle_agents(struct pager *pg)
{
	for (uint32_t id = 1; id < pg->state.header->nr_ids; id++) {
		const struct space_record *rec = &pg->state.records[id];

		const struct space_facts *facts = space_record_facts(rec);

		if (rec->uffd >= 0 && facts->agent_pid > 0 && has_exited(facts->pid))
			end_agent(facts->agent_pid);
	}
}

/* True while some paged address space lives. */
static bool any_alive(struct pager *pg)
{
	for (uint32_t i = 0; i < pg->state.unserved.list->nr; i++)
		if (pg->state.unserved.list->uffd[i] >= 0 &&
		    !uffd_alive(pg->state.unserved.list->uffd[i]))
			return true;
	for (uint32_t id = 1; id < pg->state.header->nr_ids; id++) {
		int uffd = ward_uffd(pg, id);

		if (uffd >= 0 && !uffd_alive(uffd))
			return true;
		/* A child whose event was read and not applied. */
		for (uint32_t n = 0; n < slot_used(&pg->state.events[id]); n++)
			if (pg->state.events[id].msg[n].event == UFFD_EVENT_FORK &&
			    !uffd_alive((int)pg->state.events[id].msg[n].arg.fork.ufd))
				return true;
	}
	return false;
}

/* Under the daemon's lock. False: nobody is left, or another keeper has everything. */
static bool keep_once(struct pager *pg, bool look)
{
	if (!keeper_named_is(pg->state_dir_fd, getpid()))
		return false;
	if (look) {
		end_idle_agents(pg);
		if (!any_alive(pg) && !others_any_kept(pg->state_dir_fd))
			return false;
	}
	/* Those that come in between are above, or have their turn in the next round. */
	for (uint32_t id = 1; id < pg->state.header->nr_ids; id++)
		if (ward_uffd(pg, id) >= 0)
			drain(pg, id);
	return true;
}

/* While a new daemon has the lock, the events are its own. */
static void keep(struct pager *pg)
{
	const struct timespec pause = { .tv_nsec = KEEPER_POLL_MS * (long)NS_PER_MS };

	for (uint32_t round = 0;; round++) {
		int lock_fd = statefile_lock(pg->state_dir_fd, DAEMON_LOCK);
		bool more = lock_fd < 0 || keep_once(pg, round % ALIVE_ROUNDS == 0);

		if (!more)
			return;
		if (lock_fd >= 0)
			close(lock_fd);
		nanosleep(&pause, NULL);
	}
}

static int keeper_main(void *context)
{
	struct keeper_arg *arg = context;
	struct pollfd pfd = { .fd = arg->daemon_pidfd, .events = POLLIN };
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	setsid(); /* a terminal's signals are for the daemon */
	prctl(PR_SET_NAME, "upager-keeper");
	while (poll(&pfd, 1, -1) < 0 && errno == EINTR)
		;
	silence_agents(arg->pg);
	close(arg->pg->daemon_lock_fd); /* nobody else has it: from now on a new one may come */
	keep(arg->pg);
	_exit(0);
}

int keeper_start(struct pager *pg)
{
	static struct keeper_arg arg;
	void *stack;
	int err;

	arg.pg = pg;
	arg.daemon_pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	if (arg.daemon_pidfd < 0)
		return -errno;
	stack = mmap(NULL, KEEPER_STACK_BYTES, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	if (stack == MAP_FAILED)
		return -errno;
	/* No CLONE_VM: its memory is a copy, its descriptors are not. */
	keeper_pid = clone(keeper_main, (char *)stack + KEEPER_STACK_BYTES,
			   CLONE_FILES | CLONE_PIDFD | SIGCHLD, &arg, &keeper_pidfd);
	if (keeper_pid < 0)
		return -errno;
	munmap(stack, KEEPER_STACK_BYTES);
	err = keeper_name(pg->state_dir_fd, keeper_pid);
	if (!err)
		keeper_scope_move(keeper_pid);
	return err;
}

int keeper_watch_fd(void)
{
	return keeper_pidfd;
}

void keeper_look_after(struct pager *pg)
{
	struct pollfd pfd = { .fd = keeper_pidfd, .events = POLLIN };
	int err;

	if (keeper_pid <= 0 || poll(&pfd, 1, 0) != 1)
		return;
	/* As long as its number is under way it stays its own. */
	if (!keeper_scope_is_moving())
		waitpid(keeper_pid, NULL, WNOHANG);
	close(keeper_pidfd);
	keeper_pidfd = -1;
	err = keeper_start(pg);
	if (err)
		log_err("the keeper died and another cannot be started (%s): if the daemon dies "
			"now, programs read zeros",
			strerror(-err));
	else
		log_warn("the keeper died: process %d has taken its place", keeper_pid);
}

bool keeper_is(pid_t pid)
{
	return keeper_pid > 0 && pid == keeper_pid;
}

void keeper_dismiss(const struct pager *pg)
{
	if (keeper_pid <= 0)
		return;
	/* A start that failed, over programs that wait: they go on waiting. */
	for (uint32_t id = 1; id < pg->state.header->nr_ids; id++)
		if (pg->state.records[id].uffd >= 0)
			return;
	if (others_any_kept(pg->state_dir_fd))
		return;
	kill(keeper_pid, SIGKILL);
	waitpid(keeper_pid, NULL, 0);
}
