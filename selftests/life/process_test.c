// SPDX-License-Identifier: GPL-2.0-only
/* Who may be paged, and what a paged program may still do. */
#include "selftests/memory.h"
#include "selftests/target.h"

#include <kselftest_harness.h>
#include <dirent.h>
#include <grp.h>
#include <liburing.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>

#define NR     512 /* pages */
#define PINNED 64
#define NOBODY 65534

PAGER_FIXTURE(process)

static uint8_t *paged(struct target_share *sh)
{
	uint8_t *p = memory_map(NR);

	memory_fill(p, 0, NR, 1);
	if (!memory_push_out(p, NR)) {
		target_fail(sh, "nothing leaves");
		_exit(98);
	}
	return p;
}

static void *nothing(void *unused)
{
	pause();
	return unused;
}

static int tasks(void)
{
	DIR *dir = opendir("/proc/self/task");
	const struct dirent *d;
	int n = 0;

	while (dir && (d = readdir(dir)))
		n += d->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return n;
}

/* F20: an agent that were a thread would be in the way of both. */
static int restrict_self(struct target_share *sh)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog prog = { 1, &allow };
	uint8_t *p = paged(sh);
	pthread_t thread;

	target_check(sh, tasks() == 1);
	target_check(sh, wait(NULL) == -1 && errno == ECHILD);
	target_check(sh, !unshare(CLONE_NEWUSER) || errno == EPERM);
	target_check(sh, !pthread_create(&thread, NULL, nothing, NULL));
	target_check(sh, !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	target_check(sh, !syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC,
				  &prog));
	memory_press();
	target_check(sh, memory_is(p, 0, NR, 1));
	return 0;
}

TEST_F_TIMEOUT(process, seccomp_and_unshare, 60)
{
	EXPECT_EQ(0, target_run(&self->pager, restrict_self));
}

static bool become_nobody(void)
{
	/* Dumpable again: otherwise the process is root's. */
	return !setgroups(0, NULL) && !setresgid(NOBODY, NOBODY, NOBODY) &&
	       !setresuid(NOBODY, NOBODY, NOBODY) && !prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

/* F22: it may not ask for fork events itself. */
static int live_unprivileged(struct target_share *sh)
{
	uint8_t *p;
	pid_t child;
	int status = -1;

	target_check(sh, become_nobody());
	target_meet(sh, 2);
	p = paged(sh);
	child = fork();
	if (!child)
		_exit(memory_is(p, 0, NR, 1) ? 0 : 3);
	target_check(sh, waitpid(child, &status, 0) == child && status == 0);
	target_check(sh, memory_is(p, 0, NR, 1));
	return 0;
}

/* What an attach by nobody answers. */
static int attach_as_nobody(const struct pager *pg, pid_t pid)
{
	pid_t child = fork();
	int status = -1;

	if (!child) {
		struct upager *client;

		if (!become_nobody() || upager_open(pg->socket, &client))
			_exit(99);
		_exit(-upager_attach(client, pid, TARGET_BUDGET, 0, NULL));
	}
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -1000;
}

TEST_F_TIMEOUT(process, unprivileged, 60)
{
	struct target t = target_fork(live_unprivileged);

	target_let(&t, 1);
	ASSERT_EQ(0, chmod(self->pager.socket, 0666));
	ASSERT_TRUE(target_reached(&t, 2));
	EXPECT_EQ(0, attach_as_nobody(&self->pager, t.pid));
	EXPECT_EQ(-EPERM, attach_as_nobody(&self->pager, getpid()));
	target_let(&t, 2);
	EXPECT_EQ(0, target_end(&t));
}

/* ---- F12: what a device reads into stays where it is ---- */

struct device {
	struct io_uring ring;
	int fd;
};

/* A file whose contents are those of pages with seed 7. */
static bool device_open(struct device *dev)
{
	uint8_t *data = memory_map(PINNED);
	char path[600];

	snprintf(path, sizeof(path), "%s/device.%d", guard_disk, getpid());
	dev->fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_DIRECT, 0600);
	memory_fill(data, 0, PINNED, 7);
	if (dev->fd < 0 || pwrite(dev->fd, data, PINNED * PAGE_SIZE, 0) != PINNED * PAGE_SIZE)
		return false;
	munmap(data, PINNED * PAGE_SIZE);
	return !io_uring_queue_init(8, &dev->ring, 0);
}

static bool device_read(struct device *dev, uint8_t *p)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&dev->ring);
	struct io_uring_cqe *cqe;
	bool ok;

	io_uring_prep_read_fixed(sqe, dev->fd, p, PINNED * PAGE_SIZE, 0, 0);
	if (io_uring_submit(&dev->ring) != 1 || io_uring_wait_cqe(&dev->ring, &cqe))
		return false;
	ok = cqe->res == (int)(PINNED * PAGE_SIZE);
	io_uring_cqe_seen(&dev->ring, cqe);
	return ok;
}

static int read_into_registered(struct target_share *sh)
{
	uint8_t *p = paged(sh);
	struct iovec iov = { p, PINNED * PAGE_SIZE };
	struct device dev;

	target_check(sh, device_open(&dev));
	target_check(sh, !io_uring_register_buffers(&dev.ring, &iov, 1));
	for (int i = 0; i < 3; i++)
		memory_press();
	target_check(sh, device_read(&dev, p));
	target_check(sh, memory_is(p, 0, PINNED, 7));
	for (int i = 0; i < 3; i++)
		memory_press();
	target_check(sh, memory_is(p, 0, PINNED, 7));
	target_check(sh, memory_is(p, PINNED, NR, 1));
	io_uring_unregister_buffers(&dev.ring);
	target_check(sh, memory_push_out(p, NR));
	target_check(sh, memory_is(p, 0, PINNED, 7));
	return 0;
}

TEST_F_TIMEOUT(process, registered_buffers_stay, 60)
{
	if (variant->disable)
		SKIP(return, "without UFFDIO_MOVE only the module sees pins");
	EXPECT_EQ(0, target_run(&self->pager, read_into_registered));
}

static _Atomic bool pressing;

static void *press(void *unused)
{
	while (atomic_load(&pressing))
		memory_press();
	return unused;
}

static int read_directly(struct target_share *sh)
{
	uint8_t *p = memory_map(PINNED);
	struct device dev;
	pthread_t thread;

	target_check(sh, device_open(&dev));
	atomic_store(&pressing, true);
	target_check(sh, !pthread_create(&thread, NULL, press, NULL));
	for (uint64_t i = 0; i < 200; i++) {
		memset(p, 0, PINNED * PAGE_SIZE);
		target_check(sh, pread(dev.fd, p, PINNED * PAGE_SIZE, 0) == PINNED * PAGE_SIZE);
		target_check(sh, memory_is(p, 0, PINNED, 7));
	}
	atomic_store(&pressing, false);
	pthread_join(thread, NULL);
	return 0;
}

TEST_F_TIMEOUT(process, direct_reads_arrive, 60)
{
	if (variant->disable)
		SKIP(return, "without UFFDIO_MOVE only the module sees pins");
	EXPECT_EQ(0, target_run(&self->pager, read_directly));
}

/* ---- F19: a fork needs a descriptor of the daemon's, and waits for one ---- */

/* The system calls alone, so that no child needs a page that is outside. */
static int have_many_children(struct target_share *sh)
{
	struct timespec pause = { .tv_nsec = 300000000 };
	uint8_t *p = paged(sh);
	int status;

	for (int i = 0; i < 120; i++) {
		long child = syscall(SYS_fork);

		if (!child) {
			syscall(SYS_nanosleep, &pause, NULL);
			syscall(SYS_exit_group, 0);
		}
		target_check(sh, child > 0);
	}
	for (int i = 0; i < 120; i++)
		target_check(sh, wait(&status) > 0 && status == 0);
	target_check(sh, memory_is(p, 0, NR, 1));
	return 0;
}

TEST(few_descriptors)
{
	struct pager_options opt = { .nofile = 64 };
	struct pager pager;

	ASSERT_EQ(0, pager_start(&pager, &opt));
	EXPECT_EQ(0, target_run(&pager, have_many_children));
	pager_fini(&pager);
}

TEST_HARNESS_MAIN
