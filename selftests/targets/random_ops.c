// SPDX-License-Identifier: GPL-2.0-only
/*
 * random_ops SEED SECONDS THREADS FILE: threads and forked children do what
 * programs do to their memory, at random, and compare every byte with a model
 * of what it must contain.  FILE is made, for direct I/O.  Prints `ops N` and
 * exits 0, or says what was wrong and exits 1.  With the same seed each thread
 * does the same.  While there is a file of the same name with .more behind it,
 * it goes on, up to ten times as long.
 */
#include "random_map.h"

#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

#define CHILDREN_MAX 2
#define DEPTH_MAX    2
#define CHILD_OPS    60
#define FILE_PAGES   64
#define FILE_STAMP   (1ULL << 60)
#define THREADS_MAX  16

#define MORE	 ".more"
#define MORE_MAX 10

static struct timespec deadline;
static time_t last_second;
static char more[4096];
static int direct_fd = -1;

static bool time_is_up(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec >= deadline.tv_sec && (access(more, F_OK) || now.tv_sec >= last_second);
}

static void do_write(struct model *m, struct run r)
{
	for (uint32_t i = r.first; i < r.first + r.nr; i++) {
		uint64_t stamp = model_stamp(m);

		model_fill(model_page(r.a, i), stamp);
		model_set(m, r.a, i, stamp);
	}
}

/* One word and back: the page is dirty, its contents the same. */
static void do_touch(struct model *m, struct run r)
{
	for (uint32_t i = r.first; i < r.first + r.nr; i++) {
		volatile uint64_t *word = (volatile uint64_t *)(void *)model_page(r.a, i);

		if (r.a->cell[i].maybe_zero)
			continue;
		word[model_random(m, WORDS)] += 0;
	}
}

static void do_check(struct model *m, struct run r)
{
	model_check(m, r.a, r.first, r.nr);
}

static void do_dontneed(struct model *m, struct run r)
{
	model_must(m, !madvise(run_addr(r), run_bytes(r), MADV_DONTNEED));
	model_zero(m, r.a, r.first, r.nr);
	if (model_random(m, 2))
		model_check(m, r.a, r.first, r.nr);
}

static void do_free(struct model *m, struct run r)
{
	model_must(m, !madvise(run_addr(r), run_bytes(r), MADV_FREE));
	for (uint32_t i = r.first; i < r.first + r.nr; i++)
		r.a->cell[i].maybe_zero = true;
}

/* Hints change nothing, and old kernels do not know all of them. */
static void do_hint(struct model *m, struct run r)
{
	static const int
		hint[] = { MADV_HUGEPAGE, MADV_NOHUGEPAGE,	  25 /* COLLAPSE */,
			   MADV_COLD,	  MADV_PAGEOUT,		  MADV_MERGEABLE,
			   MADV_WILLNEED, 22 /* POPULATE_READ */, 23 /* POPULATE_WRITE */ };
	int advice = hint[model_random(m, sizeof(hint) / sizeof(hint[0]))];

	if (madvise(run_addr(r), run_bytes(r), advice))
		model_must(m,
			   errno == EINVAL || errno == ENOMEM || errno == EBUSY || errno == EAGAIN);
	else if (advice == 23)
		for (uint32_t i = r.first; i < r.first + r.nr; i++)
			if (r.a->cell[i].maybe_zero)
				do_write(m, (struct run){ r.a, i, 1 });
	r.a->split = true;
}

/* The kernel reads it: into a pipe, by copying or by reference. */
static void do_pipe(struct model *m, struct run r)
{
	uint8_t copy[PAGE];
	struct iovec iov = { model_page(r.a, r.first), PAGE };
	int fds[2];
	ssize_t n;

	model_must(m, !pipe(fds));
	n = model_random(m, 2) ? write(fds[1], iov.iov_base, PAGE) : vmsplice(fds[1], &iov, 1, 0);
	model_must(m, n == PAGE);
	model_must(m, read(fds[0], copy, PAGE) == PAGE);
	model_expect(m, r.a, r.first, copy);
	close(fds[0]);
	close(fds[1]);
}

/* The kernel writes it, at its address or to its pages. */
static void do_read_file(struct model *m, struct run r)
{
	uint32_t first = model_random(m, FILE_PAGES);

	if (r.nr > FILE_PAGES - first)
		r.nr = FILE_PAGES - first;
	model_must(m, pread(direct_fd, run_addr(r), run_bytes(r), (off_t)first * PAGE) ==
			      (ssize_t)run_bytes(r));
	for (uint32_t i = 0; i < r.nr; i++)
		model_set(m, r.a, r.first + i, FILE_STAMP + (first + i) * WORDS);
}

static void do_write_by_call(struct model *m, struct run r)
{
	uint64_t stamp = model_stamp(m);
	uint8_t page[PAGE] __attribute__((aligned(16)));
	struct iovec from = { page, PAGE }, to = { run_addr(r), PAGE };

	model_fill(page, stamp);
	model_must(m, process_vm_writev(getpid(), &from, 1, &to, 1, 0) == PAGE);
	model_set(m, r.a, r.first, stamp);
}

static void do_exec(struct model *m, struct run r)
{
	char *argv[] = { "true", NULL }, *envp[] = { NULL };
	int status;
	pid_t pid;

	(void)r;
	if (model_random(m, 2)) {
		pid = vfork();
		if (!pid) {
			execve("/bin/true", argv, envp);
			_exit(127);
		}
	} else {
		model_must(m, !posix_spawn(&pid, "/bin/true", NULL, NULL, argv, envp));
	}
	model_must(m, pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
}

static void wait_for_child(struct model *m)
{
	int status;
	pid_t pid = waitpid(-1, &status, __WNOTHREAD | __WALL);

	model_must(m, pid > 0);
	if (status)
		model_fail(m, "child %d ended with status %x", pid, status);
	m->children--;
}

static void run_ops(struct model *m, uint64_t nr);

/* Only the thread that forked is there, and only its memory is known. */
static void be_child(struct model *m)
{
	m->op = "just forked";
	for (struct area *a = m->area; a < m->area + AREAS; a++) {
		if (a->dont_fork)
			a->nr = 0;
		else if (a->wipe_on_fork)
			model_zero(m, a, 0, a->nr);
	}
	if (model_random(m, 2))
		model_check_all(m);
	run_ops(m, 1 + model_random(m, CHILD_OPS));
	m->op = "end";
	/* All that a slow machine has to bring in once more would take it minutes. */
	if (!time_is_up())
		model_check_all(m);
	_exit(0);
}

static void do_fork(struct model *m, struct run r)
{
	struct model *child;
	pid_t pid;

	(void)r;
	if (m->depth == DEPTH_MAX)
		return;
	if (m->children == CHILDREN_MAX)
		wait_for_child(m);
	child = model_new();
	model_must(m, child);
	*child = *m;
	child->seed ^= model_stamp(m) * 0x5bd1e995u;
	child->depth++;
	child->children = 0;
	pid = fork();
	model_must(m, pid >= 0);
	if (!pid)
		be_child(child);
	model_must(m, !munmap(child, sizeof(*child)));
	m->children++;
	if (model_random(m, 2))
		wait_for_child(m);
}

static const struct {
	void (*run)(struct model *m, struct run r);
	const char *name;
	uint32_t weight;
} ops[] = {
	{ do_write, "write", 30 },
	{ do_touch, "touch", 10 },
	{ do_check, "check", 30 },
	{ do_dontneed, "MADV_DONTNEED", 6 },
	{ do_free, "MADV_FREE", 4 },
	{ do_map_over, "mmap(MAP_FIXED)", 2 },
	{ do_unmap, "munmap", 2 },
	{ do_resize, "mremap", 3 },
	{ do_move_over, "MREMAP_FIXED", 2 },
	{ do_move_out, "MREMAP_DONTUNMAP", 2 },
	{ do_protect, "mprotect", 2 },
	{ do_lock, "mlock", 1 },
	{ do_fork_advice, "fork advice", 1 },
	{ do_hint, "hint", 3 },
	{ do_pipe, "pipe", 4 },
	{ do_read_file, "direct read", 3 },
	{ do_write_by_call, "process_vm_writev", 3 },
	{ do_exec, "exec", 1 },
	{ do_fork, "fork", 2 },
};

static void run_ops(struct model *m, uint64_t nr)
{
	uint32_t total = 0;
	struct run r;

	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		total += ops[i].weight;
	for (; nr && !time_is_up(); nr--) {
		uint32_t at = model_random(m, total);
		size_t i = 0;

		while (at >= ops[i].weight)
			at -= ops[i++].weight;
		m->op = ops[i].name;
		m->ops++;
		r = pick(m);
		m->past[m->ops % PAST] = (struct past){
			m->op, r.a->addr, r.a->nr, r.first, r.nr,
		};
		ops[i].run(m, r);
	}
	while (m->children)
		wait_for_child(m);
}

static void *thread_main(void *arg)
{
	struct model *m = arg;

	run_ops(m, UINT64_MAX);
	m->op = "end";
	model_check_all(m);
	return NULL;
}

static int make_file(const char *path)
{
	uint8_t page[PAGE] __attribute__((aligned(16)));
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	if (fd < 0)
		return -1;
	for (uint32_t i = 0; i < FILE_PAGES; i++) {
		model_fill(page, FILE_STAMP + i * WORDS);
		if (write(fd, page, PAGE) != PAGE)
			return -1;
	}
	if (fsync(fd) || close(fd))
		return -1;
	return open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
}

int main(int argc, char **argv)
{
	pthread_t thread[THREADS_MAX];
	struct model *m[THREADS_MAX];
	uint64_t seed, nr = 0;
	long threads, seconds;

	threads = argc == 5 ? strtol(argv[3], NULL, 10) : 0;
	if (threads < 1 || threads > THREADS_MAX) {
		fprintf(stderr, "usage: random_ops SEED SECONDS THREADS FILE\n");
		return 2;
	}
	seed = strtoull(argv[1], NULL, 10);
	direct_fd = make_file(argv[4]);
	if (direct_fd < 0) {
		perror(argv[4]);
		return 2;
	}
	snprintf(more, sizeof(more), "%s" MORE, argv[4]);
	seconds = strtol(argv[2], NULL, 10);
	clock_gettime(CLOCK_MONOTONIC, &deadline);
	last_second = deadline.tv_sec + MORE_MAX * seconds;
	deadline.tv_sec += seconds;
	for (int i = 0; i < threads; i++) {
		m[i] = model_new();
		if (!m[i])
			return 2;
		m[i]->thread = i;
		m[i]->seed = (seed + 1) * 0x9e3779b97f4a7c15UL + (uint64_t)i * 0xd1342543de82ef95UL;
		m[i]->next = (uint64_t)(i + 1) << 48;
		if (pthread_create(&thread[i], NULL, thread_main, m[i]))
			return 2;
	}
	for (int i = 0; i < threads; i++) {
		pthread_join(thread[i], NULL);
		nr += m[i]->ops;
	}
	printf("ops %llu\n", (unsigned long long)nr);
	return 0;
}
