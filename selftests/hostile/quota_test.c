// SPDX-License-Identifier: GPL-2.0-only
/*
 * What one user may have is what root has set: who asks for more is told so, in one line that names
 * the quota and the remedy, and others are not kept out.
 */
#include "selftests/hostile/user.h"

#include <kselftest_harness.h>

#define USERS	 3
#define USER_MAX 4 /* connections of one */
#define FOR_ALL	 9 /* which three users do not share alike */
#define PAGED	 2 /* processes of one */

FIXTURE(quota)
{
	struct pager pager;
};

FIXTURE_SETUP(quota)
{
	struct pager_options opt = { .args = { "--connections=12", "--user-connections=4",
					       "--root-connections=3", "--user-processes=2" } };

	ASSERT_EQ(0, pager_start(&self->pager, &opt));
}

PAGER_TEARDOWN(quota)

static bool become(uid_t uid)
{
	return !setresgid(uid, uid, uid) && !setresuid(uid, uid, uid) &&
	       !prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

/* 0: it is served; else its error, and the line in why. */
static int greet(int fd, char why[UPAGER_TEXT_BYTES])
{
	struct upager_record record;
	struct upager_reply reply;
	int len;

	if (fd < 0)
		return -ENOTCONN;
	user_send(fd, UPAGER_OP_PING, 0);
	len = proto_recv(fd, &reply, sizeof(reply), NULL);
	if (len == -ECONNRESET) /* what was asked was never read; the answer is there */
		len = proto_recv(fd, &reply, sizeof(reply), NULL);
	if (len != (int)sizeof(reply))
		return -EPIPE;
	memcpy(why, reply.text, UPAGER_TEXT_BYTES);
	return reply.error ? reply.error : -(recv(fd, &record, sizeof(record), 0) <= 0);
}

/* value[n]: how many connections the nth user has. */
static int connect_all(struct target_share *sh, uint32_t user, const char *quota)
{
	char why[UPAGER_TEXT_BYTES] = "";
	int err = 0, nr = 0;

	target_check(sh, become(NOBODY - user));
	while (nr < 20 && !(err = greet(user_connect(), why)))
		nr++;
	target_check(sh, err == -EUSERS);
	target_check(sh,
		     strstr(why, quota) && strstr(why, "have root raise") && !strchr(why, '\n'));
	atomic_store(&sh->value[0], (uint64_t)nr);
	target_meet(sh, 2);
	return 0;
}

static int connect_first(struct target_share *sh)
{
	return connect_all(sh, 0, "as many as user_connections allows");
}

static int connect_second(struct target_share *sh)
{
	return connect_all(sh, 1, "as many as user_connections allows");
}

static int connect_third(struct target_share *sh)
{
	return connect_all(sh, 2, "as many as connections allows besides root's");
}

TEST_F_TIMEOUT(quota, of_connections, 60)
{
	static const target_fn fn[USERS] = { connect_first, connect_second, connect_third };
	struct target t[USERS];
	uint64_t nr = 0;

	user_pager = &self->pager;
	user_admit(&self->pager);
	for (int i = 0; i < USERS; i++) {
		t[i] = target_fork(fn[i]);
		target_let(&t[i], 1);
		EXPECT_TRUE(target_reached(&t[i], 2));
		EXPECT_GE(USER_MAX, atomic_load(&t[i].share->value[0]));
		nr += atomic_load(&t[i].share->value[0]);
	}
	EXPECT_EQ(FOR_ALL, nr);
	EXPECT_TRUE(root_is_answered(&self->pager));
	for (int i = 0; i < USERS; i++) {
		target_let(&t[i], 2);
		EXPECT_EQ(0, target_end(&t[i]));
	}
	EXPECT_EQ(0, pager_stop(&self->pager));
}

static int be_there(struct target_share *sh)
{
	target_check(sh, user_become());
	target_meet(sh, 2);
	return 0;
}

/* value[0]: of a further process, value[1..]: of those that it may have paged. */
static int ask_for_many(struct target_share *sh)
{
	struct upager *u;

	target_check(sh, user_become() && !upager_open(user_pager->socket, &u));
	for (int i = 1; i <= PAGED; i++)
		target_check(sh, !upager_attach(u, (pid_t)atomic_load(&sh->value[i]), TARGET_BUDGET,
						0, NULL));
	target_check(sh, upager_attach(u, (pid_t)atomic_load(&sh->value[0]), TARGET_BUDGET, 0,
				       NULL) == -EUSERS);
	target_check(sh, strstr(upager_last_reply(u)->text, "as many as user_processes allows"));
	target_check(sh, !upager_detach(u, (pid_t)atomic_load(&sh->value[1]), NULL));
	target_check(sh,
		     !upager_attach(u, (pid_t)atomic_load(&sh->value[0]), TARGET_BUDGET, 0, NULL));
	upager_close(u);
	return 0;
}

TEST_F_TIMEOUT(quota, of_processes, 60)
{
	struct target user, t[PAGED + 2];

	user_pager = &self->pager;
	user_admit(&self->pager);
	user = target_fork(ask_for_many);
	for (int i = 0; i < PAGED + 2; i++) {
		t[i] = target_fork(be_there);
		target_let(&t[i], 1);
		EXPECT_TRUE(target_reached(&t[i], 2));
		atomic_store(&user.share->value[i], (uint64_t)t[i].pid);
	}
	target_let(&user, 1);
	EXPECT_EQ(0, target_end(&user));
	/* What root asks for is no user's. */
	EXPECT_EQ(0, upager_attach(self->pager.client, t[PAGED + 1].pid, TARGET_BUDGET, 0, NULL));
	for (int i = 0; i < PAGED + 2; i++) {
		target_let(&t[i], 2);
		EXPECT_EQ(0, target_end(&t[i]));
	}
	EXPECT_EQ(0, pager_stop(&self->pager));
}

/* value[0]: what came of it, and 1. */
static int join_with_others(struct target_share *sh)
{
	struct upager *u;
	int err;

	target_check(sh, user_become() && !upager_open(user_pager->socket, &u));
	target_meet(sh, 2);
	err = upager_join(u, TARGET_BUDGET);
	atomic_store(&sh->value[0], (uint64_t)-err + 1);
	target_meet(sh, 3);
	upager_close(u);
	return 0;
}

/* Regression: those that were on their way did not count. */
TEST_F_TIMEOUT(quota, of_those_who_join_at_once, 60)
{
	struct target t[USER_MAX];
	uint32_t nr_joined = 0, nr_refused = 0;

	user_pager = &self->pager;
	user_admit(&self->pager);
	for (int i = 0; i < USER_MAX; i++) {
		t[i] = target_fork(join_with_others);
		target_let(&t[i], 1);
		EXPECT_TRUE(target_reached(&t[i], 2));
	}
	for (int i = 0; i < USER_MAX; i++)
		target_let(&t[i], 2);
	for (int i = 0; i < USER_MAX; i++) {
		EXPECT_TRUE(target_reached(&t[i], 3));
		nr_joined += atomic_load(&t[i].share->value[0]) == 1;
		nr_refused += atomic_load(&t[i].share->value[0]) == EUSERS + 1;
	}
	EXPECT_GE(PAGED, nr_joined);
	EXPECT_LT(0, nr_refused);
	for (int i = 0; i < USER_MAX; i++) {
		target_let(&t[i], 3);
		EXPECT_EQ(0, target_end(&t[i]));
	}
	EXPECT_EQ(0, pager_stop(&self->pager));
}

TEST_HARNESS_MAIN
