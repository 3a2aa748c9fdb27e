// SPDX-License-Identifier: GPL-2.0-only
#include "memory/table_internal.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statvfs.h>

#include "memory/page_entry.h"
#include "recover/statefile.h"

#define TABLES_CHUNK 64u
/* Others use the file system, too: it stays free for them, or an eighth of it. */
#define LEAVE_BYTES  (64ULL << 20)
#define LEAVE_PART   8

static unsigned int level_index(pgno_t pg, int level)
{
	return (unsigned int)(pg.v >> (TABLE_BITS * level)) & (TABLE_ENTRIES - 1);
}

static uint64_t load(const uint64_t *entry)
{
	return __atomic_load_n(entry, __ATOMIC_ACQUIRE);
}

static void store(uint64_t *entry, uint64_t value)
{
	__atomic_store_n(entry, value, __ATOMIC_RELEASE);
}

static void *map_counts(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static bool has_space(const struct tables *t, uint64_t nr_tables)
{
	struct statvfs fs;
	uint64_t leave;

	if (fstatvfs(t->dir_fd, &fs) || !fs.f_blocks)
		return true;
	leave = min_t(uint64_t, fs.f_blocks * fs.f_frsize / LEAVE_PART, LEAVE_BYTES);
	return fs.f_bavail * fs.f_frsize >= leave + nr_tables * PAGE_SIZE;
}

/* Only so is it certain that there is room: SIGBUS tells who touches what has none. */
bool tables_populate(struct tables *t, uint32_t end)
{
	uint32_t from = t->populated;

	if (end > TABLES_MAX)
		return false;
	if (end <= from)
		return true;
	if (!has_space(t, end - from) ||
	    madvise(t->entry[from], (size_t)(end - from) * PAGE_SIZE, MADV_POPULATE_WRITE))
		return false;
	while (from < end && !atomic_compare_exchange_weak(&t->populated, &from, end))
		;
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
	if (err) {
		free(t);
		return err;
	}
	t->entry = file;
	t->slots = slots;
	t->refs = map_counts(TABLES_MAX * sizeof(*t->refs));
	t->used = map_counts(TABLES_MAX * sizeof(*t->used));
	t->free = map_counts(TABLES_MAX * sizeof(*t->free));
	if (!t->refs || !t->used || !t->free) {
		free(t); /* at start only: what is mapped goes with the process */
		return -ENOMEM;
	}
	t->dir_fd = state_dir_fd;
	t->next = 1;
	t->populated = 1;
	*tables = t;
	return 0;
}

int tables_init(struct tables **tables, struct slots *slots, int state_dir_fd)
{
	int err = tables_map(tables, slots, state_dir_fd, false);

	if (err)
		return err;
	return tables_populate(*tables, 1 + TABLES_RESERVE) ? 0 : -ENOSPC;
}

void tables_refill(struct tables *t)
{
	uint32_t want = __atomic_load_n(&t->next, __ATOMIC_RELAXED) + TABLES_RESERVE;

	if ((t->full || want >= t->populated + TABLES_CHUNK) && tables_populate(t, want))
		t->full = false;
}

static uint32_t nr_available(const struct tables *t)
{
	return t->nr_free + t->populated - t->next;
}

bool tables_room(struct tables *t, uint32_t n)
{
	uint32_t want = 2 * TABLES_KEPT + n;
	bool room = nr_available(t) >= want ||
		    (!t->full && tables_populate(t, t->next + want + TABLES_CHUNK));

	if (t->full == room)
		t->full = !room;
	return room;
}

bool tables_last_room(struct tables *t, uint32_t n)
{
	return tables_room(t, n) || nr_available(t) >= TABLES_KEPT + n;
}

bool tables_could(const struct tables *t, uint64_t n)
{
	uint64_t have = nr_available(t);

	n += 2 * TABLES_KEPT;
	return have >= n || (t->next + n <= TABLES_MAX && has_space(t, n - have));
}

bool tables_short(const struct tables *t)
{
	return t->full;
}

uint64_t tables_used(const struct tables *t)
{
	return t->next - 1 - t->nr_free;
}

static table_id_t table_new(struct tables *t)
{
	table_id_t id = { 0 };

	if (t->nr_free)
		id.v = t->free[--t->nr_free];
	else if (t->next < t->populated || tables_populate(t, t->next + TABLES_CHUNK))
		id.v = __atomic_fetch_add(&t->next, 1, __ATOMIC_RELAXED);
	else
		return id;
	memset(t->entry[id.v], 0, PAGE_SIZE);
	t->refs[id.v] = 1;
	t->used[id.v] = 0;
	return id;
}

static void table_put(struct tables *t, uint32_t id, int level)
{
	if (--t->refs[id])
		return;
	for (unsigned int i = 0; t->used[id] && i < TABLE_ENTRIES; i++) {
		uint64_t e = t->entry[id][i];

		if (!e)
			continue;
		t->used[id]--;
		if (level)
			table_put(t, (uint32_t)e, level - 1);
		else if (slot_valid(page_entry_slot(e)))
			slot_put(t->slots, page_entry_slot(e));
	}
	t->free[t->nr_free++] = id;
}

/* A table of the same contents for one tree alone; the children gain a user each. */
static table_id_t table_copy(struct tables *t, uint32_t from, int level)
{
	table_id_t id = table_new(t);

	if (!id.v)
		return id;
	memcpy(t->entry[id.v], t->entry[from], PAGE_SIZE);
	t->used[id.v] = t->used[from];
	for (unsigned int i = 0; i < TABLE_ENTRIES; i++) {
		uint64_t e = t->entry[id.v][i];

		if (!e)
			continue;
		if (level)
			t->refs[(uint32_t)e]++;
		else if (slot_valid(page_entry_slot(e)))
			slot_get(t->slots, page_entry_slot(e));
	}
	return id;
}

/* Below a table; those above leaves know how many they have. */
static uint64_t count_below(const struct tables *t, uint32_t id, int level)
{
	uint64_t n = t->used[id];

	for (unsigned int i = 0; level > 1 && i < TABLE_ENTRIES; i++)
		if (t->entry[id][i])
			n += count_below(t, (uint32_t)t->entry[id][i], level - 1);
	return n;
}

uint64_t table_count(const struct tables *t, table_id_t root)
{
	return 1 + count_below(t, root.v, TABLE_LEVELS - 1);
}

table_id_t table_root_new(struct tables *t)
{
	return table_new(t);
}

table_id_t table_root_share(struct tables *t, table_id_t root)
{
	return table_copy(t, root.v, TABLE_LEVELS - 1);
}

void table_root_put(struct tables *t, table_id_t root)
{
	if (root.v)
		table_put(t, root.v, TABLE_LEVELS - 1);
}

uint64_t table_get(struct tables *t, table_id_t root, pgno_t pg)
{
	uint32_t id = root.v;

	for (int level = TABLE_LEVELS - 1; level; level--) {
		id = (uint32_t)load(&t->entry[id][level_index(pg, level)]);
		if (!id)
			return 0;
	}
	return load(&t->entry[id][level_index(pg, 0)]);
}

/* Gives tables that have become empty free, from the leaf up to below the root. */
static void prune(struct tables *t, const uint32_t path[TABLE_LEVELS], pgno_t pg)
{
	for (int level = 0; level < TABLE_LEVELS - 1 && !t->used[path[level]]; level++) {
		uint32_t parent = path[level + 1];

		store(&t->entry[parent][level_index(pg, level + 1)], 0);
		t->used[parent]--;
		table_put(t, path[level], level);
	}
}

int table_set(struct tables *t, table_id_t root, pgno_t pg, uint64_t entry)
{
	uint32_t id = root.v, path[TABLE_LEVELS];
	uint64_t *e;

	for (int level = TABLE_LEVELS - 1; level; level--) {
		uint64_t *link = &t->entry[id][level_index(pg, level)];
		uint32_t child = (uint32_t)load(link);
		table_id_t fresh;

		path[level] = id;
		if (child && t->refs[child] == 1) {
			id = child;
			continue;
		}
		if (!child && !entry)
			return 0; /* nothing there to clear */
		fresh = child ? table_copy(t, child, level - 1) : table_new(t);
		if (!fresh.v)
			return -ENOMEM;
		store(link, fresh.v);
		if (child)
			t->refs[child]--; /* another tree still holds it */
		else
			t->used[id]++;
		id = fresh.v;
	}
	e = &t->entry[id][level_index(pg, 0)];
	t->used[id] = (uint16_t)(t->used[id] + !!entry - !!*e);
	store(e, entry);
	path[0] = id;
	prune(t, path, pg);
	return 0;
}

bool table_owned(const struct tables *t, table_id_t root, pgno_t pg)
{
	uint32_t id = root.v;

	for (int level = TABLE_LEVELS - 1; level; level--) {
		id = (uint32_t)load(&t->entry[id][level_index(pg, level)]);
		if (!id || t->refs[id] != 1)
			return false;
	}
	return true;
}

void table_hint(struct tables *t, table_id_t root, pgno_t pg, uint64_t clear, uint64_t set)
{
	uint32_t id = root.v;
	uint64_t *e;

	for (int level = TABLE_LEVELS - 1; level; level--) {
		id = (uint32_t)load(&t->entry[id][level_index(pg, level)]);
		if (!id)
			return;
	}
	e = &t->entry[id][level_index(pg, 0)];
	if (*e)
		store(e, (*e & ~clear) | set);
}

/* Leaf at or after *pg below table id; *pg moves to the first page not covered. */
static const uint64_t *next_leaf(struct tables *t, uint32_t id, int level, pgno_t *pg, pgno_t end,
				 pgno_t *base)
{
	uint64_t span = 1ULL << (TABLE_BITS * level);

	for (unsigned int i = level_index(*pg, level); i < TABLE_ENTRIES && pg->v < end.v; i++) {
		uint32_t child = (uint32_t)load(&t->entry[id][i]);
		const uint64_t *leaf;

		if (child && level == 1) {
			if (t->used[child]) {
				base->v = pg->v & ~(span - 1);
				return t->entry[child];
			}
		} else if (child) {
			leaf = next_leaf(t, child, level - 1, pg, end, base);
			if (leaf)
				return leaf;
			continue; /* *pg was advanced to the end of the child */
		}
		pg->v = (pg->v & ~(span - 1)) + span;
	}
	return NULL;
}

const uint64_t *table_next_leaf(struct tables *t, table_id_t root, pgno_t pg, pgno_t end,
				pgno_t *base)
{
	return next_leaf(t, root.v, TABLE_LEVELS - 1, &pg, end, base);
}
