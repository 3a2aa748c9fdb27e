// SPDX-License-Identifier: GPL-2.0-only
#include "recover/unserved.h"

#include <errno.h>
#include <unistd.h>

#include "kernel/uffd.h"
#include "recover/statefile.h"

int unserved_map(struct unserved *o, int state_dir_fd, bool old)
{
	void *map;
	int err = statefile_map(state_dir_fd, "unserved", UNSERVED_MAX * sizeof(*o->uffd), true,
				old, &map);

	if (err)
		return err;
	o->uffd = map;
	for (uint32_t i = 0; i < UNSERVED_MAX && !old; i++)
		o->uffd[i] = -1;
	return 0;
}

static void set(struct unserved *o, uint32_t i, int32_t uffd)
{
	__atomic_store_n(&o->uffd[i], uffd, __ATOMIC_RELEASE);
}

void unserved_add(struct unserved *o, int uffd)
{
	uint32_t i = 0;

	pthread_mutex_lock(&o->lock);
	/* One that is there is of an event that is applied again. */
	while (i < UNSERVED_MAX && o->uffd[i] >= 0 && o->uffd[i] != uffd)
		i++;
	if (i < UNSERVED_MAX)
		set(o, i, uffd);
	else
		o->nr_more++;
	pthread_mutex_unlock(&o->lock);
}

uint32_t unserved_look_after(struct unserved *o)
{
	uint32_t left;

	pthread_mutex_lock(&o->lock);
	left = o->nr_more;
	for (uint32_t i = 0; i < UNSERVED_MAX; i++) {
		int32_t uffd = o->uffd[i];

		if (uffd < 0)
			continue;
		if (uffd_alive(uffd) != -ESRCH) {
			left++;
			continue;
		}
		set(o, i, -1);
		close(uffd);
	}
	pthread_mutex_unlock(&o->lock);
	return left;
}
