// SPDX-License-Identifier: GPL-2.0-only
/*
 * TIMEOUT 300
 *
 * A program pages ranges of its own with libupager, and nobody traces it.
 */
#include "selftests/control/self.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

#include <kselftest_harness.h>

SELF_FIXTURE(self)

#define OTHER_PAGES 1024

static int there_and_back(struct target_share *sh)
{
	uint8_t *p = memory_map(SELF_PAGES), *other = memory_map(OTHER_PAGES);
	static struct traces before, after;
	struct upager *u = self_open();
	struct upager_record rec;

	memory_fill(other, 0, OTHER_PAGES, 2);
	target_check(sh, u);
	traces_take(&before, getpid(), false);
	self_ok(sh, u, upager_join(u, SELF_BUDGET));
	self_ok(sh, u, upager_register(u, p, SELF_BYTES));
	for (uint64_t seed = 3; seed < 5; seed++) {
		memory_fill(p, 0, SELF_PAGES, seed);
		target_check(sh, self_within(p, SELF_PAGES, SELF_BUDGET));
		target_check(sh, memory_is(p, 0, SELF_PAGES, seed));
	}
	rec = self_status(u);
	target_check(sh, rec.pid == getpid() && rec.budget_bytes == SELF_BUDGET);
	target_check(sh, rec.registered_bytes == SELF_BYTES);
	target_check(sh, rec.evictions > SELF_PAGES && rec.swap_ins > 0);
	/* Three times the budget came and went; of all else nothing did. */
	target_check(sh, memory_resident(other, OTHER_PAGES) == OTHER_PAGES);
	target_check(sh, waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);

	self_ok(sh, u, upager_unregister(u, p, SELF_BYTES));
	target_check(sh, memory_resident(p, SELF_PAGES) == SELF_PAGES);
	target_check(sh, memory_is(p, 0, SELF_PAGES, 4));
	target_check(sh, memory_is(other, 0, OTHER_PAGES, 2));
	target_check(sh, self_status(u).pid == 0);
	traces_take(&after, getpid(), false);
	target_check(sh, traces_equal(&before, &after));
	upager_close(u);
	return 0;
}

TEST_F_TIMEOUT(self, there_and_back, 120)
{
	int orphans = nr_orphans();

	EXPECT_EQ(0, self_run(there_and_back));
	EXPECT_TRUE(wait_until(5, nr_orphans() == orphans));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

/* Budget and register only; the rest is what a tracer must not see or hinder. */
static int quick(struct target_share *sh)
{
	uint8_t *p = memory_map(SELF_PAGES);
	struct upager *u = self_open();

	target_check(sh, u);
	self_ok(sh, u, upager_join(u, SELF_BUDGET));
	self_ok(sh, u, upager_register(u, p, SELF_BYTES));
	memory_fill(p, 0, SELF_PAGES, 7);
	target_check(sh, self_within(p, SELF_PAGES, SELF_BUDGET));
	target_check(sh, memory_is(p, 0, SELF_PAGES, 7));
	self_ok(sh, u, upager_unregister(u, p, SELF_BYTES));
	target_check(sh, memory_resident(p, SELF_PAGES) == SELF_PAGES);
	target_check(sh, memory_is(p, 0, SELF_PAGES, 7));
	target_check(sh, self_status(u).pid == 0);
	upager_close(u);
	return 0;
}

/* A tracer that follows clones would stop the agent for good. */
TEST_F_TIMEOUT(self, while_traced, 120)
{
	struct target t = target_fork(quick);

	ASSERT_TRUE(target_reached(&t, 1));
	ASSERT_EQ(0, ptrace(PTRACE_SEIZE, t.pid, 0,
			    PTRACE_O_EXITKILL | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |
				    PTRACE_O_TRACEVFORK));
	/* Where ptrace is needed this one is in the way. */
	EXPECT_EQ(-EPERM, upager_attach(self->pager.client, t.pid, SELF_BUDGET, 0, NULL));
	target_let(&t, 1);
	EXPECT_EQ(0, target_end(&t));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

static int forbid(void)
{
#define FORBID(name)                                           \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 1), \
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM)
	struct sock_filter insn[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		FORBID(ptrace),
		FORBID(userfaultfd),
		FORBID(process_vm_readv),
		FORBID(process_vm_writev),
		FORBID(socketpair),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { .len = ARRAY_SIZE(insn), .filter = insn };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog);
}

static int confined(struct target_share *sh)
{
	target_check(sh, !setgid(65534) && !setuid(65534));
	target_check(sh, !prctl(PR_SET_DUMPABLE, 0));
	target_check(sh, !forbid());
	target_check(sh, syscall(SYS_userfaultfd, 0) == -1 && errno == EPERM);
	return quick(sh);
}

TEST_F_TIMEOUT(self, unprivileged_and_not_dumpable, 120)
{
	ASSERT_EQ(0, chmod(self->pager.socket, 0666));
	EXPECT_EQ(0, self_run(confined));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

/* Ranges that are given back in parts, while others stay. */
static int in_parts(struct target_share *sh)
{
	const uint64_t part = SELF_PAGES / 3;
	uint8_t *p = memory_map(SELF_PAGES);
	struct upager *u = self_open();

	target_check(sh, u);
	self_ok(sh, u, upager_join(u, SELF_BUDGET));
	self_ok(sh, u, upager_register(u, p, SELF_BYTES));
	memory_fill(p, 0, SELF_PAGES, 1);
	target_check(sh, self_within(p, SELF_PAGES, SELF_BUDGET));
	self_ok(sh, u, upager_unregister(u, p + part * PAGE_SIZE, part * PAGE_SIZE));
	target_check(sh, memory_resident(p + part * PAGE_SIZE, part) == part);
	target_check(sh, self_status(u).registered_bytes == 2 * part * PAGE_SIZE);
	/* What is emptied without the pager's knowledge must not come back. */
	target_check(sh, !madvise(p + part * PAGE_SIZE, part * PAGE_SIZE, MADV_DONTNEED));
	target_check(sh, memory_is_zero(p, part, 2 * part));
	memory_fill(p, part, 2 * part, 2);
	target_check(sh, memory_is(p, 0, part, 1) && memory_is(p, 2 * part, 3 * part, 1));
	target_check(sh, memory_resident(p + part * PAGE_SIZE, part) == part);
	/* Again, and now all of it. */
	self_ok(sh, u, upager_register(u, p + part * PAGE_SIZE, part * PAGE_SIZE));
	target_check(sh, self_within(p, SELF_PAGES, SELF_BUDGET));
	target_check(sh, memory_is(p, part, 2 * part, 2));
	self_ok(sh, u, upager_unregister(u, p, part * PAGE_SIZE));
	self_ok(sh, u, upager_unregister(u, p + part * PAGE_SIZE, 2 * part * PAGE_SIZE));
	target_check(sh, memory_is(p, 0, part, 1) && memory_is(p, part, 2 * part, 2));
	target_check(sh, memory_is(p, 2 * part, 3 * part, 1));
	target_check(sh, self_status(u).pid == 0);
	/* From the start. */
	self_ok(sh, u, upager_register(u, p, SELF_BYTES));
	self_ok(sh, u, upager_set_budget(u, getpid(), SELF_BUDGET, NULL));
	target_check(sh, self_within(p, SELF_PAGES, SELF_BUDGET));
	target_check(sh, memory_is(p, 0, part, 1) && memory_is(p, part, 2 * part, 2));
	upager_close(u);
	return 0;
}

TEST_F_TIMEOUT(self, in_parts, 120)
{
	EXPECT_EQ(0, self_run(in_parts));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

static int refusals(struct target_share *sh)
{
	uint8_t *p = memory_map(16), *ro;
	struct upager *u = self_open();

	target_check(sh, u);
	ro = mmap(NULL, PAGE_SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	target_check(sh, upager_unregister(u, p, PAGE_SIZE) == -ESRCH);
	target_check(sh, upager_advise(u, p, PAGE_SIZE, UPAGER_COLD) == -ESRCH);
	target_check(sh, upager_join(u, 1) == -EINVAL);
	target_check(sh, upager_register(u, p, 0) == -EINVAL);
	target_check(sh, upager_register(u, p + 1, PAGE_SIZE) == -EINVAL);
	target_check(sh, upager_register(u, p, PAGE_SIZE + 1) == -EINVAL);
	munmap(p + 8 * PAGE_SIZE, PAGE_SIZE);
	target_check(sh, upager_register(u, p, 16 * PAGE_SIZE) == -ENOMEM);
	target_check(sh, upager_register(u, ro, PAGE_SIZE) == -EINVAL);
	target_check(sh, upager_register(u, sh, PAGE_SIZE) == -EINVAL);
	target_check(sh, self_status(u).registered_bytes == 0);
	self_ok(sh, u, upager_register(u, p, 8 * PAGE_SIZE));
	target_check(sh, upager_unregister(u, p, 9 * PAGE_SIZE) == -ENOMEM);
	target_check(sh, upager_advise(u, p, 9 * PAGE_SIZE, UPAGER_COLD) == -ENOMEM);
	target_check(sh, upager_advise(u, p, PAGE_SIZE, (enum upager_advice)99) == -EINVAL);
	target_check(sh, upager_last_reply(u)->text[0]);
	self_ok(sh, u, upager_unregister(u, p, 8 * PAGE_SIZE));
	upager_close(u);
	return 0;
}

TEST_F_TIMEOUT(self, refusals, 60)
{
	EXPECT_EQ(0, self_run(refusals));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

/* One that joins and registers nothing is forgotten with its connection. */
static int join_and_close(struct target_share *sh)
{
	static struct traces before, after;
	struct upager *u = self_open();

	target_check(sh, u);
	upager_close(u);
	traces_take(&before, getpid(), false);
	u = self_open();
	self_ok(sh, u, upager_join(u, SELF_BUDGET));
	target_check(sh, self_status(u).pid == getpid());
	upager_close(u);
	u = self_open();
	target_check(sh, wait_until(10, self_status(u).pid == 0));
	upager_close(u);
	traces_take(&after, getpid(), false);
	target_check(sh, traces_equal(&before, &after));
	return 0;
}

TEST_F_TIMEOUT(self, join_and_close, 60)
{
	EXPECT_EQ(0, self_run(join_and_close));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

struct worker {
	pthread_t thread;
	uint8_t *p;
	uint64_t nr;
	bool ok;
};

#define WORKERS 4

/* Each with a connection and ranges of its own; the first ones to come join. */
static void *work(void *arg)
{
	const uint64_t pages = SELF_PAGES / WORKERS;
	struct worker *w = arg;
	struct upager *u = self_open();

	w->ok = u;
	for (int round = 0; round < 3 && w->ok; round++) {
		w->ok = !upager_register(u, w->p, pages * PAGE_SIZE);
		if (w->ok && upager_join(u, SELF_BUDGET))
			w->ok = false;
		memory_fill(w->p, 0, pages, 10 + w->nr);
		w->ok = w->ok && memory_is(w->p, 0, pages, 10 + w->nr) &&
			!upager_unregister(u, w->p, pages * PAGE_SIZE) &&
			memory_resident(w->p, pages) == pages &&
			memory_is(w->p, 0, pages, 10 + w->nr);
		if (!w->ok)
			fprintf(stderr, "# worker: %s\n", upager_last_reply(u)->text);
	}
	upager_close(u);
	return NULL;
}

static int threads(struct target_share *sh)
{
	struct worker w[WORKERS];
	struct upager *u;

	for (uint64_t i = 0; i < WORKERS; i++) {
		w[i] = (struct worker){ .p = memory_map(SELF_PAGES / WORKERS), .nr = i };
		target_check(sh, !pthread_create(&w[i].thread, NULL, work, &w[i]));
	}
	for (int i = 0; i < WORKERS; i++) {
		pthread_join(w[i].thread, NULL);
		target_check(sh, w[i].ok);
	}
	u = self_open();
	target_check(sh, wait_until(10, self_status(u).pid == 0));
	upager_close(u);
	return 0;
}

TEST_F_TIMEOUT(self, threads, 120)
{
	int orphans = nr_orphans();

	EXPECT_EQ(0, self_run(threads));
	EXPECT_TRUE(wait_until(5, nr_orphans() == orphans));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

TEST_HARNESS_MAIN
