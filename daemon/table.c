// SPDX-License-Identifier: GPL-2.0-only
#include "table.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "page_entry.h"
#include "statefile.h"

#define TABLES_MAX     (1u << 20) /* 4 GiB of sparse file */
#define TABLES_RESERVE 512u /* free tables kept populated */

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

struct tables {
	uint64_t (*entry)[TABLE_ENTRIES]; /* the file */
	struct slots *slots;
	uint32_t *refs; /* per table: tables (or roots) that link it */
	uint16_t *used; /* per table: entries that are not 0 */
	uint32_t *free; /* stack of freed ids; their pages are populated */
	uint32_t nr_free;
	uint32_t next; /* ids from here on were never used */
	_Atomic uint32_t populated; /* ids below are populated */
};

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

int tables_init(struct tables **tables, struct slots *slots, int state_dir_fd)
{
	struct tables *t = calloc(1, sizeof(*t));
	void *file;
	int err;

	if (!t)
		return -ENOMEM;
	err = statefile_map_new(state_dir_fd, "tables", (size_t)TABLES_MAX * PAGE_SIZE, false,
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
	t->next = 1;
	t->populated = 1;
	*tables = t;
	tables_refill(t);
	return 0;
}

void tables_refill(struct tables *t)
{
	uint32_t from = t->populated;
	uint32_t want = __atomic_load_n(&t->next, __ATOMIC_RELAXED) + TABLES_RESERVE;

	if (want > TABLES_MAX)
		want = TABLES_MAX;
	if (want < from + TABLES_RESERVE / 4)
		return;
	if (madvise(t->entry[from], (size_t)(want - from) * PAGE_SIZE, MADV_POPULATE_WRITE))
		return; /* before 5.14, or memory is short: touched one by one then */
	t->populated = want;
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
	else if (t->next < TABLES_MAX)
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
