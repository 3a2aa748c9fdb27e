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
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/sched/task_stack.h>
#include "caller.h"
#include "probes.h"
#include "registry.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

struct probe {
	const char *symbols[2]; /* of newer kernels, of older ones */
	void (*trial)(void); /* one of ours instead, to see whether such probes fire */
	kprobe_pre_handler_t handler;
	enum cow_kind kind; /* of the write faults that come there */
	u64 features;
	struct kprobe kprobe;
	unsigned long missed_before; /* it was armed */
	bool found;
	bool lost; /* a trial did not fire, since it was armed */
};

/* One of its pages is written, by whoever is current. */
static void count(struct tracked *tracked, struct vm_area_struct *vma, unsigned long addr,
		  enum cow_kind kind)
{
	static const enum figure figures[] = {
		[COW_COPY] = FIGURE_COPIES,
		[COW_REUSE] = FIGURE_REUSES_WITHOUT_COPY,
		[COW_ZERO] = FIGURE_ZERO_FIRST_WRITES,
		[COW_FILE] = FIGURE_FILE_FIRST_WRITES,
		[COW_HUGE] = FIGURE_HUGE_BREAKS,
		[COW_HUGE_SPLIT] = FIGURE_HUGE_SPLITS,
		[COW_HUGE_ZERO] = FIGURE_HUGE_ZERO_WRITES,
		[COW_HUGETLB] = FIGURE_HUGETLB_COPIES,
	};
	u64 bytes = kind == COW_HUGETLB ? huge_page_size(hstate_vma(vma)) : PAGE_SIZE;

	atomic64_inc(tracked_count(tracked, figures[kind]));
	if (kind == COW_HUGETLB)
		atomic64_add(bytes, tracked_count(tracked, FIGURE_HUGETLB_BYTES_COPIED));
	if (kind == COW_COPY || kind == COW_FILE || kind == COW_HUGETLB)
		places_count(&tracked->places, vma, addr, bytes);
	trace_upager_cow(tracked->nr, addr, kind, KSTK_EIP(current));
}

/* What a write replaces, by the entry that is about to be cleared. */
static enum cow_kind replaced(struct vm_area_struct *vma, pte_t pte)
{
	if (is_vm_hugetlb_page(vma))
		return COW_HUGETLB;
	if (is_zero_pfn(pte_pfn(pte)))
		return COW_ZERO;
	if (!pte_special(pte) && pfn_valid(pte_pfn(pte)) && PageAnon(pfn_to_page(pte_pfn(pte))))
		return COW_COPY;
	return COW_FILE;
}

/* pte_t ptep_clear_flush(vma, address, ptep): the last step before the copy takes the place. */
static int on_clear(struct kprobe *kprobe, struct pt_regs *regs)
{
	struct vm_area_struct *vma = (void *)regs_get_kernel_argument(regs, 0);
	pte_t *ptep = (void *)regs_get_kernel_argument(regs, 2);
	struct tracked *tracked = registry_find_mm(vma->vm_mm);

	if (tracked && caller_is_write_fault("ptep_clear_flush", regs))
		count(tracked, vma, regs_get_kernel_argument(regs, 1),
		      replaced(vma, READ_ONCE(*ptep)));
	return 0;
}

/* The huge zero page cannot be asked for: all else in such a mapping is anonymous. */
static bool is_huge_zero(struct vm_area_struct *vma, pmd_t pmd)
{
	return vma_is_anonymous(vma) && pmd_present(pmd) && pmd_leaf(pmd) &&
	       pfn_valid(pmd_pfn(pmd)) && !PageAnon(pmd_page(pmd));
}

/*
 * wp_page_reuse(vmf, ...): the page was nobody else's.
 * set_pte_range(vmf, ...): maps a file's page, or the copy that a first write made of it.
 * do_huge_pmd_wp_page(vmf): the page is written as a whole, or split first.
 */
static int on_fault(struct kprobe *kprobe, struct pt_regs *regs)
{
	enum cow_kind kind = container_of(kprobe, struct probe, kprobe)->kind;
	struct vm_fault *vmf = (void *)regs_get_kernel_argument(regs, 0);
	struct vm_area_struct *vma = vmf->vma;
	struct tracked *tracked;

	if (!(vmf->flags & FAULT_FLAG_WRITE) || vma->vm_flags & VM_SHARED)
		return 0;
	tracked = registry_find_mm(vma->vm_mm);
	if (!tracked)
		return 0;
	count(tracked, vma, vmf->address, kind);
	if (kind == COW_HUGE && is_huge_zero(vma, vmf->orig_pmd)) {
		count(tracked, vma, vmf->address, COW_HUGE_ZERO);
		atomic64_add(PMD_SIZE, tracked_count(tracked, FIGURE_HUGE_ZERO_BYTES));
	}
	return 0;
}

/* __split_huge_pmd(vma, pmd, address, ...): where it is not written as a whole. */
static int on_split(struct kprobe *kprobe, struct pt_regs *regs)
{
	struct vm_area_struct *vma = (void *)regs_get_kernel_argument(regs, 0);
	pmd_t pmd = READ_ONCE(*(pmd_t *)regs_get_kernel_argument(regs, 1));
	struct tracked *tracked = registry_find_mm(vma->vm_mm);

	if (!tracked || !pmd_present(pmd) || !pmd_leaf(pmd) ||
	    !caller_is_write_fault("__split_huge_pmd", regs))
		return 0;
	if (is_huge_zero(vma, pmd))
		atomic64_sub(PMD_SIZE, tracked_count(tracked, FIGURE_HUGE_ZERO_BYTES));
	else
		count(tracked, vma, regs_get_kernel_argument(regs, 2), COW_HUGE_SPLIT);
	return 0;
}

/*
 * Whether probes fire cannot be asked for, only tried: with kprobes disabled none does, with
 * kernel.ftrace_enabled=0 none that is made of a call for ftrace.
 */
static atomic_t nr_tried;

static int on_trial(struct kprobe *kprobe, struct pt_regs *regs)
{
	atomic_inc(&nr_tried);
	return 0;
}

static noinline void try_traced(void)
{
	asm volatile("");
}

static noinline notrace void try_untraced(void)
{
	asm volatile("");
}

enum {
	TRACED,
	UNTRACED,
	NR_TRIALS
};

static struct probe probes[] = {
	[TRACED] = { .trial = try_traced, .handler = on_trial },
	[UNTRACED] = { .trial = try_untraced, .handler = on_trial },
	{ { "ptep_clear_flush" },
	  .handler = on_clear,
	  .features = UPAGER_FEATURE_COPIES | UPAGER_FEATURE_ZERO_WRITES },
	{ { "wp_page_reuse" },
	  .handler = on_fault,
	  .kind = COW_REUSE,
	  .features = UPAGER_FEATURE_REUSES },
	{ { "set_pte_range", "do_set_pte" },
	  .handler = on_fault,
	  .kind = COW_FILE,
	  .features = UPAGER_FEATURE_FILE_WRITES },
	{ { "do_huge_pmd_wp_page" },
	  .handler = on_fault,
	  .kind = COW_HUGE,
	  .features = UPAGER_FEATURE_HUGE_BREAKS },
	{ { "__split_huge_pmd" }, .handler = on_split, .features = UPAGER_FEATURE_HUGE_SPLITS },
};

static int find(struct probe *probe, const char *symbol)
{
	probe->kprobe = (struct kprobe){
		.symbol_name = symbol,
		.addr = (kprobe_opcode_t *)probe->trial,
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
				probe->symbols[0] ?: "itself", err);
	}
}

void probes_fini(void)
{
	struct probe *probe;

	for (probe = probes; probe < probes + ARRAY_SIZE(probes); probe++)
		if (probe->found)
			unregister_kprobe(&probe->kprobe);
}

static void try_all(void)
{
	struct probe *probe;

	for (probe = probes; probe < probes + NR_TRIALS; probe++) {
		int before = atomic_read(&nr_tried);

		if (!probe->found)
			continue;
		probe->trial();
		if (atomic_read(&nr_tried) == before)
			WRITE_ONCE(probe->lost, true);
	}
}

static void disarm(unsigned int end)
{
	while (end--)
		if (probes[end].found)
			disable_kprobe(&probes[end].kprobe);
}

static int arm(unsigned int end)
{
	unsigned int i;
	int err;

	for (i = 0; i < end; i++) {
		struct probe *probe = &probes[i];

		err = probe->found ? enable_kprobe(&probe->kprobe) : 0;
		if (err) {
			pr_err("cannot enable the probe of %s: error %d\n",
			       probe->kprobe.symbol_name, err);
			disarm(i);
			return err;
		}
	}
	probes_renew();
	return 0;
}

void probes_renew(void)
{
	struct probe *probe;

	for (probe = probes; probe < probes + ARRAY_SIZE(probes); probe++) {
		probe->lost = false;
		probe->missed_before = probe->kprobe.nmissed;
	}
	try_all();
}

int probes_arm(void)
{
	return arm(ARRAY_SIZE(probes));
}

void probes_disarm(void)
{
	disarm(ARRAY_SIZE(probes));
}

u64 probes_missed(void)
{
	struct probe *probe;
	u64 missed = 0;

	for (probe = probes + NR_TRIALS; probe < probes + ARRAY_SIZE(probes); probe++)
		missed += probe->kprobe.nmissed - probe->missed_before;
	return missed;
}

/* Anybody may ask: kernel code is not changed more often than this for it. */
#define TRIAL_PAUSE HZ

static void try_unarmed(void)
{
	static unsigned long next;

	if (next && time_before(jiffies, next))
		return;
	next = jiffies + TRIAL_PAUSE;
	if (!arm(NR_TRIALS))
		disarm(NR_TRIALS);
}

u64 probes_features(bool armed)
{
	struct probe *probe;
	u64 features = 0;

	if (armed)
		try_all();
	else
		try_unarmed();
	for (probe = probes; probe < probes + ARRAY_SIZE(probes); probe++)
		if (probe->found &&
		    !probes[probe->kprobe.flags & KPROBE_FLAG_FTRACE ? TRACED : UNTRACED].lost)
			features |= probe->features;
	/* First writes to pages that are mapped for reading are seen where copies are. */
	if (!(features & UPAGER_FEATURE_COPIES))
		features &= ~UPAGER_FEATURE_FILE_WRITES;
	return features;
}
