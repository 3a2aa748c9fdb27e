// SPDX-License-Identifier: GPL-2.0-only
#include "agent/stop.h"

#include <dirent.h>
#include <errno.h>
#include <linux/kcmp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/cause.h"
#include "agent/restart.h"
#include "agent/target.h"

#define STOP_NS	 200000000ULL
#define GROW_MIN 64

static int grow(void **array, size_t nr, size_t item_bytes)
{
	void *bigger;

	/* Doubles at every power of two. */
	if (nr && (nr < GROW_MIN || (nr & (nr - 1))))
		return 0;
	bigger = realloc(*array, (nr ? 2 * nr : GROW_MIN) * item_bytes);
	if (!bigger)
		return -ENOMEM;
	*array = bigger;
	return 0;
}

static int add_pid(pid_t **array, size_t *nr, pid_t pid)
{
	int err = grow((void **)array, *nr, sizeof(pid));

	if (!err)
		(*array)[(*nr)++] = pid;
	return err;
}

static bool is_known(const struct stop *st, pid_t tid)
{
	for (size_t i = 0; i < st->nr_threads; i++) {
		if (st->thread[i].tid == tid)
			return true;
	}
	return false;
}

/* Tells a thread to stop.  Returns 0 also for one that is already told, or gone. */
static int tell_thread(pid_t tid, void *arg)
{
	struct stop *st = arg;
	struct remote r = { .deadline_ns = st->deadline_ns };
	struct target_thread th;
	int err;

	if (is_known(st, tid))
		return 0;
	err = remote_seize(&r, tid, 0);
	/*
	 * What has exited cannot be traced, nor kernel threads, which share the
	 * memory of a target that has exited: none.
	 */
	if (err == -EPERM && (target_thread_read(tid, &th) || strchr("ZX", th.state) || th.kernel))
		return 0;
	if (err)
		return err == -ESRCH ? 0 : err;
	err = grow((void **)&st->thread, st->nr_threads, sizeof(*st->thread));
	if (err)
		return err;
	st->thread[st->nr_threads++] = r;
	st->nr_told++;
	err = remote_interrupt(&r);
	return err == -ESRCH ? 0 : err;
}

/*
 * Does process @pid share the memory of thread @tid?  A leader that has exited
 * has no memory; its threads are asked then.
 */
struct shares {
	pid_t tid;
	bool yes;
};

static int compare_thread(pid_t tid, void *arg)
{
	struct shares *sh = arg;

	sh->yes = syscall(SYS_kcmp, sh->tid, tid, KCMP_VM, 0, 0) == 0;
	return sh->yes;
}

static bool shares_memory(pid_t tid, pid_t pid)
{
	struct shares sh = { .tid = tid };
	struct target_thread th;

	if (compare_thread(pid, &sh) || target_thread_read(pid, &th) || th.state != 'Z')
		return sh.yes;
	target_for_each_thread(pid, compare_thread, &sh);
	return sh.yes;
}

static int compare_pids(const void *a, const void *b)
{
	const pid_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* A process that does not share the memory when it is first seen never will. */
static int find_sharers(struct stop *st, pid_t tid)
{
	size_t nr_seen = st->nr_processes;
	struct dirent *de;
	DIR *dir = opendir("/proc");
	int err = 0;

	if (!dir)
		return -errno;
	while (!err && (de = readdir(dir))) {
		pid_t pid = target_number(de->d_name);

		if (pid <= 0 || pid == st->agent_pid || pid == st->group[0] ||
		    (nr_seen && bsearch(&pid, st->process, nr_seen, sizeof(pid), compare_pids)))
			continue;
		err = add_pid(&st->process, &st->nr_processes, pid);
		if (!err && shares_memory(tid, pid))
			err = add_pid(&st->group, &st->nr_groups, pid);
	}
	closedir(dir);
	qsort(st->process, st->nr_processes, sizeof(pid_t), compare_pids);
	return err;
}

/* A group may gain threads until it stands still.  An empty one has ended. */
static int tell_threads(struct stop *st)
{
	int err = 0;

	for (size_t i = 0; !err && i < st->nr_groups; i++) {
		err = target_for_each_thread(st->group[i], tell_thread, st);
		if (err == -ESRCH)
			err = 0;
	}
	return err;
}

static int wait_told(struct stop *st)
{
	while (st->nr_stopped < st->nr_threads) {
		int err = remote_wait_stop(&st->thread[st->nr_stopped]);

		if (err && err != -ESRCH)
			return err;
		if (err)
			st->thread[st->nr_stopped] = st->thread[--st->nr_threads];
		else
			st->nr_stopped++;
	}
	return 0;
}

/*
 * Until nobody new is found.  A stopped thread of the process itself is what
 * the memory is told by: it cannot exit meanwhile, unless it is killed.
 */
static int stop_all(struct stop *st, pid_t pid)
{
	struct remote_regs unused;
	size_t nr_before;
	int err = add_pid(&st->group, &st->nr_groups, pid);

	do {
		nr_before = st->nr_told;
		if (!err)
			err = tell_threads(st);
		if (!err)
			err = wait_told(st);
		if (!err && !st->nr_stopped)
			err = -ESRCH;
		if (!err)
			err = find_sharers(st, st->thread[0].tid);
		if (!err)
			err = tell_threads(st);
		if (!err)
			err = wait_told(st);
	} while (!err && st->nr_told > nr_before);
	return err ? err : remote_get_regs(&st->thread[0], &unused);
}

int stop_begin(struct stop *st, pid_t pid, pid_t agent_pid, char *cause)
{
	struct target_thread th;
	int err;

	*st = (struct stop){ .agent_pid = agent_pid, .deadline_ns = remote_now_ns() + STOP_NS };
	if (target_thread_read(pid, &th) || th.kernel)
		return cause_set(cause, -ESRCH, "there is no process %d", pid);
	err = stop_all(st, pid);
	if (err == -EBUSY)
		cause_set(cause, err, "thread %d waits in the kernel and cannot be stopped",
			  st->thread[st->nr_stopped].tid);
	else if (err)
		cause_set(cause, err, "not all of its threads can be stopped: %s", strerror(-err));
	return err;
}

/* Those that were only told are let go by the end of the helper. */
void stop_end(struct stop *st)
{
	for (size_t i = 0; i < st->nr_stopped; i++)
		restart_detach(&st->thread[i]);
	free(st->thread);
	free(st->group);
	free(st->process);
}
