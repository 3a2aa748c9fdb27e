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

TEST_F_TIMEOUT(pinned, registered_buffers, 500)
{
	struct uffd_caps caps;
	struct target t;

	ASSERT_EQ(0, uffd_probe(&caps));
	if ((variant->disable || !caps.move) && access("/proc/upager", F_OK))
		SKIP(return, "the module upager is not loaded, so nobody sees who holds a page");
	t = target_start(&self->pager, registered_buffers, TARGET_BUDGET);
	ASSERT_TRUE(target_reached(&t, 2));
	/* Each of them was to be taken, and was not. */
	EXPECT_TRUE(wait_until(200, pager_status(&self->pager, t.pid).pinned >= BUFFERS * HALF ||
					    target_is_over(&t)));
	target_let(&t, 2);
	EXPECT_EQ(0, target_end_within(&t, 250));
}

TEST_HARNESS_MAIN
