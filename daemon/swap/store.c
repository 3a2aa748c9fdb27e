// SPDX-License-Identifier: GPL-2.0-only
#include "swap/store.h"

#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/log.h"

#define RING_ENTRIES  1024
#define LARGE_BUFFERS 64
#define SMALL_BUFFERS (STORE_READS - LARGE_BUFFERS)
#define READ_BYTES    ((LARGE_BUFFERS * STORE_READ_PAGES + SMALL_BUFFERS) * PAGE_SIZE)

struct store {
	struct io_uring ring;
	const struct area *areas;
	const struct slots *slots;
	uint8_t *read_area; /* fixed buffer 0 */
	uint8_t *large[LARGE_BUFFERS];
	uint8_t *small[SMALL_BUFFERS];
	uint32_t nr_large;
	uint32_t nr_small;
	bool fixed_files;
	bool fixed_buffers;
};

static int ring_init(struct io_uring *ring)
{
	/* In order of preference; each is probed by asking for it. */
	static const unsigned int flags[] = {
		IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
		IORING_SETUP_COOP_TASKRUN,
		0,
	};
	int err = -EINVAL;

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		struct io_uring_params p = {
			.flags = flags[i] | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP,
			.cq_entries = 8 * RING_ENTRIES,
		};

		err = io_uring_queue_init_params(RING_ENTRIES, ring, &p);
		if (err != -EINVAL)
			break;
	}
	return err;
}

static void register_fixed(struct store *st, uint32_t nr_areas, uint32_t nr_buffers)
{
	int fds[AREAS_MAX], err;
	struct iovec iov = { .iov_base = st->read_area, .iov_len = READ_BYTES };

	for (uint32_t i = 0; i < AREAS_MAX; i++)
		fds[i] = i < nr_areas ? st->areas[i].fd : -1;
	err = io_uring_register_files(&st->ring, fds, AREAS_MAX);
	st->fixed_files = !err;
	if (err)
		log_warn("cannot register swap areas with io_uring (%s), ignoring: reads cost more",
			 strerror(-err));
	err = io_uring_register_buffers_sparse(&st->ring, nr_buffers + 1);
	if (!err && io_uring_register_buffers_update_tag(&st->ring, 0, &iov, NULL, 1) != 1)
		err = -EINVAL;
	st->fixed_buffers = !err;
	if (err)
		log_warn("cannot register buffers with io_uring (%s), ignoring: reads cost more",
			 strerror(-err));
}

int store_init(struct store **store, const struct area *areas, uint32_t nr_areas,
	       const struct slots *slots, uint32_t nr_buffers)
{
	struct store *st = calloc(1, sizeof(*st));
	uint8_t *p;
	int err;

	if (!st)
		return -ENOMEM;
	st->areas = areas;
	st->slots = slots;
	st->read_area = mmap(NULL, READ_BYTES, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (st->read_area == MAP_FAILED) {
		err = -errno;
		goto free_store;
	}
	err = ring_init(&st->ring);
	if (err)
		goto unmap;
	register_fixed(st, nr_areas, nr_buffers);
	p = st->read_area;
	for (; st->nr_large < LARGE_BUFFERS; p += STORE_READ_PAGES * PAGE_SIZE)
		st->large[st->nr_large++] = p;
	for (; st->nr_small < SMALL_BUFFERS; p += PAGE_SIZE)
		st->small[st->nr_small++] = p;
	*store = st;
	return 0;

unmap:
	munmap(st->read_area, READ_BYTES);
free_store:
	free(st);
	return err;
}

void store_fini(struct store *st)
{
	io_uring_queue_exit(&st->ring);
	munmap(st->read_area, READ_BYTES);
	free(st);
}

void store_area_set(struct store *st, uint32_t area, int fd)
{
	int n;

	if (!st->fixed_files)
		return;
	store_submit(st); /* what is queued is for the file of before */
	n = io_uring_register_files_update(&st->ring, area, &fd, 1);
	if (n != 1)
		log_err("cannot tell io_uring of a swap area (%s)", strerror(n < 0 ? -n : EINVAL));
}

bool store_buffer_get(struct store *st, uint32_t want, struct read_buffer *buf)
{
	if (st->nr_large && (want > 1 || !st->nr_small))
		*buf = (struct read_buffer){ st->large[--st->nr_large], STORE_READ_PAGES };
	else if (st->nr_small)
		*buf = (struct read_buffer){ st->small[--st->nr_small], 1 };
	else
		return false;
	return true;
}

uint32_t store_buffers(const struct store *st)
{
	return st->nr_large + st->nr_small;
}

void store_buffer_put(struct store *st, struct read_buffer buf)
{
	if (buf.nr_pages == 1)
		st->small[st->nr_small++] = buf.data;
	else
		st->large[st->nr_large++] = buf.data;
}

static struct io_uring_sqe *get_sqe(struct store *st)
{
	struct io_uring_sqe *sqe;

	while (!(sqe = io_uring_get_sqe(&st->ring)))
		store_submit(st);
	return sqe;
}

/* What user_data holds is always a struct op, or NULL for a cancel's own result. */
static void set_op(struct io_uring_sqe *sqe, struct op *op)
{
	io_uring_sqe_set_data(sqe, op);
}

static int area_file(const struct store *st, uint32_t area)
{
	return st->fixed_files ? (int)area : st->areas[area].fd;
}

void store_read(struct store *st, struct op *op, slot_t slot, uint32_t nr_pages, uint8_t *data)
{
	struct io_uring_sqe *sqe = get_sqe(st);
	unsigned int bytes = nr_pages * (unsigned int)PAGE_SIZE;
	uint64_t offset;
	uint32_t area;

	slot_place(st->slots, slot, &area, &offset);
	if (st->fixed_buffers)
		io_uring_prep_read_fixed(sqe, area_file(st, area), data, bytes, offset, 0);
	else
		io_uring_prep_read(sqe, area_file(st, area), data, bytes, offset);
	if (st->fixed_files)
		sqe->flags |= IOSQE_FIXED_FILE;
	set_op(sqe, op);
}

void store_write(struct store *st, struct op *op, slot_t slot, uint32_t nr_pages,
		 const uint8_t *data, int pool)
{
	struct io_uring_sqe *sqe = get_sqe(st);
	unsigned int bytes = nr_pages * (unsigned int)PAGE_SIZE;
	uint64_t offset;
	uint32_t area;

	slot_place(st->slots, slot, &area, &offset);
	if (pool >= 0)
		io_uring_prep_write_fixed(sqe, area_file(st, area), data, bytes, offset, pool + 1);
	else
		io_uring_prep_write(sqe, area_file(st, area), data, bytes, offset);
	if (st->fixed_files)
		sqe->flags |= IOSQE_FIXED_FILE;
	set_op(sqe, op);
}

int store_pool_register(struct store *st, uint32_t index, uint8_t *data, uint64_t bytes)
{
	struct iovec iov = { .iov_base = data, .iov_len = bytes };
	int n;

	if (!st->fixed_buffers)
		return -EOPNOTSUPP;
	n = io_uring_register_buffers_update_tag(&st->ring, index + 1, &iov, NULL, 1);
	return n == 1 ? 0 : n < 0 ? n : -EINVAL;
}

void store_pool_unregister(struct store *st, uint32_t index)
{
	struct iovec none = { 0 };

	io_uring_register_buffers_update_tag(&st->ring, index + 1, &none, NULL, 1);
}

void store_poll(struct store *st, struct op *op, int fd)
{
	struct io_uring_sqe *sqe = get_sqe(st);

	io_uring_prep_poll_multishot(sqe, fd, POLLIN);
	set_op(sqe, op);
}

void store_poll_cancel(struct store *st, struct op *op)
{
	struct io_uring_sqe *sqe = get_sqe(st);

	io_uring_prep_cancel(sqe, op, 0);
	set_op(sqe, NULL);
}

void store_submit(struct store *st)
{
	int n;

	if (!io_uring_sq_ready(&st->ring))
		return;
	do
		n = io_uring_submit(&st->ring);
	while (n == -EINTR || n == -EAGAIN || n == -EBUSY);
}

void store_wait(struct store *st, uint64_t timeout_ns)
{
	struct __kernel_timespec ts = {
		.tv_sec = (long long)(timeout_ns / NS_PER_S),
		.tv_nsec = (long long)(timeout_ns % NS_PER_S),
	};
	struct io_uring_cqe *cqe;

	if (timeout_ns == ~0ULL)
		io_uring_submit_and_wait(&st->ring, 1);
	else if (timeout_ns)
		io_uring_submit_and_wait_timeout(&st->ring, &cqe, 1, &ts, NULL);
	else
		/* DEFER_TASKRUN: nothing ever completes without a look into the kernel. */
		io_uring_submit_and_get_events(&st->ring);
}

uint32_t store_reap(struct store *st, struct completion *c, uint32_t max)
{
	struct io_uring_cqe *cqe;
	unsigned int head, seen = 0;
	uint32_t n = 0;

	io_uring_for_each_cqe(&st->ring, head, cqe)
	{
		struct op *op = io_uring_cqe_get_data(cqe);

		if (n == max)
			break;
		seen++;
		if (!op)
			continue;
		op->more = cqe->flags & IORING_CQE_F_MORE;
		c[n++] = (struct completion){ .op = op, .res = cqe->res };
	}
	io_uring_cq_advance(&st->ring, seen);
	return n;
}
