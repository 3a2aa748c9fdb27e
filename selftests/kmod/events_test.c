// SPDX-License-Identifier: GPL-2.0-only
/* What the family announces of tracked processes, and of no others. */
#include "actor.h"
#include "cow.h"
#include "genl.h"

#include <poll.h>

#define NR_EVENTS 64

struct event {
	int cmd;
	pid_t pid, parent;
	uint64_t copies, bytes_copied; /* of an end */
};

FIXTURE(events)
{
	struct genl ask, listen;
	pid_t pid;
	unsigned int nr;
	struct event event[NR_EVENTS];
};

static int announced(struct nl_msg *msg, void *arg)
{
	FIXTURE_DATA(events) *self = arg;
	struct event *event = &self->event[self->nr % NR_EVENTS];
	struct nlattr *cow[UPAGER_COW_A_MAX + 1];

	if (genl_heard(msg, &self->listen) != NL_OK)
		return NL_SKIP;
	event->cmd = self->listen.cmd;
	event->pid = (pid_t)genl_u32(&self->listen, UPAGER_A_PID);
	event->parent = (pid_t)genl_u32(&self->listen, UPAGER_A_PARENT_PID);
	event->copies = event->bytes_copied = REPORT_NONE;
	if (self->listen.attr[UPAGER_A_COW] &&
	    !nla_parse_nested(cow, UPAGER_COW_A_MAX, self->listen.attr[UPAGER_A_COW], NULL) &&
	    cow[UPAGER_COW_A_COPIES] && cow[UPAGER_COW_A_BYTES_COPIED]) {
		event->copies = nla_get_u64(cow[UPAGER_COW_A_COPIES]);
		event->bytes_copied = nla_get_u64(cow[UPAGER_COW_A_BYTES_COPIED]);
	}
	self->nr++;
	return NL_OK;
}

/* Takes what is there; true once so many events were heard in all. */
static bool heard(FIXTURE_DATA(events) * self, unsigned int nr)
{
	while (nl_recvmsgs_default(self->listen.sock) >= 0)
		if (self->nr >= nr)
			break;
	return self->nr >= nr;
}

FIXTURE_SETUP(events)
{
	ASSERT_EQ(0, genl_open(&self->ask));
	ASSERT_EQ(0, genl_open(&self->listen));
	ASSERT_LT(0, self->listen.group);
	ASSERT_EQ(0, nl_socket_add_membership(self->listen.sock, self->listen.group));
	nl_socket_disable_seq_check(self->listen.sock);
	nl_socket_modify_cb(self->listen.sock, NL_CB_VALID, NL_CB_CUSTOM, announced, self);
	ASSERT_EQ(0, nl_socket_set_nonblocking(self->listen.sock));
	ASSERT_EQ(0, actor_stage());
	self->pid = actor_start();
	ASSERT_EQ(0, genl_ask_pid(&self->ask, UPAGER_CMD_TRACK, self->pid));
}

FIXTURE_TEARDOWN(events)
{
	actor_leave();
	genl_close(&self->listen);
	genl_close(&self->ask);
}

#define EXPECT_EVENT(number, cmd_, pid_, parent_)            \
	do {                                                 \
		struct event *_event = &self->event[number]; \
		EXPECT_EQ(cmd_, _event->cmd);                \
		EXPECT_EQ(pid_, _event->pid);                \
		EXPECT_EQ(parent_, _event->parent);          \
	} while (0)

#define NOBODY ((pid_t)UINT32_MAX)

TEST_F_TIMEOUT(events, a_life, LIMIT_S)
{
	pid_t child;

	ASSERT_TRUE(actor_fork(0, 1));
	child = actor_pid(1);
	ASSERT_TRUE(wait_until(heard(self, 1)));
	EXPECT_EVENT(0, UPAGER_CMD_FORK, child, self->pid);
	ASSERT_TRUE(actor_do(1, ACT_EXEC, 0, 0));
	ASSERT_TRUE(wait_until(heard(self, 2)));
	EXPECT_EVENT(1, UPAGER_CMD_EXEC, child, NOBODY);
	ASSERT_TRUE(actor_do(1, ACT_EXIT, 0, 0));
	ASSERT_TRUE(actor_do(0, ACT_REAP, 0, 1));
	ASSERT_TRUE(wait_until(heard(self, 3)));
	EXPECT_EVENT(2, UPAGER_CMD_EXIT, child, NOBODY);
	EXPECT_EQ(3, self->nr);
}

/* Two forks, of which the second's parent is the first's child; then the death of all three. */
TEST_F_TIMEOUT(events, generations, LIMIT_S)
{
	unsigned int exits = 0;

	ASSERT_TRUE(actor_fork(0, 1));
	ASSERT_TRUE(actor_fork(1, 2));
	ASSERT_TRUE(wait_until(heard(self, 2)));
	EXPECT_EVENT(0, UPAGER_CMD_FORK, actor_pid(1), self->pid);
	EXPECT_EVENT(1, UPAGER_CMD_FORK, actor_pid(2), actor_pid(1));
	actor_leave();
	ASSERT_TRUE(wait_until(heard(self, 5)));
	for (int i = 2; i < 5; i++) {
		EXPECT_EQ(UPAGER_CMD_EXIT, self->event[i].cmd);
		for (int seat = 0; seat < 3; seat++)
			exits |= self->event[i].pid == actor_pid(seat) ? 1U << seat : 0;
	}
	EXPECT_EQ(7, exits);
}

/* What was counted to the end is told with it: nobody could look in time. */
TEST_F_TIMEOUT(events, an_end_has_final_counts, LIMIT_S)
{
	struct cow child;

	ASSERT_TRUE(actor_write(0, 0, 300));
	ASSERT_TRUE(actor_fork(0, 1));
	ASSERT_TRUE(actor_write(1, 0, 123));
	child = cow_read(actor_pid(1));
	ASSERT_LE(123, child.copies);
	kill(actor_pid(1), SIGKILL);
	ASSERT_TRUE(actor_do(0, ACT_REAP, 0, 1));
	ASSERT_TRUE(wait_until(heard(self, 2)));
	EXPECT_EVENT(1, UPAGER_CMD_EXIT, actor_pid(1), NOBODY);
	EXPECT_EQ(REPORT_NONE, self->event[0].copies);
	EXPECT_EQ(child.copies, self->event[1].copies);
	EXPECT_EQ(child.bytes_copied, self->event[1].bytes_copied);
}

/* The end of a thread is not that of its process, nor the birth of one. */
TEST_F_TIMEOUT(events, threads_are_no_processes, LIMIT_S)
{
	ASSERT_TRUE(actor_do(0, ACT_THREAD_ENDS, 0, 0));
	ASSERT_TRUE(actor_do(0, ACT_THREAD_ENDS, 0, 0));
	/* An event that comes later than any of theirs would have. */
	ASSERT_TRUE(actor_fork(0, 1));
	ASSERT_TRUE(wait_until(heard(self, 1)));
	EXPECT_EVENT(0, UPAGER_CMD_FORK, actor_pid(1), self->pid);
}

/* A child in its parent's memory is a process like others. */
TEST_F_TIMEOUT(events, vfork_makes_a_process, LIMIT_S)
{
	ASSERT_TRUE(actor_do(0, ACT_SPAWN, 0, CLONE_VM | CLONE_VFORK));
	ASSERT_TRUE(wait_until(heard(self, 2)));
	EXPECT_EQ(self->event[0].pid, self->event[1].pid);
	EXPECT_EVENT(0, UPAGER_CMD_FORK, self->event[1].pid, self->pid);
	EXPECT_EVENT(1, UPAGER_CMD_EXIT, self->event[0].pid, NOBODY);
}

TEST_F_TIMEOUT(events, others_are_not_announced, LIMIT_S)
{
	pid_t other = fork();

	if (!other) {
		execl("/bin/true", "true", NULL);
		_exit(1);
	}
	waitpid(other, NULL, 0);
	ASSERT_EQ(0, genl_ask_pid(&self->ask, UPAGER_CMD_UNTRACK, self->pid));
	ASSERT_TRUE(actor_fork(0, 1));
	ASSERT_EQ(0, genl_ask_pid(&self->ask, UPAGER_CMD_TRACK, self->pid));
	ASSERT_TRUE(actor_fork(0, 2));
	ASSERT_TRUE(wait_until(heard(self, 1)));
	EXPECT_EVENT(0, UPAGER_CMD_FORK, actor_pid(2), self->pid);
}

TEST_HARNESS_MAIN
