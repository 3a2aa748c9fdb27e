// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/pageout.h"

#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/disable.h"
#include "base/types.h"

/* The caller may be moved to another CPU, whose lists have the pages, in between. */
#define TRIES 20

static bool try(uint8_t *free, uint8_t *held, int pipe_fd)
{
	struct iovec iov = { held, PAGE_SIZE };
	unsigned char free_there, held_there;

	*free = *held = 1;
	return vmsplice(pipe_fd, &iov, 1, 0) == (ssize_t)PAGE_SIZE &&
	       !madvise(free, PAGE_SIZE, MADV_FREE) && !madvise(held, PAGE_SIZE, MADV_FREE) &&
	       !madvise(free, PAGE_SIZE, MADV_PAGEOUT) && !madvise(held, PAGE_SIZE, MADV_PAGEOUT) &&
	       !mincore(free, PAGE_SIZE, &free_there) && !mincore(held, PAGE_SIZE, &held_there) &&
	       !(free_there & 1) && held_there & 1;
}

bool pageout_spares_held(void)
{
	bool spares = false;
	int ends[2];

	if (disabled("held") || pipe2(ends, O_CLOEXEC))
		return false;
	for (int i = 0; i < TRIES && !spares; i++) {
		uint8_t *p = mmap(NULL, 2 * PAGE_SIZE, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		uint8_t page[PAGE_SIZE];
		ssize_t n;

		if (p == MAP_FAILED)
			break;
		munlock(p, 2 * PAGE_SIZE); /* after mlockall(MCL_FUTURE) */
		spares = try(p, p + PAGE_SIZE, ends[1]);
		munmap(p, 2 * PAGE_SIZE);
		n = read(ends[0], page, sizeof(page));
		if (n <= 0)
			break;
	}
	close(ends[0]);
	close(ends[1]);
	return spares;
}
