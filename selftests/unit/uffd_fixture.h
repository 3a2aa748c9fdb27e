/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_UFFD_FIXTURE_H
#define UPAGER_UFFD_FIXTURE_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/uffd.h"

#define NR_PAGES 16

/* A userfaultfd of the own process, and memory registered with it. */
struct fixture {
	int uffd;
	char *mem;
	char *data; /* NR_PAGES pages, page n filled with 'a' + n */
	struct uffd_caps caps;
};

static inline int make_uffd(uint64_t features)
{
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	if (fd >= 0 && uffd_api(fd, features)) {
		close(fd);
		return -1;
	}
	return fd;
}

static inline void *map_pages(void *addr, int flags)
{
	void *mem = mmap(addr, NR_PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

	assert_ptr_not_equal(mem, MAP_FAILED);
	return mem;
}

static inline int setup(void **state)
{
	static struct fixture f;

	*state = NULL;
	if (uffd_probe(&f.caps))
		return 0;
	f.uffd = make_uffd(UFFD_FEATURE_EVENT_REMOVE);
	if (f.uffd < 0)
		return 0;
	f.mem = map_pages(NULL, 0);
	f.data = map_pages(NULL, 0);
	for (int i = 0; i < NR_PAGES; i++)
		memset(f.data + (size_t)i * PAGE_SIZE, 'a' + i, PAGE_SIZE);
	assert_int_equal(uffd_register(f.uffd, (uintptr_t)f.mem, NR_PAGES * PAGE_SIZE, f.caps.wp),
			 0);
	*state = &f;
	return 0;
}

static inline int teardown(void **state)
{
	struct fixture *f = *state;

	if (!f)
		return 0;
	close(f->uffd);
	munmap(f->mem, NR_PAGES * PAGE_SIZE);
	munmap(f->data, NR_PAGES * PAGE_SIZE);
	return 0;
}

static inline struct fixture *need(void **state)
{
	if (!*state)
		skip(); /* userfaultfd is not allowed here */
	return *state;
}

static inline struct run pages(const struct fixture *f, uint32_t first, uint32_t nr_pages)
{
	return (struct run){ pgno_add(addr_pgno((uintptr_t)f->mem), first), nr_pages };
}

static inline struct uffd_fill copy(const struct fixture *f, uint32_t first, uint32_t nr_pages)
{
	return uffd_copy(f->uffd, pages(f, first, nr_pages), f->data + first * PAGE_SIZE);
}

static inline void assert_page(const struct fixture *f, uint32_t n, char value)
{
	assert_int_equal(f->mem[n * PAGE_SIZE], value);
	assert_int_equal(f->mem[(n + 1) * PAGE_SIZE - 1], value);
}

static inline void assert_fill(struct uffd_fill fill, int error, uint32_t filled)
{
	assert_int_equal(fill.error, error);
	assert_int_equal(fill.filled, filled);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
