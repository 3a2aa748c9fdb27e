// SPDX-License-Identifier: GPL-2.0-only
#include "agent/call.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>

#include "agent/cause.h"

#define RETRIES 16

/* -512 to -516: the kernel's own ERESTART codes, which only a tracer ever sees. */
static bool is_restart(int64_t ret)
{
	return ret <= -512 && ret >= -516;
}

int call_make(struct remote *r, int64_t *ret, long nr, struct call_args args)
{
	r->child = 0;
	for (int i = 0; i < RETRIES; i++) {
		struct remote_regs regs = r->regs;
		int err;

		regs.rip = r->insn;
		regs.rax = (uint64_t)nr;
		regs.orig_rax = ~0ULL;
		regs.rdi = args.arg[0];
		regs.rsi = args.arg[1];
		regs.rdx = args.arg[2];
		regs.r10 = args.arg[3];
		regs.r8 = args.arg[4];
		regs.r9 = args.arg[5];
		err = remote_set_regs(r, &regs);
		if (!err)
			err = remote_run_to_syscall(r);
		if (!err)
			err = remote_run_to_syscall(r);
		if (!err)
			err = remote_get_regs(r, &regs);
		if (err)
			return err;
		*ret = (int64_t)regs.rax;
		if (!is_restart(*ret))
			return 0;
	}
	return -EBUSY;
}

int call_must(struct remote *r, int64_t *ret, const char *name, long nr, struct call_args args,
	      char *cause)
{
	int err = call_make(r, ret, nr, args);

	if (err)
		return cause_set(cause, err, "%s in the target did not end (%s); try again", name,
				 strerror(-err));
	if (*ret < 0)
		return cause_set(cause, (int)*ret, "%s in the target: %s", name,
				 strerror((int)-*ret));
	return 0;
}

int call_exit(struct remote *r)
{
	struct remote_regs regs = r->regs;
	int err;

	regs.rip = r->insn;
	regs.rax = SYS_exit;
	regs.orig_rax = ~0ULL;
	regs.rdi = 0;
	err = remote_set_regs(r, &regs);
	if (!err)
		err = remote_resume(r);
	return err ? err : remote_wait_exit(r);
}
