/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_TYPES_H
#define UPAGER_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE_SHIFT 12
#define PAGE_SIZE  4096UL
#define PAGE_MASK  (~(PAGE_SIZE - 1))

/*
 * One-member structs, so that an address, a page number and a slot cannot be
 * passed in each other's place.  A plain uint64_t named addr is a byte address
 * in the target.
 */

/* Virtual page number in a target: address >> PAGE_SHIFT. */
typedef struct {
	uint64_t v;
} pgno_t;

/* Slot number across all swap areas; 0 is no slot. 40 bits. */
typedef struct {
	uint64_t v;
} slot_t;

#define SLOT_BITS 40
#define SLOT_NONE ((slot_t){ 0 })

/* Pages [first, first + nr_pages) of one address space. */
struct run {
	pgno_t first;
	uint32_t nr_pages;
};

static inline pgno_t addr_pgno(uint64_t addr)
{
	return (pgno_t){ addr >> PAGE_SHIFT };
}

static inline uint64_t pgno_addr(pgno_t pg)
{
	return pg.v << PAGE_SHIFT;
}

static inline pgno_t pgno_add(pgno_t pg, uint64_t nr_pages)
{
	return (pgno_t){ pg.v + nr_pages };
}

static inline slot_t slot_add(slot_t s, uint64_t n)
{
	return (slot_t){ s.v + n };
}

static inline bool slot_valid(slot_t s)
{
	return s.v != 0;
}

static inline bool slot_equal(slot_t a, slot_t b)
{
	return a.v == b.v;
}

#define min_t(type, a, b)                          \
	({                                         \
		type _min_a = (a), _min_b = (b);   \
		_min_a < _min_b ? _min_a : _min_b; \
	})
#define max_t(type, a, b)                          \
	({                                         \
		type _max_a = (a), _max_b = (b);   \
		_max_a > _max_b ? _max_a : _max_b; \
	})
#define ARRAY_SIZE(a)			(sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

#endif
