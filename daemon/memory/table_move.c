// SPDX-License-Identifier: GPL-2.0-only
/* Ranges of entries at once: whole leaves go, or come elsewhere, by one store each. */
#include <errno.h>

#include "base/failpoint.h"
#include "memory/page_entry_format.h"
#include "memory/table_private.h"

/* Pages below a table of a level. */
static uint64_t span_of(int level)
{
	return 1ULL << (TABLE_BITS * (level + 1));
}

/* The largest table that lies in [n, end) and begins at n, which is a leaf's first page. */
static int largest_at(pgno_t n, pgno_t end)
{
	int level = 0;

	while (level < TABLE_LEVELS - 2 && !(n.v & (span_of(level + 1) - 1)) &&
	       end.v - n.v >= span_of(level + 1))
		level++;
	return level;
}

static void tell(struct tables *t, uint32_t id, int level, pgno_t base, table_leaf_fn gone,
		 void *context)
{
	if (!level) {
		gone(context, base, t->entry[id]);
		return;
	}
	for (unsigned int i = 0; i < TABLE_ENTRIES; i++)
		if (t->entry[id][i])
			tell(t, (uint32_t)t->entry[id][i], level - 1,
			     pgno_add(base, i * span_of(level - 1)), gone, context);
}

/* The table of a level that begins at n, or 0; then *next is where to look on. */
static uint32_t find(const struct tables *t, table_id_t root, pgno_t n, int level, pgno_t *next)
{
	uint32_t id = root.v;

	for (int at = TABLE_LEVELS - 1; at > level; at--) {
		id = (uint32_t)table_load(&t->entry[id][table_index(n, at)]);
		if (!id) {
			next->v = (n.v & ~(span_of(at - 1) - 1)) + span_of(at - 1);
			return 0;
		}
	}
	next->v = n.v + span_of(level);
	return id;
}

/* Takes a table out of the tree. */
static void unlink_table(struct tables *t, const uint32_t path[TABLE_LEVELS], pgno_t n, int level)
{
	uint32_t parent = path[level + 1];

	table_store(&t->entry[parent][table_index(n, level + 1)], 0);
	t->used[parent]--;
}

int table_cut(struct tables *t, table_id_t root, pgno_t first, pgno_t end, table_leaf_fn gone,
	      void *context)
{
	pgno_t n = first, next;

	for (; n.v < end.v; n = next) {
		int level = largest_at(n, end);
		uint32_t path[TABLE_LEVELS], id = find(t, root, n, level, &next);

		if (!id)
			continue;
		if (table_own(t, root, n, level + 1, false, path) < 0)
			return -ENOMEM;
		tell(t, id, level, n, gone, context);
		unlink_table(t, path, n, level);
		table_put(t, id, level);
		table_prune(t, path, n, level + 1);
	}
	return 0;
}

struct move {
	struct tables *tables;
	table_id_t root;
	table_entry_fn doubled;
	void *context;
};

static void tell_doubled(const struct move *m, const uint64_t *entries)
{
	for (unsigned int i = 0; i < TABLE_ENTRIES; i++)
		if (entries[i])
			m->doubled(m->context, entries[i]);
}

/* A whole leaf, which stays what it is, shared or not. */
static int move_leaf(const struct move *m, pgno_t from, pgno_t to)
{
	uint32_t source[TABLE_LEVELS], dest[TABLE_LEVELS], old;
	struct tables *t = m->tables;
	table_id_t root = m->root;
	uint64_t *link, leaf;

	if (table_own(t, root, from, 1, false, source) < 0 ||
	    table_own(t, root, to, 1, true, dest) < 0)
		return -ENOMEM;
	leaf = t->entry[source[1]][table_index(from, 1)];
	link = &t->entry[dest[1]][table_index(to, 1)];
	old = (uint32_t)*link;
	/* Never nowhere: a crash in between leaves it in both places. */
	table_store(link, leaf);
	failpoint(FP_PAGE_SHIFTED);
	if (old) {
		tell_doubled(m, t->entry[old]);
		table_put(t, old, 0);
	} else {
		t->used[dest[1]]++;
	}
	unlink_table(t, source, from, 0);
	table_prune(t, source, from, 1);
	return 0;
}

/* Copies entries to where they are to be; those of a shared leaf stay there, too. */
static int copy_entries(const struct move *m, const uint64_t *from, uint32_t nr, pgno_t to,
			bool shared)
{
	uint32_t dest[TABLE_LEVELS] = { 0 };
	struct tables *t = m->tables;

	for (uint32_t i = 0; i < nr; i++) {
		pgno_t n = pgno_add(to, i);
		slot_t slot = page_entry_slot(from[i]);
		uint64_t *e, old;

		if (!table_index(n, 0))
			dest[0] = 0;
		if (!from[i])
			continue;
		if (!dest[0] && table_own(t, m->root, n, 0, true, dest) < 0)
			return -ENOMEM;
		e = &t->entry[dest[0]][table_index(n, 0)];
		old = *e;
		if (shared && slot_valid(slot))
			slot_get(t->slots, slot);
		t->used[dest[0]] = (uint16_t)(t->used[dest[0]] + !old);
		table_store(e, from[i]);
		failpoint(FP_PAGE_SHIFTED);
		if (!old)
			continue;
		m->doubled(m->context, old);
		if (slot_valid(page_entry_slot(old)))
			slot_put(t->slots, page_entry_slot(old));
	}
	return 0;
}

/* What [from, from + nr) has of a leaf, to other places in leaves. */
static int move_part(const struct move *m, pgno_t from, uint32_t nr, pgno_t to)
{
	struct tables *t = m->tables;
	bool whole = nr == TABLE_ENTRIES, shared = false;
	unsigned int first = table_index(from, 0);
	uint32_t source[TABLE_LEVELS];
	uint32_t id;

	/* All of it goes, so that it need not be this tree's alone. */
	if (table_own(t, m->root, from, whole, false, source) < 0)
		return -ENOMEM;
	id = whole ? (uint32_t)t->entry[source[1]][table_index(from, 1)] : source[0];
	shared = whole && t->refs[id] != 1;
	if (copy_entries(m, t->entry[id] + first, nr, to, shared))
		return -ENOMEM;
	if (!whole) {
		for (unsigned int i = first; i < first + nr; i++) {
			t->used[id] = (uint16_t)(t->used[id] - !!t->entry[id][i]);
			table_store(&t->entry[id][i], 0);
		}
		table_prune(t, source, from, 0);
		return 0;
	}
	unlink_table(t, source, from, 0);
	if (shared)
		t->refs[id]--;
	else
		table_free(t, id); /* its slots went with the entries */
	table_prune(t, source, from, 1);
	return 0;
}

/* What of [from, end) lies in the leaf of base, and is not elsewhere. */
static uint32_t part_of_leaf(pgno_t base, pgno_t *from, pgno_t end)
{
	from->v = max_t(uint64_t, from->v, base.v);
	return (uint32_t)(min_t(uint64_t, end.v, base.v + TABLE_ENTRIES) - from->v);
}

int table_move(struct tables *t, table_id_t root, pgno_t from, pgno_t to, uint64_t nr_pages,
	       table_entry_fn doubled, void *context)
{
	const struct move m = { t, root, doubled, context };
	pgno_t n = from, end = pgno_add(from, nr_pages), base;
	uint64_t distance = to.v - from.v;
	bool congruent = !(distance & (TABLE_ENTRIES - 1));
	int err = 0;

	while (!err && table_next_leaf(t, root, n, end, &base)) {
		uint32_t nr = part_of_leaf(base, &n, end);
		pgno_t dest = pgno_add(n, distance);

		if (congruent && nr == TABLE_ENTRIES)
			err = move_leaf(&m, n, dest);
		else
			err = move_part(&m, n, nr, dest);
		n = pgno_add(n, nr);
	}
	return err;
}

/* Tables of a level that [first, first + nr_pages) is below. */
static uint64_t tables_across(pgno_t first, uint64_t nr_pages, int level)
{
	return (first.v + nr_pages - 1) / span_of(level) - first.v / span_of(level) + 1;
}

uint64_t table_move_need(struct tables *t, table_id_t root, pgno_t from, pgno_t to,
			 uint64_t nr_pages)
{
	pgno_t n = from, end = pgno_add(from, nr_pages), base, dest_end = { 0 };
	uint64_t distance = to.v - from.v, leaves = 0, need = 0, most = 0;

	if (!nr_pages)
		return 0;
	for (; table_next_leaf(t, root, n, end, &base); n = pgno_add(base, TABLE_ENTRIES)) {
		uint32_t nr = part_of_leaf(base, &n, end);
		pgno_t dest = pgno_add(n, distance);

		leaves++;
		if (!(distance & (TABLE_ENTRIES - 1)) && nr == TABLE_ENTRIES)
			continue;
		/* The leaves that it comes to, but for one that has come into being; and its copy. */
		for (uint64_t i = 0; i < tables_across(dest, nr, 0); i++)
			need += (dest.v & ~(TABLE_ENTRIES - 1ULL)) + i * TABLE_ENTRIES >=
				dest_end.v;
		need += nr < TABLE_ENTRIES;
		most = max_t(uint64_t, most, need);
		if (nr == TABLE_ENTRIES && need && table_owned(t, root, n))
			need--; /* and becomes free */
		dest_end.v = (dest.v + nr + TABLE_ENTRIES - 1) & ~(TABLE_ENTRIES - 1ULL);
	}
	/* What is above leaves: copied at the one place, made or copied at the other. */
	for (int level = 1; leaves && level < TABLE_LEVELS - 1; level++)
		most += min_t(uint64_t, leaves, tables_across(from, nr_pages, level)) +
			min_t(uint64_t, 2 * leaves, tables_across(to, nr_pages, level));
	return most;
}

uint64_t table_change_need(struct tables *t, table_id_t root, pgno_t first, pgno_t end)
{
	pgno_t n = first, base;
	uint64_t leaves = 0, need = 0;

	for (; table_next_leaf(t, root, n, end, &base); n = pgno_add(base, TABLE_ENTRIES))
		leaves++;
	for (int level = 0; leaves && level < TABLE_LEVELS - 1; level++)
		need += min_t(uint64_t, leaves, tables_across(first, end.v - first.v, level));
	return need;
}
