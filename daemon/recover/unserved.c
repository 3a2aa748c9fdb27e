// SPDX-License-Identifier: GPL-2.0-only
#include "recover/unserved.h"

#include <errno.h>
#include <stddef.h>
#include <unistd.h>

#include "kernel/uffd.h"
#include "recover/statefile.h"

int unserved_map(struct unserved *o, int state_dir_fd, bool old)
{
	void *map;
	int err = statefile_map(state_dir_fd, "unserved", sizeof(*o->list), false, old, &map);

	if (!err)
		err = statefile_populate(map, offsetof(struct unserved_list, uffd));
	if (err)
		return err;
	o->list = map;
	return o->list->nr > UNSERVED_MAX ? -EBADMSG : 0;
}

static void set(struct unserved *o, uint32_t i, int32_t uffd)
{
	__atomic_store_n(&o->list->uffd[i], uffd, __ATOMIC_RELEASE);
}

/* Room for one more, where there is none free. */
static bool grow(struct unserved *o)
{
	uint32_t nr = o->list->nr;

	return nr < UNSERVED_MAX &&
	       !statefile_populate(&o->list->uffd[nr], sizeof(o->list->uffd[0]));
}

void unserved_add(struct unserved *o, int uffd)
{
	uint32_t nr, i = 0;

	pthread_mutex_lock(&o->lock);
	nr = o->list->nr;
	/* One that is there is of an event that is applied again. */
	while (i < nr && o->list->uffd[i] >= 0 && o->list->uffd[i] != uffd)
		i++;
	if (i < nr) {
		set(o, i, uffd);
	} else if (grow(o)) {
		set(o, nr, uffd);
		o->list->nr = nr + 1;
	} else {
		o->nr_more++;
	}
	pthread_mutex_unlock(&o->lock);
}

/* No lock: a keeper has what was its state when that was started. */
bool unserved_has(const struct unserved *o, int uffd)
{
	for (uint32_t i = 0; i < o->list->nr; i++)
		if (__atomic_load_n(&o->list->uffd[i], __ATOMIC_ACQUIRE) == uffd)
			return true;
	return false;
}

uint32_t unserved_look_after(struct unserved *o)
{
	uint32_t left;

	pthread_mutex_lock(&o->lock);
	left = o->nr_more;
	for (uint32_t i = 0; i < o->list->nr; i++) {
		int32_t uffd = o->list->uffd[i];

		if (uffd < 0)
			continue;
		if (uffd_alive(uffd) != -ESRCH) {
			left++;
			continue;
		}
		set(o, i, -1);
		close(uffd);
	}
	while (o->list->nr && o->list->uffd[o->list->nr - 1] < 0)
		o->list->nr--;
	pthread_mutex_unlock(&o->lock);
	return left;
}

bool unserved_at(struct unserved *o, uint32_t i, int *uffd)
{
	bool any;

	pthread_mutex_lock(&o->lock);
	any = i < o->list->nr;
	*uffd = any ? o->list->uffd[i] : -1;
	pthread_mutex_unlock(&o->lock);
	return any;
}

void unserved_wake(struct unserved *o)
{
	for (uint32_t i = 0; i < o->list->nr; i++)
		if (o->list->uffd[i] >= 0)
			uffd_wake_all(o->list->uffd[i]);
}
