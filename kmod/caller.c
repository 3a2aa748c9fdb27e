// SPDX-License-Identifier: GPL-2.0-only
#include <linux/hash.h>
#include <linux/kallsyms.h>
#include <linux/ptrace.h>
#include <linux/stacktrace.h>
#include "caller.h"

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
	       symbol_is(address, "hugetlb_wp") || symbol_is(address, "hugetlb_fault") ||
	       symbol_is(address, "do_huge_pmd_wp_page");
}

/*
 * Return addresses that were looked up: of a write fault as they are, others without the uppermost
 * bit, which is set in all of them.  An entry is one word, and so always whole.
 */
#define CALLERS_BITS   4
#define IS_WRITE_FAULT BIT(BITS_PER_LONG - 1)
static unsigned long callers[1 << CALLERS_BITS];

/* Finds the true caller where a tracer has put its own return address on the stack. */
static unsigned long caller_unwound(const char *callee)
{
	unsigned long frames[24];
	int i, nr = stack_trace_save(frames, ARRAY_SIZE(frames), 0);

	for (i = 0; i + 1 < nr; i++)
		if (symbol_is(frames[i], callee))
			return frames[i + 1];
	return 0;
}

bool caller_is_write_fault(const char *callee, struct pt_regs *regs)
{
	unsigned long caller = *(unsigned long *)kernel_stack_pointer(regs), unwound;
	unsigned long *cached = &callers[hash_long(caller, CALLERS_BITS)];
	unsigned long known = READ_ONCE(*cached);
	bool found;

	if ((known | IS_WRITE_FAULT) == caller)
		return known & IS_WRITE_FAULT;
	found = is_write_fault(caller);
	if (!found) {
		unwound = caller_unwound(callee);
		/* A tracer's address says nothing about the next call. */
		if (unwound != caller)
			return unwound && is_write_fault(unwound);
	}
	WRITE_ONCE(*cached, found ? caller : caller & ~IS_WRITE_FAULT);
	return found;
}
