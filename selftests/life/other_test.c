// SPDX-License-Identifier: GPL-2.0-only
/* What others see of a paged program's memory, and do to it. */
#include "selftests/memory.h"
#include "selftests/target.h"

#include <elf.h>
#include <kselftest_harness.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

#define NR 512 /* pages */

PAGER_FIXTURE(other)

static uint8_t page[PAGE_SIZE];

static struct iovec remote(const struct target *t, uint64_t nr)
{
	return (struct iovec){
		(void *)(uintptr_t)(atomic_load(&t->share->value[0]) + nr * PAGE_SIZE), PAGE_SIZE
	};
}

static bool vm_read(const struct target *t, uint64_t nr)
{
	struct iovec to = remote(t, nr), here = { page, PAGE_SIZE };

	return process_vm_readv(t->pid, &here, 1, &to, 1, 0) == (ssize_t)PAGE_SIZE;
}

static bool vm_write(const struct target *t, uint64_t nr, uint64_t seed)
{
	struct iovec to = remote(t, nr), here = { page, PAGE_SIZE };

	memory_fill_page(page, seed, nr);
	return process_vm_writev(t->pid, &here, 1, &to, 1, 0) == (ssize_t)PAGE_SIZE;
}

/* Lets others at its memory when all of it is out, twice. */
static int be_looked_at(struct target_share *sh)
{
	uint8_t *p = memory_map(NR);

	memory_fill(p, 0, NR, 1);
	target_check(sh, memory_push_far(p, NR));
	atomic_store(&sh->value[0], (uintptr_t)p);
	target_meet(sh, 2);
	target_check(sh, memory_is(p, 0, NR / 2, 2) && memory_is(p, NR / 2, NR, 1));
	target_check(sh, memory_push_far(p, NR));
	target_meet(sh, 3);
	for (uint64_t i = 0; i < NR; i++)
		target_check(sh, memory_page_is(p + i * PAGE_SIZE,
						sh->value[1] && i < NR / 4 ? 3
						: i < NR / 2		   ? 2
									   : 1,
						i));
	return 0;
}

TEST_F_TIMEOUT(other, reads_and_writes, 60)
{
	struct target t = target_start(&self->pager, be_looked_at, TARGET_BUDGET);

	ASSERT_TRUE(target_reached(&t, 2));
	for (uint64_t i = 0; i < NR; i++) {
		ASSERT_TRUE(vm_read(&t, i));
		EXPECT_TRUE(memory_page_is(page, 1, i));
	}
	for (uint64_t i = 0; i < NR / 2; i++)
		ASSERT_TRUE(vm_write(&t, i, 2));
	target_let(&t, 2);
	ASSERT_TRUE(target_reached(&t, 3));
	/* Out again: the writes must not have been to a copy. */
	for (uint64_t i = 0; i < NR / 4; i++)
		ASSERT_TRUE(vm_write(&t, i, 3));
	atomic_store(&t.share->value[1], 1);
	target_let(&t, 3);
	EXPECT_EQ(0, target_end(&t));
}

/* The known limit: what is out cannot be had so.  Never anything else in its place. */
TEST_F_TIMEOUT(other, debugger_gets_an_error, 60)
{
	struct target t = target_start(&self->pager, be_looked_at, TARGET_BUDGET);
	uint64_t nr_errors = 0, at;
	char path[32];
	long word;
	int fd;

	ASSERT_TRUE(target_reached(&t, 2));
	at = atomic_load(&t.share->value[0]);
	snprintf(path, sizeof(path), "/proc/%d/mem", t.pid);
	fd = open(path, O_RDWR | O_CLOEXEC);
	ASSERT_GE(fd, 0);
	for (uint64_t i = 0; i < NR; i++) {
		if (pread(fd, page, PAGE_SIZE, (off_t)(at + i * PAGE_SIZE)) == (ssize_t)PAGE_SIZE) {
			EXPECT_TRUE(memory_page_is(page, 1, i));
			continue;
		}
		EXPECT_EQ(EIO, errno);
		nr_errors++;
	}
	EXPECT_GT(nr_errors, NR / 2);
	memory_fill_page(page, 1, NR - 1);
	if (pwrite(fd, page, PAGE_SIZE, (off_t)(at + (NR - 1) * PAGE_SIZE)) < 0)
		EXPECT_EQ(EIO, errno);
	close(fd);
	/* The pager may have stopped it at this moment, which takes tracing, too. */
	ASSERT_TRUE(wait_until(10, !ptrace(PTRACE_SEIZE, t.pid, NULL, NULL)));
	ASSERT_EQ(0, ptrace(PTRACE_INTERRUPT, t.pid, NULL, NULL));
	ASSERT_EQ(t.pid, waitpid(t.pid, NULL, __WALL));
	errno = 0;
	word = ptrace(PTRACE_PEEKDATA, t.pid, (void *)(uintptr_t)at, NULL);
	EXPECT_TRUE(errno == EIO || (!errno && (uint64_t)word == memory_word(1, 0, 0)));
	EXPECT_EQ(0, ptrace(PTRACE_DETACH, t.pid, NULL, NULL));
	/* As it was, and still paged. */
	for (uint64_t i = 0; i < NR / 2; i++)
		ASSERT_TRUE(vm_write(&t, i, 2));
	target_let(&t, 2);
	ASSERT_TRUE(target_reached(&t, 3));
	target_let(&t, 3);
	EXPECT_EQ(0, target_end(&t));
}

/* ---- a core dump, after `upager populate` ---- */

static bool cores_are_files(void)
{
	int fd = open("/proc/sys/kernel/core_pattern", O_RDONLY | O_CLOEXEC);
	char pattern[128] = "";
	ssize_t n = fd < 0 ? 0 : read(fd, pattern, sizeof(pattern) - 1);

	if (fd >= 0)
		close(fd);
	return n == 5 && !memcmp(pattern, "core\n", 5);
}

static int dump(struct target_share *sh)
{
	const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	uint8_t *p = memory_map(NR);
	char dir[600];

	memory_fill(p, 0, NR, 1);
	target_check(sh, memory_push_far(p, NR));
	atomic_store(&sh->value[0], (uintptr_t)p);
	snprintf(dir, sizeof(dir), "%s/core.%d", guard_disk, getpid());
	target_check(sh, !mkdir(dir, 0700) && !chdir(dir));
	target_check(sh, !setrlimit(RLIMIT_CORE, &all));
	target_meet(sh, 2);
	signal(SIGABRT, SIG_DFL);
	raise(SIGABRT);
	return 1;
}

/* Where a core keeps an address, 0: nowhere. */
static off_t core_offset(int fd, uint64_t addr)
{
	Elf64_Ehdr eh;
	Elf64_Phdr ph;

	if (pread(fd, &eh, sizeof(eh), 0) != sizeof(eh) || memcmp(eh.e_ident, ELFMAG, SELFMAG))
		return 0;
	for (uint16_t i = 0; i < eh.e_phnum; i++) {
		if (pread(fd, &ph, sizeof(ph), (off_t)(eh.e_phoff + i * sizeof(ph))) != sizeof(ph))
			return 0;
		if (ph.p_type == PT_LOAD && addr - ph.p_vaddr < ph.p_filesz)
			return (off_t)(ph.p_offset + addr - ph.p_vaddr);
	}
	return 0;
}

static int open_core(pid_t pid)
{
	char path[640];

	snprintf(path, sizeof(path), "%s/core.%d/core", guard_disk, pid);
	return open(path, O_RDONLY | O_CLOEXEC);
}

TEST_F_TIMEOUT(other, core_dump_is_whole, 60)
{
	struct target t;
	uint64_t addr;
	off_t at;
	int fd;

	if (!cores_are_files())
		SKIP(return, "kernel.core_pattern is not \"core\"");
	t = target_start(&self->pager, dump, TARGET_BUDGET);
	ASSERT_TRUE(target_reached(&t, 2));
	addr = atomic_load(&t.share->value[0]);
	/* Room for all of it: otherwise it would leave again before the dump. */
	ASSERT_EQ(0, upager_set_budget(self->pager.client, t.pid, 64 * MIB, NULL));
	ASSERT_EQ(0, upager_populate(self->pager.client, t.pid, NULL));
	target_let(&t, 2);
	EXPECT_EQ(TARGET_SIGNAL + SIGABRT, target_end(&t));
	fd = open_core(t.pid);
	ASSERT_GE(fd, 0);
	for (uint64_t i = 0; i < NR; i++) {
		at = core_offset(fd, addr + i * PAGE_SIZE);
		ASSERT_NE(0, at);
		ASSERT_EQ(PAGE_SIZE, pread(fd, page, PAGE_SIZE, at));
		EXPECT_TRUE(memory_page_is(page, 1, i));
	}
	close(fd);
}

TEST_HARNESS_MAIN
