// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>

#include "memory/page_entry_format.h"
#include "memory/table_private.h"

void table_put(struct tables *t, uint32_t id, int level)
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
	table_free(t, id);
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
		id = (uint32_t)table_load(&t->entry[id][table_index(pg, level)]);
		if (!id)
			return 0;
	}
	return table_load(&t->entry[id][table_index(pg, 0)]);
}

void table_prune(struct tables *t, const uint32_t path[TABLE_LEVELS], pgno_t pg, int level)
{
	for (; level < TABLE_LEVELS - 1 && !t->used[path[level]]; level++) {
		uint32_t parent = path[level + 1];

		table_store(&t->entry[parent][table_index(pg, level + 1)], 0);
		t->used[parent]--;
		table_put(t, path[level], level);
	}
}

int table_own(struct tables *t, table_id_t root, pgno_t pg, int to_level, bool make,
	      uint32_t path[TABLE_LEVELS])
{
	uint32_t id = root.v;

	path[TABLE_LEVELS - 1] = id;
	for (int level = TABLE_LEVELS - 1; level > to_level; level--) {
		uint64_t *link = &t->entry[id][table_index(pg, level)];
		uint32_t child = (uint32_t)table_load(link);
		table_id_t fresh;

		if (!child && !make)
			return 0;
		if (!child || t->refs[child] != 1) {
			fresh = child ? table_copy(t, child, level - 1) : table_new(t);
			if (!fresh.v)
				return -ENOMEM;
			table_store(link, fresh.v);
			if (child)
				t->refs[child]--; /* another tree still holds it */
			else
				t->used[id]++;
			child = fresh.v;
		}
		id = child;
		path[level - 1] = id;
	}
	return 1;
}

int table_set(struct tables *t, table_id_t root, pgno_t pg, uint64_t entry)
{
	uint32_t path[TABLE_LEVELS];
	int found = table_own(t, root, pg, 0, entry, path);
	uint64_t *e;

	if (found <= 0)
		return found; /* nothing there to clear */
	e = &t->entry[path[0]][table_index(pg, 0)];
	t->used[path[0]] = (uint16_t)(t->used[path[0]] + !!entry - !!*e);
	table_store(e, entry);
	table_prune(t, path, pg, 0);
	return 0;
}

bool table_owned(const struct tables *t, table_id_t root, pgno_t pg)
{
	uint32_t id = root.v;

	for (int level = TABLE_LEVELS - 1; level; level--) {
		id = (uint32_t)table_load(&t->entry[id][table_index(pg, level)]);
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
		id = (uint32_t)table_load(&t->entry[id][table_index(pg, level)]);
		if (!id)
			return;
	}
	e = &t->entry[id][table_index(pg, 0)];
	if (*e)
		table_store(e, (*e & ~clear) | set);
}

/* Leaf at or after *pg below table id; *pg moves to the first page not covered. */
static const uint64_t *next_leaf(struct tables *t, uint32_t id, int level, pgno_t *pg, pgno_t end,
				 pgno_t *base)
{
	uint64_t span = 1ULL << (TABLE_BITS * level);

	for (unsigned int i = table_index(*pg, level); i < TABLE_ENTRIES && pg->v < end.v; i++) {
		uint32_t child = (uint32_t)table_load(&t->entry[id][i]);
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
