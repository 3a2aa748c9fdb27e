// SPDX-License-Identifier: GPL-2.0-only
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/xarray.h>

#include "compat.h"
#include "held.h"

/* References of the page cache and its buffers, or of the swap cache. The folio is locked. */
static int cache_references(struct folio *folio)
{
	struct address_space *mapping = folio->mapping;

	if (folio_test_anon(folio))
		return folio_test_swapcache(folio) ? folio_nr_pages(folio) : 0;
	/* Drivers set the mapping of pages that no cache holds. */
	if (!mapping || xa_load(&mapping->i_pages, folio->index) != folio)
		return 0;
	return folio_nr_pages(folio) + folio_test_private(folio);
}

/*
 * A new page waits for its list in a batch of a processor, which holds a reference and may do so
 * for ever: nobody lets a module empty it. But a page that is off the lists is always held by a
 * batch or by who took it off, and the latter either came with a reference of his own, or found the
 * page in a page table whose lock he holds: ours, if the page is mapped only once.
 */
static int batch_references(struct folio *folio, int mapped)
{
	return mapped == 1 && folio_test_anon(folio) && !folio_test_large(folio) &&
	       !folio_test_lru(folio);
}

/*
 * At any moment the references are at least the mappings, caches and batches, as each of these
 * takes its reference first and drops it last. What is read before and after the references is the
 * same, so it was the same when they were read, unless it changed twice between.
 */
static bool explained(struct folio *folio, int cached)
{
	int mapped = compat_folio_mapcount(folio);
	int batched = batch_references(folio, mapped);
	int references;

	/* With those who take a reference, then map. */
	smp_rmb();
	references = folio_ref_count(folio);
	/* With those who unmap, then drop a reference. */
	smp_rmb();
	return references == mapped + batched + cached && mapped == compat_folio_mapcount(folio) &&
	       batched == batch_references(folio, mapped);
}

/**
 * held_test - whether a folio has references that nothing harmless explains
 * @folio: one that is mapped by a page table whose lock the caller holds, with the mmap lock
 *
 * Compares the references of the folio with its mappings and those of the page cache, the swap
 * cache, buffers, and the batch that a new page waits in. All pages of a folio have one answer. A
 * pin by pin_user_pages() counts many references, or one of a large folio: more than none.
 *
 * Said to be held, and are not: folios that are locked, moved, split or reclaimed at the moment;
 * pages in the batch of a processor that are mapped more than once, or of files, or on their way
 * from one list to another (6.1); the other pages of a large folio of which one is held.
 *
 * Said not to be held, and are: none whose mappings and place are still. Mappings of a folio that
 * only this address space maps cannot grow without the mmap lock or the folio's lock, so they can
 * only shrink. A folio of several address spaces had to be unmapped by one of them and forked by
 * another, and a page in a batch had to reach its list and be taken off again, in that order in the
 * few instructions between two loads, and then once more: each look is taken twice.
 *
 * Who follows page tables by MMU notifiers (a virtual machine) holds nothing. Who takes a reference
 * right after the answer is not in it.
 */
bool held_test(struct folio *folio)
{
	bool lock = !folio_test_anon(folio) || folio_test_swapcache(folio);
	int cached = 0;
	bool held;

	/* Caches can neither gain nor lose a folio that is locked. */
	if (lock) {
		if (!folio_trylock(folio))
			return true;
		cached = cache_references(folio);
	}
	held = !explained(folio, cached) || !explained(folio, cached);
	if (lock)
		folio_unlock(folio);
	return held;
}
