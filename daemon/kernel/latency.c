// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/latency.h"

#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

void latency_hold(struct latency *lt, bool hold)
{
	int32_t zero_us = 0;

	if (hold == (lt->fd >= 0))
		return;
	if (!hold) {
		close(lt->fd);
		lt->fd = -1;
		return;
	}
	lt->fd = open("/dev/cpu_dma_latency", O_WRONLY | O_CLOEXEC);
	if (lt->fd >= 0 && write(lt->fd, &zero_us, sizeof(zero_us)) < 0) {
		close(lt->fd); /* as slow as without */
		lt->fd = -1;
	}
}
