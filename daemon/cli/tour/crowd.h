/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_TOUR_CROWD_H
#define UPAGER_TOUR_CROWD_H

#include <stdint.h>

#include "cli/tour/image.h"

/* How long each waits for somebody, as programs do. */
#define CROWD_WAIT_MS 30

struct crowd {
	double per_s; /* runs that ended */
	double cpu_percent; /* of the time of all processors that it may use */
	uint64_t response_ns; /* from when all were wanted to the end of one, on average */
};

/* nr runs of an image are wanted at once, of which at_once fit in memory.  0 or -errno. */
int crowd_run(int fd, enum image_way way, uint32_t nr, uint32_t at_once, struct crowd *crowd);

#endif
