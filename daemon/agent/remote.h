/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_REMOTE_H
#define UPAGER_REMOTE_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What PTRACE_GETREGS gives; <sys/user.h> has it too, with macros that clash with types.h. */
struct remote_regs {
	uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
	uint64_t orig_rax, rip, cs, eflags, rsp, ss, fs_base, gs_base, ds, es, fs, gs;
};

/*
 * One thread of another process under ptrace.  Only the helper process traces;
 * when it ends, however that happens, the kernel lets go of all of them.
 *
 * Functions return 0 or -errno: -ESRCH the thread is gone, -EBUSY it did not
 * stop or go on in time, -EIO it did what it should not.
 */
struct remote {
	pid_t tid; /* 0: none */
	uint64_t insn; /* address of the system call instruction for calls (call.h) */
	struct remote_regs regs; /* what the registers of a call are based on */
	pid_t child; /* what the last clone() made, set by remote_run_to_syscall() */
	uint64_t deadline_ns; /* of every wait, by remote_now_ns() */
};

/*
 * Before anything else, once per request: makes waits end at their deadlines.
 * @kill_at: for tests, the operation on a target, counted from 1, before which
 *	the process kills itself; 0 for none
 */
int remote_init(long kill_at);
/* Between requests there are no deadlines. */
void remote_rest(void);
uint64_t remote_now_ns(void);

/* @options: PTRACE_O_*.  The thread runs on. */
int remote_seize(struct remote *r, pid_t tid, unsigned int options);
/* Takes over what a traced clone() made, in its first stop; calls use @insn. */
int remote_adopt(struct remote *r, pid_t tid, uint64_t insn);
/* Two steps, so that many threads can be told before the first is waited for. */
int remote_interrupt(struct remote *r);
int remote_wait_stop(struct remote *r);
/* What it has come to; waits for nothing. */
enum remote_stop {
	REMOTE_RUNS, /* or sleeps */
	REMOTE_SIGNALLED, /* stopped by a signal, which it has not got yet */
	REMOTE_STOPPED, /* by remote_interrupt(), or with its whole process */
};
/* @info: of the signal. */
int remote_poll_stop(struct remote *r, enum remote_stop *stop, siginfo_t *info);
/* Of what is REMOTE_SIGNALLED: it gets @sig, 0 none. */
int remote_resume_with(struct remote *r, int sig);
int remote_detach_with(struct remote *r, int sig);
/* Lets a stopped thread run on as if nothing had happened. */
int remote_detach(struct remote *r);
int remote_set_options(struct remote *r, unsigned int options);
int remote_resume(struct remote *r);
/* Waits until the thread has exited and takes its status. */
int remote_wait_exit(struct remote *r);
/* -ESRCH it is gone, -EIO it stopped with a signal, 0 it runs. */
int remote_check_running(struct remote *r);

int remote_get_regs(const struct remote *r, struct remote_regs *regs);
int remote_set_regs(struct remote *r, const struct remote_regs *regs);
int remote_get_sigmask(const struct remote *r, uint64_t *mask);
int remote_set_sigmask(struct remote *r, uint64_t mask);
int remote_read(pid_t tid, uint64_t addr, void *buf, size_t bytes);
int remote_write(pid_t tid, uint64_t addr, const void *buf, size_t bytes);
/* Whole words; fails at once on a page that is not there, where remote_read() waits. */
int remote_peek(const struct remote *r, uint64_t addr, void *buf, size_t bytes);
/* Whole words; also where the target itself may not write. */
int remote_poke(struct remote *r, uint64_t addr, const void *buf, size_t bytes);

/* Runs to the next entry or exit of a system call. */
int remote_run_to_syscall(struct remote *r);

#endif
