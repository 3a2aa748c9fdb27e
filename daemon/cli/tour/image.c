// SPDX-License-Identifier: GPL-2.0-only
#include "cli/tour/image.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/tour/proc.h"

static uint64_t read_bytes(void)
{
	uint64_t bytes = 0;

	if (proc_get(getpid(), "io", "read_bytes", &bytes))
		return 0;
	return bytes;
}

int image_run(int fd, enum image_way way, struct image_run *run)
{
	uint64_t bytes = read_bytes(), begin_ns = clock_ns();
	unsigned char *image = mmap(NULL, IMAGE_BYTES, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | (way == IMAGE_WHOLE ? MAP_POPULATE : 0), fd, 0);

	if (image == MAP_FAILED)
		return -errno;
	if (way == IMAGE_SINGLE)
		madvise(image, IMAGE_BYTES, MADV_RANDOM);
	for (size_t spot = 0; spot < IMAGE_SPOTS; spot++)
		for (size_t page = 0; page < IMAGE_SPOT_PAGES; page++) {
			image[spot * (IMAGE_BYTES / IMAGE_SPOTS) + page * PAGE_SIZE]++;
			if (!spot && !page)
				run->first_ns = clock_ns() - begin_ns;
		}
	run->done_ns = clock_ns() - begin_ns;
	run->read_bytes = read_bytes() - bytes;
	return proc_get_mapping(getpid(), (uintptr_t)image, "Private_Dirty", &run->private_bytes);
}
