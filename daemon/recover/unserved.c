// SPDX-License-Identifier: GPL-2.0-only
#include "recover/unserved.h"

#include <errno.h>
#include <unistd.h>

#include "kernel/uffd.h"

void unserved_add(struct unserved *o, int uffd)
{
	pthread_mutex_lock(&o->lock);
	if (o->nr < UNSERVED_MAX)
		o->uffd[o->nr++] = uffd;
	else
		o->nr_more++;
	pthread_mutex_unlock(&o->lock);
}

uint32_t unserved_look_after(struct unserved *o)
{
	uint32_t left;

	pthread_mutex_lock(&o->lock);
	for (uint32_t i = o->nr; i-- > 0;) {
		if (uffd_alive(o->uffd[i]) != -ESRCH)
			continue;
		close(o->uffd[i]);
		o->uffd[i] = o->uffd[--o->nr];
	}
	left = o->nr + o->nr_more;
	pthread_mutex_unlock(&o->lock);
	return left;
}
