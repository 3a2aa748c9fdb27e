// SPDX-License-Identifier: GPL-2.0-only
#include "agent/stop.h"

#include <dirent.h>
#include <errno.h>
#include <linux/kcmp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "agent/cause.h"
#include "agent/target.h"

#define STOP_NS	 200000000ULL
/* Nobody is kept standing longer for one that is left alone in its wait. */
#define ALONE_NS 5000000ULL
#define STEP_NS	 200000
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
		if (st->thread[i].r.tid == tid)
			return true;
	}
	return false;
}

/* Begins to stop a thread.  Returns 0 also for one that is known, or gone. */
static int find_thread(pid_t tid, void *arg)
{
	struct stop *st = arg;
	struct halt h = { .keeps = true };
	struct target_thread th;
	int err;

	if (is_known(st, tid))
		return 0;
	st->many = remote_now_ns() - st->begin_ns > STOP_NS;
	if (st->many)
		return -EBUSY;
	err = grow((void **)&st->thread, st->nr_threads, sizeof(*st->thread));
	if (err)
		return err;
	err = halt_begin(&h, tid);
	/*
	 * What has exited cannot be traced, nor kernel threads, which share the
	 * memory of a target that has exited: none.
	 */
	if (err == -EPERM && (target_thread_read(tid, &th) || strchr("ZX", th.state) || th.kernel))
		return 0;
	if (err)
		return err == -ESRCH ? 0 : err;
	st->nr_found++;
	err = halt_step(&h);
	st->thread[st->nr_threads++] = h;
	return err;
}

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

/*
 * Does process @pid share the memory of thread @tid?  A leader that has exited
 * has no memory; its threads are asked then.  Asked of every process on the
 * machine while the program stands: as little as possible is read of each.
 */
static bool shares_memory(pid_t tid, pid_t pid)
{
	struct shares sh = { .tid = tid };

	if (!compare_thread(pid, &sh) && !target_has_memory(pid))
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
static int find_threads(struct stop *st)
{
	int err = 0;

	for (size_t i = 0; !err && i < st->nr_groups; i++) {
		err = target_for_each_thread(st->group[i], find_thread, st);
		if (err == -ESRCH)
			err = 0;
	}
	return err;
}

/* Who will not be halted before a call of its returns that is left alone. */
static bool is_left_alone(const struct halt *h)
{
	return h->state == HALT_LOOKING && !h->waiting.runs && h->waiting.asleep;
}

/* @more: not all are halted; @soon: some of those may be. */
static int step_all(struct stop *st, bool *more, bool *soon)
{
	int err = 0;

	*more = *soon = false;
	for (size_t i = 0; !err && i < st->nr_threads;) {
		struct halt *h = &st->thread[i];

		err = halt_step(h);
		if (h->state == HALT_ENDED) {
			*h = st->thread[--st->nr_threads];
			st->ended = true;
			continue;
		}
		*more |= h->state < HALT_STOPPED;
		*soon |= h->state < HALT_STOPPED && !is_left_alone(h);
		i++;
	}
	return err;
}

static int wait_halted(struct stop *st)
{
	const struct timespec pause = { .tv_nsec = STEP_NS };
	bool more, soon;
	int err;

	while (!(err = step_all(st, &more, &soon)) && more) {
		if (remote_now_ns() - st->begin_ns > (soon ? STOP_NS : ALONE_NS))
			return -EBUSY;
		nanosleep(&pause, NULL);
	}
	return err;
}

static int check_alive(const struct halt *h)
{
	struct remote_regs unused;
	struct waiting w;

	return h->state == HALT_STOPPED ? remote_get_regs(&h->r, &unused)
					: waiting_look(h->r.tid, &w);
}

/*
 * Until nobody new is found.  A halted thread of the process itself is what
 * the memory is told by: it cannot exit meanwhile, unless it is killed.
 */
static int stop_all(struct stop *st, pid_t pid)
{
	size_t nr_before;
	int err = add_pid(&st->group, &st->nr_groups, pid);

	do {
		nr_before = st->nr_found;
		if (!err)
			err = find_threads(st);
		if (!err)
			err = wait_halted(st);
		if (!err && !st->nr_threads)
			err = -ESRCH;
		if (!err)
			err = find_sharers(st, st->thread[0].r.tid);
		if (!err)
			err = find_threads(st);
		if (!err)
			err = wait_halted(st);
	} while (!err && st->nr_found > nr_before);
	return err ? err : check_alive(&st->thread[0]);
}

/* Whose turn has not come, and why. */
static int explain(const struct stop *st, char *cause)
{
	const struct waiting *w;
	size_t i = 0;

	if (st->many)
		return cause_set(cause, -EBUSY, "it has too many threads to be stopped at once");
	while (i + 1 < st->nr_threads && st->thread[i].state >= HALT_STOPPED)
		i++;
	w = &st->thread[i].waiting;
	if (!w->runs && w->asleep && w->notice != NOTICE_NOTHING)
		return cause_set(cause, -EAGAIN,
				 "thread %d waits in system call %ld (%s), which would notice that "
				 "it is stopped",
				 st->thread[i].r.tid, w->nr, waiting_name(w->nr));
	return cause_set(cause, -EBUSY, "thread %d waits in the kernel and cannot be stopped",
			 st->thread[i].r.tid);
}

int stop_begin(struct stop *st, pid_t pid, pid_t agent_pid, char *cause)
{
	struct target_thread th;
	int err;

	*st = (struct stop){ .agent_pid = agent_pid, .begin_ns = remote_now_ns() };
	if (target_thread_read(pid, &th) || th.kernel)
		return cause_set(cause, -ESRCH, "there is no process %d", pid);
	err = stop_all(st, pid);
	if (err == -EBUSY)
		return explain(st, cause);
	if (err)
		cause_set(cause, err, "not all of its threads can be stopped: %s", strerror(-err));
	return err;
}

bool stop_end(struct stop *st)
{
	bool all = !st->ended;

	for (size_t i = 0; i < st->nr_threads; i++)
		all &= halt_end(&st->thread[i]);
	free(st->thread);
	free(st->group);
	free(st->process);
	return all;
}
