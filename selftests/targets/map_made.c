// SPDX-License-Identifier: GPL-2.0-only
/*
 * A process whose address space is known: says where what is, as "name address pages", then "ready",
 * and waits for the end of its standard input.  All lies in one reservation that cannot be
 * accessed, so that nothing merges:
 *
 *   locked   2 pages, which the child shares
 *   forked   256 pages, all written before there is a child, and then 56 of them again
 *   sparse   64 MiB: three pages written, 0, 100 and 101; page 200 only read
 *   memory   256 pages of shared memory, 16 of them written
 *   file     4 pages of a file, the first one read
 *   hole     8 MiB that nothing is mapped in
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096UL
#define GAP  (16 * PAGE)

static char *at;

static char *take(const char *name, size_t pages)
{
	char *here = at;

	at += pages * PAGE + GAP;
	printf("%s %p %zu\n", name, (void *)here, pages);
	return here;
}

static void check(int failed, const char *what)
{
	if (!failed)
		return;
	perror(what);
	exit(1);
}

static char *take_anonymous(const char *name, size_t pages)
{
	char *here = take(name, pages);

	check(mprotect(here, pages * PAGE, PROT_READ | PROT_WRITE), name);
	madvise(here, pages * PAGE, MADV_NOHUGEPAGE);
	return here;
}

static void write_pages(volatile char *here, size_t first, size_t end)
{
	for (size_t i = first; i < end; i++)
		here[i * PAGE] = 1;
}

static void make_sparse(void)
{
	volatile char *here = take_anonymous("sparse", 16384);

	write_pages(here, 0, 1);
	write_pages(here, 100, 102);
	(void)here[200 * PAGE];
}

static void make_locked(void)
{
	char *here = take_anonymous("locked", 2);

	check(mlock(here, 2 * PAGE), "mlock");
}

static void make_memory(void)
{
	char *here = take("memory", 256);

	check(mmap(here, 256 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED,
		   -1, 0) != here,
	      "mmap");
	write_pages(here, 0, 16);
}

static void make_file(const char *path)
{
	char *here = take("file", 4);
	FILE *f = fopen(path, "w+e");

	check(!f || ftruncate(fileno(f), 4 * PAGE), path);
	check(mmap(here, 4 * PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, fileno(f), 0) != here,
	      "mmap");
	madvise(here, 4 * PAGE, MADV_RANDOM);
	(void)*(volatile char *)here;
	fclose(f);
}

int main(int argc, char **argv)
{
	char *forked;
	pid_t child;

	check(argc != 2, "usage: map_made FILE");
	at = mmap(NULL, 256UL << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	check(at == MAP_FAILED, "mmap");
	at += GAP;
	make_locked();
	forked = take_anonymous("forked", 256);
	write_pages(forked, 0, 256);
	child = fork();
	check(child < 0, "fork");
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pause();
		_exit(0);
	}
	write_pages(forked, 0, 56);
	make_sparse();
	make_memory();
	make_file(argv[1]);
	check(munmap(take("hole", 2048), 2048 * PAGE), "munmap");
	puts("ready");
	fflush(stdout);
	while (getchar() != EOF)
		;
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return 0;
}
