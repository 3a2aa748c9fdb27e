// SPDX-License-Identifier: GPL-2.0-only
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "uffd_fixture.h"

/* Of a child: what it registered is in its address space, the descriptor is ours too. */
struct child {
	pid_t pid;
	int uffd;
	char *mem;
};

static void run_child(int ready_fd, void *addr, bool block_in_event)
{
	char *mem = map_pages(addr, addr ? MAP_FIXED_NOREPLACE : 0);
	int uffd = make_uffd(UFFD_FEATURE_EVENT_REMOVE);
	uintptr_t words[2] = { (uintptr_t)uffd, (uintptr_t)mem };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (uffd_register(uffd, (uintptr_t)mem, NR_PAGES * PAGE_SIZE, false) ||
	    write(ready_fd, words, sizeof(words)) != sizeof(words))
		_exit(1);
	if (block_in_event)
		madvise(mem, PAGE_SIZE, MADV_DONTNEED);
	for (;;)
		pause();
}

static struct child start_child(void *addr, bool block_in_event)
{
	struct child child;
	uintptr_t words[2];
	int fds[2], pidfd;

	assert_int_equal(pipe(fds), 0);
	child.pid = fork();
	assert_true(child.pid >= 0);
	if (!child.pid)
		run_child(fds[1], addr, block_in_event);
	close(fds[1]);
	assert_int_equal(read(fds[0], words, sizeof(words)), sizeof(words));
	close(fds[0]);
	pidfd = (int)syscall(SYS_pidfd_open, child.pid, 0);
	assert_true(pidfd >= 0);
	child.uffd = (int)syscall(SYS_pidfd_getfd, pidfd, (int)words[0], 0);
	assert_true(child.uffd >= 0);
	child.mem = (char *)words[1];
	close(pidfd);
	return child;
}

static void end_child(struct child *child)
{
	assert_int_equal(kill(child->pid, SIGKILL), 0);
	assert_int_equal(waitpid(child->pid, NULL, 0), child->pid);
}

static void test_address_space_gone(void **state)
{
	struct fixture *f = need(state);
	struct child child = start_child(NULL, false);
	struct run run = { addr_pgno((uintptr_t)child.mem), 2 };
	struct uffd_msg msg;

	assert_int_equal(uffd_alive(child.uffd), 0);
	assert_false(uffd_is_free(child.uffd, pgno_addr(run.first), PAGE_SIZE));
	assert_false(uffd_is_free(child.uffd, pgno_addr(run.first) - PAGE_SIZE, 2 * PAGE_SIZE));
	assert_fill(uffd_copy(child.uffd, run, f->data), 0, 2);
	assert_false(uffd_is_free(child.uffd, pgno_addr(run.first), PAGE_SIZE));
	assert_int_equal(uffd_unregister(child.uffd, pgno_addr(run.first), NR_PAGES * PAGE_SIZE),
			 0);
	assert_true(uffd_is_free(child.uffd, pgno_addr(run.first), NR_PAGES * PAGE_SIZE));
	end_child(&child);
	assert_int_equal(uffd_alive(child.uffd), -ESRCH);
	assert_fill(uffd_copy(child.uffd, run, f->data), -ESRCH, 0);
	assert_fill(uffd_zero(child.uffd, run), -ESRCH, 0);
	assert_int_equal(uffd_register(child.uffd, pgno_addr(run.first), PAGE_SIZE, false), -ESRCH);
	assert_int_equal(uffd_unregister(child.uffd, pgno_addr(run.first), PAGE_SIZE), -ESRCH);
	assert_int_equal(uffd_read(child.uffd, &msg, 1), 0);
	close(child.uffd);
}

/* An event that nobody will read any more does not keep it alive. */
static void test_gone_with_unread_event(void **state)
{
	struct fixture *f = need(state);
	struct child child = start_child(NULL, true);
	struct pollfd poll_fd = { .fd = child.uffd, .events = POLLIN };

	(void)f;
	assert_int_equal(poll(&poll_fd, 1, 10000), 1);
	assert_int_equal(uffd_alive(child.uffd), 0);
	end_child(&child);
	assert_int_equal(uffd_alive(child.uffd), -ESRCH);
	close(child.uffd);
}

/* Even a program that maps and registers the last page that it can is not changed by asking. */
static void test_alive_changes_nothing(void **state)
{
	uint64_t end = (1ULL << 47) - PAGE_SIZE;
	struct fixture *f = need(state);
	struct child child = start_child((void *)(end - NR_PAGES * PAGE_SIZE), false);
	struct uffdio_zeropage zero = { .range = { end - NR_PAGES * PAGE_SIZE,
						   NR_PAGES * PAGE_SIZE } };

	(void)f;
	assert_int_equal(uffd_alive(child.uffd), 0);
	/* Would be EEXIST or short if any page were there. */
	assert_int_equal(ioctl(child.uffd, UFFDIO_ZEROPAGE, &zero), 0);
	assert_int_equal(uffd_alive(child.uffd), 0);
	end_child(&child);
	assert_int_equal(uffd_alive(child.uffd), -ESRCH);
	close(child.uffd);
}

/* One mapping of what may be paged; neither a part of it nor shared memory that is there. */
static void test_covers(void **state)
{
	uint64_t bytes = NR_PAGES * PAGE_SIZE;
	int uffd = make_uffd(UFFD_FEATURE_MISSING_SHMEM), file = memfd_create("covers", 0);
	char *mem = map_pages(NULL, 0), *shared;
	struct fixture *f = need(state);

	(void)f;
	assert_int_equal(uffd_covers(uffd, (uintptr_t)mem, bytes), -ENOENT);
	assert_int_equal(uffd_register(uffd, (uintptr_t)mem, bytes, false), 0);
	assert_int_equal(uffd_covers(uffd, (uintptr_t)mem, bytes), 0);
	assert_int_equal(munmap(mem + PAGE_SIZE, PAGE_SIZE), 0);
	assert_int_equal(uffd_covers(uffd, (uintptr_t)mem, PAGE_SIZE), 0);
	assert_int_equal(uffd_covers(uffd, (uintptr_t)mem, bytes), -ENOENT);
	assert_true(file >= 0);
	assert_int_equal(ftruncate(file, PAGE_SIZE), 0);
	assert_int_equal(pwrite(file, "x", 1, 0), 1);
	shared = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	assert_true(shared != MAP_FAILED);
	assert_int_equal(uffd_register(uffd, (uintptr_t)shared, PAGE_SIZE, false), 0);
	assert_int_equal(uffd_covers(uffd, (uintptr_t)shared, PAGE_SIZE), -ENOENT);
	munmap(shared, PAGE_SIZE);
	munmap(mem, bytes);
	close(file);
	close(uffd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_address_space_gone),
		TEST(test_gone_with_unread_event),
		TEST(test_alive_changes_nothing),
		TEST(test_covers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
