// SPDX-License-Identifier: GPL-2.0-only
/*
 * TIMEOUT 300
 *
 * Swap areas come and go while programs have pages in them.
 */
#include "selftests/memory.h"
#include "selftests/target.h"

#include <sys/socket.h>
#include <sys/un.h>

#include "control/proto.h"

#include <kselftest_harness.h>

#define NR 3072ULL /* pages: three times the budget */

PAGER_FIXTURE(swapon)

static int go_on(struct target_share *sh)
{
	uint8_t *p = memory_map(NR);

	memory_fill(p, 0, NR, 1);
	for (uint32_t step = 2; step < 5; step++) {
		target_meet(sh, step);
		target_check(sh, memory_is(p, 0, NR, step - 1));
		memory_fill(p, 0, NR, step);
	}
	target_meet(sh, 5);
	target_check(sh, memory_is(p, 0, NR, 4));
	return 0;
}

static bool is_used(const char *path)
{
	static const uint8_t zero[PAGE_SIZE];
	uint8_t data[PAGE_SIZE];
	int fd = open(path, O_RDONLY);
	bool used = false;

	for (off_t at = (off_t)PAGE_SIZE;
	     !used && fd >= 0 && pread(fd, data, PAGE_SIZE, at) == (ssize_t)PAGE_SIZE;
	     at += (off_t)PAGE_SIZE)
		used = memcmp(data, zero, PAGE_SIZE);
	close(fd);
	return used;
}

static int again(struct pager *pager, const char *disable, const char *failpoints)
{
	return pager_restart(
		pager, &(struct pager_options){ .disable = disable, .failpoints = failpoints });
}

/* In any order, with a daemon that dies, started as before, between. */
TEST_F_TIMEOUT(swapon, comes_and_goes, 100)
{
	struct pager *pager = &self->pager;
	struct target t = target_start(pager, go_on, TARGET_BUDGET);

	ASSERT_TRUE(target_reached(&t, 2));
	ASSERT_EQ(0, pager_make_area(pager->area2, 64 * MIB));
	EXPECT_FALSE(is_used(pager->area2));
	ASSERT_EQ(0, upager_swapon(pager->client, pager->area2, 10))
	TH_LOG("%s", upager_last_reply(pager->client)->text);
	EXPECT_EQ(-EBUSY, upager_swapon(pager->client, pager->area2, 10));
	target_let(&t, 2);
	ASSERT_TRUE(target_reached(&t, 3)) TH_LOG("%s", t.share->why);
	EXPECT_TRUE(is_used(pager->area2));
	ASSERT_EQ(0, again(pager, variant->disable, NULL));
	EXPECT_EQ(0, upager_swapoff(pager->client, pager->area, NULL, NULL))
	TH_LOG("%s", upager_last_reply(pager->client)->text);
	EXPECT_EQ(-ENOENT, upager_swapoff(pager->client, pager->area, NULL, NULL));
	/* Nobody's any more. */
	EXPECT_EQ(0, pager_make_area(pager->area, 128 * MIB));
	EXPECT_EQ(0, unlink(pager->area));
	EXPECT_EQ(0, pager_make_area(pager->area, 64 * MIB));
	target_let(&t, 3);
	ASSERT_TRUE(target_reached(&t, 4)) TH_LOG("%s", t.share->why);
	EXPECT_FALSE(is_used(pager->area));
	unlink(pager->area);
	ASSERT_EQ(0, again(pager, variant->disable, NULL));
	ASSERT_EQ(0, pager_make_area(pager->area, 64 * MIB));
	EXPECT_EQ(0, upager_swapon(pager->client, pager->area, 20));
	EXPECT_EQ(0, upager_swapoff(pager->client, pager->area2, NULL, NULL));
	target_let(&t, 4);
	ASSERT_TRUE(target_reached(&t, 5)) TH_LOG("%s", t.share->why);
	EXPECT_TRUE(is_used(pager->area));
	ASSERT_EQ(0, again(pager, variant->disable, NULL));
	target_let(&t, 5);
	EXPECT_EQ(0, target_end(&t));
	EXPECT_EQ(0, pager_stop(pager));
}

static int fork_and_check(struct target_share *sh)
{
	uint8_t *p = memory_map(NR);
	pid_t child;

	memory_fill(p, 0, NR, 1);
	target_check(sh, memory_push_far(p, NR / 2));
	child = fork();
	if (!child) {
		while (atomic_load(&sh->go) < 2)
			sleep_us(500);
		memory_fill(p, 0, 10, 2);
		_exit(memory_is(p, 0, 10, 2) && memory_is(p, 10, NR, 1) ? 0 : 3);
	}
	target_meet(sh, 2);
	target_check(sh, status_of(child) == 0);
	target_check(sh, memory_is(p, 0, NR, 1));
	return 0;
}

/* At each step, while parent and child have it all in common. */
TEST_F_TIMEOUT(swapon, dies_on_the_way, 200)
{
	static const char *const failpoints[] = { "drain_write=kill@3", "drain_written=kill@1",
						  "drain_moved=kill@2", "drain_moved=kill@9" };
	struct pager *pager = &self->pager;
	struct target t = target_start(pager, fork_and_check, TARGET_BUDGET);
	int status;

	ASSERT_TRUE(target_reached(&t, 2)) TH_LOG("%s", t.share->why);
	ASSERT_EQ(0, pager_make_area(pager->area2, 64 * MIB));
	ASSERT_EQ(0, upager_swapon(pager->client, pager->area2, 10));
	for (size_t i = 0; i < ARRAY_SIZE(failpoints); i++) {
		ASSERT_EQ(0, again(pager, variant->disable, failpoints[i]));
		EXPECT_NE(0, upager_swapoff(pager->client, pager->area, NULL, NULL));
		ASSERT_TRUE(wait_until(20, pager_ended(pager, &status)));
		EXPECT_TRUE(WIFSIGNALED(status)) TH_LOG("%s", failpoints[i]);
	}
	ASSERT_EQ(0, again(pager, variant->disable, NULL));
	EXPECT_EQ(0, upager_swapoff(pager->client, pager->area, NULL, NULL))
	TH_LOG("%s", upager_last_reply(pager->client)->text);
	EXPECT_TRUE(unlink(pager->area) == 0);
	target_let(&t, 2);
	EXPECT_EQ(0, target_end(&t));
	EXPECT_EQ(0, pager_stop(pager));
}

static int give_up(void *context, const char *text)
{
	int *calls = context;

	(void)text;
	return ++*calls == 1;
}

TEST_F_TIMEOUT(swapon, is_refused_or_given_up, 100)
{
	struct pager *pager = &self->pager;
	struct target t = target_start(pager, go_on, TARGET_BUDGET);
	int calls = 0;

	ASSERT_TRUE(target_reached(&t, 2));
	EXPECT_EQ(-EBUSY, upager_swapoff(pager->client, pager->area, NULL, NULL));
	EXPECT_NE(NULL, strstr(upager_last_reply(pager->client)->text, "only area"));
	EXPECT_GT(0, upager_swapon(pager->client, pager->log, 0));
	ASSERT_EQ(0, pager_make_area(pager->area2, 64 * MIB));
	ASSERT_EQ(0, upager_swapon(pager->client, pager->area2, -5));
	ASSERT_EQ(0, again(pager, variant->disable, "drain_write=delay:20000"));
	EXPECT_EQ(-ECANCELED, upager_swapoff(pager->client, pager->area, give_up, &calls));
	upager_close(pager->client);
	pager->client = NULL;
	ASSERT_TRUE(wait_until(10, pager_answers(pager)));
	EXPECT_TRUE(wait_until(10, pager_logged(pager, "stays in use")));
	for (uint32_t step = 2; step < 5; step++) {
		target_let(&t, step);
		ASSERT_TRUE(target_reached(&t, step + 1)) TH_LOG("%s", t.share->why);
	}
	target_let(&t, 5);
	EXPECT_EQ(0, target_end(&t));
	EXPECT_EQ(0, pager_stop(pager));
}

/* Where others are full it comes into memory. */
TEST_F_TIMEOUT(swapon, others_are_small, 100)
{
	struct pager *pager = &self->pager;
	struct target t = target_start(pager, go_on, TARGET_BUDGET);

	ASSERT_TRUE(target_reached(&t, 2));
	ASSERT_EQ(0, pager_make_area(pager->area2, 2 * MIB));
	ASSERT_EQ(0, upager_swapon(pager->client, pager->area2, 10));
	EXPECT_EQ(0, upager_swapoff(pager->client, pager->area, NULL, NULL))
	TH_LOG("%s", upager_last_reply(pager->client)->text);
	for (uint32_t step = 2; step < 5; step++) {
		target_let(&t, step);
		ASSERT_TRUE(target_reached(&t, step + 1)) TH_LOG("%s", t.share->why);
	}
	target_let(&t, 5);
	EXPECT_EQ(0, target_end(&t));
	EXPECT_EQ(0, pager_stop(pager));
}

/* Regression: the hole that an area left was another's by then, so it was looked for. */
TEST_F_TIMEOUT(swapon, another_comes_after_it, 100)
{
	struct pager *pager = &self->pager;
	struct target t = target_start(pager, go_on, TARGET_BUDGET);
	char third[sizeof(pager->area2) + 2];

	snprintf(third, sizeof(third), "%s.3", pager->area2);
	ASSERT_TRUE(target_reached(&t, 2));
	ASSERT_EQ(0, pager_make_area(pager->area2, 64 * MIB));
	ASSERT_EQ(0, pager_make_area(third, 64 * MIB));
	ASSERT_EQ(0, upager_swapon(pager->client, pager->area2, 10));
	EXPECT_EQ(0, upager_swapoff(pager->client, pager->area, NULL, NULL));
	EXPECT_EQ(0, unlink(pager->area));
	ASSERT_EQ(0, upager_swapon(pager->client, third, 20));
	ASSERT_EQ(0, again(pager, variant->disable, NULL));
	for (uint32_t step = 2; step < 5; step++) {
		target_let(&t, step);
		ASSERT_TRUE(target_reached(&t, step + 1)) TH_LOG("%s", t.share->why);
	}
	EXPECT_TRUE(is_used(third));
	target_let(&t, 5);
	EXPECT_EQ(0, target_end(&t));
	EXPECT_EQ(0, pager_stop(pager));
	unlink(third);
}

/* Regression: the area was there, but closed until somebody asked for another. */
PAGER_FIXTURE_FAILING(slow, "area_add=delay:500000")

TEST_F_TIMEOUT(slow, who_asked_is_gone, 60)
{
	struct pager *pager = &self->pager;
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct upager_request req;
	int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), fd;

	ASSERT_EQ(0, pager_make_area(pager->area2, 64 * MIB));
	fd = open(pager->area2, O_RDWR | O_CLOEXEC);
	strcpy(addr.sun_path, pager->socket);
	ASSERT_EQ(0, connect(sock, (struct sockaddr *)&addr, sizeof(addr)));
	proto_init_request(&req, UPAGER_OP_SWAPON, 0);
	req.arg = UPAGER_PRIORITY_BIAS;
	ASSERT_EQ(0, proto_send(sock, &req, sizeof(req), fd));
	close(sock);
	close(fd);
	EXPECT_TRUE(wait_until(10, pager_logged(pager, "is in use")));
	EXPECT_EQ(0, pager_stop(pager));
}

TEST_F_TIMEOUT(swapon, is_roots_alone, 60)
{
	struct pager *pager = &self->pager;
	pid_t child;

	ASSERT_EQ(0, pager_make_area(pager->area2, 2 * MIB));
	ASSERT_EQ(0, chmod(pager->socket, 0666));
	ASSERT_EQ(0, chmod(pager->area2, 0666));
	child = fork();
	if (!child) {
		struct upager *u;
		int fd = open(pager->area2, O_PATH);
		char path[64];

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		if (setuid(65534) || upager_open(pager->socket, &u))
			_exit(2);
		_exit(upager_swapon(u, path, 0) == -EPERM ? 0 : 3);
	}
	EXPECT_EQ(0, status_of(child));
	EXPECT_EQ(0, pager_stop(pager));
}

TEST_HARNESS_MAIN
