// SPDX-License-Identifier: GPL-2.0-only
/* Messages that are wrong in each way there is, and thousands that are wrong in any. */
#include "genl.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define NR_FUZZED  3000
#define TYPE_WRONG (UPAGER_A_MAX + 7)

FIXTURE(bad)
{
	struct genl genl;
	pid_t pid;
};

FIXTURE_SETUP(bad)
{
	ASSERT_EQ(0, genl_open(&self->genl));
	self->pid = fork();
	if (!self->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		pause();
	}
	ASSERT_EQ(0, genl_ask_pid(&self->genl, UPAGER_CMD_TRACK, self->pid));
}

FIXTURE_TEARDOWN(bad)
{
	kill(self->pid, SIGKILL);
	waitpid(self->pid, NULL, 0);
	genl_close(&self->genl);
}

/* What each command is asked with, by the bits of its attributes. */
static const struct command {
	int cmd;
	int attr[4];
} commands[] = {
	{ UPAGER_CMD_TRACK, { UPAGER_A_PID } },
	{ UPAGER_CMD_UNTRACK, { UPAGER_A_PID } },
	{ UPAGER_CMD_PAGING, { UPAGER_A_PID, UPAGER_A_PAGING } },
	{ UPAGER_CMD_PINNED, { UPAGER_A_PID, UPAGER_A_START, UPAGER_A_NR_PAGES } },
};

#define NR_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void put_right(struct nl_msg *msg, int attr, pid_t pid)
{
	struct nlattr *nest;

	switch (attr) {
	case UPAGER_A_PID:
		nla_put_u32(msg, attr, (uint32_t)pid);
		break;
	case UPAGER_A_START:
		nla_put_u64(msg, attr, 0x10000);
		break;
	case UPAGER_A_NR_PAGES:
		nla_put_u32(msg, attr, 1);
		break;
	case UPAGER_A_PAGING:
		nest = nla_nest_start(msg, attr);
		nla_put_u64(msg, UPAGER_PAGING_A_FAULTS, 1);
		nla_nest_end(msg, nest);
		break;
	}
}

/* A command with one attribute left out (-1: none) and another one of a length (-1: none). */
static int ask_with(struct genl *genl, const struct command *command, pid_t pid, int left_out,
		    int bent, int length)
{
	static const char zeros[64];
	struct nl_msg *msg = genl_command(genl, command->cmd, 0);

	for (int i = 0; i < 4 && command->attr[i]; i++) {
		if (i == bent)
			nla_put(msg, command->attr[i], length, zeros);
		else if (i != left_out)
			put_right(msg, command->attr[i], pid);
	}
	return genl_ask(genl, msg);
}

TEST_F_TIMEOUT(bad, attribute_is_missing, LIMIT_S)
{
	struct genl *genl = &self->genl;

	for (size_t c = 0; c < NR_COMMANDS; c++) {
		for (int i = 0; i < 4 && commands[c].attr[i]; i++) {
			EXPECT_EQ(-EINVAL, ask_with(genl, &commands[c], self->pid, i, -1, 0))
			{
				TH_LOG("command %d without attribute %d", commands[c].cmd,
				       commands[c].attr[i]);
			}
			EXPECT_TRUE(genl->missing || genl->said[0]);
		}
	}
}

TEST_F_TIMEOUT(bad, attribute_has_a_wrong_length, LIMIT_S)
{
	static const int lengths[] = { 0, 1, 2, 3, 5, 7, 9, 16, 64 };
	struct genl *genl = &self->genl;

	for (size_t c = 0; c < NR_COMMANDS; c++) {
		for (int i = 0; i < 4 && commands[c].attr[i]; i++) {
			for (size_t k = 0; k < sizeof(lengths) / sizeof(lengths[0]); k++) {
				int err =
					ask_with(genl, &commands[c], self->pid, -1, i, lengths[k]);

				EXPECT_TRUE(err == -EINVAL || err == -ERANGE)
				{
					TH_LOG("command %d, attribute %d of %d bytes: %d",
					       commands[c].cmd, commands[c].attr[i], lengths[k],
					       err);
				}
				EXPECT_NE('\0', genl->said[0])
				{
					TH_LOG("command %d, attribute %d of %d bytes says nothing",
					       commands[c].cmd, commands[c].attr[i], lengths[k]);
				}
			}
		}
	}
}

TEST_F_TIMEOUT(bad, attribute_is_unknown, LIMIT_S)
{
	struct genl *genl = &self->genl;

	for (size_t c = 0; c < NR_COMMANDS; c++) {
		struct nl_msg *msg = genl_command(genl, commands[c].cmd, 0);

		for (int i = 0; i < 4 && commands[c].attr[i]; i++)
			put_right(msg, commands[c].attr[i], self->pid);
		nla_put_u32(msg, TYPE_WRONG, 0);
		EXPECT_EQ(-EINVAL, genl_ask(genl, msg))
		{
			TH_LOG("command %d", commands[c].cmd);
		}
		EXPECT_NE('\0', genl->said[0]);
	}
}

TEST_F_TIMEOUT(bad, command_is_unknown_or_an_event, LIMIT_S)
{
	static const int wrong[] = {
		UPAGER_CMD_UNSPEC,  4,	UPAGER_CMD_FORK, UPAGER_CMD_EXEC, UPAGER_CMD_EXIT,
		UPAGER_CMD_MAX + 1, 255
	};
	struct genl *genl = &self->genl;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		EXPECT_EQ(-EOPNOTSUPP, genl_ask_pid(genl, wrong[i], self->pid));
	/* A dump of what is no list. */
	EXPECT_EQ(-EOPNOTSUPP, genl_ask(genl, genl_command(genl, UPAGER_CMD_TRACK, NLM_F_DUMP)));
}

TEST_F_TIMEOUT(bad, value_is_out_of_range, LIMIT_S)
{
	static const uint32_t pids[] = { 0, 0x7fffffff, 0x80000000, 0xffffffff };
	static const struct {
		uint64_t start;
		uint32_t nr_pages;
	} ranges[] = {
		{ 0x10001, 1 },		 { 0x10fff, 1 },
		{ 0x10000, 0 },		 { 0x10000, UPAGER_PINNED_PAGES_MAX + 1 },
		{ 0x10000, UINT32_MAX },
	};
	struct genl *genl = &self->genl;

	for (size_t c = 0; c < NR_COMMANDS; c++) {
		for (size_t i = 0; i < sizeof(pids) / sizeof(pids[0]); i++) {
			int err = ask_with(genl, &commands[c], (pid_t)pids[i], -1, -1, 0);

			EXPECT_TRUE(err == -ESRCH || err == -EINVAL || err == -ERANGE)
			{
				TH_LOG("command %d, pid %u: %d", commands[c].cmd, pids[i], err);
			}
		}
	}
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		struct nl_msg *msg = genl_command(genl, UPAGER_CMD_PINNED, 0);
		int err;

		nla_put_u32(msg, UPAGER_A_PID, (uint32_t)self->pid);
		nla_put_u64(msg, UPAGER_A_START, ranges[i].start);
		nla_put_u32(msg, UPAGER_A_NR_PAGES, ranges[i].nr_pages);
		err = genl_ask(genl, msg);
		EXPECT_TRUE(err == -EINVAL || err == -ERANGE)
		{
			TH_LOG("start %#lx, %u pages: %d", ranges[i].start, ranges[i].nr_pages,
			       err);
		}
		EXPECT_NE('\0', genl->said[0]);
	}
}

TEST_F_TIMEOUT(bad, nest_is_wrong_inside, LIMIT_S)
{
	static const struct {
		int type, length;
	} inside[] = {
		{ UPAGER_PAGING_A_FAULTS, 4 },
		{ UPAGER_PAGING_A_FAULTS, 0 },
		{ UPAGER_PAGING_A_MAX + 1, 8 },
	};
	static const char zeros[8];
	struct genl *genl = &self->genl;

	for (size_t i = 0; i < 3; i++) {
		struct nl_msg *msg = genl_command(genl, UPAGER_CMD_PAGING, 0);
		struct nlattr *nest;
		int err;

		nla_put_u32(msg, UPAGER_A_PID, (uint32_t)self->pid);
		nest = nla_nest_start(msg, UPAGER_A_PAGING);
		nla_put(msg, inside[i].type, inside[i].length, zeros);
		nla_nest_end(msg, nest);
		err = genl_ask(genl, msg);
		EXPECT_TRUE(err == -EINVAL || err == -ERANGE)
		{
			TH_LOG("type %d of %d bytes: %d", inside[i].type, inside[i].length, err);
		}
		EXPECT_NE('\0', genl->said[0]);
	}
}

static uint64_t fuzz_state;

static uint32_t fuzz(uint32_t below)
{
	fuzz_state ^= fuzz_state << 13;
	fuzz_state ^= fuzz_state >> 7;
	fuzz_state ^= fuzz_state << 17;
	return (uint32_t)(fuzz_state >> 32) % below;
}

static void fuzz_attribute(struct nl_msg *msg, pid_t pid, int depth)
{
	char bytes[256];
	struct nlattr *nest;
	int length = (int)fuzz(fuzz(4) ? 12 : sizeof(bytes));

	if (!depth && fuzz(2)) {
		put_right(msg, (int)fuzz(UPAGER_A_MAX + 1), pid);
		return;
	}
	if (depth < 3 && !fuzz(4)) {
		nest = nla_nest_start(msg, (int)fuzz(20));
		for (uint32_t n = fuzz(4); n; n--)
			fuzz_attribute(msg, pid, depth + 1);
		nla_nest_end(msg, nest);
		return;
	}
	for (int i = 0; i < length; i++)
		bytes[i] = fuzz(3) ? 0 : (char)fuzz(256);
	nla_put(msg, (int)fuzz(20) | (fuzz(8) ? 0 : NLA_F_NESTED), length, bytes);
}

/* Whatever is asked gets an answer, and one of those that the header names. */
TEST_F_TIMEOUT(bad, fuzzed, LIMIT_S)
{
	const char *seed = getenv("UPAGER_SEED");
	struct genl *genl = &self->genl;
	unsigned int nr_done = 0, nr_refused = 0;

	fuzz_state = seed ? strtoull(seed, NULL, 0) : now_ns() | 1;
	TH_LOG("UPAGER_SEED=%#llx", (unsigned long long)fuzz_state);
	for (int i = 0; i < NR_FUZZED; i++) {
		struct nl_msg *msg;
		int err, cmd = (int)fuzz(UPAGER_CMD_MAX + 2);

		msg = genl_command(genl, cmd, fuzz(10) ? 0 : NLM_F_DUMP);
		for (uint32_t n = fuzz(5); n; n--)
			fuzz_attribute(msg, self->pid, 0);
		err = genl_ask(genl, msg);
		nr_done += !err;
		nr_refused += err != 0;
		ASSERT_TRUE(!err || err == -EINVAL || err == -ERANGE || err == -ESRCH ||
			    err == -EOPNOTSUPP || err == -EBUSY)
		{
			TH_LOG("message %d, command %d: %d", i, cmd, err);
		}
	}
	/* Both happened often, or the fuzzing is one of nothing. */
	EXPECT_LE(NR_FUZZED / 50, nr_done);
	EXPECT_LE(NR_FUZZED / 50, nr_refused);
	EXPECT_EQ(0, genl_ask(genl, genl_command(genl, UPAGER_CMD_FEATURES, 0)));
	EXPECT_EQ(UPAGER_FAMILY_VERSION, genl_u32(genl, UPAGER_A_VERSION));
}

TEST_HARNESS_MAIN
