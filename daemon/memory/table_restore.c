// SPDX-License-Identifier: GPL-2.0-only
/* The tables of a daemon that died, counted anew. */
#include "memory/table_private.h"

#include <errno.h>
#include <sys/mman.h>

#include "memory/page_entry_format.h"

int tables_restore_begin(struct tables **tables, struct slots *slots, int state_dir_fd)
{
	int err = tables_map(tables, slots, state_dir_fd, true);
	void *levels;

	if (err)
		return err;
	levels = mmap(NULL, TABLES_MAX, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (levels == MAP_FAILED)
		return -ENOMEM; /* at start only: what is mapped goes with the process */
	(*tables)->levels = levels;
	return 0;
}

static int count_slots(struct tables *t, uint32_t id)
{
	for (unsigned int i = 0; i < TABLE_ENTRIES; i++) {
		slot_t slot = page_entry_slot(t->entry[id][i]);

		t->used[id] = (uint16_t)(t->used[id] + !!t->entry[id][i]);
		if (!page_entry_valid(t->entry[id][i]))
			return -EBADMSG;
		if (!slot_valid(slot))
			continue;
		if (!slot_exists(t->slots, slot))
			return -EBADMSG;
		slot_get(t->slots, slot);
	}
	return 0;
}

/* What is below a table is counted once, however many link it. */
static int count_table(struct tables *t, uint32_t id, int level)
{
	int err = 0;

	if (!id || id >= TABLES_MAX)
		return -EBADMSG;
	/* What is a leaf of one is no table of another, nor of itself. */
	if (t->refs[id]++)
		return t->levels[id] == level ? 0 : -EBADMSG;
	t->levels[id] = (uint8_t)level;
	if (id >= t->next)
		t->next = id + 1;
	if (!level)
		return count_slots(t, id);
	for (unsigned int i = 0; i < TABLE_ENTRIES && !err; i++) {
		if (!t->entry[id][i])
			continue;
		t->used[id]++;
		err = t->entry[id][i] < TABLES_MAX
			      ? count_table(t, (uint32_t)t->entry[id][i], level - 1)
			      : -EBADMSG;
	}
	return err;
}

int tables_restore_root(struct tables *t, table_id_t root)
{
	return count_table(t, root.v, TABLE_LEVELS - 1);
}

int tables_restore_end(struct tables *t)
{
	munmap(t->levels, TABLES_MAX);
	t->levels = NULL;
	/* What is used is populated; free ones may be or not. */
	for (uint32_t id = t->next - 1; id; id--)
		if (!t->refs[id])
			t->bare[t->nr_bare++] = id;
		else
			t->nr_used++;
	tables_grow(t, TABLES_RESERVE); /* or as soon as there is room */
	return 0;
}
