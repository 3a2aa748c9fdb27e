// SPDX-License-Identifier: GPL-2.0-only
#include "recover/stray.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "recover/statefile.h"

#define STRAY_MAX_NS   (600 * NS_PER_S)
#define STRAY_PAUSE_NS (200 * (long)NS_PER_MS)
#define STRAYS	       (WRITE_RECORDS - WRITES_MAX)

static struct {
	struct pager *pg;
	struct write_record *record; /* the strays' */
	uint64_t landed[STRAYS]; /* a bit per page */
	uint64_t begin_ns;
} strays;

static void forget(struct write_record *rec)
{
	__atomic_store_n(&rec->nr_pages, 0, __ATOMIC_RELEASE);
}

/* Out of the way of the writes of this daemon. In both places for a moment is no harm. */
static void set_aside(struct write_record *own, struct write_record *stray)
{
	stray->slot = own->slot;
	__atomic_store_n(&stray->nr_pages, own->nr_pages, __ATOMIC_RELEASE);
	forget(own);
}

static int hold_slots(struct pager *pg, const struct write_record *rec)
{
	for (uint64_t i = 0; i < rec->nr_pages; i++) {
		slot_t slot = { rec->slot + i };

		if (!slot_exists(pg->slots, slot))
			return -EBADMSG;
		slot_get(pg->slots, slot);
	}
	return 0;
}

int stray_restore(struct pager *pg)
{
	struct write_record *own;
	uint32_t free = 0;
	void *map;
	int err;

	err = statefile_map_old(pg->state_dir_fd, "writes", WRITE_RECORDS * sizeof(*own), &map);
	if (err)
		return err;
	own = map;
	strays.pg = pg;
	strays.record = own + WRITES_MAX;
	for (uint32_t i = 0; i < WRITES_MAX; i++) {
		if (!own[i].nr_pages)
			continue;
		while (free < STRAYS && strays.record[free].nr_pages)
			free++;
		if (free == STRAYS)
			return -ENOSPC;
		set_aside(&own[i], &strays.record[free]);
	}
	for (uint32_t i = 0; i < STRAYS && !err; i++)
		err = strays.record[i].nr_pages > 64 ? -EBADMSG : hold_slots(pg, &strays.record[i]);
	return err;
}

static bool has_landed(const struct pager *pg, slot_t slot, void *page)
{
	uint64_t offset;
	uint32_t area;

	slot_place(pg->slots, slot, &area, &offset);
	return pread(pg->area[area].fd, page, PAGE_SIZE, (off_t)offset) == (ssize_t)PAGE_SIZE &&
	       slot_hash(pg->slots, slot, page) == slot_checksum(pg->slots, slot);
}

/* True when it was let go of. */
static bool look_at(uint32_t i, void *page, bool late)
{
	struct write_record *rec = &strays.record[i];
	struct pager *pg = strays.pg;
	bool all = true;

	for (uint64_t k = 0; k < rec->nr_pages; k++) {
		if (!(strays.landed[i] >> k & 1) && has_landed(pg, (slot_t){ rec->slot + k }, page))
			strays.landed[i] |= 1ULL << k;
		all &= strays.landed[i] >> k & 1;
	}
	if (!all && !late)
		return false;
	for (uint64_t k = 0; k < rec->nr_pages; k++)
		slot_put(pg->slots, (slot_t){ rec->slot + k });
	forget(rec);
	return true;
}

/* May wait for the device: a thread of its own. */
static void *watch(void *page)
{
	const struct timespec pause = { .tv_nsec = STRAY_PAUSE_NS };
	bool left;

	do {
		bool late = clock_ns() - strays.begin_ns > STRAY_MAX_NS;

		left = false;
		for (uint32_t i = 0; i < STRAYS; i++)
			if (strays.record[i].nr_pages)
				left |= !look_at(i, page, late);
		if (left)
			nanosleep(&pause, NULL);
	} while (left);
	free(page);
	log_debug("no write of the dead daemon is under way any more");
	return NULL;
}

int stray_start(struct pager *pg)
{
	pthread_t thread;
	void *page;
	int err;

	(void)pg;
	if (!strays.record)
		return 0;
	page = aligned_alloc(PAGE_SIZE, PAGE_SIZE);
	if (!page)
		return -ENOMEM;
	strays.begin_ns = clock_ns();
	err = -pthread_create(&thread, NULL, watch, page);
	if (err)
		free(page);
	else
		pthread_detach(thread);
	return err;
}
