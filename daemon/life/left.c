// SPDX-License-Identifier: GPL-2.0-only
#include "life/left.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "life/say.h"

/* Two looks at where the threads are; who is there at both waits. */
#define LOOK_NS	  (100 * NS_PER_MS)
#define SAID_MAX  16
#define NAMES_MAX 6

struct left {
	struct pager *pg;
	/* Userfaultfds that a call of a thread's does not come back from, -1: none. */
	int worker_at;
	int housekeeping_at;
	uint32_t nr;
	char names[256]; /* of the first of them */
};

static void rest(uint64_t ns)
{
	struct timespec ts = { (time_t)(ns / NS_PER_S), (long)(ns % NS_PER_S) };

	nanosleep(&ts, NULL);
}

static void find_stuck(struct left *left)
{
	struct pager *pg = left->pg;
	uint64_t turns = pg->turns;

	left->worker_at = pg->worker_at;
	left->housekeeping_at = pg->housekeeping_at;
	rest(LOOK_NS);
	if (pg->worker_at != left->worker_at || pg->turns != turns)
		left->worker_at = -1;
	if (pg->housekeeping_at != left->housekeeping_at)
		left->housekeeping_at = -1;
}

static void say_why(const struct left *left, const struct space *sp, char text[200])
{
	uint64_t outside = sp->reports.nr_swapped + sp->reports.nr_standby;
	const char *why = "what the pager has in it cannot be taken out";

	if (sp->uffd == left->worker_at || sp->uffd == left->housekeeping_at)
		why = "the kernel makes a call on its memory wait, for what holds its mmap lock";
	else if (left->worker_at >= 0)
		why = "the pager waits for another one";
	else if (sp->phase == SPACE_FORKED)
		why = "it is a forked child that has not been found";
	else if (sp->orders.gone)
		why = "it has ended, and something else still has its memory";
	else if (sp->reports.nr_lost && !left->pg->caps.poison)
		why = "it has lost pages, which it would read as zeros without the pager";
	else if (sp->phase == SPACE_FILLING && sp->worker.starved)
		why = "its control group has no memory for them";
	else if (sp->reports.nr_reading)
		why = "a swap area does not answer";
	else if (sp->phase == SPACE_FILLING)
		why = "they are not back yet";
	else if (sp->phase == SPACE_LIVE && sp->orders.evict_off)
		why = "it is busy with the pager";
	else if (sp->phase == SPACE_LIVE && outside)
		why = "memory has no room for them";
	snprintf(text, 200, "%llu pages are outside, and %s", (unsigned long long)outside, why);
}

static void say_one(struct left *left, const struct space *sp)
{
	pid_t pid = sp->process.pid ? sp->process.pid : sp->process.parent_pid;
	const char *child = sp->process.pid ? "" : "a child of ";
	size_t len = strlen(left->names);
	char comm[16], why[200];

	left->nr++;
	say_comm(pid, comm);
	if (left->nr <= NAMES_MAX)
		snprintf(left->names + len, sizeof(left->names) - len, "%s%s%d (%s)",
			 len ? ", " : "", child, pid, comm);
	if (left->nr > SAID_MAX)
		return;
	say_why(left, sp, why);
	log_warn("%sprocess %d (%s) is not let go of: %s", child, pid, comm, why);
}

static uint32_t count_unserved(const struct pager *pg)
{
	const struct unserved_list *list = pg->state.unserved.list;
	uint32_t nr = 0;

	for (uint32_t i = 0; list && i < list->nr; i++)
		nr += list->uffd[i] >= 0;
	return nr;
}

/* Names of programs are the programs' own, and so is how many there are: lines are few and short. */
static void say_all_left(struct left *left)
{
	struct pager *pg = left->pg;
	uint32_t unserved = count_unserved(pg);
	char more[64] = "";

	/* What is in space[] while the lock is held stays. */
	pthread_mutex_lock(&pg->lock);
	for (uint32_t id = 1; id < pg->nr_ids; id++)
		if (pg->space[id] && pg->space[id]->phase != SPACE_NEW)
			say_one(left, pg->space[id]);
	pthread_mutex_unlock(&pg->lock);
	if (unserved)
		log_warn("%u forked children that cannot be served are not let go of", unserved);
	if (left->nr > NAMES_MAX)
		snprintf(more, sizeof(more), " and %u more", left->nr - NAMES_MAX);
	log_err("stopped, and left: %s%s%s: they wait for the pages that are outside until upagerd "
		"is started again with the same --state and areas, or end them",
		left->nr ? "process " : "forked children", left->names, more);
}

_Noreturn void left_behind(struct pager *pg)
{
	static pthread_mutex_t once = PTHREAD_MUTEX_INITIALIZER; /* of two threads one says it */
	struct left left = { .pg = pg };

	pthread_mutex_lock(&once);
	find_stuck(&left);
	say_all_left(&left);
	_exit(UPAGER_EXIT_FAILED);
}

struct limit {
	struct pager *pg;
	_Atomic uint64_t ns;
	int signal_fd;
	int begun_fd; /* eventfd: the main thread ends by itself */
};

static struct limit limit;

static bool stop_is_pending(void)
{
	sigset_t pending;

	return !sigpending(&pending) &&
	       (sigismember(&pending, SIGTERM) || sigismember(&pending, SIGINT) ||
		sigismember(&pending, SIGQUIT));
}

/* Until the end has begun; a target may keep the main thread from taking the signal. */
static void wait_for_begin(void)
{
	struct pollfd pfd[2] = { { .fd = limit.begun_fd, .events = POLLIN },
				 { .fd = limit.signal_fd, .events = POLLIN } };
	uint64_t since_ns = 0;

	while (poll(pfd, 2, -1) < 0 || !pfd[0].revents) {
		if (!stop_is_pending())
			since_ns = 0;
		else if (!since_ns)
			since_ns = clock_ns();
		else if (clock_ns() - since_ns >= limit.ns)
			left_behind(limit.pg);
		rest(LOOK_NS);
	}
}

static void *wait_for_limit(void *unused)
{
	(void)unused;
	wait_for_begin();
	rest(limit.ns);
	left_behind(limit.pg);
	return NULL;
}

int left_limit_start(struct pager *pg, int signal_fd, uint64_t limit_ns)
{
	pthread_attr_t attr;
	pthread_t thread;
	int err;

	limit = (struct limit){ pg, limit_ns + LEFT_LATE_NS, signal_fd, eventfd(0, EFD_CLOEXEC) };
	if (limit.begun_fd < 0)
		return -errno;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	err = pthread_create(&thread, &attr, wait_for_limit, NULL);
	pthread_attr_destroy(&attr);
	return -err;
}

void left_limit_change(uint64_t limit_ns)
{
	limit.ns = limit_ns + LEFT_LATE_NS;
}

void left_limit_begin(void)
{
	eventfd_write(limit.begun_fd, 1);
}
