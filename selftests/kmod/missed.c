// SPDX-License-Identifier: GPL-2.0-only
/*
 * A kernel module for missed_test: as often as it is told, a function that upager.ko probes is called
 * from the handler of another probe, where the kernel runs no handler and counts a miss.
 */
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/module.h>

static unsigned int times = 1;
module_param(times, uint, 0);

static pte_t (*clear_flush)(struct vm_area_struct *vma, unsigned long addr, pte_t *ptep);

/* Of an entry that maps nothing: nothing is cleared or flushed. */
static struct vm_area_struct vma;
static pte_t nothing;

/* Not traced: from inside of what ftrace calls it calls nothing more. */
static noinline notrace void called(void)
{
	asm volatile("");
}

static int on_call(struct kprobe *kprobe, struct pt_regs *regs)
{
	clear_flush(&vma, 0, &nothing);
	return 0;
}

static int find_clear_flush(void)
{
	struct kprobe finder = {
		.symbol_name = "ptep_clear_flush",
		.flags = KPROBE_FLAG_DISABLED,
	};
	int err = register_kprobe(&finder);

	if (err)
		return err;
	/* Behind the mark of an indirect call's target, if there is one. */
	clear_flush = (void *)finder.addr;
	unregister_kprobe(&finder);
	return 0;
}

static int __init missed_init(void)
{
	struct kprobe outer = { .addr = (kprobe_opcode_t *)called, .pre_handler = on_call };
	unsigned int i;
	int err = find_clear_flush();

	if (err)
		return err;
	vma.vm_mm = current->mm;
	err = register_kprobe(&outer);
	if (err)
		return err;
	for (i = 0; i < times; i++)
		called();
	unregister_kprobe(&outer);
	return 0;
}

static void __exit missed_exit(void)
{
}

module_init(missed_init);
module_exit(missed_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Probes that are missed, for a test of upager.ko");
