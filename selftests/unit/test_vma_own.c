// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vma_fixture.h"

#define OWN_VMAS 4000

/*
 * Asked for one by one, as far as the kernel can be asked, they are the same.
 * Some of them: where it cannot, each time all are read.
 */
static void is_found_alike(int maps_fd)
{
	for (uint32_t i = 0; i < found.nr; i += 1 + i % 31) {
		const struct vma *text = &found.v[i];
		struct vma v;

		if (text->start >> 47)
			continue; /* the vsyscall page is no mapping */
		assert_int_equal(vma_find(maps_fd, text->end - 1, &v), 0);
		assert_int_equal(v.start, text->start);
		if (!v.heap && !v.stack)
			assert_int_equal(v.end, text->end);
		assert_int_equal(v.write, text->write);
		assert_int_equal(v.shared, text->shared);
		assert_int_equal(v.anonymous, text->anonymous);
		assert_int_equal(v.stack, text->stack);
		assert_int_equal(v.heap, text->heap);
	}
}

/* The real thing: more mappings than the kernel tells in one read. */
static void test_own_maps(void **state)
{
	int maps_fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	int smaps_fd = open("/proc/self/smaps", O_RDONLY | O_CLOEXEC);
	/* A page on both sides, so that no neighbour merges with it. */
	char *guard = mmap(NULL, (2 * OWN_VMAS + 2) * PAGE_SIZE, PROT_NONE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *area = guard + PAGE_SIZE;
	uint64_t start = (uint64_t)(uintptr_t)area;
	uint32_t nr = 0;
	bool named;
	struct vma v;

	(void)state;
	assert_true(maps_fd >= 0 && smaps_fd >= 0 && guard != MAP_FAILED);
	assert_int_equal(mprotect(area, 2 * OWN_VMAS * PAGE_SIZE, PROT_READ | PROT_WRITE), 0);
	for (uint64_t i = 0; i < OWN_VMAS; i++)
		assert_int_equal(mprotect(area + 2 * i * PAGE_SIZE, PAGE_SIZE, PROT_READ), 0);
	assert_int_equal(madvise(area + PAGE_SIZE, PAGE_SIZE, MADV_WIPEONFORK), 0);
	named = !prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, area + 3 * PAGE_SIZE, PAGE_SIZE, "a name");
	found.nr = 0;
	assert_int_equal(vma_for_each(maps_fd, collect, &found), 0);
	for (uint32_t i = 0; i < found.nr; i++) {
		if (found.v[i].start < start || found.v[i].end > start + 2 * OWN_VMAS * PAGE_SIZE)
			continue;
		assert_int_equal(found.v[i].start, start + nr * PAGE_SIZE);
		assert_int_equal(found.v[i].end, start + (nr + 1) * PAGE_SIZE);
		assert_true(found.v[i].anonymous);
		assert_int_equal(vma_is_pageable(&found.v[i]), nr % 2);
		nr++;
	}
	assert_int_equal(nr, 2 * OWN_VMAS);
	is_found_alike(maps_fd);
	if (!named)
		print_message("# no names of anonymous memory on this kernel\n");
	found.nr = nr = 0;
	assert_int_equal(vma_for_each_detailed(smaps_fd, collect, &found), 0);
	for (uint32_t i = 0; i < found.nr; i++) {
		if (found.v[i].wipe_on_fork)
			assert_int_equal(found.v[i].start, start + PAGE_SIZE);
		nr += found.v[i].start >= start &&
		      found.v[i].end <= start + 2 * OWN_VMAS * PAGE_SIZE;
	}
	assert_int_equal(nr, 2 * OWN_VMAS);
	assert_int_equal(vma_find(maps_fd, start + 7001 * PAGE_SIZE + 5, &v), 0);
	assert_int_equal(v.start, start + 7001 * PAGE_SIZE);
	assert_int_equal(vma_find(maps_fd, (uint64_t)(uintptr_t)&v, &v), 0);
	munmap(guard, (2 * OWN_VMAS + 2) * PAGE_SIZE);
	close(maps_fd);
	close(smaps_fd);
}

/* Opened while it lived. */
static void test_gone(void **state)
{
	char path[64];
	int fds[2], maps_fd;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		char c;

		close(fds[1]);
		_exit(read(fds[0], &c, 1) != 0);
	}
	close(fds[0]);
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps_fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(maps_fd >= 0);
	found.nr = 0;
	assert_int_equal(vma_for_each(maps_fd, collect, &found), 0);
	assert_true(found.nr > 3);
	close(fds[1]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	found.nr = 0;
	assert_int_equal(vma_for_each(maps_fd, collect, &found), -ESRCH);
	assert_int_equal(found.nr, 0);
	close(maps_fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own_maps),
		cmocka_unit_test(test_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
