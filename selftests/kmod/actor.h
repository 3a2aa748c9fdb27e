/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Processes that do one thing when told to, and nothing between: what the module counts of them in
 * the meantime is what they were told.
 *
 * The test is the director. It is never tracked, and looks at actors from outside.
 */
#ifndef UPAGER_KMOD_ACTOR_H
#define UPAGER_KMOD_ACTOR_H

#include "module.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define NR_SEATS      8
#define STAGE_FD      200
#define ACTOR_WORD    "--actor"
#define HUGE_SIZE     (2UL << 20)
#define NR_AREA_PAGES 4096UL

enum action {
	ACT_REST,
	ACT_READ, /* from, nr */
	ACT_WRITE, /* from, nr */
	ACT_FORK, /* seat of the child */
	ACT_SPAWN, /* clone flags: a child that shares the memory and ends at once */
	ACT_REAP, /* seat of a child that was told to exit */
	ACT_THREAD_ENDS, /* a thread that comes and goes */
	ACT_THREADS, /* nr of threads that then do everything together with the first */
	ACT_MAP, /* nr of pages, at an address */
	ACT_UNMAP,
	ACT_EXEC, /* the same program again, at the same seat */
	ACT_EXIT,
};

struct seat {
	atomic_uint asked, done;
	enum action action;
	uint64_t from, nr;
	pid_t pid;
	long result;
};

/* One shared mapping, which is never copied. */
struct stage {
	struct seat seat[NR_SEATS];
	/* Private memory, at the same place in every actor that did not execute something. */
	volatile char *area;
	volatile char *huge; /* aligned for huge pages */
	struct seat *threads_seat;
	atomic_uint nr_threads, threads_asked, threads_done;
};

static struct stage *stage;

static inline void actor_touch(enum action action, uint64_t from, uint64_t nr)
{
	volatile char *p = (volatile char *)from;

	for (uint64_t i = 0; i < nr; i++) {
		if (action == ACT_WRITE)
			p[i * PAGE_SIZE] = 1;
		else
			(void)p[i * PAGE_SIZE];
	}
}

/*
 * What a thread writes by merely being there: where the kernel notes the processor, and where the
 * library notes that a system call failed. Its stack it writes by getting here.
 */
static inline void actor_settle(void)
{
	volatile struct rseq *rseq = (void *)((char *)__builtin_thread_pointer() + __rseq_offset);

	if (__rseq_size)
		rseq->flags = 0;
	*(volatile int *)&errno = 0;
}

static inline void actor_wake(atomic_uint *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

/* Sleeps, or the other actors would get no processor, while a word is what it was. */
static inline void actor_sleep(atomic_uint *word, unsigned int value)
{
	while (atomic_load(word) == value)
		syscall(SYS_futex, word, FUTEX_WAIT, value, NULL, NULL, 0);
}

static inline void actor_bump(atomic_uint *word)
{
	atomic_fetch_add(word, 1);
	actor_wake(word);
}

static inline void *actor_thread(void *arg)
{
	struct seat *seat = arg;
	unsigned int seen = 0;

	for (;;) {
		actor_settle();
		actor_sleep(&stage->threads_asked, seen++);
		actor_touch(seat->action, seat->from, seat->nr);
		actor_bump(&stage->threads_done);
	}
	return NULL;
}

static inline void actor_threads(struct seat *seat)
{
	pthread_t thread;

	stage->threads_seat = seat;
	for (uint64_t i = 0; i < seat->nr; i++)
		if (!pthread_create(&thread, NULL, actor_thread, seat))
			atomic_fetch_add(&stage->nr_threads, 1);
}

static inline void *actor_return(void *arg)
{
	return arg;
}

static inline long actor_thread_ends(void)
{
	pthread_t thread;

	return pthread_create(&thread, NULL, actor_return, NULL) || pthread_join(thread, NULL) ? -1
											       : 0;
}

static inline void actor_together(struct seat *seat)
{
	unsigned int others = stage->threads_seat == seat ? atomic_load(&stage->nr_threads) : 0;

	atomic_store(&stage->threads_done, 0);
	if (others)
		actor_bump(&stage->threads_asked);
	actor_touch(seat->action, seat->from, seat->nr);
	for (unsigned int nr = 0; nr < others; nr++)
		actor_sleep(&stage->threads_done, nr);
}

static inline int actor_spawned(void *arg)
{
	(void)arg;
	_exit(0);
}

static inline long actor_spawn(uint64_t flags)
{
	static char stack[16384] __attribute__((aligned(16)));
	pid_t pid = clone(actor_spawned, stack + sizeof(stack), (int)flags | SIGCHLD, NULL);

	return pid > 0 && waitpid(pid, NULL, 0) == pid ? 0 : -1;
}

static void __attribute__((noreturn)) actor_serve(struct seat *seat);

static inline void actor_act(struct seat *seat)
{
	struct seat *other = &stage->seat[seat->nr % NR_SEATS];
	char number[8];

	switch (seat->action) {
	case ACT_REST:
		break;
	case ACT_READ:
	case ACT_WRITE:
		actor_together(seat);
		break;
	case ACT_FORK:
		other->pid = fork();
		if (!other->pid)
			actor_serve(other);
		break;
	case ACT_SPAWN:
		seat->result = actor_spawn(seat->nr);
		break;
	case ACT_REAP:
		seat->result = waitpid(other->pid, NULL, 0) == other->pid ? 0 : -1;
		break;
	case ACT_THREAD_ENDS:
		seat->result = actor_thread_ends();
		break;
	case ACT_THREADS:
		actor_threads(seat);
		break;
	case ACT_MAP:
		seat->result = mmap((void *)seat->from, seat->nr * PAGE_SIZE, PROT_READ,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
				    0) == (void *)seat->from
				       ? 0
				       : -1;
		break;
	case ACT_UNMAP:
		seat->result = munmap((void *)seat->from, seat->nr * PAGE_SIZE);
		break;
	case ACT_EXEC:
		snprintf(number, sizeof(number), "%d", (int)(seat - stage->seat));
		execl("/proc/self/exe", "actor", ACTOR_WORD, number, NULL);
		_exit(1);
	case ACT_EXIT:
		atomic_store(&seat->done, atomic_load(&seat->asked));
		_exit(0);
	}
}

static void __attribute__((noreturn)) actor_serve(struct seat *seat)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	seat->pid = getpid();
	atomic_fetch_add(&seat->done, 1);
	for (;;) {
		actor_settle();
		actor_sleep(&seat->asked, atomic_load(&seat->done));
		actor_act(seat);
		if (seat->action != ACT_EXEC)
			atomic_store(&seat->done, atomic_load(&seat->asked));
	}
}

/* After an exec: nothing is where it was but the stage, by its descriptor. */
static inline volatile char *actor_map(size_t size)
{
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		_exit(1);
	return p;
}

__attribute__((constructor)) static void actor_again(int argc, char **argv)
{
	if (argc != 3 || strcmp(argv[1], ACTOR_WORD))
		return;
	stage = mmap(NULL, sizeof(*stage), PROT_READ | PROT_WRITE, MAP_SHARED, STAGE_FD, 0);
	if (stage == MAP_FAILED)
		_exit(1);
	stage->area = actor_map(NR_AREA_PAGES * PAGE_SIZE);
	madvise((void *)stage->area, NR_AREA_PAGES * PAGE_SIZE, MADV_NOHUGEPAGE);
	actor_serve(&stage->seat[atoi(argv[2])]);
}

/* Tells an actor what to do, without waiting. */
static inline void actor_ask(int at, enum action action, uint64_t from, uint64_t nr)
{
	struct seat *seat = &stage->seat[at];

	seat->action = action;
	seat->from = from;
	seat->nr = nr;
	seat->result = 0;
	actor_bump(&seat->asked);
}

static inline bool actor_done(int at)
{
	struct seat *seat = &stage->seat[at];

	return wait_until(atomic_load(&seat->done) == atomic_load(&seat->asked)) && !seat->result;
}

static inline bool actor_do(int at, enum action action, uint64_t from, uint64_t nr)
{
	actor_ask(at, action, from, nr);
	return actor_done(at);
}

/* Until a second time of doing nothing changes nothing. */
static inline bool actor_rest(int at)
{
	return actor_do(at, ACT_WRITE, 0, 0) && actor_do(at, ACT_REST, 0, 0) &&
	       actor_do(at, ACT_WRITE, 0, 0);
}

static inline bool actor_write(int at, uint64_t first, uint64_t nr)
{
	return actor_do(at, ACT_WRITE, (uint64_t)stage->area + first * PAGE_SIZE, nr);
}

static inline bool actor_read(int at, uint64_t first, uint64_t nr)
{
	return actor_do(at, ACT_READ, (uint64_t)stage->area + first * PAGE_SIZE, nr);
}

/* Forks the actor of a seat, and lets both settle, and their pages. */
static inline bool actor_fork(int parent, int child)
{
	atomic_fetch_add(&stage->seat[child].asked, 1);
	return actor_do(parent, ACT_FORK, 0, (uint64_t)child) && actor_done(child) &&
	       actor_rest(parent) && actor_rest(child) && module_drain();
}

static inline pid_t actor_pid(int at)
{
	return stage->seat[at].pid;
}

/* The stage, and what the actors to come will share; 0 or -errno. */
static inline int actor_stage(void)
{
	int fd = memfd_create("stage", 0);

	if (fd < 0 || dup2(fd, STAGE_FD) != STAGE_FD || ftruncate(STAGE_FD, sizeof(*stage)))
		return -errno;
	close(fd);
	stage = mmap(NULL, sizeof(*stage), PROT_READ | PROT_WRITE, MAP_SHARED, STAGE_FD, 0);
	if (stage == MAP_FAILED)
		return -errno;
	stage->area = actor_map(NR_AREA_PAGES * PAGE_SIZE);
	madvise((void *)stage->area, NR_AREA_PAGES * PAGE_SIZE, MADV_NOHUGEPAGE);
	stage->huge = actor_map(8 * HUGE_SIZE);
	stage->huge += -(uintptr_t)stage->huge & (HUGE_SIZE - 1);
	return 0;
}

/* The first actor, at seat 0: its pid or -errno. */
static inline pid_t actor_start(void)
{
	pid_t pid;

	atomic_fetch_add(&stage->seat[0].asked, 1);
	pid = fork();
	if (!pid)
		actor_serve(&stage->seat[0]);
	return pid > 0 && actor_done(0) && actor_rest(0) ? pid : -ECHILD;
}

/* Ends the first actor, and by the signal of a parent's death all others. */
static inline void actor_leave(void)
{
	if (!stage || stage == MAP_FAILED || stage->seat[0].pid <= 0)
		return;
	kill(stage->seat[0].pid, SIGKILL);
	waitpid(stage->seat[0].pid, NULL, 0);
}

#endif
