// SPDX-License-Identifier: GPL-2.0-only
#include "agent/filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/audit.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "agent/cause.h"
#include "agent/target.h"
#include "base/types.h"
#include "kernel/uffd.h"

/* Filters can see no more of a call than this; descriptors and addresses stand as 0. */
struct filter_call {
	unsigned int uses;
	const char *name;
	int nr;
	uint64_t arg[6];
};

#define CALL(uses, name, ...)              \
	{                                  \
		(uses), #name, SYS_##name, \
		{                          \
			__VA_ARGS__        \
		}                          \
	}
#define HOLE		 (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)
#define MAP_PRIVATE_ANON (MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)

static const struct filter_call calls[] = {
	/* A thread of the target. */
	CALL(FILTER_ATTACH, clone, CLONE_VM),
	CALL(FILTER_ATTACH, wait4, 0, 0, __WALL),
	CALL(FILTER_ATTACH, prctl, PR_GET_CHILD_SUBREAPER),
	CALL(FILTER_ATTACH | FILTER_REMOVE, rt_sigprocmask, SIG_SETMASK, 0, 0, 8),
	CALL(FILTER_ATTACH | FILTER_REMOVE, munmap, 0, PAGE_SIZE),
	/* The intermediate process and the agent's set-up. */
	CALL(FILTER_ATTACH, close_range, 0, UINT32_MAX),
	CALL(FILTER_ATTACH, clone, CLONE_VM | CLONE_FILES),
	CALL(FILTER_ATTACH, exit, 0),
	CALL(FILTER_ATTACH, mmap, 0, PAGE_SIZE, PROT_NONE, MAP_PRIVATE_ANON, UINT64_MAX),
	CALL(FILTER_ATTACH, mmap, 0, PAGE_SIZE, PROT_NONE, MAP_PRIVATE_ANON | MAP_FIXED_NOREPLACE,
	     UINT64_MAX),
	CALL(FILTER_ATTACH, mmap, 0, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED),
	CALL(FILTER_ATTACH, mmap, 0, PAGE_SIZE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED),
	CALL(FILTER_ATTACH, mprotect, 0, PAGE_SIZE, PROT_READ | PROT_WRITE),
	CALL(FILTER_ATTACH, munlock, 0, PAGE_SIZE),
	CALL(FILTER_ATTACH, madvise, 0, PAGE_SIZE, MADV_DONTFORK),
	CALL(FILTER_ATTACH, madvise, 0, PAGE_SIZE, MADV_DONTDUMP),
	CALL(FILTER_ATTACH, madvise, 0, PAGE_SIZE, MADV_NOHUGEPAGE),
	CALL(FILTER_ATTACH, socketpair, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC),
	CALL(FILTER_ATTACH, recvmsg, 0, 0, MSG_CMSG_CLOEXEC),
	CALL(FILTER_UFFD_SYSCALL, userfaultfd, O_CLOEXEC | O_NONBLOCK),
	CALL(FILTER_UFFD_DEVICE, ioctl, 0, USERFAULTFD_IOC_NEW, O_CLOEXEC | O_NONBLOCK),
	CALL(FILTER_ATTACH, setsid),
	CALL(FILTER_ATTACH, chdir),
	CALL(FILTER_ATTACH, prctl, PR_SET_NAME),
	CALL(FILTER_ATTACH, capset),
	CALL(FILTER_ATTACH, prctl, PR_SET_NO_NEW_PRIVS, 1),
	/* Not seccomp(), which is in no @system-service of systemd. */
	CALL(FILTER_ATTACH, prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER),
	/* The agent at work. */
	CALL(FILTER_ATTACH, futex, 0, FUTEX_WAIT),
	CALL(FILTER_ATTACH, futex, 0, FUTEX_WAKE, INT32_MAX),
	CALL(FILTER_ATTACH, restart_syscall),
	CALL(FILTER_ATTACH, ioctl, 0, UFFDIO_MOVE),
	CALL(FILTER_ATTACH, madvise, 0, PAGE_SIZE, MADV_DONTNEED),
	CALL(FILTER_ATTACH, madvise, 0, PAGE_SIZE, MADV_POPULATE_WRITE),
	CALL(FILTER_ATTACH, madvise, 0, PAGE_SIZE, MADV_FREE),
	CALL(FILTER_ATTACH, madvise, 0, PAGE_SIZE, MADV_PAGEOUT),
	CALL(FILTER_ATTACH, mincore, 0, PAGE_SIZE),
	CALL(FILTER_ATTACH, vmsplice, 0, 0, 1, SPLICE_F_NONBLOCK),
	CALL(FILTER_ATTACH, splice, 0, 0, 0, 0, PAGE_SIZE),
	CALL(FILTER_ATTACH, read, 0, 0, PAGE_SIZE),
	CALL(FILTER_ATTACH, pwrite64, 0, 0, PAGE_SIZE),
	CALL(FILTER_ATTACH, write, 0, 0, sizeof(uint64_t)),
	CALL(FILTER_ATTACH, fallocate, 0, HOLE, 0, PAGE_SIZE),
	CALL(FILTER_ATTACH, exit_group, 0),
};

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define ALLOW_NR(name)                                         \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 1), \
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

/* munmap is for the injector, when it removes the agent through itself. */
static const struct sock_filter agent_filter[] = {
	LOAD(arch),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
	LOAD(nr),
	ALLOW_NR(futex),
	ALLOW_NR(madvise),
	ALLOW_NR(mincore),
	ALLOW_NR(vmsplice),
	ALLOW_NR(splice),
	ALLOW_NR(read),
	ALLOW_NR(pwrite64),
	ALLOW_NR(write),
	ALLOW_NR(munlock),
	ALLOW_NR(munmap),
	ALLOW_NR(restart_syscall),
	ALLOW_NR(rt_sigreturn),
	ALLOW_NR(exit),
	ALLOW_NR(exit_group),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 0, 3),
	LOAD(args[1]),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, UFFDIO_MOVE, 0, 1),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fallocate, 0, 3),
	LOAD(args[1]),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, HOLE, 0, 1),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
};

const struct sock_filter *filter_of_agent(unsigned short *nr_insns)
{
	*nr_insns = ARRAY_SIZE(agent_filter);
	return agent_filter;
}

static uint32_t alu(uint16_t op, uint32_t a, uint32_t b)
{
	switch (op) {
	case BPF_ADD:
		return a + b;
	case BPF_SUB:
		return a - b;
	case BPF_MUL:
		return a * b;
	case BPF_DIV:
		return b ? a / b : 0;
	case BPF_OR:
		return a | b;
	case BPF_AND:
		return a & b;
	case BPF_XOR:
		return a ^ b;
	case BPF_LSH:
		return a << (b & 31);
	case BPF_RSH:
		return a >> (b & 31);
	default:
		return -a; /* BPF_NEG */
	}
}

static bool jump(uint16_t op, uint32_t a, uint32_t b)
{
	switch (op) {
	case BPF_JEQ:
		return a == b;
	case BPF_JGT:
		return a > b;
	case BPF_JGE:
		return a >= b;
	default:
		return a & b; /* BPF_JSET */
	}
}

uint32_t filter_run(const struct sock_filter *insn, const struct seccomp_data *data)
{
	uint32_t mem[BPF_MEMWORDS] = { 0 };
	uint32_t a = 0, x = 0;

	for (;; insn++) {
		uint16_t code = insn->code;
		uint32_t operand = BPF_SRC(code) == BPF_X ? x : insn->k;

		switch (BPF_CLASS(code)) {
		case BPF_LD:
			if (BPF_MODE(code) == BPF_ABS)
				memcpy(&a, (const char *)data + insn->k, sizeof(a));
			else if (BPF_MODE(code) == BPF_MEM)
				a = mem[insn->k];
			else
				a = BPF_MODE(code) == BPF_LEN ? sizeof(*data) : insn->k;
			break;
		case BPF_LDX:
			if (BPF_MODE(code) == BPF_MEM)
				x = mem[insn->k];
			else
				x = BPF_MODE(code) == BPF_LEN ? sizeof(*data) : insn->k;
			break;
		case BPF_ST:
			mem[insn->k] = a;
			break;
		case BPF_STX:
			mem[insn->k] = x;
			break;
		case BPF_ALU:
			a = alu(BPF_OP(code), a, operand);
			break;
		case BPF_JMP:
			if (BPF_OP(code) == BPF_JA)
				insn += insn->k;
			else
				insn += jump(BPF_OP(code), a, operand) ? insn->jt : insn->jf;
			break;
		case BPF_RET:
			return BPF_RVAL(code) == BPF_A ? a : insn->k;
		default:
			if (BPF_MISCOP(code) == BPF_TAX)
				x = a;
			else
				a = x;
		}
	}
}

static const struct filter_call *first_refused(const struct sock_filter *insn, unsigned int uses)
{
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		struct seccomp_data data = { .nr = calls[i].nr, .arch = AUDIT_ARCH_X86_64 };
		uint32_t action;

		if (!(calls[i].uses & uses))
			continue;
		memcpy(data.args, calls[i].arg, sizeof(data.args));
		action = filter_run(insn, &data) & SECCOMP_RET_ACTION_FULL;
		if (action != SECCOMP_RET_ALLOW && action != SECCOMP_RET_LOG)
			return &calls[i];
	}
	return NULL;
}

int filter_check(const struct remote *r, unsigned int uses, char *cause)
{
	struct sock_filter insn[BPF_MAXINSNS];
	const struct filter_call *refused;
	struct target_thread th;
	int err = target_thread_read(r->tid, &th);

	if (err)
		return err;
	if (th.seccomp_mode == SECCOMP_MODE_DISABLED)
		return 0;
	if (th.seccomp_mode == SECCOMP_MODE_STRICT)
		return cause_set(cause, -EACCES,
				 "it runs in strict seccomp mode, where nothing can be injected");
	for (unsigned long i = 0;; i++) {
		long len = ptrace(PTRACE_SECCOMP_GET_FILTER, r->tid, i, insn);

		if (len < 0 && errno == ENOENT)
			return 0;
		if (len < 0)
			return cause_set(cause, -EACCES,
					 "its seccomp filter cannot be read (%s); run the daemon "
					 "with CAP_SYS_ADMIN and no filter of its own",
					 strerror(errno));
		refused = first_refused(insn, uses);
		if (refused)
			return cause_set(cause, -EACCES,
					 "its seccomp filter forbids %s, which the agent needs; "
					 "allow it or start the program without the filter",
					 refused->name);
	}
}
