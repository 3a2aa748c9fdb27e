// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a device writes into a page that it was given before survives eviction:
 * with UFFDIO_MOVE the kernel refuses such a page, without it the module is asked.
 */
#include "kernel/uffd.h"
#include "selftests/memory.h"
#include "selftests/target.h"

#include <kselftest_harness.h>
#include <liburing.h>
#include <pthread.h>

#define NR	96 /* pages */
#define BUFFERS 8
#define HALF	((uint64_t)NR / BUFFERS / 2)
#define FILLER	2048

PAGER_FIXTURE(pinned)

/* A file of pages with the contents that seed tells. */
static int file_of(uint64_t seed)
{
	int fd = open(guard_disk, O_TMPFILE | O_RDWR, 0600);
	uint8_t page[PAGE_SIZE];

	for (uint64_t i = 0; i < NR; i++) {
		memory_fill_page(page, seed, i);
		if (pwrite(fd, page, PAGE_SIZE, (off_t)(i * PAGE_SIZE)) != (ssize_t)PAGE_SIZE)
			return -1;
	}
	return fd;
}

/* Half of the memory, in parts, so that neighbours of what is pinned may go. */
static void buffers_of(uint8_t *p, struct iovec *iov)
{
	for (uint64_t i = 0; i < BUFFERS; i++)
		iov[i] = (struct iovec){ p + i * (NR / BUFFERS) * PAGE_SIZE, HALF * PAGE_SIZE };
}

static bool read_into(struct io_uring *ring, int fd, const uint8_t *p, const struct iovec *iov)
{
	for (unsigned int i = 0; i < BUFFERS; i++) {
		struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
		struct io_uring_cqe *cqe;
		bool whole;

		io_uring_prep_read_fixed(sqe, fd, iov[i].iov_base, (unsigned int)iov[i].iov_len,
					 (uint64_t)((uint8_t *)iov[i].iov_base - p), (int)i);
		if (io_uring_submit(ring) != 1 || io_uring_wait_cqe(ring, &cqe))
			return false;
		whole = cqe->res == (int)iov[i].iov_len;
		io_uring_cqe_seen(ring, cqe);
		if (!whole)
			return false;
	}
	return true;
}

/* A little of what does not fit: pages leave all the time, whatever that takes. */
static void press(void)
{
	static uint8_t *filler;
	static uint64_t at;

	if (!filler)
		filler = memory_map(FILLER);
	for (int i = 0; i < 64; i++, at++)
		memory_fill_page(filler + at % FILLER * PAGE_SIZE, 9, at);
}

static bool read_is_whole(const uint8_t *p)
{
	bool whole = true;

	for (uint64_t i = 0; i < NR; i += HALF)
		whole &= memory_is(p, i, i + HALF, i / HALF % 2 ? 1 : 2);
	return whole;
}

static int registered_buffers(struct target_share *sh)
{
	struct iovec iov[BUFFERS];
	uint8_t *p = memory_map(NR);
	struct io_uring ring;
	int fd = file_of(2);

	target_check(sh, fd >= 0);
	memory_fill(p, 0, NR, 1);
	buffers_of(p, iov);
	target_check(sh, !io_uring_queue_init(8, &ring, 0));
	target_check(sh, !io_uring_register_buffers(&ring, iov, BUFFERS));
	atomic_store(&sh->at, 2);
	while (atomic_load(&sh->go) < 2)
		press();
	for (uint64_t i = 0; i < BUFFERS; i++)
		target_check(sh, memory_resident(iov[i].iov_base, HALF) == HALF);
	target_check(sh, read_into(&ring, fd, p, iov));
	target_check(sh, read_is_whole(p));
	io_uring_queue_exit(&ring);
	/* Nobody holds them any more: they may go, and come back as they are. */
	target_check(sh, wait_until(200, (press(), memory_resident(p, NR) == 0)));
	target_check(sh, read_is_whole(p));
	return 0;
}

/* What is read from the pipe is in the pages that were put there, however old. */
static bool pipe_is(int fd, uint64_t seed)
{
	uint8_t page[PAGE_SIZE];

	for (uint64_t i = 0; i < NR; i++) {
		if (i / HALF % 2)
			continue;
		if (read(fd, page, PAGE_SIZE) != (ssize_t)PAGE_SIZE ||
		    !memory_page_is(page, seed, i))
			return false;
	}
	return true;
}

static _Atomic bool giving_away;

/* Events about other pages than those that leave. */
static void *give_away(void *unused)
{
	uint8_t *q = memory_map(16);

	while (atomic_load(&giving_away)) {
		memory_fill(q, 0, 16, 3);
		madvise(q, 16 * PAGE_SIZE, MADV_DONTNEED);
		sleep_us(100);
	}
	return unused;
}

/*
 * vmsplice() takes plain references, as direct I/O does for file systems in the
 * network.  Of a batch that was taken away from the agent none is given back:
 * other events than about its pages must not do that.
 */
static int spliced_pages(struct target_share *sh)
{
	uint8_t *p = memory_map(NR);
	struct iovec iov[BUFFERS];
	pthread_t thread;
	int pipes[2];

	memory_fill(p, 0, NR, 1);
	buffers_of(p, iov);
	target_check(sh, !pipe(pipes) && fcntl(pipes[1], F_SETPIPE_SZ, NR * PAGE_SIZE) > 0);
	target_check(sh, vmsplice(pipes[1], iov, BUFFERS, 0) == NR / 2 * PAGE_SIZE);
	atomic_store(&giving_away, true);
	target_check(sh, !pthread_create(&thread, NULL, give_away, NULL));
	atomic_store(&sh->at, 2);
	while (atomic_load(&sh->go) < 2)
		press();
	atomic_store(&giving_away, false);
	pthread_join(thread, NULL);
	target_check(sh, memory_is(p, 0, NR, 1));
	memory_fill(p, 0, NR, 2);
	target_check(sh, pipe_is(pipes[0], 2));
	target_check(sh, memory_is(p, 0, NR, 2));
	/* Nobody holds them any more. */
	target_check(sh, wait_until(200, (press(), memory_resident(p, NR) == 0)));
	target_check(sh, memory_is(p, 0, NR, 2));
	return 0;
}

/* Whether each of the pages that are held was to be taken, and was not. */
static bool all_stay(struct pager *pager, struct target *t)
{
	bool stay = target_reached(t, 2) &&
		    wait_until(200, pager_status(pager, t->pid).pinned >= BUFFERS * HALF ||
					    target_is_over(t));

	target_let(t, 2);
	return stay;
}

#define NEED_SIGHT()                                                                              \
	do {                                                                                      \
		struct uffd_caps caps;                                                            \
                                                                                                  \
		ASSERT_EQ(0, uffd_probe(&caps));                                                  \
		if ((variant->disable || !caps.move) && access("/proc/upager", F_OK))             \
			SKIP(return, "the module upager is not loaded, so nobody sees who holds " \
				     "a page");                                                   \
	} while (0)

TEST_F_TIMEOUT(pinned, registered_buffers, 500)
{
	struct target t;

	NEED_SIGHT();
	t = target_start(&self->pager, registered_buffers, TARGET_BUDGET);
	EXPECT_TRUE(all_stay(&self->pager, &t));
	EXPECT_EQ(0, target_end_within(&t, 250));
}

TEST_F_TIMEOUT(pinned, spliced_pages, 500)
{
	struct target t;

	NEED_SIGHT();
	t = target_start(&self->pager, spliced_pages, TARGET_BUDGET);
	EXPECT_TRUE(all_stay(&self->pager, &t));
	EXPECT_EQ(0, target_end_within(&t, 250));
}

TEST_HARNESS_MAIN
