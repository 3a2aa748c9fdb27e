// SPDX-License-Identifier: GPL-2.0-only
/*
 * attach_worker PAGES THREADS [fork]: works on memory whose contents it knows,
 * and says so when they are not what was last written.
 *
 * Each thread owns a part of the pages; it checks one, writes it anew, and so
 * on.  With "fork" it forks after each, and the child checks some of the part.
 * The main thread waits for commands, a line for a line:
 *
 *   ops     how many pages were checked until now
 *   rest    lets the threads come to rest
 *   check   checks every page: 0, or the number of bad ones; threads rest
 *   go      lets them work again
 *   fork    forks a child that waits; the threads must rest until "join"
 *   join    the child checks every page: 0, or its status
 *   end     checks every page and exits, with 0 if all are right; likewise at
 *           the end of the input
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE	    4096ul
#define WORDS	    (PAGE / sizeof(uint64_t))
#define THREADS_MAX 64

static uint64_t *mem;
/* How often each page was written: in shared memory, which is never paged. */
static uint32_t *generation;
static size_t nr_pages, nr_threads;
static bool forks;

static atomic_ulong ops, bad;
static atomic_bool rest;
static atomic_uint resting;

static uint64_t word_of(size_t page, size_t word)
{
	return ((uint64_t)generation[page] << 32 | page << 10 | word) * 0x9e3779b97f4a7c15ull;
}

static void write_page(size_t page)
{
	generation[page]++;
	for (size_t w = 0; w < WORDS; w++)
		mem[page * WORDS + w] = word_of(page, w);
}

static bool page_is_right(size_t page)
{
	volatile uint64_t *p = mem + page * WORDS;

	for (size_t w = 0; w < WORDS; w++) {
		uint64_t got = p[w];

		if (got == word_of(page, w))
			continue;
		/* 0, or of which page and of when it is. */
		got *= 0xf1de83e19937733dull;
		fprintf(stderr, "# page %zu word %zu: not generation %u but %llu of page %llu\n",
			page, w, generation[page], (unsigned long long)got >> 32,
			(unsigned long long)(got >> 10 & 0x3fffff));
		return false;
	}
	return true;
}

static uint64_t next(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* The child of one thread: nobody writes its part meanwhile. */
static void check_in_child(size_t first, size_t nr, uint64_t *seed)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		for (int i = 0; i < 20; i++)
			if (!page_is_right(first + next(seed) % nr))
				_exit(1);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status) {
		fprintf(stderr, "# a child ended with %#x\n", pid < 0 ? ~0u : (unsigned int)status);
		bad++;
	}
}

static void *work(void *arg)
{
	size_t self = (size_t)(uintptr_t)arg;
	size_t nr = nr_pages / nr_threads, first = self * nr;
	uint64_t seed = self + 1;

	for (;;) {
		size_t page = first + next(&seed) % nr;

		if (rest) {
			resting++;
			while (rest)
				usleep(200);
			resting--;
		}
		if (!page_is_right(page))
			bad++;
		write_page(page);
		ops++;
		if (forks)
			check_in_child(first, nr, &seed);
	}
	return NULL;
}

static void come_to_rest(void)
{
	rest = true;
	while (resting < nr_threads)
		usleep(200);
}

static void go(void)
{
	rest = false;
	while (resting)
		usleep(200);
}

static unsigned long check_all(void)
{
	unsigned long n = bad;

	for (size_t i = 0; i < nr_pages; i++)
		n += !page_is_right(i);
	return n;
}

static pid_t waiting_child;
static int child_gate;

static unsigned long fork_child(void)
{
	int gate[2];

	if (pipe(gate))
		return 1;
	waiting_child = fork();
	if (!waiting_child) {
		char c;

		close(gate[1]);
		while (read(gate[0], &c, 1) > 0)
			;
		_exit(check_all() != 0);
	}
	close(gate[0]);
	child_gate = gate[1];
	return waiting_child < 0;
}

static unsigned long join_child(void)
{
	int status = -1;

	close(child_gate);
	return waitpid(waiting_child, &status, 0) != waiting_child || status;
}

static unsigned long answer(const char *command)
{
	if (!strcmp(command, "rest\n"))
		come_to_rest();
	else if (!strcmp(command, "go\n"))
		go();
	else if (!strcmp(command, "check\n"))
		return check_all();
	else if (!strcmp(command, "fork\n"))
		return fork_child();
	else if (!strcmp(command, "join\n"))
		return join_child();
	else
		return ops;
	return 0;
}

int main(int argc, char **argv)
{
	char line[64];

	if (argc < 3)
		return 2;
	nr_pages = strtoul(argv[1], NULL, 10);
	nr_threads = strtoul(argv[2], NULL, 10);
	forks = argc > 3;
	if (!nr_threads || nr_threads > THREADS_MAX || nr_pages < nr_threads)
		return 2;
	mem = mmap(NULL, nr_pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		   0);
	generation = mmap(NULL, nr_pages * sizeof(*generation), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (mem == MAP_FAILED || generation == MAP_FAILED)
		return 2;
	/* Small pages, so that what is resident is what was touched. */
	madvise(mem, nr_pages * PAGE, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < nr_pages; i++)
		write_page(i);
	for (size_t i = 0; i < nr_threads; i++) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, work, (void *)(uintptr_t)i))
			return 2;
	}
	setlinebuf(stdout);
	puts("ready");
	while (fgets(line, sizeof(line), stdin) && strcmp(line, "end\n"))
		printf("%lu\n", answer(line));
	come_to_rest();
	return check_all() ? 1 : 0;
}
