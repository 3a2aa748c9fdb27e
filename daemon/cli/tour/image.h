/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_TOUR_IMAGE_H
#define UPAGER_TOUR_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/types.h"

/*
 * What stands for a program in a file: a large image, of which a run of it needs a few pages at some
 * places.
 */
#define IMAGE_BYTES	   (32UL << 20)
#define IMAGE_SPOTS	   8
#define IMAGE_SPOT_PAGES   64
#define IMAGE_NEEDED_BYTES (IMAGE_SPOTS * IMAGE_SPOT_PAGES * PAGE_SIZE)

enum image_way {
	IMAGE_WHOLE, /* all of it at once */
	IMAGE_DEMAND, /* by faults; the kernel reads neighbours of the page, too */
	IMAGE_SINGLE, /* by faults, each of one page */
	__IMAGE_WAYS,
};
#define IMAGE_WAYS __IMAGE_WAYS

struct image_run {
	uint64_t first_ns; /* until the first of its pages is there, from the beginning */
	uint64_t done_ns; /* until all that are needed have been written */
	uint64_t private_bytes; /* of the process, by then */
	uint64_t read_bytes; /* from the device */
};

/* Loads it and uses it, in a process of its own.  0 or -errno. */
int image_run(int fd, enum image_way way, struct image_run *run);

#endif
