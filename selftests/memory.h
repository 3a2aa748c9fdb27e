/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SELFTESTS_MEMORY_H
#define UPAGER_SELFTESTS_MEMORY_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "base/types.h"
#include "selftests/guard.h"

/* Memory of a target with contents that tell page, generation and place apart. */
#define PAGE_WORDS (PAGE_SIZE / sizeof(uint64_t))

static inline uint8_t *memory_map(uint64_t nr_pages)
{
	void *p = mmap(NULL, nr_pages * PAGE_SIZE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		_exit(99);
	madvise(p, nr_pages * PAGE_SIZE, MADV_NOHUGEPAGE);
	return p;
}

static inline uint64_t memory_word(uint64_t seed, uint64_t page, uint64_t word)
{
	return ((seed << 40 | page << 12 | word) * 0x9e3779b97f4a7c15ULL) | 1;
}

static inline void memory_fill_page(uint8_t *page, uint64_t seed, uint64_t nr)
{
	for (uint64_t w = 0; w < PAGE_WORDS; w++)
		((uint64_t *)(void *)page)[w] = memory_word(seed, nr, w);
}

static inline bool memory_page_is(const uint8_t *page, uint64_t seed, uint64_t nr)
{
	const volatile uint64_t *word = (const volatile uint64_t *)(const void *)page;

	for (uint64_t w = 0; w < PAGE_WORDS; w++)
		if (word[w] != memory_word(seed, nr, w))
			return false;
	return true;
}

static inline bool memory_page_is_zero(const uint8_t *page)
{
	const volatile uint64_t *word = (const volatile uint64_t *)(const void *)page;

	for (uint64_t w = 0; w < PAGE_WORDS; w++)
		if (word[w])
			return false;
	return true;
}

/* Pages [first, end) of the mapping at p; a page's number is that in the mapping. */
static inline void memory_fill(uint8_t *p, uint64_t first, uint64_t end, uint64_t seed)
{
	for (uint64_t i = first; i < end; i++)
		memory_fill_page(p + i * PAGE_SIZE, seed, i);
}

static inline bool memory_is(const uint8_t *p, uint64_t first, uint64_t end, uint64_t seed)
{
	for (uint64_t i = first; i < end; i++)
		if (!memory_page_is(p + i * PAGE_SIZE, seed, i))
			return false;
	return true;
}

static inline bool memory_is_zero(const uint8_t *p, uint64_t first, uint64_t end)
{
	for (uint64_t i = first; i < end; i++)
		if (!memory_page_is_zero(p + i * PAGE_SIZE))
			return false;
	return true;
}

/* How many of the pages are there; touches none. */
static inline uint64_t memory_resident(const uint8_t *p, uint64_t nr_pages)
{
	unsigned char vec[1024];
	uint64_t nr = 0;

	for (uint64_t at = 0; at < nr_pages; at += sizeof(vec)) {
		uint64_t n = nr_pages - at < sizeof(vec) ? nr_pages - at : sizeof(vec);

		if (mincore((void *)(uintptr_t)(p + at * PAGE_SIZE), n * PAGE_SIZE, vec))
			return ~0ULL;
		for (uint64_t i = 0; i < n; i++)
			nr += vec[i] & 1;
	}
	return nr;
}

#define MEMORY_FILLER_PAGES 2048

/* Other memory, as much as the budget twice, is used; so older pages leave. */
static inline void memory_press(void)
{
	static uint8_t *filler;
	static uint64_t round;

	if (!filler)
		filler = memory_map(MEMORY_FILLER_PAGES);
	memory_fill(filler, 0, MEMORY_FILLER_PAGES, 1000 + round++ % 1000);
}

/* As long as it may take until the pager looks at a program that did nothing before. */
static inline void memory_press_on(void)
{
	wait_until(1, (memory_press(), false));
}

/* Until no page of [p, p + nr_pages) is there; many may be in standby still. */
static inline bool memory_push_out(const uint8_t *p, uint64_t nr_pages)
{
	return wait_until(30, (memory_press(), memory_resident(p, nr_pages) == 0));
}

/*
 * ... and standby has been used anew twice over, so they are on the device.  What is read
 * ahead behind the filler may bring one of them back meanwhile.
 */
static inline bool memory_push_far(const uint8_t *p, uint64_t nr_pages)
{
	return wait_until(30, memory_push_out(p, nr_pages) && (memory_press(), memory_press(),
							       memory_resident(p, nr_pages) == 0));
}

#endif
