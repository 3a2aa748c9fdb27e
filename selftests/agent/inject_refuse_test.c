// SPDX-License-Identifier: GPL-2.0-only
/* What cannot be injected into is refused with a cause, and left as it was. */
#include "selftests/agent/inject_lib.h"

#include <elf.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/ptrace.h>

#include "agent/filter.h"

#include <kselftest_harness.h>

FIXTURE(refused)
{
	struct program p;
	struct traces before;
};

FIXTURE_SETUP(refused)
{
	self->p = program_start("inject_shell", NULL, NULL);
	ASSERT_EQ(0, program_ask(&self->p, "fill 1"));
}

FIXTURE_TEARDOWN(refused)
{
	program_end(&self->p);
}

/* -errno of an attach that must fail with a cause that says @word. */
static int attach_error(pid_t pid, const char *word)
{
	struct session s;
	int err = session_attach(&s, pid, false, 0);

	if (!err) {
		session_remove(&s);
	} else if (!strstr(s.res.cause, word)) {
		fprintf(stderr, "# \"%s\" does not say \"%s\"\n", s.res.cause, word);
		return 1;
	}
	return err;
}

#define EXPECT_REFUSED(errno_, pid, word)                          \
	do {                                                       \
		traces_take(&self->before, pid);                   \
		EXPECT_EQ(-(errno_), attach_error(pid, word));     \
		EXPECT_TRUE(traces_unchanged(&self->before, pid)); \
	} while (0)

static bool traces_unchanged(const struct traces *before, pid_t pid)
{
	static struct traces after;

	traces_take(&after, pid);
	return traces_equal(before, &after);
}

TEST_F(refused, dead)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	ASSERT_TRUE(becomes(pid, 'Z'));
	EXPECT_EQ(-ESRCH, attach_error(pid, "ended"));
	waitpid(pid, NULL, 0);
	EXPECT_EQ(-ESRCH, attach_error(pid, "no process"));
}

TEST_F(refused, kernel_thread)
{
	EXPECT_EQ(-EPERM, attach_error(2, "kernel thread"));
}

TEST_F(refused, thread_id)
{
	struct program p = program_start("inject_spin", "fpu", "1");
	char path[64];
	int leader = 0, thread = 0;
	FILE *f;

	ASSERT_NE(NULL, program_line(&p, 5000));
	snprintf(path, sizeof(path), "ls /proc/%d/task", p.pid);
	f = popen(path, "re");
	ASSERT_EQ(2, fscanf(f, "%d %d", &leader, &thread));
	pclose(f);
	EXPECT_EQ(-ESRCH, attach_error(thread, "is a thread"));
	program_end(&p);
}

TEST_F(refused, traced)
{
	char name[32];

	ASSERT_EQ(0, ptrace(PTRACE_SEIZE, self->p.pid, 0, 0));
	snprintf(name, sizeof(name), "process %d (inject_refuse", getpid());
	EXPECT_REFUSED(EPERM, self->p.pid, name);
	EXPECT_EQ(0, program_ask(&self->p, "fill 1"));
}

TEST_F(refused, strict_seccomp)
{
	ASSERT_EQ(0, program_ask(&self->p, "strict"));
	EXPECT_REFUSED(EACCES, self->p.pid, "strict seccomp");
	EXPECT_EQ(-EINVAL, program_ask(&self->p, "nothing"));
}

/* Each would be fatal if it were made. */
TEST_F(refused, filtered)
{
	static const struct {
		long nr;
		const char *name;
	} call[] = {
		{ SYS_socketpair, "socketpair" },
		{ SYS_userfaultfd, "userfaultfd" },
		{ SYS_clone, "clone" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(call); i++) {
		struct program p = program_start("inject_shell", NULL, NULL);

		ASSERT_EQ(0, program_ask(&p, "filter %ld %ld", call[i].nr,
					 (long)SECCOMP_RET_KILL_PROCESS));
		EXPECT_REFUSED(EACCES, p.pid, call[i].name);
		EXPECT_EQ(0, program_ask(&p, "fill 1"));
		program_end(&p);
	}
}

TEST_F(refused, subreaper)
{
	ASSERT_EQ(0, program_ask(&self->p, "subreaper 1"));
	EXPECT_REFUSED(EOPNOTSUPP, self->p.pid, "adopt");
	EXPECT_EQ(-ECHILD, program_ask(&self->p, "wait %d", __WALL));
}

TEST_F(refused, init_of_namespace)
{
	pid_t pid = (pid_t)syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0);

	ASSERT_GE(pid, 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		for (;;)
			pause();
	}
	EXPECT_REFUSED(EOPNOTSUPP, pid, "PID 1");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

TEST_F(refused, in_vfork)
{
	uint64_t begin;

	program_tell(&self->p, "vfork");
	ASSERT_TRUE(becomes(self->p.pid, 'D'));
	begin = now_ns();
	EXPECT_EQ(-EBUSY, attach_error(self->p.pid, "vfork"));
	EXPECT_LT(now_ns() - begin, 2000000000ULL);
	program_tell(&self->p, "x");
	EXPECT_EQ(0, program_answer(&self->p));
	EXPECT_EQ(-ECHILD, program_ask(&self->p, "wait %d", __WALL));
}

/* The smallest 32-bit program: pause() for ever. */
static int write_program32(void)
{
	static const unsigned char code[] = {
		0xb8, 29,   0, 0, 0, /* mov $__NR_pause, %eax */
		0xcd, 0x80, /* int $0x80 */
		0xeb, 0xf7, /* jmp to the start */
	};
	struct {
		Elf32_Ehdr eh;
		Elf32_Phdr ph;
		unsigned char code[sizeof(code)];
	} image = {
		.eh = {
			.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS32, ELFDATA2LSB,
				     EV_CURRENT },
			.e_type = ET_EXEC,
			.e_machine = EM_386,
			.e_version = EV_CURRENT,
			.e_entry = 0x10000 + sizeof(Elf32_Ehdr) + sizeof(Elf32_Phdr),
			.e_phoff = sizeof(Elf32_Ehdr),
			.e_ehsize = sizeof(Elf32_Ehdr),
			.e_phentsize = sizeof(Elf32_Phdr),
			.e_phnum = 1,
		},
		.ph = {
			.p_type = PT_LOAD,
			.p_vaddr = 0x10000,
			.p_filesz = sizeof(image),
			.p_memsz = sizeof(image),
			.p_flags = PF_R | PF_X,
			.p_align = 4096,
		},
	};
	int fd = memfd_create("program32", 0);

	memcpy(image.code, code, sizeof(code));
	return write(fd, &image, sizeof(image)) == sizeof(image) ? fd : -1;
}

TEST_F(refused, program_of_32_bits)
{
	int fd = write_program32();
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		char *none[] = { NULL };

		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		fexecve(fd, none, none);
		_exit(127);
	}
	sleep_ms(100);
	if (waitpid(pid, &status, WNOHANG) == pid) {
		SKIP(return, "this kernel runs no 32-bit programs");
	}
	EXPECT_REFUSED(EOPNOTSUPP, pid, "64-bit");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

FIXTURE(interpreter){};

FIXTURE_SETUP(interpreter)
{
}

FIXTURE_TEARDOWN(interpreter)
{
}

/* The interpreter agrees with the kernel's about every kind of instruction. */
TEST_F(interpreter, runs_as_the_kernel_does)
{
	const struct sock_filter insn[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
		BPF_STMT(BPF_ST, 3),
		BPF_STMT(BPF_LDX | BPF_IMM, 7),
		BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),
		BPF_STMT(BPF_ALU | BPF_MUL | BPF_K, 3),
		BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 2),
		BPF_STMT(BPF_ALU | BPF_XOR | BPF_K, 0x55),
		BPF_STMT(BPF_ALU | BPF_SUB | BPF_X, 0),
		BPF_STMT(BPF_ALU | BPF_OR | BPF_K, 0x100),
		BPF_STMT(BPF_MISC | BPF_TAX, 0),
		BPF_STMT(BPF_STX, 5),
		BPF_STMT(BPF_LD | BPF_MEM, 3),
		BPF_STMT(BPF_ALU | BPF_NEG, 0),
		BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 4),
		BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 3),
		BPF_STMT(BPF_LDX | BPF_MEM, 5),
		BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),
		BPF_STMT(BPF_MISC | BPF_TAX, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
		BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 1, 0, 1),
		BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, 11),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 0x80000000, 1, 0),
		BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, 23),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_X, 0, 0, 1),
		BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, 31),
		BPF_STMT(BPF_JMP | BPF_JA, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		/* An error number tells the outcome. */
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xff),
		BPF_STMT(BPF_ALU | BPF_OR | BPF_K, SECCOMP_RET_ERRNO),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SECCOMP_RET_ERRNO, 0, 1),
		BPF_STMT(BPF_ALU | BPF_OR | BPF_K, 1),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};
	/* getppid() goes through the filter above, all else is allowed. */
	struct sock_filter whole[ARRAY_SIZE(insn) + 3] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog prog = { .len = ARRAY_SIZE(whole), .filter = whole };

	memcpy(whole + 3, insn, sizeof(insn));
	ASSERT_EQ(0, prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	ASSERT_EQ(0, syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog));
	for (uint32_t arg = 0; arg < 5000; arg++) {
		struct seccomp_data data = {
			.nr = SYS_getppid,
			.arch = AUDIT_ARCH_X86_64,
			.args = { arg * 2654435761u },
		};
		uint32_t verdict = filter_run(whole, &data);

		ASSERT_EQ(SECCOMP_RET_ERRNO, verdict & SECCOMP_RET_ACTION_FULL);
		ASSERT_EQ(-1, syscall(SYS_getppid, data.args[0]));
		ASSERT_EQ((uint32_t)errno, verdict & SECCOMP_RET_DATA);
	}
}

TEST_HARNESS_MAIN
