// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/uffd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

/* The last page of the smallest user half on x86-64; inside every 64-bit task's limit. */
#define ALIVE_ADDR ((1ULL << 47) - 2 * PAGE_SIZE)

/* For an event to be read. */
#define SETTLE_TRIES	20
#define SETTLE_PAUSE_NS (50 * NS_PER_US)

/*
 * One attempt to fill @bytes at @dst: the ioctl's result, and in @done the
 * bytes from the start that it filled (or a copy of the error, or untouched).
 */
typedef int (*attempt_fn)(int uffd, uint64_t dst, uint64_t bytes, const char *src, int64_t *done);

static _Thread_local _Atomic int *call_at;

void uffd_tell_calls(_Atomic int *at)
{
	call_at = at;
}

static void tell(int uffd)
{
	if (call_at)
		atomic_store_explicit(call_at, uffd, memory_order_relaxed);
}

/* May wait for who holds the mmap lock. */
static int ioctl_errno(int uffd, unsigned long request, void *arg)
{
	int err;

	tell(uffd);
	err = ioctl(uffd, request, arg) ? -errno : 0;
	tell(-1);
	return err;
}

static int attempt_copy(int uffd, uint64_t dst, uint64_t bytes, const char *src, int64_t *done)
{
	struct uffdio_copy arg = { .dst = dst, .src = (uintptr_t)src, .len = bytes };
	int err = ioctl_errno(uffd, UFFDIO_COPY, &arg);

	*done = arg.copy;
	return err;
}

static int attempt_zero(int uffd, uint64_t dst, uint64_t bytes, const char *src, int64_t *done)
{
	struct uffdio_zeropage arg = { .range = { .start = dst, .len = bytes } };
	int err = ioctl_errno(uffd, UFFDIO_ZEROPAGE, &arg);

	(void)src;
	*done = arg.zeropage;
	return err;
}

static int attempt_poison(int uffd, uint64_t dst, uint64_t bytes, const char *src, int64_t *done)
{
	struct uffdio_poison arg = { .range = { .start = dst, .len = bytes } };
	int err = ioctl_errno(uffd, UFFDIO_POISON, &arg);

	(void)src;
	*done = arg.updated;
	return err;
}

/*
 * The kernel fills a stretch only if one VMA holds all of it, and stops at the
 * first page that is there.  So ENOENT for a stretch means only that it must be
 * tried in halves (mprotect splits VMAs without an event); for one page it is
 * final.
 */
static struct uffd_fill fill(int uffd, struct run run, const char *src, attempt_fn attempt)
{
	struct uffd_fill res = { 0 };
	uint32_t chunk = run.nr_pages;

	while (res.filled < run.nr_pages) {
		pgno_t pg = pgno_add(run.first, res.filled);
		int64_t done = 0;

		res.error = attempt(uffd, pgno_addr(pg), (uint64_t)chunk << PAGE_SHIFT,
				    src ? src + ((size_t)res.filled << PAGE_SHIFT) : NULL, &done);
		if (!res.error) {
			res.filled += chunk;
		} else if (res.error == -EAGAIN && done > 0) {
			res.filled += (uint32_t)(done >> PAGE_SHIFT);
		} else if (res.error == -ENOENT && chunk > 1) {
			chunk /= 2;
			continue;
		} else {
			break;
		}
		res.error = 0;
		chunk = run.nr_pages - res.filled;
	}
	if (res.error == -EEXIST)
		uffd_wake(uffd, (struct run){ pgno_add(run.first, res.filled), 1 });
	return res;
}

struct uffd_fill uffd_copy(int uffd, struct run run, const void *src)
{
	return fill(uffd, run, src, attempt_copy);
}

struct uffd_fill uffd_zero(int uffd, struct run run)
{
	return fill(uffd, run, NULL, attempt_zero);
}

struct uffd_fill uffd_poison(int uffd, struct run run)
{
	return fill(uffd, run, NULL, attempt_poison);
}

int uffd_api(int uffd, uint64_t features)
{
	struct uffdio_api arg = { .api = UFFD_API, .features = features };

	return ioctl_errno(uffd, UFFDIO_API, &arg);
}

/* Registration answers ENOMEM for an address space that is gone, too. */
static int classify_registration(int uffd, int err)
{
	if (err == -ENOMEM && uffd_alive(uffd))
		return -ESRCH;
	return err;
}

static int register_for(int uffd, uint64_t addr, uint64_t bytes, uint64_t mode)
{
	struct uffdio_register arg = { .range = { .start = addr, .len = bytes }, .mode = mode };

	return classify_registration(uffd, ioctl_errno(uffd, UFFDIO_REGISTER, &arg));
}

int uffd_register(int uffd, uint64_t addr, uint64_t bytes, bool wp)
{
	return register_for(uffd, addr, bytes,
			    UFFDIO_REGISTER_MODE_MISSING | (wp ? UFFDIO_REGISTER_MODE_WP : 0));
}

int uffd_register_wp(int uffd, uint64_t addr, uint64_t bytes)
{
	return register_for(uffd, addr, bytes, UFFDIO_REGISTER_MODE_WP);
}

int uffd_unregister(int uffd, uint64_t addr, uint64_t bytes)
{
	struct uffdio_range arg = { .start = addr, .len = bytes };

	return classify_registration(uffd, ioctl_errno(uffd, UFFDIO_UNREGISTER, &arg));
}

int uffd_write_protect(int uffd, struct run run, bool on)
{
	struct uffdio_writeprotect arg = {
		.range = { .start = pgno_addr(run.first),
			   .len = (uint64_t)run.nr_pages << PAGE_SHIFT },
		.mode = on ? UFFDIO_WRITEPROTECT_MODE_WP : 0,
	};

	return ioctl_errno(uffd, UFFDIO_WRITEPROTECT, &arg);
}

/* At least vm.mmap_min_addr as everybody has it. */
#define LOWEST_ADDR 65536

int uffd_wake(int uffd, struct run run)
{
	struct uffdio_range arg = { .start = pgno_addr(run.first),
				    .len = (uint64_t)run.nr_pages << PAGE_SHIFT };

	return ioctl_errno(uffd, UFFDIO_WAKE, &arg);
}

int uffd_wake_all(int uffd)
{
	/* All that a program can map without asking for 57 bits, and then all. */
	static const uint64_t end[] = { (1ULL << 47) - PAGE_SIZE, (1ULL << 56) - PAGE_SIZE };
	int err = 0;

	for (size_t i = 0; i < ARRAY_SIZE(end); i++) {
		struct uffdio_range arg = { .start = LOWEST_ADDR, .len = end[i] - LOWEST_ADDR };

		err = ioctl_errno(uffd, UFFDIO_WAKE, &arg);
	}
	return err;
}

/*
 * CONTINUE maps pages of shared memory only: on what is registered here,
 * anonymous memory, it fails whatever the program mapped there.  ESRCH: the
 * address space is gone; EAGAIN: an event is unread; ENOENT: nothing that is
 * registered with this userfaultfd is there; EINVAL: something is.
 */
static int try_continue(int uffd, uint64_t addr, uint64_t bytes)
{
	struct uffdio_continue arg = {
		.range = { .start = addr, .len = bytes },
		.mode = UFFDIO_CONTINUE_MODE_DONTWAKE,
	};

	return ioctl_errno(uffd, UFFDIO_CONTINUE, &arg);
}

int uffd_alive(int uffd)
{
	return try_continue(uffd, ALIVE_ADDR, PAGE_SIZE) == -ESRCH ? -ESRCH : 0;
}

bool uffd_has_unread(int uffd)
{
	return try_continue(uffd, ALIVE_ADDR, PAGE_SIZE) == -EAGAIN;
}

bool uffd_settles(int uffd)
{
	const struct timespec pause = { .tv_nsec = SETTLE_PAUSE_NS };

	for (int n = 0; n < SETTLE_TRIES; n++) {
		if (!uffd_has_unread(uffd))
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

bool uffd_is_free(int uffd, uint64_t addr, uint64_t bytes)
{
	for (uint64_t at = addr; at < addr + bytes; at += PAGE_SIZE)
		if (try_continue(uffd, at, PAGE_SIZE) != -ENOENT)
			return false;
	return true;
}

int uffd_covers(int uffd, uint64_t addr, uint64_t bytes)
{
	int err = try_continue(uffd, addr, bytes);

	/* Done, it was shared memory, which came where something of ours was looked for. */
	return err == -EINVAL ? 0 : err ? err : -ENOENT;
}

/*
 * Whoever shares the open file, as the agent does, may clear O_NONBLOCK.  Where
 * the kernel knows no RWF_NOWAIT here (before 6.10) poll() tells.
 */
static ssize_t read_now(int uffd, void *buf, size_t bytes)
{
	static _Atomic bool missing;
	struct iovec iov = { .iov_base = buf, .iov_len = bytes };
	struct pollfd pfd = { .fd = uffd, .events = POLLIN };
	ssize_t n;

	if (!missing) {
		n = preadv2(uffd, &iov, 1, -1, RWF_NOWAIT);
		if (n >= 0 || (errno != EOPNOTSUPP && errno != ESPIPE && errno != EINVAL))
			return n;
		missing = true;
	}
	if (poll(&pfd, 1, 0) != 1) {
		errno = EAGAIN;
		return -1;
	}
	if (pfd.revents & POLLERR)
		fcntl(uffd, F_SETFL, O_RDWR | O_NONBLOCK);
	return read(uffd, buf, bytes);
}

int uffd_read(int uffd, struct uffd_msg *msg, uint32_t max)
{
	ssize_t n;

	do {
		n = read_now(uffd, msg, max * sizeof(*msg));
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? 0 : -errno;
	return (int)((size_t)n / sizeof(*msg));
}
