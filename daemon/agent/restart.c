// SPDX-License-Identifier: GPL-2.0-only
#include "agent/restart.h"

#include <errno.h>
#include <linux/rseq.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

#include "agent/remote.h"
#include "agent/waiting.h"

/* The kernel's own codes, which only a tracer ever sees. */
#define ERESTARTSYS	      512
#define ERESTARTNOINTR	      513
#define ERESTARTNOHAND	      514
#define ERESTART_RESTARTBLOCK 516

#define SYSCALL_INSN_BYTES 2
#define CS_64BIT	   0x33

bool restart_hide_stop(struct remote_regs *regs)
{
	if (regs->cs != CS_64BIT || (int64_t)regs->rax != -EINTR ||
	    !waiting_repeatable((int)regs->orig_rax))
		return false;
	regs->rax = (uint64_t)-ERESTARTNOHAND;
	return true;
}

int restart_detach(struct remote *r)
{
	struct remote_regs regs;
	int err = remote_get_regs(r, &regs);

	if (!err && restart_hide_stop(&regs))
		err = remote_set_regs(r, &regs);
	return err ? err : remote_detach(r);
}

int restart_abort_sequence(const struct remote *r, struct remote_regs *regs)
{
	struct __ptrace_rseq_configuration conf;
	struct rseq_cs cs;
	uint64_t cs_addr;
	int err;

	/* A kernel without this request (before 5.13), or a thread that uses no rseq. */
	if (ptrace(PTRACE_GET_RSEQ_CONFIGURATION, r->tid, sizeof(conf), &conf) < 0 ||
	    !conf.rseq_abi_pointer)
		return 0;
	err = remote_peek(r, conf.rseq_abi_pointer + offsetof(struct rseq, rseq_cs), &cs_addr,
			  sizeof(cs_addr));
	if (err || !cs_addr)
		return err;
	err = remote_peek(r, cs_addr, &cs, sizeof(cs));
	if (!err && regs->rip - cs.start_ip < cs.post_commit_offset)
		regs->rip = cs.abort_ip;
	return err;
}

void restart_apply(struct remote_regs *regs)
{
	if ((int)regs->orig_rax == -1)
		return;
	switch (-(int64_t)regs->rax) {
	case ERESTARTSYS:
	case ERESTARTNOINTR:
	case ERESTARTNOHAND:
		regs->rax = regs->orig_rax;
		break;
	case ERESTART_RESTARTBLOCK:
		regs->rax = SYS_restart_syscall;
		break;
	default:
		return;
	}
	regs->rip -= SYSCALL_INSN_BYTES;
	regs->orig_rax = ~0ULL;
}
