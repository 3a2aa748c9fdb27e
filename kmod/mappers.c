// SPDX-License-Identifier: GPL-2.0-only
/*
 * Forks and ends of all processes that map a file wait for who looks at its mappings, so a look is
 * short: a bounded number of them, without sleeping, into one page.  Where more address spaces map
 * the file than that page holds, each look takes only a share of them, by the hash of their address.
 */
#include <linux/fs.h>
#include <linux/hash.h>
#include <linux/mm_types.h>
#include <linux/rbtree.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include "mappers.h"

/* Under a millisecond. */
#define MAPPINGS_MAX 16384
#define SLOTS	     (PAGE_SIZE / sizeof(void *))
/* Fuller, the table would be slow; at most 1 << this many looks. */
#define FILLED_MAX   (SLOTS * 3 / 4)
#define SHARES_BITS  6

/* Only compared: what it points to may be gone by the next look.  False: there is no room. */
static bool insert(const void **slots, const void *mm, unsigned int *filled)
{
	unsigned int slot = hash_ptr(mm, 32) % SLOTS;

	while (slots[slot] && slots[slot] != mm)
		slot = (slot + 1) % SLOTS;
	if (slots[slot])
		return true;
	slots[slot] = mm;
	return ++*filled <= FILLED_MAX;
}

/* Nothing may be allocated under the lock, which reclaim takes. */
static int look(struct address_space *mapping, const void **slots, unsigned int share,
		unsigned int bits, u64 *nr_mms)
{
	unsigned int nr_mappings = 0, filled = 0;
	struct rb_node *node;
	int err = 0;

	memset(slots, 0, PAGE_SIZE);
	i_mmap_lock_read(mapping);
	for (node = rb_first_cached(&mapping->i_mmap); node && !err; node = rb_next(node)) {
		const void *mm = rb_entry(node, struct vm_area_struct, shared.rb)->vm_mm;

		if (++nr_mappings > MAPPINGS_MAX)
			err = -E2BIG;
		else if ((hash_ptr(mm, 32) >> 16) % (1 << bits) == share &&
			 !insert(slots, mm, &filled))
			err = -ENOSPC;
	}
	i_mmap_unlock_read(mapping);
	*nr_mms += filled;
	cond_resched();
	return err;
}

/**
 * mappers_count - count the address spaces that map a file
 * @mapping: of a file that the caller holds
 * @nr_mms:  the result
 *
 * Sleeps.  Returns 0, -ENOMEM, or -E2BIG for a file with so many mappings that counting them would
 * hold others up.
 */
int mappers_count(struct address_space *mapping, u64 *nr_mms)
{
	const void **slots = (const void **)__get_free_page(GFP_KERNEL_ACCOUNT);
	unsigned int share, bits = 0;
	int err;

	if (!slots)
		return -ENOMEM;
	do {
		*nr_mms = 0;
		for (share = 0, err = 0; !err && share < 1U << bits; share++)
			err = look(mapping, slots, share, bits, nr_mms);
	} while (err == -ENOSPC && ++bits <= SHARES_BITS);
	free_page((unsigned long)slots);
	return err == -ENOSPC ? -E2BIG : err;
}
