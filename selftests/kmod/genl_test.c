// SPDX-License-Identifier: GPL-2.0-only
/* Every command of the netlink family, asked as it should be. */
#include "actor.h"
#include "cow.h"
#include "genl.h"

FIXTURE(genl)
{
	struct genl genl;
	pid_t pid;
};

FIXTURE_SETUP(genl)
{
	ASSERT_EQ(0, genl_open(&self->genl));
	ASSERT_EQ(0, actor_stage());
	self->pid = actor_start();
	ASSERT_LT(0, self->pid);
}

FIXTURE_TEARDOWN(genl)
{
	actor_leave();
	genl_close(&self->genl);
}

static uint32_t nr_tracked(struct genl *genl)
{
	return genl_ask(genl, genl_command(genl, UPAGER_CMD_FEATURES, 0))
		       ? UINT32_MAX
		       : genl_u32(genl, UPAGER_A_NR_TRACKED);
}

TEST_F_TIMEOUT(genl, features, LIMIT_S)
{
	struct genl *genl = &self->genl;
	uint32_t before;

	ASSERT_EQ(0, genl_ask(genl, genl_command(genl, UPAGER_CMD_FEATURES, 0)));
	EXPECT_EQ(1, genl->nr_heard);
	EXPECT_EQ(UPAGER_CMD_FEATURES, genl->cmd);
	EXPECT_EQ(UPAGER_FAMILY_VERSION, genl_u32(genl, UPAGER_A_VERSION));
	EXPECT_EQ(UPAGER_TRACKED_MAX, genl_u32(genl, UPAGER_A_TRACKED_MAX));
	ASSERT_NE(NULL, genl->attr[UPAGER_A_FEATURES]);
	ASSERT_EQ(8, nla_len(genl->attr[UPAGER_A_FEATURES]));
	/* The kernels that these tests run on have all probe points. */
	EXPECT_EQ((UPAGER_FEATURE_PINNED << 1) - 1, nla_get_u64(genl->attr[UPAGER_A_FEATURES]));
	EXPECT_EQ(NULL, genl->attr[UPAGER_A_PID]);

	before = nr_tracked(genl);
	ASSERT_EQ(0, genl_ask_pid(genl, UPAGER_CMD_TRACK, self->pid));
	EXPECT_EQ(before + 1, nr_tracked(genl));
	ASSERT_EQ(0, genl_ask_pid(genl, UPAGER_CMD_UNTRACK, self->pid));
	EXPECT_EQ(before, nr_tracked(genl));
}

TEST_F_TIMEOUT(genl, track_and_untrack, LIMIT_S)
{
	struct genl *genl = &self->genl;
	uint32_t before = nr_tracked(genl);
	pid_t zombie;

	EXPECT_EQ(-ESRCH, genl_ask_pid(genl, UPAGER_CMD_UNTRACK, self->pid));
	EXPECT_EQ(0, genl_ask_pid(genl, UPAGER_CMD_TRACK, self->pid));
	EXPECT_EQ(0, genl_ask_pid(genl, UPAGER_CMD_TRACK, self->pid));
	EXPECT_EQ(before + 1, nr_tracked(genl));
	EXPECT_EQ(0, genl_ask_pid(genl, UPAGER_CMD_UNTRACK, self->pid));
	EXPECT_EQ(-ESRCH, genl_ask_pid(genl, UPAGER_CMD_UNTRACK, self->pid));

	zombie = fork();
	if (!zombie)
		_exit(0);
	waitid(P_PID, (id_t)zombie, &(siginfo_t){ 0 }, WEXITED | WNOWAIT);
	EXPECT_EQ(-ESRCH, genl_ask_pid(genl, UPAGER_CMD_TRACK, zombie));
	EXPECT_EQ(-ESRCH, genl_ask_pid(genl, UPAGER_CMD_GET, zombie));
	waitpid(zombie, NULL, 0);
	EXPECT_EQ(-ESRCH, genl_ask_pid(genl, UPAGER_CMD_TRACK, zombie));
	/* kthreadd, which has no memory of a user. */
	EXPECT_EQ(-ESRCH, genl_ask_pid(genl, UPAGER_CMD_TRACK, 2));
	EXPECT_EQ(before, nr_tracked(genl));
}

static const struct same {
	const char *key;
	int nest, type;
} same[] = {
	{ "holes_count", UPAGER_A_HOLES, UPAGER_HOLES_A_COUNT },
	{ "holes_bytes", UPAGER_A_HOLES, UPAGER_HOLES_A_BYTES },
	{ "largest_hole_bytes", UPAGER_A_HOLES, UPAGER_HOLES_A_LARGEST_BYTES },
	{ "heap_hole_bytes", UPAGER_A_HOLES, UPAGER_HOLES_A_HEAP_BYTES },
	{ "stack_hole_bytes", UPAGER_A_HOLES, UPAGER_HOLES_A_STACK_BYTES },
	{ "mapped_bytes", UPAGER_A_HOLES, UPAGER_HOLES_A_MAPPED_BYTES },
	{ "space_bytes", UPAGER_A_HOLES, UPAGER_HOLES_A_SPACE_BYTES },
	{ "libs_count", UPAGER_A_LIBS, UPAGER_LIBS_A_COUNT },
	{ "libs_mapped_bytes", UPAGER_A_LIBS, UPAGER_LIBS_A_MAPPED_BYTES },
	{ "libs_resident_bytes", UPAGER_A_LIBS, UPAGER_LIBS_A_RESIDENT_BYTES },
	{ "libs_shared_bytes", UPAGER_A_LIBS, UPAGER_LIBS_A_SHARED_BYTES },
	{ "libs_private_bytes", UPAGER_A_LIBS, UPAGER_LIBS_A_PRIVATE_BYTES },
	{ "libs_proportional_bytes", UPAGER_A_LIBS, UPAGER_LIBS_A_PROPORTIONAL_BYTES },
};

#define NR_SAME (sizeof(same) / sizeof(same[0]))

/* The first key of which the last answer and the last report differ. */
static const char *difference(struct genl *genl)
{
	uint64_t value;

	for (size_t k = 0; k < NR_SAME; k++) {
		value = genl_nested(genl, same[k].nest, same[k].type);
		if (value == REPORT_NONE || value != report_value(same[k].key))
			return same[k].key;
	}
	/* The keys of cow are those of the attributes, in their order. */
	for (size_t k = 0; k < NR_COW_KEYS; k++) {
		value = genl_nested(genl, UPAGER_A_COW, UPAGER_COW_A_SHARED_NOW_PAGES + (int)k);
		if (value == REPORT_NONE || value != report_value(cow_keys[k].name))
			return cow_keys[k].name;
	}
	return NULL;
}

/* Both are of one moment only if nobody else came to map a library's page between: then again. */
TEST_F_TIMEOUT(genl, get_is_what_the_files_say, LIMIT_S)
{
	struct genl *genl = &self->genl;

	ASSERT_TRUE(actor_write(0, 0, 50));
	ASSERT_EQ(0, genl_ask_pid(genl, UPAGER_CMD_TRACK, self->pid));
	ASSERT_TRUE(actor_fork(0, 1));
	ASSERT_TRUE(actor_write(1, 0, 20));
	for (int i = 0; i < 2; i++) {
		for (int tries = 0; tries < 10; tries++) {
			ASSERT_EQ(0, genl_ask_pid(genl, UPAGER_CMD_GET, actor_pid(i)));
			EXPECT_EQ(1, genl->nr_heard);
			EXPECT_EQ(actor_pid(i), (pid_t)genl_u32(genl, UPAGER_A_PID));
			ASSERT_EQ(0, report_query(actor_pid(i)));
			if (!difference(genl))
				break;
		}
		EXPECT_EQ(NULL, difference(genl))
		{
			TH_LOG("%s", difference(genl));
		}
	}
	EXPECT_LE(20, genl_nested(genl, UPAGER_A_COW, UPAGER_COW_A_COPIES));
}

TEST_F_TIMEOUT(genl, get_of_what_is_not_tracked, LIMIT_S)
{
	struct genl *genl = &self->genl;

	ASSERT_EQ(0, genl_ask_pid(genl, UPAGER_CMD_GET, self->pid));
	EXPECT_NE(REPORT_NONE, genl_nested(genl, UPAGER_A_HOLES, UPAGER_HOLES_A_COUNT));
	EXPECT_NE(REPORT_NONE, genl_nested(genl, UPAGER_A_LIBS, UPAGER_LIBS_A_COUNT));
	EXPECT_NE(REPORT_NONE, genl_nested(genl, UPAGER_A_COW, UPAGER_COW_A_SHARED_NOW_PAGES));
	EXPECT_NE(REPORT_NONE, genl_nested(genl, UPAGER_A_COW, UPAGER_COW_A_MAYBE_SHARED_PAGES));
	EXPECT_EQ(REPORT_NONE, genl_nested(genl, UPAGER_A_COW, UPAGER_COW_A_COPIES));
	EXPECT_EQ(REPORT_NONE, genl_nested(genl, UPAGER_A_COW, UPAGER_COW_A_FORKS));
	EXPECT_EQ(-ESRCH, genl_ask_pid(genl, UPAGER_CMD_GET, INT32_MAX - 1));
}

struct seen {
	unsigned int nr, twice, incomplete;
	bool actor[NR_SEATS];
};

static void see(struct genl *genl, void *arg)
{
	struct seen *seen = arg;
	pid_t pid = (pid_t)genl_u32(genl, UPAGER_A_PID);

	seen->nr++;
	seen->incomplete += !genl->attr[UPAGER_A_HOLES] || !genl->attr[UPAGER_A_LIBS] ||
			    genl_nested(genl, UPAGER_A_COW, UPAGER_COW_A_COPIES) == UINT64_MAX;
	for (int i = 0; i < NR_SEATS; i++) {
		if (actor_pid(i) != pid)
			continue;
		seen->twice += seen->actor[i];
		seen->actor[i] = true;
	}
}

/* More than fits into one message of the kernel's. */
TEST_F_TIMEOUT(genl, dump_has_each_tracked_process_once, LIMIT_S)
{
	struct genl *genl = &self->genl;
	struct seen seen = { 0 };
	pid_t more[40];
	uint32_t nr;
	int err;

	ASSERT_EQ(0, genl_ask_pid(genl, UPAGER_CMD_TRACK, self->pid));
	for (int i = 1; i < NR_SEATS; i++)
		ASSERT_TRUE(actor_fork(0, i));
	for (int i = 0; i < 40; i++) {
		more[i] = fork();
		if (!more[i]) {
			prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
			pause();
		}
		EXPECT_EQ(0, genl_ask_pid(genl, UPAGER_CMD_TRACK, more[i]));
	}
	nr = nr_tracked(genl);
	genl->hear = see;
	genl->arg = &seen;
	err = genl_ask(genl, genl_command(genl, UPAGER_CMD_GET, NLM_F_DUMP));
	genl->hear = NULL;
	EXPECT_EQ(0, err);
	EXPECT_EQ(nr, seen.nr);
	EXPECT_EQ(0, seen.twice);
	EXPECT_EQ(0, seen.incomplete);
	for (int i = 0; i < NR_SEATS; i++)
		EXPECT_TRUE(seen.actor[i]);
	for (int i = 0; i < 40; i++) {
		kill(more[i], SIGKILL);
		waitpid(more[i], NULL, 0);
	}
}

/* What the pager reports is shown as it was reported last. */
TEST_F_TIMEOUT(genl, paging_as_reported, LIMIT_S)
{
	static const char *const keys[] = {
		"budget_bytes",	  "resident_bytes",    "standby_bytes", "swapped_bytes",
		"faults",	  "evictions",	       "rescues",	"readahead_pages",
		"readahead_hits", "checksum_failures", "io_errors",
	};
	struct genl *genl = &self->genl;
	struct nl_msg *msg;
	struct nlattr *nest;

	ASSERT_EQ(0, genl_ask_pid(genl, UPAGER_CMD_TRACK, self->pid));
	ASSERT_EQ(0, report_read_tracked(self->pid, "paging"));
	EXPECT_STREQ("version 1\nreported 0\n", report.text);
	for (uint64_t round = 1; round <= 2; round++) {
		msg = genl_command(genl, UPAGER_CMD_PAGING, 0);
		nla_put_u32(msg, UPAGER_A_PID, (uint32_t)self->pid);
		nest = nla_nest_start(msg, UPAGER_A_PAGING);
		for (int i = 0; i < 11; i++)
			nla_put_u64(msg, UPAGER_PAGING_A_BUDGET_BYTES + i,
				    round << 40 | (uint64_t)i);
		nla_nest_end(msg, nest);
		ASSERT_EQ(0, genl_ask(genl, msg));
		ASSERT_EQ(0, report_read_tracked(self->pid, "paging"));
		for (uint64_t i = 0; i < 11; i++)
			EXPECT_EQ(round << 40 | i, report_value(keys[i]));
		EXPECT_NE(REPORT_NONE, report_value("reported_age_ms"));
		EXPECT_EQ(REPORT_NONE, report_value("reported"));
		ASSERT_EQ(0, genl_ask_pid(genl, UPAGER_CMD_GET, self->pid));
		for (uint64_t i = 0; i < 11; i++)
			EXPECT_EQ(round << 40 | i,
				  genl_nested(genl, UPAGER_A_PAGING,
					      UPAGER_PAGING_A_BUDGET_BYTES + (int)i));
	}
	ASSERT_EQ(0, genl_ask_pid(genl, UPAGER_CMD_UNTRACK, self->pid));
	msg = genl_command(genl, UPAGER_CMD_PAGING, 0);
	nla_put_u32(msg, UPAGER_A_PID, (uint32_t)self->pid);
	nest = nla_nest_start(msg, UPAGER_A_PAGING);
	nla_put_u64(msg, UPAGER_PAGING_A_FAULTS, 1);
	nla_nest_end(msg, nest);
	EXPECT_EQ(-ESRCH, genl_ask(genl, msg));
}

/* Neither nobody nor the root of a user namespace of its own may ask for more than features. */
static int ask_unprivileged(pid_t pid, int flags)
{
	static const int commands[] = { UPAGER_CMD_TRACK, UPAGER_CMD_UNTRACK, UPAGER_CMD_GET,
					UPAGER_CMD_PINNED, UPAGER_CMD_PAGING };
	struct genl genl;
	int bad = 0;

	if (setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534))
		return 1;
	if (flags && unshare(flags))
		return errno == EPERM || errno == EINVAL ? 0 : 2;
	if (genl_open(&genl))
		return 3;
	if (genl_ask(&genl, genl_command(&genl, UPAGER_CMD_FEATURES, 0)) || genl.nr_heard != 1)
		return 4;
	for (int i = 0; i < 5; i++)
		bad |= genl_ask_pid(&genl, commands[i], pid) != -EPERM;
	bad |= genl_ask(&genl, genl_command(&genl, UPAGER_CMD_GET, NLM_F_DUMP)) != -EPERM;
	return bad ? 5 : 0;
}

TEST_F_TIMEOUT(genl, unprivileged_is_refused, LIMIT_S)
{
	static const int flags[] = { 0, CLONE_NEWUSER };

	for (int i = 0; i < 2; i++) {
		int status;
		pid_t pid = fork();

		if (!pid)
			_exit(ask_unprivileged(self->pid, flags[i]));
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_EQ(0, status);
	}
}

TEST_HARNESS_MAIN
