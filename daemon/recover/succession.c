// SPDX-License-Identifier: GPL-2.0-only
#include "recover/succession.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "recover/estate.h"
#include "recover/keeper_name.h"
#include "recover/statefile.h"

#define HEADER "header"

/* Until one that ends is gone. */
#define WAIT_NS	       NS_PER_S
/* Until a dead daemon's last thread is gone, which a device may hold, and agents are silent. */
#define ORPHAN_WAIT_NS (30 * NS_PER_S)
#define PAUSE_NS       (5 * (long)NS_PER_MS)
#define END_MS	       5000

/* 0: lock and daemon.lock are ours; 1: daemon.lock alone; -EBUSY: somebody has it. */
static int lock_once(struct succession *su, struct pager *pg)
{
	int fd = statefile_lock(pg->state_dir_fd, DAEMON_LOCK);

	if (fd < 0)
		return fd;
	su->lock_fd = statefile_lock(pg->state_dir_fd, STATE_LOCK);
	if (su->lock_fd < 0 && su->lock_fd != -EBUSY) {
		close(fd);
		return su->lock_fd;
	}
	pg->daemon_lock_fd = fd;
	if (su->lock_fd >= 0)
		return 0;
	su->keeper_pidfd = keeper_named_open(pg->state_dir_fd);
	if (su->keeper_pidfd >= 0)
		return 1;
	close(fd); /* it is going just now, or its successor is coming */
	return -EBUSY;
}

static int lock_patiently(struct succession *su, struct pager *pg)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };
	uint64_t begin_ns = clock_ns();
	int got;

	do {
		got = lock_once(su, pg);
		if (got != -EBUSY)
			return got;
		nanosleep(&pause, NULL);
	} while (clock_ns() - begin_ns < WAIT_NS || (clock_ns() - begin_ns < ORPHAN_WAIT_NS &&
						     keeper_named_is_orphan(pg->state_dir_fd)));
	return got;
}

static int refuse(const char *path, const char *why)
{
	log_err("cannot take over the programs that wait in %s: %s; they go on waiting", path, why);
	return -EPROTO;
}

static int open_header(struct pager *pg, const char *path)
{
	const struct state_header *h;
	void *map;
	int err;

	err = statefile_map_old(pg->state_dir_fd, HEADER, sizeof(*h), &map);
	h = map;
	if (err || h->magic != STATE_MAGIC || h->version != STATE_VERSION ||
	    h->nr_spaces != SPACES_MAX || h->nr_ids > SPACES_MAX || h->nr_events != EVENTS_BATCH ||
	    !h->nr_areas || h->nr_areas > AREAS_MAX)
		return refuse(path, "their state is of another version of upagerd: start that");
	pg->state.header = map;
	return 0;
}

/* What this daemon has opened until now gives way to the keeper's numbers. */
static int move_away(int *fd, const struct estate *estate)
{
	int moved = *fd;

	while (estate_has(estate, moved)) {
		int next = fcntl(*fd, F_DUPFD_CLOEXEC, moved + 1);

		if (next < 0)
			return -errno;
		if (moved != *fd)
			close(moved);
		moved = next;
	}
	if (moved != *fd)
		close(*fd);
	*fd = moved;
	return 0;
}

static int take_one(int keeper_pidfd, int fd)
{
	int got = (int)syscall(SYS_pidfd_getfd, keeper_pidfd, fd, 0);
	int err = 0;

	if (got < 0)
		return -errno;
	if (got == fd)
		return 0;
	if (dup3(got, fd, O_CLOEXEC) < 0)
		err = -errno;
	close(got);
	return err;
}

static bool is_lock(const struct pager *pg, int fd)
{
	struct stat a, b;

	return !fstat(fd, &a) && !fstatat(pg->state_dir_fd, STATE_LOCK, &b, AT_SYMLINK_NOFOLLOW) &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static int take_all(struct succession *su, struct pager *pg, const struct estate *estate)
{
	int err = move_away(&pg->state_dir_fd, estate);

	if (!err)
		err = move_away(&pg->daemon_lock_fd, estate);
	if (!err)
		err = move_away(&su->keeper_pidfd, estate);
	for (uint32_t i = 0; i < estate->nr && !err; i++)
		err = take_one(su->keeper_pidfd, estate->fd[i]);
	if (err)
		return err;
	su->lock_fd = pg->state.header->lock_fd;
	return is_lock(pg, su->lock_fd) ? 0 : -EBADF;
}

static int take_over(struct succession *su, struct pager *pg, const char *path)
{
	struct estate estate = { 0 };
	int err;

	pg->state.inherited = true;
	err = open_header(pg, path);
	if (err)
		return err;
	err = pager_map_state(pg);
	if (!err)
		err = estate_list(&estate, pg);
	if (!err)
		err = take_all(su, pg, &estate);
	free(estate.fd);
	return err ? refuse(path, strerror(-err)) : 0;
}

int succession_begin(struct succession *su, struct pager *pg, const char *path)
{
	int got, fd = statefile_open_dir(path);

	*su = (struct succession){ .keeper_pidfd = -1, .lock_fd = -1 };
	if (fd < 0) {
		log_err("cannot use state directory %s: %s; name another with --state", path,
			strerror(-fd));
		return fd;
	}
	pg->state_dir_fd = fd;
	got = lock_patiently(su, pg);
	if (got == 1)
		return take_over(su, pg, path);
	if (got == -EBUSY)
		log_err("state directory %s is in use by another upagerd: stop that, or name "
			"another with --state",
			path);
	else if (got)
		log_err("cannot lock state directory %s: %s; name another with --state", path,
			strerror(-got));
	return got;
}

static int found(const struct succession *su, struct pager *pg)
{
	struct state_header *h;
	void *map;
	int err;

	err = statefile_map_new(pg->state_dir_fd, HEADER, sizeof(*h), true, &map);
	if (err)
		return err;
	h = pg->state.header = map;
	h->version = STATE_VERSION;
	h->nr_spaces = SPACES_MAX;
	h->nr_events = EVENTS_BATCH;
	h->lock_fd = su->lock_fd;
	h->listen_fd = -1;
	return 0;
}

void succession_record_area(struct pager *pg, uint32_t i, enum state_area kind)
{
	const struct area *area = &pg->area[i];
	struct state_header *h = pg->state.header;

	if (kind == STATE_AREA_GONE) {
		h->area[i].kind = kind;
		return;
	}
	memcpy(h->area[i].uuid, area->sb.uuid, sizeof(h->area[i].uuid));
	memcpy(h->area[i].path, area->path, sizeof(h->area[i].path));
	h->area[i].span = area->span;
	h->area[i].priority = area->priority;
	h->area[i].fd = area->fd;
	h->area[i].kind = kind;
	if (i >= h->nr_areas)
		__atomic_store_n(&h->nr_areas, i + 1, __ATOMIC_RELEASE);
}

int succession_record(const struct succession *su, struct pager *pg)
{
	struct state_header *h;
	int err = pg->state.inherited ? 0 : found(su, pg);

	if (err)
		return err;
	h = pg->state.header;
	for (uint32_t i = h->nr_areas; i < pg->nr_areas; i++)
		succession_record_area(pg, i, STATE_AREA_GIVEN);
	h->magic = STATE_MAGIC;
	return 0;
}

int succession_listen_fd(const struct pager *pg)
{
	return pg->state.header->listen_fd;
}

void succession_record_listen_fd(struct pager *pg, int fd)
{
	pg->state.header->listen_fd = fd;
}

void succession_end(struct succession *su)
{
	struct pollfd pfd = { .fd = su->keeper_pidfd, .events = POLLIN };

	if (su->keeper_pidfd < 0)
		return;
	/* It would go by itself, but must not close anything later than we believe. */
	syscall(SYS_pidfd_send_signal, su->keeper_pidfd, SIGKILL, NULL, 0);
	poll(&pfd, 1, END_MS);
	close(su->keeper_pidfd);
	su->keeper_pidfd = -1;
}
