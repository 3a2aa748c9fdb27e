// SPDX-License-Identifier: GPL-2.0-only
#include "domain/apart.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static int parse_areas(struct apart *apart, const char *text, size_t len)
{
	const char *end = text + len;
	char *next;

	while (text < end) {
		if (apart->nr_areas == AREAS_MAX)
			return -EINVAL;
		apart->area_fd[apart->nr_areas++] = (int)strtol(text, &next, 10);
		if (next == text || (next < end && *next != ','))
			return -EINVAL;
		text = next + 1;
	}
	return 0;
}

int apart_parse(struct apart *apart, const char *text)
{
	const char *areas, *front;
	int at = 0;

	if (sscanf(text, "%u:%d:%d:%n", &apart->uid, &apart->first, &apart->listen_fd, &at) != 3 ||
	    !at || !apart->uid)
		return -EINVAL;
	areas = text + at;
	front = strchr(areas, ':');
	if (!front || strlen(front + 1) >= sizeof(apart->front))
		return -EINVAL;
	memcpy(apart->front, front + 1, strlen(front + 1) + 1);
	apart->on = true;
	return parse_areas(apart, areas, (size_t)(front - areas));
}

void apart_format(const struct apart *apart, char *text, size_t size)
{
	int len = snprintf(text, size, "%u:%d:%d:", apart->uid, apart->first, apart->listen_fd);

	for (uint32_t i = 0; i < apart->nr_areas; i++)
		len += snprintf(text + len, size - (size_t)len, "%s%d", i ? "," : "",
				apart->area_fd[i]);
	snprintf(text + len, size - (size_t)len, ":%s", apart->front);
}

int apart_follow(const struct apart *apart)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0))
		return -errno;
	return getppid() == apart->first ? 0 : -ESRCH;
}
