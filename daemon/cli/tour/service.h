/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_TOUR_SERVICE_H
#define UPAGER_TOUR_SERVICE_H

#include <stdint.h>
#include <sys/types.h>

#include "cli/tour/scratch.h"

#define SERVICE_CAUSE_BYTES 512

/* An upagerd of the tour's own, with a swap area, in folders that go with it. */
struct service {
	pid_t pid;
	char folder[SCRATCH_PATH_BYTES]; /* for the area */
	char run[SCRATCH_PATH_BYTES]; /* for the rest: a socket's path must be short */
	char area[SCRATCH_PATH_BYTES + 16];
	char *socket_before; /* UPAGER_SOCKET is its socket meanwhile */
};

/* Root only.  0; or -errno and one clause in cause: then nothing is left of it. */
int service_start(struct service *s, uint64_t area_bytes, char cause[SERVICE_CAUSE_BYTES]);
void service_end(struct service *s);

#endif
