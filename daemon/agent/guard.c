// SPDX-License-Identifier: GPL-2.0-only
#include "agent/guard.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "agent/restart.h"

/*
 * Copied into the target.  The flags and the stack pointer are never touched:
 * the flags need no restoring, and a signal whose handler runs as soon as the
 * mask is back finds the program's own stack.  (jrcxz tests without flags; the
 * top byte of a failed call's result, and of no process number, is all ones.)
 * rcx and r11 are lost in every system call and restored with the rest.
 */
__asm__(".pushsection .rodata\n"
	"	.balign 8\n"
	"guard_code:\n"
	"guard_clone:\n"
	"	syscall\n"
	"	mov %rax, %rcx\n"
	"	jrcxz guard_exit\n"
	"	bswap %rcx\n"
	"	movsx %cl, %rcx\n"
	"	lea 1(%rcx), %rcx\n"
	"	jrcxz guard_restore\n"
	"	mov %rax, %rcx\n"
	"	jmp guard_wait\n"
	"guard_exit:\n"
	"	mov $60, %eax\n" /* exit(0) */
	"	mov $0, %edi\n"
	"	syscall\n"
	"guard_call:\n"
	"	syscall\n"
	"guard_rest:\n"
	"	mov guard_data+8(%rip), %rcx\n"
	"	jrcxz guard_restore\n"
	"guard_wait:\n"
	"	mov $61, %eax\n" /* wait4(child, NULL, __WALL, NULL) */
	"	mov %rcx, %rdi\n"
	"	mov $0, %esi\n"
	"	mov $0x40000000, %edx\n"
	"	mov $0, %r10d\n"
	"	syscall\n"
	"guard_restore:\n"
	"	mov $14, %eax\n" /* rt_sigprocmask(SIG_SETMASK, mask, NULL, 8) */
	"	mov $2, %edi\n"
	"	lea guard_data(%rip), %rsi\n"
	"	mov $0, %edx\n"
	"	mov $8, %r10d\n"
	"	syscall\n"
	"	mov guard_data+16(%rip), %rax\n"
	"	mov guard_data+24(%rip), %rcx\n"
	"	mov guard_data+32(%rip), %rdx\n"
	"	mov guard_data+40(%rip), %rsi\n"
	"	mov guard_data+48(%rip), %rdi\n"
	"	mov guard_data+56(%rip), %r8\n"
	"	mov guard_data+64(%rip), %r9\n"
	"	mov guard_data+72(%rip), %r10\n"
	"	mov guard_data+80(%rip), %r11\n"
	"	jmp *guard_data+88(%rip)\n"
	"	.balign 8\n"
	"guard_data:\n"
	"	.popsection\n");

extern const char guard_code[], guard_clone[], guard_call[], guard_rest[], guard_data[];

struct guard_data {
	uint64_t sigmask;
	uint64_t child; /* to be reaped, 0: none */
	uint64_t rax, rcx, rdx, rsi, rdi, r8, r9, r10, r11, rip;
};

static uint64_t place(const struct guard *g, const char *label)
{
	return g->addr + (uint64_t)(label - guard_code);
}

static void fill(const struct guard *g, char text[GUARD_BYTES])
{
	struct remote_regs regs = g->regs;
	struct guard_data data;
	size_t code_bytes = (size_t)(guard_data - guard_code);

	restart_apply(&regs);
	data = (struct guard_data){
		.sigmask = g->sigmask,
		.rax = regs.rax,
		.rcx = regs.rcx,
		.rdx = regs.rdx,
		.rsi = regs.rsi,
		.rdi = regs.rdi,
		.r8 = regs.r8,
		.r9 = regs.r9,
		.r10 = regs.r10,
		.r11 = regs.r11,
		.rip = regs.rip,
	};
	assert(code_bytes + sizeof(data) <= GUARD_BYTES);
	memset(text, 0, GUARD_BYTES);
	memcpy(text, guard_code, code_bytes);
	memcpy(text + code_bytes, &data, sizeof(data));
}

int guard_enter(struct guard *g, struct remote *r, uint64_t addr)
{
	char text[GUARD_BYTES];
	int err;

	g->addr = addr;
	err = remote_get_regs(r, &g->regs);
	if (!err && g->regs.rip - addr < GUARD_BYTES)
		return -EBUSY;
	if (!err)
		err = restart_abort_sequence(r, &g->regs);
	if (!err)
		err = remote_get_sigmask(r, &g->sigmask);
	if (!err)
		err = remote_peek(r, addr, g->saved, GUARD_BYTES);
	if (err)
		return err;
	restart_hide_stop(&g->regs);
	fill(g, text);
	err = remote_poke(r, addr, text, GUARD_BYTES);
	if (err)
		return err;

	/* From here on the thread must be in the guard: registers first, then the mask. */
	r->regs = g->regs;
	r->regs.orig_rax = ~0ULL;
	r->regs.rip = place(g, guard_rest);
	err = remote_set_regs(r, &r->regs);
	if (!err)
		err = remote_set_sigmask(r, ~0ULL);
	r->insn = place(g, guard_call);
	return err;
}

void guard_next_is_clone(const struct guard *g, struct remote *r)
{
	r->insn = place(g, guard_clone);
}

static int set_child(const struct guard *g, struct remote *r, uint64_t child)
{
	r->insn = place(g, guard_call);
	return remote_poke(r, place(g, guard_data) + offsetof(struct guard_data, child), &child,
			   sizeof(child));
}

int guard_child_born(const struct guard *g, struct remote *r, pid_t child)
{
	return set_child(g, r, (uint64_t)child);
}

int guard_child_reaped(const struct guard *g, struct remote *r)
{
	return set_child(g, r, 0);
}

int guard_leave(struct guard *g, struct remote *r)
{
	int err = remote_set_sigmask(r, g->sigmask);

	if (!err)
		err = remote_set_regs(r, &g->regs);
	if (!err)
		err = remote_poke(r, g->addr, g->saved, GUARD_BYTES);
	if (!err)
		err = remote_detach(r);
	return err;
}
