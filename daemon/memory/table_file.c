// SPDX-License-Identifier: GPL-2.0-only
#include "memory/table_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/failpoint.h"
#include "recover/statefile.h"

#define TABLES_IDLE  (2 * TABLES_RESERVE) /* what is free beyond them is given back */
#define TABLES_CHUNK 64u
/* Given back in a tick. */
#define TRIM_MAX     512u

static void *map_ids(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static void push_free(struct tables *t, const uint32_t *ids, uint32_t nr)
{
	pthread_mutex_lock(&t->lock);
	for (uint32_t i = 0; i < nr; i++)
		t->free[t->nr_free + i] = ids[i];
	t->nr_free += nr;
	pthread_mutex_unlock(&t->lock);
}

/* The last is the first to be used again. */
static void push_bare(struct tables *t, const uint32_t *ids, uint32_t nr)
{
	pthread_mutex_lock(&t->lock);
	while (nr)
		t->bare[t->nr_bare++] = ids[--nr];
	pthread_mutex_unlock(&t->lock);
}

static uint32_t pop_bare(struct tables *t, uint32_t *ids, uint32_t want)
{
	uint32_t nr = 0;

	pthread_mutex_lock(&t->lock);
	while (nr < want && t->nr_bare)
		ids[nr++] = t->bare[--t->nr_bare];
	while (nr < want && t->next < TABLES_MAX)
		ids[nr++] = t->next++;
	pthread_mutex_unlock(&t->lock);
	return nr;
}

/* How many of the ids are in a row. */
static uint32_t row_of(const uint32_t *ids, uint32_t nr)
{
	uint32_t n = 1;

	while (n < nr && ids[n] == ids[0] + n)
		n++;
	return n;
}

/* Only so is it certain that there is room: SIGBUS tells who touches what has none. */
static bool populate(struct tables *t, const uint32_t *ids, uint32_t nr)
{
	uint32_t n;

	for (uint32_t i = 0; i < nr; i += n) {
		n = row_of(ids + i, nr - i);
		if (madvise(t->entry[ids[i]], n * PAGE_SIZE, MADV_POPULATE_WRITE))
			return false;
	}
	return true;
}

bool tables_grow(struct tables *t, uint32_t want)
{
	uint32_t ids[TABLES_CHUNK];

	/* All or none, as far as can be told. */
	if (t->nr_free < want && (want > TABLES_MAX || t->nr_used + want > TABLES_MAX ||
				  !statefile_has_space(t->dir_fd, (want - t->nr_free) * PAGE_SIZE)))
		return false;
	if (t->nr_free < want && failpoint(FP_TABLES_GROW))
		return false;
	while (t->nr_free < want) {
		uint32_t nr = pop_bare(t, ids, min_t(uint32_t, want - t->nr_free, TABLES_CHUNK));

		if (!nr)
			return false;
		if (!populate(t, ids, nr)) {
			push_bare(t, ids, nr);
			return false;
		}
		push_free(t, ids, nr);
	}
	return true;
}

int tables_map(struct tables **tables, struct slots *slots, int state_dir_fd, bool old)
{
	struct tables *t = calloc(1, sizeof(*t));
	void *file;
	int err;

	if (!t)
		return -ENOMEM;
	err = statefile_map(state_dir_fd, "tables", (size_t)TABLES_MAX * PAGE_SIZE, false, old,
			    &file);
	t->fd = err ? -1 : openat(state_dir_fd, "tables", O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (!err && t->fd < 0)
		err = -errno;
	if (err) {
		free(t);
		return err;
	}
	t->entry = file;
	t->slots = slots;
	t->refs = map_ids(TABLES_MAX * sizeof(*t->refs));
	t->used = map_ids(TABLES_MAX * sizeof(*t->used));
	t->free = map_ids(TABLES_MAX * sizeof(*t->free));
	t->bare = map_ids(TABLES_MAX * sizeof(*t->bare));
	if (!t->refs || !t->used || !t->free || !t->bare) {
		free(t); /* at start only: what is mapped goes with the process */
		return -ENOMEM;
	}
	pthread_mutex_init(&t->lock, NULL);
	t->dir_fd = state_dir_fd;
	t->next = 1;
	*tables = t;
	return 0;
}

int tables_init(struct tables **tables, struct slots *slots, int state_dir_fd)
{
	int err = tables_map(tables, slots, state_dir_fd, false);

	if (err)
		return err;
	return tables_grow(*tables, TABLES_RESERVE) ? 0 : -ENOSPC;
}

static int compare_ids(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static uint32_t pop_surplus(struct tables *t, uint32_t *ids)
{
	uint32_t nr = 0;

	pthread_mutex_lock(&t->lock);
	if (t->nr_free > TABLES_IDLE + t->claimed)
		nr = min_t(uint32_t, t->nr_free - t->claimed - TABLES_RESERVE, TRIM_MAX);
	t->nr_free -= nr;
	memcpy(ids, t->free + t->nr_free, nr * sizeof(*ids));
	pthread_mutex_unlock(&t->lock);
	return nr;
}

static bool trim(struct tables *t)
{
	uint32_t ids[TRIM_MAX], nr, n;

	if (t->keeps_holes)
		return false;
	nr = pop_surplus(t, ids);
	qsort(ids, nr, sizeof(*ids), compare_ids);
	for (uint32_t i = 0; i < nr; i += n) {
		n = row_of(ids + i, nr - i);
		if (!fallocate(t->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			       (off_t)(ids[i] * PAGE_SIZE), (off_t)(n * PAGE_SIZE)))
			continue;
		t->keeps_holes = true;
		push_free(t, ids + i, nr - i);
		nr = i;
		break;
	}
	push_bare(t, ids, nr);
	return nr;
}

bool tables_refill(struct tables *t)
{
	if ((t->full || t->nr_free + TABLES_CHUNK <= TABLES_RESERVE) &&
	    tables_grow(t, TABLES_RESERVE))
		t->full = false;
	return trim(t);
}

static bool note_room(struct tables *t, bool room)
{
	if (t->full == room)
		t->full = !room;
	return room;
}

bool tables_room(struct tables *t, uint32_t n)
{
	uint32_t want = 2 * TABLES_KEPT + n;

	return note_room(t,
			 t->nr_free >= want || (!t->full && tables_grow(t, want + TABLES_CHUNK)));
}

bool tables_last_room(struct tables *t, uint32_t n)
{
	return tables_room(t, n) || t->nr_free >= TABLES_KEPT + n;
}

bool tables_claim(struct tables *t, uint64_t n)
{
	bool room;

	if (n >= TABLES_MAX)
		return note_room(t, false);
	pthread_mutex_lock(&t->lock);
	t->claimed = (uint32_t)n;
	room = t->nr_free >= n;
	pthread_mutex_unlock(&t->lock);
	/* Not given back from now on, it grows in vain only where there is no room. */
	return room || note_room(t, tables_grow(t, (uint32_t)n));
}

bool tables_could(const struct tables *t, uint64_t n)
{
	uint64_t have = t->nr_free;

	n += 2 * TABLES_KEPT;
	return have >= n || (t->nr_used + n < TABLES_MAX &&
			     statefile_has_space(t->dir_fd, (n - have) * PAGE_SIZE));
}

bool tables_short(const struct tables *t)
{
	return t->full;
}

uint64_t tables_used(const struct tables *t)
{
	return t->nr_used;
}

table_id_t table_new(struct tables *t)
{
	table_id_t id = { 0 };

	if (!t->nr_free && !tables_grow(t, TABLES_CHUNK) && !t->nr_free)
		return id;
	pthread_mutex_lock(&t->lock);
	id.v = t->free[--t->nr_free];
	pthread_mutex_unlock(&t->lock);
	t->nr_used++;
	memset(t->entry[id.v], 0, PAGE_SIZE);
	t->refs[id.v] = 1;
	t->used[id.v] = 0;
	return id;
}

void table_free(struct tables *t, uint32_t id)
{
	t->nr_used--;
	push_free(t, &id, 1);
}
