/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_MAP_MODEL_H
#define UPAGER_MAP_MODEL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/types.h"

/*
 * An address space as it was at one moment: what the pictures are drawn of, what is saved and
 * compared.  Sizes are bytes, states are counted in pages.
 */

/* What a page of it is.  Each page is in exactly one. */
enum map_state {
	MAP_PRIVATE, /* resident, mapped nowhere else */
	MAP_FORKED, /* resident, anonymous, mapped by another process too: since a fork */
	MAP_SHARED, /* resident, of a file or of shared memory, mapped elsewhere too */
	MAP_ZERO, /* read, never written: the kernel's page of zeros */
	MAP_STANDBY, /* evicted by upager, still in its memory */
	MAP_SWAPPED, /* in upager's swap area */
	MAP_KERNEL_SWAPPED, /* in the kernel's swap */
	MAP_MARKED, /* a guard, or a page that is lost: SIGSEGV or SIGBUS */
	MAP_UNTOUCHED, /* never touched, or of a file and not loaded */
	__MAP_STATES,
};
#define MAP_STATES __MAP_STATES

enum map_kind {
	MAP_PROGRAM,
	MAP_LIBRARY,
	MAP_HEAP,
	MAP_ANONYMOUS,
	MAP_STACK,
	MAP_FILE,
	MAP_SHARED_MEMORY,
	MAP_KERNEL, /* vdso and the like */
	MAP_GUARD, /* cannot be accessed */
	MAP_PAGER, /* upager's own, in a process that it pages */
	__MAP_KINDS,
};
#define MAP_KINDS __MAP_KINDS

/* Of a program or a library. */
enum map_segment {
	MAP_WHOLE,
	MAP_TEXT,
	MAP_RODATA,
	MAP_DATA,
	MAP_BSS,
	__MAP_SEGMENTS,
};
#define MAP_SEGMENTS __MAP_SEGMENTS

#define MAP_CELLS_MAX 128
#define MAP_NO_OBJECT UINT32_MAX

/* A part of a region: pages in each state. */
struct map_cell {
	uint32_t pages[MAP_STATES];
};

struct map_region {
	uint64_t start;
	uint64_t end;
	uint64_t offset;
	uint64_t inode;
	uint32_t dev_major;
	uint32_t dev_minor;
	char perms[5];
	char *name; /* as /proc shows it; "" for none */
	enum map_kind kind;
	enum map_segment segment;
	uint32_t object; /* index in the map's objects, or MAP_NO_OBJECT */
	uint64_t pages[MAP_STATES];
	uint64_t pss_bytes;
	uint64_t rss_bytes; /* by smaps, as the next */
	uint64_t shared_bytes;
	uint64_t swap_bytes;
	uint64_t huge_bytes;
	uint64_t locked_bytes; /* resident, by mlock() */
	bool locked;
	bool uffd; /* registered with a userfaultfd: what is not there is known to its owner only */
	bool device; /* memory of a device, or without pages of its own */
	/*
	 * Cell i of nr_cells holds pages [i * pages / nr_cells, (i + 1) * pages / nr_cells).
	 * NULL: what is where is not known.
	 */
	struct map_cell *cells;
	uint32_t nr_cells;
};

/* A file of which something is mapped to be executed, with its bss. */
struct map_object {
	char *path;
	uint32_t dev_major;
	uint32_t dev_minor;
	uint64_t inode;
	uint32_t processes; /* that map it; 0: not known */
};

/* What was asked for, and whether it answered. */
enum map_source {
	MAP_SOURCE_ABSENT,
	MAP_SOURCE_TOTALS, /* the pager: of the process, not of each region */
	MAP_SOURCE_FULL,
};

struct map {
	pid_t pid;
	char comm[16];
	uint64_t taken_s; /* since 1970 */
	uint64_t space_bytes; /* where addresses end */
	uint64_t brk; /* where the heap ends, or would begin; 0: not known */
	struct map_region *region; /* in order of addresses, not overlapping */
	uint32_t nr_regions;
	struct map_object *object;
	uint32_t nr_objects;
	uint32_t processes_read; /* whose maps could be read, for map_object.processes */
	uint32_t processes_hidden; /* and could not */
	enum map_source pager;
	uint64_t pager_standby_bytes; /* of the process, by the pager's books */
	uint64_t pager_swapped_bytes;
	uint64_t pager_budget_bytes;
	bool module;
	bool exact_sharing; /* whether pages of zeros could be told from shared ones */
	uint64_t cow_shared_pages; /* the module's, if it is there */
	uint64_t cow_maybe_pages;
};

/* Sums of some regions. */
struct map_sum {
	uint32_t nr_regions;
	uint64_t bytes;
	uint64_t pages[MAP_STATES];
	uint64_t locked_bytes;
	uint64_t pss_bytes;
};

void map_free(struct map *m);

static inline uint64_t map_region_bytes(const struct map_region *r)
{
	return r->end - r->start;
}

static inline uint64_t map_region_pages(const struct map_region *r)
{
	return (r->end - r->start) >> PAGE_SHIFT;
}

/* First page of a cell, counted from the region's first; that of cell nr_cells is the end. */
uint64_t map_cell_first(const struct map_region *r, uint32_t cell);
/* The cell that holds a page. */
uint32_t map_cell_of(const struct map_region *r, uint64_t page);
/* Cells for a region; 0 or -ENOMEM.  All of it is UNTOUCHED. */
int map_region_make_cells(struct map_region *r, uint32_t nr_regions);
/* A run of UNTOUCHED pages, from the region's first on, is found to be in a state. */
void map_region_mark(struct map_region *r, uint64_t first, uint64_t nr_pages, enum map_state state);

void map_sum_add(struct map_sum *sum, const struct map_region *r);
void map_sum_all(const struct map *m, struct map_sum *sum);
void map_sum_kind(const struct map *m, enum map_kind kind, enum map_segment segment,
		  struct map_sum *sum);
uint64_t map_sum_resident_bytes(const struct map_sum *sum);
uint64_t map_sum_swapped_bytes(const struct map_sum *sum);
uint64_t map_sum_bytes(const struct map_sum *sum, enum map_state state);
/* By the kernel and by upager; by upager from its books where regions are not known. */
uint64_t map_swapped_bytes(const struct map *m);
uint64_t map_standby_bytes(const struct map *m);
/* The largest gap between mappings, the ends of the address space included. */
uint64_t map_largest_hole(const struct map *m, uint64_t *start);

/* Words for people, and for keys. */
const char *map_kind_name(enum map_kind kind);
const char *map_segment_name(enum map_segment segment);
const char *map_state_name(enum map_state state);
const char *map_kind_key(enum map_kind kind);
const char *map_segment_key(enum map_segment segment);
const char *map_state_key(enum map_state state);
/* "library text", "heap": into buf. */
void map_label(enum map_kind kind, enum map_segment segment, char *buf, size_t len);
/* What a region is called where there is little room: the file's own name. */
const char *map_region_title(const struct map *m, const struct map_region *r);

/* One line of what is not known, and what would tell it; "" if nothing. */
void map_missing(const struct map *m, char *buf, size_t len);

#endif
