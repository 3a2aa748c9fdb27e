/* SPDX-License-Identifier: GPL-2.0-only */
/* Who called a function that is probed: many do, of which one kind counts. */
#ifndef _KMOD_CALLER_H
#define _KMOD_CALLER_H

#include <linux/types.h>

struct pt_regs;

/* At the first instruction of the function @callee, in a probe's handler. */
bool caller_is_write_fault(const char *callee, struct pt_regs *regs);

#endif /* _KMOD_CALLER_H */
