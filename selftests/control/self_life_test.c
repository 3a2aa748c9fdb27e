// SPDX-License-Identifier: GPL-2.0-only
/*
 * TIMEOUT 300
 *
 * What pages itself forks, executes, exits, moves its memory, and is detached.
 */
#include "selftests/cli/cli.h"
#include "selftests/control/self.h"
#include "selftests/control/worker.h"

#include <dirent.h>
#include <linux/kcmp.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include <kselftest_harness.h>

SELF_FIXTURE(self_life)

/* A range under pressure, filled with seed. */
static int begin(struct target_share *sh, struct upager **u, uint8_t **p, uint64_t seed)
{
	*p = memory_map(SELF_PAGES);
	*u = self_open();
	target_check(sh, *u);
	self_ok(sh, *u, upager_join(*u, SELF_BUDGET));
	self_ok(sh, *u, upager_register(*u, *p, SELF_BYTES));
	memory_fill(*p, 0, SELF_PAGES, seed);
	target_check(sh, self_within(*p, SELF_PAGES, SELF_BUDGET));
	return 0;
}

static bool child_succeeds(pid_t pid)
{
	int status = -1;

	return wait_until(60, waitpid(pid, &status, WNOHANG) == pid) && status == 0;
}

/* It inherits what is outside; only when it asks for it has it an agent. */
static int child_of_fork(struct target_share *sh, uint8_t *p)
{
	struct upager *u;

	target_check(sh, memory_is(p, 0, SELF_PAGES, 1));
	memory_fill(p, 0, SELF_PAGES, 2);
	target_check(sh, memory_resident(p, SELF_PAGES) == SELF_PAGES);
	u = self_open();
	target_check(sh, u);
	self_ok(sh, u, upager_register(u, p, SELF_BYTES));
	target_check(sh, self_within(p, SELF_PAGES, SELF_BUDGET));
	target_check(sh, memory_is(p, 0, SELF_PAGES, 2));
	self_ok(sh, u, upager_unregister(u, p, SELF_BYTES));
	target_check(sh, memory_is(p, 0, SELF_PAGES, 2));
	target_check(sh, self_status(u).pid == 0);
	upager_close(u);
	return 0;
}

/* One that asks before anybody knows which process it is. */
static int hasty_child(struct target_share *sh, uint8_t *p)
{
	struct upager *u = self_open();

	target_check(sh, u);
	self_ok(sh, u, upager_register(u, p, SELF_BYTES));
	target_check(sh, memory_is(p, 0, SELF_PAGES, 1));
	target_check(sh, self_within(p, SELF_PAGES, SELF_BUDGET));
	target_check(sh, memory_is(p, 0, SELF_PAGES, 1));
	upager_close(u);
	return 0;
}

static int forks(struct target_share *sh)
{
	struct upager *u;
	uint8_t *p;
	pid_t pid;

	if (begin(sh, &u, &p, 1))
		return 1;
	for (int hasty = 0; hasty < 2; hasty++) {
		pid = fork();
		if (!pid) {
			/* The parent's connection is not for its child. */
			if (upager_register(u, p, SELF_BYTES) != -EINVAL)
				_exit(target_fail(sh, "register by the parent's connection"));
			_exit(hasty ? hasty_child(sh, p) : child_of_fork(sh, p));
		}
		target_check(sh, memory_is(p, 0, SELF_PAGES, 1));
		target_check(sh, child_succeeds(pid));
	}
	target_check(sh, memory_is(p, 0, SELF_PAGES, 1));
	self_ok(sh, u, upager_unregister(u, p, SELF_BYTES));
	target_check(sh, memory_is(p, 0, SELF_PAGES, 1));
	upager_close(u);
	return 0;
}

TEST_F_TIMEOUT(self_life, forks, 120)
{
	int orphans = nr_orphans();

	EXPECT_EQ(0, self_run(forks));
	EXPECT_TRUE(wait_until(10, nr_orphans() == orphans));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

/* Stays as it is, though it has grown far beyond the budget, and exits then. */
static int large_child(struct target_share *sh)
{
	struct upager *u;
	uint8_t *p;
	pid_t pid;

	if (begin(sh, &u, &p, 1))
		return 1;
	pid = fork();
	if (!pid) {
		target_check(sh, memory_is(p, 0, SELF_PAGES, 1));
		/* Longer than a child of another kind goes without an agent. */
		sleep_us(1500000);
		_exit(memory_resident(p, SELF_PAGES) != SELF_PAGES);
	}
	target_check(sh, child_succeeds(pid));
	upager_close(u);
	return 0;
}

TEST_F_TIMEOUT(self_life, child_without_agent, 120)
{
	EXPECT_EQ(0, self_run(large_child));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

static int execs(struct target_share *sh)
{
	struct upager *u;
	uint8_t *p;

	if (begin(sh, &u, &p, 1))
		return 1;
	atomic_store(&sh->value[0], 1);
	execl("/bin/sleep", "sleep", "1000", NULL);
	return 1;
}

/* What it executes has not asked for anything. */
TEST_F_TIMEOUT(self_life, executes, 60)
{
	int orphans = nr_orphans();
	struct target t = target_fork(execs);

	target_let(&t, 1);
	EXPECT_TRUE(wait_until(30, atomic_load(&t.share->value[0])));
	EXPECT_TRUE(wait_until(10, pager_status(&self->pager, t.pid).pid == 0));
	EXPECT_TRUE(wait_until(10, nr_orphans() == orphans));
	EXPECT_EQ(TARGET_SIGNAL + SIGKILL, target_kill(&t));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

/* Who else runs in this memory: the agent, which cannot keep it alive any more then. */
static bool kill_agent(void)
{
	DIR *dir = opendir("/proc");
	bool killed = false;
	struct dirent *d;

	while (dir && (d = readdir(dir))) {
		pid_t pid = (pid_t)strtol(d->d_name, NULL, 10);

		if (pid > 0 && pid != getpid() && !syscall(SYS_kcmp, getpid(), pid, KCMP_VM, 0, 0))
			killed |= !kill(pid, SIGKILL);
	}
	if (dir)
		closedir(dir);
	return killed;
}

/* What it executes goes on asking through a connection that was left open. */
static int execs_and_asks(struct target_share *sh)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	char path[640], number[16];
	struct upager *u;
	uint8_t *p;
	int sock;

	guard_build_dir(path, 512);
	strcat(path, "/selftests/targets/self_join");
	strcpy(addr.sun_path, self_pager->socket);
	if (begin(sh, &u, &p, 1))
		return 1;
	sock = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	target_check(sh, !connect(sock, (struct sockaddr *)&addr, sizeof(addr)));
	snprintf(number, sizeof(number), "%d", sock);
	target_check(sh, kill_agent());
	execl(path, "self_join", number, NULL);
	return 1;
}

TEST_F_TIMEOUT(self_life, executes_what_asks, 60)
{
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(0, self_run(execs_and_asks));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

static int exits(struct target_share *sh)
{
	struct upager *u;
	uint8_t *p;

	return begin(sh, &u, &p, 1);
}

TEST_F_TIMEOUT(self_life, exits, 60)
{
	int orphans = nr_orphans();
	struct upager_record rec;

	EXPECT_EQ(0, self_run(exits));
	EXPECT_TRUE(wait_until(10, nr_orphans() == orphans));
	EXPECT_TRUE(wait_until(10, !upager_ping(self->pager.client, &rec) &&
					   rec.slots_free == rec.slots_total));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

/* Moved, grown and cut: what is paged goes with it, and nothing else comes to be. */
static int moves(struct target_share *sh)
{
	const uint64_t third = SELF_PAGES / 3;
	struct upager *u;
	uint8_t *p, *q, *other;

	if (begin(sh, &u, &p, 1))
		return 1;
	other = memory_map(third);
	memory_fill(other, 0, third, 9);
	q = mremap(p + third * PAGE_SIZE, third * PAGE_SIZE, 2 * third * PAGE_SIZE, MREMAP_MAYMOVE);
	target_check(sh, q != MAP_FAILED);
	for (uint64_t i = 0; i < third; i++)
		target_check(sh, memory_page_is(q + i * PAGE_SIZE, 1, third + i));
	memory_fill(q, 0, 2 * third, 5);
	target_check(sh, wait_until(20, memory_resident(q, 2 * third) < 2 * third));
	target_check(sh, !munmap(p, third * PAGE_SIZE));
	target_check(sh, memory_is(p, 2 * third, 3 * third, 1));
	target_check(sh, memory_is(q, 0, 2 * third, 5));
	self_ok(sh, u, upager_unregister(u, q, 2 * third * PAGE_SIZE));
	target_check(sh, memory_is(q, 0, 2 * third, 5));
	target_check(sh, memory_resident(other, third) == third);
	self_ok(sh, u, upager_unregister(u, p + 2 * third * PAGE_SIZE, third * PAGE_SIZE));
	target_check(sh, memory_is(p, 2 * third, 3 * third, 1));
	target_check(sh, memory_is(other, 0, third, 9));
	target_check(sh, self_status(u).pid == 0);
	upager_close(u);
	return 0;
}

TEST_F_TIMEOUT(self_life, moves, 120)
{
	EXPECT_EQ(0, self_run(moves));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

static int waits(struct target_share *sh)
{
	static struct traces before, after;
	struct upager *u;
	uint8_t *p;

	p = memory_map(SELF_PAGES); /* as begin() finds it */
	munmap(p, SELF_BYTES);
	if (begin(sh, &u, &p, 1))
		return 1;
	target_meet(sh, 2);
	target_check(sh, memory_resident(p, SELF_PAGES) == SELF_PAGES);
	target_check(sh, memory_is(p, 0, SELF_PAGES, 1));
	if (!atomic_load(&sh->value[0]))
		return 0;
	traces_take(&before, getpid(), false);
	self_ok(sh, u, upager_register(u, p, SELF_BYTES));
	self_ok(sh, u, upager_unregister(u, p, SELF_BYTES));
	traces_take(&after, getpid(), false);
	target_check(sh, traces_equal(&before, &after));
	return 0;
}

/* From outside, with nobody in the program who would help. */
TEST_F_TIMEOUT(self_life, is_detached, 60)
{
	int orphans = nr_orphans();
	struct target t = target_fork(waits);

	target_let(&t, 1);
	ASSERT_TRUE(target_reached(&t, 2));
	EXPECT_TRUE(cli_quietly(&self->pager, "detach", t.pid));
	EXPECT_EQ(0, pager_status(&self->pager, t.pid).pid);
	EXPECT_TRUE(wait_until(10, nr_orphans() == orphans));
	atomic_store(&t.share->value[0], 1);
	target_let(&t, 2);
	EXPECT_EQ(0, target_end(&t));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

TEST_F_TIMEOUT(self_life, daemon_stops, 60)
{
	int orphans = nr_orphans();
	struct target t = target_fork(waits);

	target_let(&t, 1);
	ASSERT_TRUE(target_reached(&t, 2));
	EXPECT_EQ(0, pager_stop(&self->pager));
	EXPECT_TRUE(wait_until(10, nr_orphans() == orphans));
	target_let(&t, 2);
	EXPECT_EQ(0, target_end(&t));
}

/* Registering what is paged anyway is no error and changes nothing; the rest is for detach. */
static int in_whole(struct target_share *sh)
{
	uint8_t *p = memory_map(SELF_PAGES);
	struct upager *u = self_open();

	target_check(sh, u);
	memory_fill(p, 0, SELF_PAGES, 1);
	target_check(sh, self_within(p, SELF_PAGES, SELF_BUDGET));
	self_ok(sh, u, upager_register(u, p, SELF_BYTES));
	target_check(sh, upager_register(u, sh, PAGE_SIZE) == -EINVAL);
	target_check(sh, upager_unregister(u, p, SELF_BYTES) == -EPERM);
	self_ok(sh, u, upager_advise(u, p, 256 * PAGE_SIZE, UPAGER_PIN));
	target_check(sh, memory_resident(p, 256) == 256);
	target_check(sh, memory_is(p, 0, SELF_PAGES, 1));
	target_check(sh, memory_resident(p, 256) == 256);
	upager_close(u);
	return 0;
}

TEST_F_TIMEOUT(self_life, paged_as_a_whole, 60)
{
	EXPECT_EQ(0, target_run(&self->pager, in_whole));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

/* The program that the manual names. */
TEST_F_TIMEOUT(self_life, example, 120)
{
	struct program p;

	setenv("UPAGER_SOCKET", self->pager.socket, 1);
	p = program_start("self_example", NULL, NULL, NULL);
	EXPECT_TRUE(child_succeeds(p.pid));
	close(p.in);
	close(p.out);
	EXPECT_EQ(0, pager_stop(&self->pager));
}

/* Where threads would have to be stopped nothing is begun. */
TEST(without_move)
{
	struct pager_options opt = { .disable = "move" };
	struct upager *u = NULL;
	struct pager pager;
	uint8_t *p = memory_map(1);

	ASSERT_EQ(0, pager_start(&pager, &opt));
	EXPECT_EQ(0, upager_open(pager.socket, &u));
	EXPECT_EQ(-EOPNOTSUPP, upager_register(u, p, PAGE_SIZE));
	EXPECT_EQ(UPAGER_EXIT_KERNEL, upager_last_reply(u)->exit_code);
	upager_close(u);
	EXPECT_EQ(0, pager_stop(&pager));
	pager_fini(&pager);
}

TEST_HARNESS_MAIN
