// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counts writes to private pages where the kernel has decided what becomes of them, under the lock
 * of the page table: once each, however many threads fault on a page.
 *
 * A write belongs to the address space that is written, never to the current process, which may
 * write into another.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/hugetlb.h>
#include <linux/kallsyms.h>
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/stacktrace.h>
#include "probes.h"
#include "registry.h"

static void count(struct vm_area_struct *vma, enum figure figure)
{
	struct tracked *tracked = registry_find_mm(vma->vm_mm);

	if (tracked)
		atomic64_inc(tracked_count(tracked, figure));
}

static bool symbol_is(unsigned long address, const char *name)
{
	char symbol[KSYM_SYMBOL_LEN];

	sprint_symbol_no_offset(symbol, address);
	return !strcmp(symbol, name);
}

/* Which of them the compiler left as functions depends on the kernel. */
static bool is_write_fault(unsigned long address)
{
	return symbol_is(address, "wp_page_copy") || symbol_is(address, "do_wp_page") ||
	       symbol_is(address, "hugetlb_wp") || symbol_is(address, "hugetlb_fault");
}

/*
 * Return addresses that were looked up: of a write fault as they are, others without the uppermost
 * bit, which is set in all of them.  An entry is one word, and so always whole.
 */
#define CALLERS_BITS   4
#define IS_WRITE_FAULT BIT(BITS_PER_LONG - 1)
static unsigned long callers[1 << CALLERS_BITS];

/* Finds the true caller where a tracer has put its own return address on the stack. */
static unsigned long caller_unwound(void)
{
	unsigned long frames[24];
	int i, nr = stack_trace_save(frames, ARRAY_SIZE(frames), 0);

	for (i = 0; i + 1 < nr; i++)
		if (symbol_is(frames[i], "ptep_clear_flush"))
			return frames[i + 1];
	return 0;
}

static bool called_by_write_fault(struct pt_regs *regs)
{
	unsigned long caller = *(unsigned long *)kernel_stack_pointer(regs), unwound;
	unsigned long *cached = &callers[hash_long(caller, CALLERS_BITS)];
	unsigned long known = READ_ONCE(*cached);
	bool found;

	if ((known | IS_WRITE_FAULT) == caller)
		return known & IS_WRITE_FAULT;
	found = is_write_fault(caller);
	if (!found) {
		unwound = caller_unwound();
		/* A tracer's address says nothing about the next call. */
		if (unwound != caller)
			return unwound && is_write_fault(unwound);
	}
	WRITE_ONCE(*cached, found ? caller : caller & ~IS_WRITE_FAULT);
	return found;
}

/* What a write replaces, by the entry that is about to be cleared. */
static enum figure replaced(pte_t pte)
{
	if (is_zero_pfn(pte_pfn(pte)))
		return FIGURE_ZERO_FIRST_WRITES;
	if (!pte_special(pte) && pfn_valid(pte_pfn(pte)) && PageAnon(pfn_to_page(pte_pfn(pte))))
		return FIGURE_COPIES;
	return FIGURE_FILE_FIRST_WRITES;
}

/* pte_t ptep_clear_flush(vma, address, ptep): the last step before the copy takes the place. */
static int on_clear(struct kprobe *kprobe, struct pt_regs *regs)
{
	struct vm_area_struct *vma = (void *)regs_get_kernel_argument(regs, 0);
	pte_t *ptep = (void *)regs_get_kernel_argument(regs, 2);
	struct tracked *tracked = registry_find_mm(vma->vm_mm);
	enum figure figure = FIGURE_HUGE_BREAKS;

	if (!tracked || !called_by_write_fault(regs))
		return 0;
	if (!is_vm_hugetlb_page(vma))
		figure = replaced(READ_ONCE(*ptep));
	atomic64_inc(tracked_count(tracked, figure));
	return 0;
}

/* wp_page_reuse(vmf, ...): the page was nobody else's. */
static int on_reuse(struct kprobe *kprobe, struct pt_regs *regs)
{
	struct vm_fault *vmf = (void *)regs_get_kernel_argument(regs, 0);

	if (!(vmf->vma->vm_flags & VM_SHARED))
		count(vmf->vma, FIGURE_REUSES_WITHOUT_COPY);
	return 0;
}

/* set_pte_range(vmf, ...): maps a file's page, or the copy that a first write made of it. */
static int on_set(struct kprobe *kprobe, struct pt_regs *regs)
{
	struct vm_fault *vmf = (void *)regs_get_kernel_argument(regs, 0);

	if (vmf->flags & FAULT_FLAG_WRITE && !(vmf->vma->vm_flags & VM_SHARED))
		count(vmf->vma, FIGURE_FILE_FIRST_WRITES);
	return 0;
}

/* do_huge_pmd_wp_page(vmf): the page is written as a whole, or split first. */
static int on_huge(struct kprobe *kprobe, struct pt_regs *regs)
{
	struct vm_fault *vmf = (void *)regs_get_kernel_argument(regs, 0);

	if (vmf->flags & FAULT_FLAG_WRITE)
		count(vmf->vma, FIGURE_HUGE_BREAKS);
	return 0;
}

static struct probe {
	const char *symbols[2]; /* of newer kernels, of older ones */
	kprobe_pre_handler_t handler;
	u64 features;
	struct kprobe kprobe;
	bool found;
} probes[] = {
	{
		.symbols = { "ptep_clear_flush" },
		.handler = on_clear,
		.features = UPAGER_FEATURE_COPIES | UPAGER_FEATURE_ZERO_WRITES,
	},
	{
		.symbols = { "wp_page_reuse" },
		.handler = on_reuse,
		.features = UPAGER_FEATURE_REUSES,
	},
	{
		.symbols = { "set_pte_range", "do_set_pte" },
		.handler = on_set,
		.features = UPAGER_FEATURE_FILE_WRITES,
	},
	{
		.symbols = { "do_huge_pmd_wp_page" },
		.handler = on_huge,
		.features = UPAGER_FEATURE_HUGE_BREAKS,
	},
};

static int find(struct probe *probe, const char *symbol)
{
	probe->kprobe = (struct kprobe){
		.symbol_name = symbol,
		.pre_handler = probe->handler,
		.flags = KPROBE_FLAG_DISABLED,
	};
	return register_kprobe(&probe->kprobe);
}

void probes_init(void)
{
	struct probe *probe;
	int err;

	for (probe = probes; probe < probes + ARRAY_SIZE(probes); probe++) {
		err = find(probe, probe->symbols[0]);
		if (err && probe->symbols[1])
			err = find(probe, probe->symbols[1]);
		probe->found = !err;
		if (err)
			pr_warn("cannot probe %s (error %d), what it counts is left out\n",
				probe->symbols[0], err);
	}
}

void probes_fini(void)
{
	struct probe *probe;

	for (probe = probes; probe < probes + ARRAY_SIZE(probes); probe++)
		if (probe->found)
			unregister_kprobe(&probe->kprobe);
}

static void disarm_before(struct probe *end)
{
	struct probe *probe;

	for (probe = probes; probe < end; probe++)
		if (probe->found)
			disable_kprobe(&probe->kprobe);
}

int probes_arm(void)
{
	struct probe *probe;
	int err;

	for (probe = probes; probe < probes + ARRAY_SIZE(probes); probe++) {
		err = probe->found ? enable_kprobe(&probe->kprobe) : 0;
		if (err) {
			pr_err("cannot enable the probe of %s: error %d\n",
			       probe->kprobe.symbol_name, err);
			disarm_before(probe);
			return err;
		}
	}
	return 0;
}

void probes_disarm(void)
{
	disarm_before(probes + ARRAY_SIZE(probes));
}

u64 probes_features(void)
{
	struct probe *probe;
	u64 features = 0;

	for (probe = probes; probe < probes + ARRAY_SIZE(probes); probe++)
		if (probe->found)
			features |= probe->features;
	/* First writes to pages that are mapped for reading are seen where copies are. */
	if (!(features & UPAGER_FEATURE_COPIES))
		features &= ~UPAGER_FEATURE_FILE_WRITES;
	return features;
}
