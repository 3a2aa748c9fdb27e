// SPDX-License-Identifier: GPL-2.0-only
/* While no daemon lives, or one that does nothing: who says so, and when it ends. */
#include "selftests/memory.h"
#include "selftests/target.h"

#include <dirent.h>
#include <kselftest_harness.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "agent/agent_abi.h"

#define NR 3072ULL /* pages: three times the budget */

FIXTURE(recover_wait)
{
	struct pager pager;
};

FIXTURE_SETUP(recover_wait)
{
	ASSERT_EQ(0, pager_start(&self->pager, &(struct pager_options){ 0 }));
}

PAGER_TEARDOWN(recover_wait)

static int sit_and_go_on(struct target_share *sh)
{
	uint8_t *p = memory_map(NR);

	memory_fill(p, 0, NR, 1);
	target_meet(sh, 2);
	target_check(sh, memory_is(p, 0, NR, 1));
	return 0;
}

/* Clients queue at the socket that the keeper has: they are told, or served by the next one. */
TEST_F_TIMEOUT(recover_wait, clients_are_told, 60)
{
	struct pager *pager = &self->pager;
	struct upager_record *list = NULL;
	struct upager *late;
	struct target t = target_start(pager, sit_and_go_on, TARGET_BUDGET);
	uint32_t n;

	ASSERT_TRUE(target_reached(&t, 2));
	pager_kill(pager);
	ASSERT_EQ(0, upager_open(pager->socket, &late));
	EXPECT_EQ(-EHOSTDOWN, upager_status(late, 0, &list, &n));
	EXPECT_NE(NULL, strstr(upager_last_reply(late)->text, "has died"));
	upager_close(late);
	/* The connection that it had is told as well. */
	EXPECT_EQ(-EHOSTDOWN, upager_status(pager->client, 0, &list, &n));
	ASSERT_EQ(0, upager_open(pager->socket, &late));
	ASSERT_EQ(0, pager_restart(pager, &(struct pager_options){ 0 }));
	EXPECT_EQ(0, upager_status(late, t.pid, &list, &n))
	TH_LOG("%s", upager_last_reply(late)->text);
	free(list);
	upager_close(late);
	target_let(&t, 2);
	EXPECT_EQ(0, target_end(&t));
	EXPECT_EQ(0, pager_stop(pager));
}

#define AGENTS 16

/* The control pages of all agents: as if all had got stuck while they move something. */
static int make_busy(pid_t daemon)
{
	char dir[64], path[400], name[64];
	struct dirent *d;
	int n = 0;
	DIR *fds;

	snprintf(dir, sizeof(dir), "/proc/%d/fd", daemon);
	fds = opendir(dir);
	while (fds && (d = readdir(fds))) {
		struct agent_ctl *ctl;
		ssize_t len;
		int fd;

		snprintf(path, sizeof(path), "%s/%s", dir, d->d_name);
		len = readlink(path, name, sizeof(name) - 1);
		name[len > 0 ? len : 0] = '\0';
		if (strncmp(name, "/memfd:upager-agent", strlen("/memfd:upager-agent")))
			continue;
		fd = open(path, O_RDWR);
		ctl = mmap(NULL, AGENT_CTL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		close(fd);
		if (ctl == MAP_FAILED)
			continue;
		atomic_store(&ctl->busy, 1);
		munmap(ctl, AGENT_CTL_BYTES);
		n++;
	}
	if (fds)
		closedir(fds);
	return n;
}

/* Regression: one after the other they took so long that no daemon could take over. */
TEST_F_TIMEOUT(recover_wait, agents_are_stuck, 100)
{
	struct pager *pager = &self->pager;
	struct target t[AGENTS];

	for (int i = 0; i < AGENTS; i++)
		t[i] = target_start(pager, sit_and_go_on, TARGET_BUDGET);
	for (int i = 0; i < AGENTS; i++)
		EXPECT_TRUE(target_reached(&t[i], 2));
	EXPECT_EQ(AGENTS, make_busy(pager->pid));
	ASSERT_EQ(0, pager_restart(pager, &(struct pager_options){ 0 }));
	for (int i = 0; i < AGENTS; i++)
		target_let(&t[i], 2);
	for (int i = 0; i < AGENTS; i++)
		EXPECT_EQ(0, target_end(&t[i]));
	EXPECT_EQ(0, pager_stop(pager));
}

#define WATCHDOG_US "400000"

/* As a service manager listens. */
static int listen_as_manager(struct sockaddr_un *addr)
{
	const struct timeval limit = { .tv_sec = 2 };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	*addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(addr->sun_path, sizeof(addr->sun_path), "%.90s/notify", guard_ram);
	if (fd < 0 || bind(fd, (struct sockaddr *)addr, sizeof(*addr)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)))
		return -1;
	setenv("NOTIFY_SOCKET", addr->sun_path, 1);
	setenv("WATCHDOG_USEC", WATCHDOG_US, 1);
	return fd;
}

/* Whether it says within a few times its period that it lives. */
static bool is_heard(int fd)
{
	char text[256];
	ssize_t n;

	while ((n = recv(fd, text, sizeof(text) - 1, 0)) > 0) {
		text[n] = '\0';
		if (strstr(text, "WATCHDOG=1"))
			return true;
	}
	return false;
}

/* A worker that hangs is what the manager is told of by silence; what it does then helps. */
TEST_F_TIMEOUT(recover_wait, worker_hangs, 60)
{
	struct pager *pager = &self->pager;
	struct target t = target_start(pager, sit_and_go_on, TARGET_BUDGET);
	struct sockaddr_un addr;
	int fd = listen_as_manager(&addr);

	ASSERT_LE(0, fd);
	ASSERT_TRUE(target_reached(&t, 2));
	ASSERT_EQ(0, pager_restart(pager, &(struct pager_options){ 0 }));
	for (int i = 0; i < 8; i++)
		EXPECT_TRUE(is_heard(fd));
	/* Something has to come back. */
	ASSERT_TRUE(wait_until(20, pager_status(pager, t.pid).swapped_bytes));
	ASSERT_EQ(0, pager_restart(pager, &(struct pager_options){
						  .failpoints = "fault_filled=delay:60000000@1" }));
	target_let(&t, 2);
	EXPECT_TRUE(wait_until(20, pager_logged(pager, "the worker has not come round")));
	while (recv(fd, &addr, sizeof(addr), MSG_DONTWAIT) > 0)
		; /* said before */
	EXPECT_FALSE(is_heard(fd));
	ASSERT_EQ(0, pager_restart(pager, &(struct pager_options){ 0 }));
	EXPECT_TRUE(is_heard(fd));
	EXPECT_EQ(0, target_end(&t));
	EXPECT_EQ(0, pager_stop(pager));
	close(fd);
}

/* Nothing of this where nobody asks for it; but the keeper is always looked after. */
TEST_F_TIMEOUT(recover_wait, keeper_is_missed, 60)
{
	struct pager *pager = &self->pager;
	char path[300];
	int pid = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/keeper.pid", pager->state);
	f = fopen(path, "re");
	ASSERT_NE(NULL, f);
	EXPECT_EQ(1, fscanf(f, "%d", &pid));
	fclose(f);
	ASSERT_EQ(0, kill(pid, SIGKILL));
	EXPECT_TRUE(wait_until(5, pager_logged(pager, "the keeper died: process")));
	EXPECT_EQ(0, pager_stop(pager));
}

TEST_HARNESS_MAIN
