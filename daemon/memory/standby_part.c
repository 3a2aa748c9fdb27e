// SPDX-License-Identifier: GPL-2.0-only
#include "memory/standby_part.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

static uint64_t bytes_of(const struct standby_part *part)
{
	return part->nr_places * PAGE_SIZE;
}

int standby_part_new(int fd, uint32_t first, uint32_t nr_places, struct standby_part **part)
{
	struct standby_part *new = calloc(1, sizeof(*new));
	int err = -ENOMEM;

	if (!new)
		return -ENOMEM;
	*new = (struct standby_part){ .first = first, .nr_places = nr_places, .buffer = -1 };
	new->state = calloc(nr_places, sizeof(*new->state));
	new->page = calloc(nr_places, sizeof(*new->page));
	if (!new->state || !new->page)
		goto free_part;
	new->map = mmap(NULL, bytes_of(new), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			(off_t)(first * PAGE_SIZE));
	if (new->map == MAP_FAILED) {
		err = -errno;
		goto free_part;
	}
	/* Or the first places would bring 2 MiB; EINVAL in a kernel without huge pages. */
	madvise(new->map, bytes_of(new), MADV_NOHUGEPAGE);
	*part = new;
	return 0;

free_part:
	free(new->state);
	free(new->page);
	free(new);
	return err;
}

void standby_part_free(struct standby_part *part)
{
	if (!part)
		return;
	munmap(part->map, bytes_of(part));
	free(part->state);
	free(part->page);
	free(part);
}

int standby_part_populate(const struct standby_part *part)
{
	return madvise(part->map, bytes_of(part), MADV_POPULATE_WRITE) ? -errno : 0;
}
