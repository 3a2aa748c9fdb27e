// SPDX-License-Identifier: GPL-2.0-only
#include <linux/fs.h>
#include <linux/mm_types.h>
#include <linux/rbtree.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include "mappers.h"

/* Room for mappings that come while memory for the known ones is got. */
#define MAPPERS_SPARE 64

/* Nothing may be allocated under the lock that reclaim takes: so fill what there is, and count. */
static size_t collect(struct address_space *mapping, const void **mms, size_t room)
{
	struct rb_node *node;
	size_t count = 0;

	i_mmap_lock_read(mapping);
	for (node = rb_first_cached(&mapping->i_mmap); node; node = rb_next(node)) {
		if (count < room)
			mms[count] = rb_entry(node, struct vm_area_struct, shared.rb)->vm_mm;
		count++;
		if (!(count % 1024))
			cond_resched();
	}
	i_mmap_unlock_read(mapping);
	return count;
}

static int compare(const void *a, const void *b)
{
	unsigned long first = *(const unsigned long *)a, second = *(const unsigned long *)b;

	return first < second ? -1 : first > second;
}

/**
 * mappers_count - count the address spaces that map a file
 * @mapping: of a file that the caller holds
 * @nr_mms:  the result
 *
 * Sleeps. Returns 0 or -ENOMEM.
 */
int mappers_count(struct address_space *mapping, u64 *nr_mms)
{
	size_t i, room, count = collect(mapping, NULL, 0);
	const void **mms;

	for (;;) {
		room = count + MAPPERS_SPARE;
		mms = kvmalloc_array(room, sizeof(*mms), GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
		if (!mms)
			return -ENOMEM;
		count = collect(mapping, mms, room);
		if (count <= room)
			break;
		kvfree(mms);
	}
	/* Only compared: what they point to may be gone by now. */
	sort(mms, count, sizeof(*mms), compare, NULL);
	*nr_mms = 0;
	for (i = 0; i < count; i++)
		*nr_mms += !i || mms[i] != mms[i - 1];
	kvfree(mms);
	return 0;
}
