/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_TABLE_INTERNAL_H
#define UPAGER_TABLE_INTERNAL_H

#include "memory/table.h"

/* What table.c and table_restore.c share, and nobody else. */
#define TABLES_MAX     (1u << 22) /* 16 GiB of sparse file */
#define TABLES_KEPT    256u /* for what cannot wait, and as many again for what should not */
#define TABLES_RESERVE (4 * TABLES_KEPT) /* never used ones that are kept populated */

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
	_Atomic bool full; /* the worker found no room */
	int dir_fd;
};

/* The file, and counts of nothing. */
int tables_map(struct tables **tables, struct slots *slots, int state_dir_fd, bool old);
/* False: no room for all ids below end. */
bool tables_populate(struct tables *t, uint32_t end);

#endif
