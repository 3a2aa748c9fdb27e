/* SPDX-License-Identifier: GPL-2.0-only */
/* Every difference between kernels that cannot be found out at run time. */
#ifndef _KMOD_COMPAT_H
#define _KMOD_COMPAT_H

#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/swap.h>
#include <linux/version.h>
#include <linux/workqueue.h>

/* What came with headers of its own; sparse, which cannot ask, checks against older ones. */
#ifndef __CHECKER__
#if __has_include("linux/leafops.h")
#define COMPAT_LEAFOPS
#endif
#if __has_include("linux/sched/exec_state.h")
#define COMPAT_EXEC_STATE
#endif
#endif

/* Whether an entry that is not present stands for a page that is moved or lent. */
#ifdef COMPAT_LEAFOPS
#include <linux/leafops.h>
#define compat_pte_has_page(pte) softleaf_has_pfn(softleaf_from_pte(pte))
#define compat_pmd_has_page(pmd) softleaf_has_pfn(softleaf_from_pmd(pmd))
#else
#include <linux/swapops.h>
#define compat_pte_has_page(pte) is_pfn_swap_entry(pte_to_swp_entry(pte))
#define compat_pmd_has_page(pmd) is_pfn_swap_entry(pmd_to_swp_entry(pmd))
#endif
#ifdef COMPAT_EXEC_STATE
#include <linux/sched/exec_state.h>
#endif

/* For works that wait for nobody on any processor. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 17, 0)
#define compat_unbound_wq system_dfl_wq
#else
#define compat_unbound_wq system_unbound_wq
#endif

struct task_struct;

/* What a probe of the tracepoint sched_process_exit takes. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 16, 0)
#define COMPAT_EXIT_PROBE(name) void name(void *data, struct task_struct *task, bool group_dead)
#else
#define COMPAT_EXIT_PROBE(name) void name(void *data, struct task_struct *task)
#endif

/* Whether who has the rights of a process may look at it. */
static inline bool compat_is_dumpable(struct task_struct *task, struct mm_struct *mm)
{
#ifdef COMPAT_EXEC_STATE
	struct task_exec_state *state;
	bool dumpable;

	rcu_read_lock();
	state = rcu_dereference(task->exec_state);
	dumpable = state && READ_ONCE(state->dumpable) == TASK_DUMPABLE_OWNER;
	rcu_read_unlock();
	return dumpable;
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(6, 18, 0)
	return mm_flags_test(0, mm) && !mm_flags_test(1, mm);
#else
	return test_bit(0, &mm->flags) && !test_bit(1, &mm->flags);
#endif
}

/* How often a page is mapped, its huge mappings included; the caller keeps the page mapped. */
static inline int compat_page_mapcount(struct page *page)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
	return page_mapcount(page);
#else
	struct folio *folio = page_folio(page);
	int mapcount;

#ifdef CONFIG_NO_PAGE_MAPCOUNT
	/* There are only counts of whole folios: an average, as smaps has it. */
	if (folio_test_large(folio))
		return DIV_ROUND_UP(folio_mapcount(folio), folio_nr_pages(folio));
#endif
	/* Below zero it is no count but the type of a page that has none. */
	mapcount = max(atomic_read(&page->_mapcount) + 1, 0);
	if (folio_test_large(folio))
		mapcount += folio_entire_mapcount(folio);
	return mapcount;
#endif
}

/* How many page table entries map any part of a folio; the caller keeps it mapped. */
static inline int compat_folio_mapcount(struct folio *folio)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 9, 0)
	return folio_mapcount(folio);
#else
	/* Its own is not exported. */
	long i, nr_pages = folio_nr_pages(folio);
	int mapcount, entire;

	if (!folio_test_large(folio))
		return atomic_read(&folio->_mapcount) + 1;
	entire = folio_entire_mapcount(folio);
	mapcount = entire;
	for (i = 0; i < nr_pages; i++)
		mapcount += atomic_read(&folio_page(folio, i)->_mapcount) + 1;
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
	/* Huge mappings count on the pages of a file, too. */
	if (!folio_test_anon(folio))
		mapcount -= entire * nr_pages;
	else if (folio_test_double_map(folio))
		mapcount -= nr_pages;
#endif
	return mapcount;
#endif
}

/* Whether a huge page is of a device that counts no mappings. */
static inline bool compat_pmd_devmap(pmd_t pmd)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 17, 0)
	return pmd_special(pmd);
#else
	return pmd_devmap(pmd);
#endif
}

/* The names that /proc/PID/maps gives; the tests for them differ at the edges. */
static inline bool compat_vma_is_heap(struct vm_area_struct *vma)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
	return vma_is_initial_heap(vma);
#else
	return vma->vm_start <= vma->vm_mm->brk && vma->vm_end >= vma->vm_mm->start_brk;
#endif
}

static inline bool compat_vma_is_stack(struct vm_area_struct *vma)
{
	unsigned long stack = vma->vm_mm->start_stack;

	return vma->vm_start <= stack && vma->vm_end >= stack;
}

static inline const struct path *compat_file_path(const struct file *file)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
	return file_user_path((struct file *)file);
#else
	return &file->f_path;
#endif
}

#endif /* _KMOD_COMPAT_H */
