// SPDX-License-Identifier: GPL-2.0-only
/*
 * A walk of page tables by what is inline in the kernel's headers.
 *
 * The mmap lock is held for reading, so no level above the page tables of 4 KiB pages goes away.
 * Those may be replaced by a huge page at any moment: they are found under RCU, locked, and then
 * the entry that led to them must still be the same.
 */
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>

#include "compat.h"
#include "held.h"
#include "walk.h"

/* Page tables looked at before others may have the mmap lock: 128 MiB of 4 KiB pages. */
#define WALK_TABLES 64

/*
 * PAGE:    present, with a struct page that counts its mappings
 * MOVING:  no page table maps it for now: it is migrated, or lent to a device
 * SPECIAL: present, but of a device; never the zero page, of which no entry is made
 */
enum entry_kind {
	ENTRY_PAGE,
	ENTRY_MOVING,
	ENTRY_SPECIAL
};

struct entry {
	enum entry_kind kind;
	unsigned long addr;
	unsigned int nr_pages;
	struct page *page;
	/* Where the flags of the mapping are: the first page that the page table entry maps. */
	struct page *first;
};

/* Called with the lock of the page table held: must not sleep. */
typedef void (*entry_fn)(const struct entry *entry, void *arg);

static __always_inline void visit_table(pmd_t table, unsigned long addr, unsigned long end,
					const entry_fn visit, void *arg)
{
	pte_t *pte = pte_offset_kernel(&table, addr);

	for (; addr < end; addr += PAGE_SIZE, pte++) {
		struct entry entry = { .kind = ENTRY_SPECIAL, .addr = addr, .nr_pages = 1 };
		pte_t value = READ_ONCE(*pte);

		if (pte_none(value))
			continue;
		if (!pte_present(value)) {
			if (!compat_pte_has_page(value))
				continue;
			entry.kind = ENTRY_MOVING;
		} else if (!pte_special(value) && pfn_valid(pte_pfn(value))) {
			entry.kind = ENTRY_PAGE;
			entry.page = pfn_to_page(pte_pfn(value));
			entry.first = entry.page;
		} else if (is_zero_pfn(pte_pfn(value))) {
			continue;
		}
		visit(&entry, arg);
	}
}

static __always_inline void visit_huge(struct vm_area_struct *vma, pmd_t value, unsigned long addr,
				       unsigned long end, const entry_fn visit, void *arg)
{
	struct entry entry = { .kind = ENTRY_SPECIAL, .addr = addr };

	entry.nr_pages = (end - addr) >> PAGE_SHIFT;
	if (!pmd_present(value)) {
		if (!compat_pmd_has_page(value))
			return;
		entry.kind = ENTRY_MOVING;
	} else if (!compat_pmd_devmap(value) && pfn_valid(pmd_pfn(value))) {
		entry.kind = ENTRY_PAGE;
		entry.first = pmd_page(value);
		entry.page = entry.first + ((addr & ~PMD_MASK) >> PAGE_SHIFT);
		/* The huge zero page, which cannot be asked for: all else here is anonymous. */
		if (vma_is_anonymous(vma) && !PageAnon(entry.first))
			return;
	}
	visit(&entry, arg);
}

/* False if the entry changed before it was locked: look again. */
static __always_inline bool visit_pmd(struct vm_area_struct *vma, pmd_t *pmd, unsigned long addr,
				      unsigned long end, const entry_fn visit, void *arg)
{
	bool same = true, table;
	/* Of the table, or of the entry that has none below it. */
	spinlock_t *ptl;
	pmd_t value;

	/* From before the first look: the table that it shows is freed by RCU. */
	rcu_read_lock();
	value = READ_ONCE(*pmd);
	table = pmd_present(value) && !pmd_leaf(value);
	if (pmd_none(value) || (table && pmd_bad(value)))
		goto unlock_rcu;
	ptl = table ? pte_lockptr(vma->vm_mm, &value) : pmd_lockptr(vma->vm_mm, pmd);
	spin_lock(ptl);
	same = pmd_same(value, READ_ONCE(*pmd));
	if (same && table)
		visit_table(value, addr, end, visit, arg);
	else if (same)
		visit_huge(vma, value, addr, end, visit, arg);
	spin_unlock(ptl);
unlock_rcu:
	rcu_read_unlock();
	return same;
}

/* Sets @next behind what the answer stands for; NULL: nothing but, if @huge is set, a huge page. */
static pmd_t *find_pmd(struct mm_struct *mm, unsigned long addr, unsigned long end,
		       unsigned long *next, bool *huge)
{
	pgd_t *pgd = pgd_offset(mm, addr);
	p4d_t *p4d;
	pud_t *pud, value;

	*huge = false;
	*next = pgd_addr_end(addr, end);
	if (pgd_none(*pgd) || pgd_bad(*pgd))
		return NULL;
	p4d = p4d_offset(pgd, addr);
	*next = p4d_addr_end(addr, end);
	if (p4d_none(*p4d) || p4d_bad(*p4d))
		return NULL;
	pud = pud_offset(p4d, addr);
	*next = pud_addr_end(addr, end);
	value = READ_ONCE(*pud);
	if (pud_none(value))
		return NULL;
	*huge = pud_leaf(value);
	if (*huge || pud_bad(value))
		return NULL;
	*next = pmd_addr_end(addr, end);
	return pmd_offset(pud, addr);
}

/* Returns how far it came: to @end, or less if the mmap lock has been held for long enough. */
static __always_inline unsigned long walk_range(struct vm_area_struct *vma, unsigned long addr,
						unsigned long end, const entry_fn visit, void *arg)
{
	unsigned int tables = WALK_TABLES;
	unsigned long next;

	for (; addr < end && tables; addr = next) {
		bool huge;
		pmd_t *pmd = find_pmd(vma->vm_mm, addr, end, &next, &huge);

		if (huge) {
			/* Only devices are mapped by 1 GiB outside of hugetlb. */
			const struct entry entry = { .kind = ENTRY_SPECIAL,
						     .addr = addr,
						     .nr_pages = (next - addr) >> PAGE_SHIFT };

			visit(&entry, arg);
		}
		if (!pmd)
			continue;
		while (!visit_pmd(vma, pmd, addr, next, visit, arg))
			cpu_relax();
		tables--;
		cond_resched();
	}
	return addr;
}

int walk_yield(struct mm_struct *mm)
{
	if (!fatal_signal_pending(current) && !mmap_lock_is_contended(mm)) {
		cond_resched();
		return 0;
	}
	mmap_read_unlock(mm);
	cond_resched();
	return mmap_read_lock_killable(mm);
}

static __always_inline void count_stats(const struct entry *entry, void *arg)
{
	u64 bytes = (u64)entry->nr_pages << PAGE_SHIFT;
	struct walk_stats *stats = arg;
	bool maybe_shared = false;
	unsigned int i;

	if (entry->kind == ENTRY_SPECIAL)
		return;
	stats->resident_bytes += bytes;
	if (entry->kind == ENTRY_PAGE && PageAnon(entry->page))
		maybe_shared = !PageAnonExclusive(entry->first);
	/*
	 * Nobody may look at the counts of a page that is being moved.  As smaps has it, one
	 * reference can only be one mapping, whatever the count is just now.
	 */
	if (entry->kind == ENTRY_MOVING || folio_ref_count(page_folio(entry->page)) == 1) {
		stats->private_bytes += bytes;
		stats->proportional += bytes << WALK_PROPORTIONAL_SHIFT;
		stats->maybe_shared_pages += maybe_shared ? entry->nr_pages : 0;
		return;
	}
	for (i = 0; i < entry->nr_pages; i++) {
		int mapped = compat_page_mapcount(entry->page + i);
		bool shared = mapped >= 2;

		if (shared)
			stats->shared_bytes += PAGE_SIZE;
		else
			stats->private_bytes += PAGE_SIZE;
		stats->proportional += (PAGE_SIZE << WALK_PROPORTIONAL_SHIFT) / max(mapped, 1);
		/* One includes the other even while the counts change. */
		shared = shared && PageAnon(entry->page);
		stats->shared_now_pages += shared;
		stats->maybe_shared_pages += shared || maybe_shared;
	}
}

unsigned long walk_stats(struct vm_area_struct *vma, unsigned long start, unsigned long end,
			 struct walk_stats *stats)
{
	return walk_range(vma, start, end, count_stats, stats);
}

struct pinned {
	unsigned long start;
	u8 *bitmap;
	/* The last folio and its answer, good while the lock of the page table stays held. */
	struct folio *folio;
	unsigned long table;
	bool held;
};

static void mark(struct pinned *pinned, unsigned long addr, unsigned int nr_pages)
{
	unsigned long bit = (addr - pinned->start) >> PAGE_SHIFT;

	for (; nr_pages; nr_pages--, bit++)
		pinned->bitmap[bit / BITS_PER_BYTE] |= 1 << (bit % BITS_PER_BYTE);
}

static __always_inline void mark_held(const struct entry *entry, void *arg)
{
	struct pinned *pinned = arg;
	struct folio *folio;

	/* A page that is moved may turn out to be held and stay. */
	if (entry->kind != ENTRY_PAGE) {
		mark(pinned, entry->addr, entry->nr_pages);
		return;
	}
	folio = page_folio(entry->page);
	if (folio != pinned->folio || (entry->addr & PMD_MASK) != pinned->table) {
		pinned->folio = folio;
		pinned->table = entry->addr & PMD_MASK;
		pinned->held = held_test(folio);
	}
	if (pinned->held)
		mark(pinned, entry->addr, entry->nr_pages);
}

int walk_pinned(struct mm_struct *mm, unsigned long start, u32 nr_pages, u8 *bitmap)
{
	unsigned long addr = start, end = start + ((unsigned long)nr_pages << PAGE_SHIFT);
	struct pinned pinned = { .start = start, .bitmap = bitmap };
	struct vm_area_struct *vma;
	int err;

	err = mmap_read_lock_killable(mm);
	while (!err && addr < end && (vma = find_vma(mm, addr)) && vma->vm_start < end) {
		unsigned long stop = min(end, vma->vm_end);

		addr = max(addr, vma->vm_start);
		if (vma->vm_flags & WALK_FOREIGN) {
			mark(&pinned, addr, (stop - addr) >> PAGE_SHIFT);
			addr = stop;
		} else {
			pinned.folio = NULL;
			addr = walk_range(vma, addr, stop, mark_held, &pinned);
		}
		err = walk_yield(mm);
	}
	if (err)
		return err;
	mmap_read_unlock(mm);
	return 0;
}
