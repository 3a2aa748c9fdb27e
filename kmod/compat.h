/* SPDX-License-Identifier: GPL-2.0-only */
/* Every difference between kernels that cannot be found out at run time. */
#ifndef _KMOD_COMPAT_H
#define _KMOD_COMPAT_H

#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/version.h>
#include <net/genetlink.h>

struct task_struct;

/* What a probe of the tracepoint sched_process_exit takes. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 16, 0)
#define COMPAT_EXIT_PROBE(name) void name(void *data, struct task_struct *task, bool group_dead)
#else
#define COMPAT_EXIT_PROBE(name) void name(void *data, struct task_struct *task)
#endif

/* The attributes of the request that a dump answers. */
static inline struct nlattr **compat_dump_attrs(struct netlink_callback *cb)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
	return genl_dumpit_info(cb)->info.attrs;
#else
	return genl_dumpit_info(cb)->attrs;
#endif
}

/* How often a page is mapped, its huge mappings included; the caller keeps the page mapped. */
static inline int compat_page_mapcount(struct page *page)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
	struct folio *folio = page_folio(page);
	int mapcount = atomic_read(&page->_mapcount) + 1;

	if (page_mapcount_is_type(mapcount))
		mapcount = 0;
	if (folio_test_large(folio))
		mapcount += folio_entire_mapcount(folio);
	return mapcount;
#else
	return page_mapcount(page);
#endif
}

/* How many page table entries map any part of a folio; the caller keeps it mapped. */
static inline int compat_folio_mapcount(struct folio *folio)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
	return folio_mapcount(folio);
#else
	/* Its own is not exported. Huge mappings count on the pages of a file, too. */
	long i, nr_pages = folio_nr_pages(folio);
	int mapcount, entire;

	if (!folio_test_large(folio))
		return atomic_read(&folio->_mapcount) + 1;
	entire = folio_entire_mapcount(folio);
	mapcount = entire;
	for (i = 0; i < nr_pages; i++)
		mapcount += atomic_read(&folio_page(folio, i)->_mapcount) + 1;
	if (!folio_test_anon(folio))
		mapcount -= entire * nr_pages;
	else if (folio_test_double_map(folio))
		mapcount -= nr_pages;
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
