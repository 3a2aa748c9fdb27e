// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/soft_dirty.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGEMAP_SOFT_DIRTY (1ULL << 55)

static bool has_bit(int pagemap_fd, pgno_t n, bool otherwise)
{
	uint64_t entry;

	if (pread(pagemap_fd, &entry, sizeof(entry), (off_t)(n.v * sizeof(entry))) !=
	    (ssize_t)sizeof(entry))
		return otherwise;
	return entry & PAGEMAP_SOFT_DIRTY;
}

bool soft_dirty_exists(void)
{
	void *p = mmap(NULL, PAGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	bool exists = false;

	if (fd >= 0 && p != MAP_FAILED)
		exists = has_bit(fd, addr_pgno((uintptr_t)p), false);
	if (fd >= 0)
		close(fd);
	if (p != MAP_FAILED)
		munmap(p, PAGE_SIZE);
	return exists;
}

bool soft_dirty_is_set(int pagemap_fd, pgno_t n)
{
	return has_bit(pagemap_fd, n, true);
}
