// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/max_map_count.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define DEFAULT 65530u

uint32_t max_map_count(void)
{
	int fd = open("/proc/sys/vm/max_map_count", O_RDONLY | O_CLOEXEC);
	char text[16] = "";
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	unsigned long count = n > 0 ? strtoul(text, NULL, 10) : 0;

	if (fd >= 0)
		close(fd);
	return count && count <= UINT32_MAX ? (uint32_t)count : DEFAULT;
}
