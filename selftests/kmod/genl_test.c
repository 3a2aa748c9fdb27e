// SPDX-License-Identifier: GPL-2.0-only
/* Every command of the netlink family, asked as it should be. */
#include "actor.h"
#include "cow.h"
#include "genl.h"

#include <linux/capability.h>
#include <sys/prctl.h>

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

static bool kernel_has(const char *function)
{
	FILE *symbols = fopen("/proc/kallsyms", "re");
	char line[512], name[256];
	bool found = false;

	while (symbols && !found && fgets(line, sizeof(line), symbols))
		found = sscanf(line, "%*x %*c %255s", name) == 1 && !strcmp(name, function);
	if (symbols)
		fclose(symbols);
	return found;
}

/* What a compiler left of a function, and that there are huge pages, is not so in every kernel. */
static uint64_t features_wanted(void)
{
	uint64_t wanted = (UPAGER_FEATURE_SHARED_NOW << 1) - 1;

	if (!kernel_has("wp_page_reuse"))
		wanted &= ~(uint64_t)UPAGER_FEATURE_REUSES;
	if (!kernel_has("do_huge_pmd_wp_page"))
		wanted &= ~(uint64_t)(UPAGER_FEATURE_HUGE_BREAKS | UPAGER_FEATURE_HUGE_SPLITS);
	return wanted;
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
	EXPECT_EQ(features_wanted(), nla_get_u64(genl->attr[UPAGER_A_FEATURES]));
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
	waitpid(zombie, NULL, 0);
	EXPECT_EQ(-ESRCH, genl_ask_pid(genl, UPAGER_CMD_TRACK, zombie));
	/* kthreadd, which has no memory of a user. */
	EXPECT_EQ(-ESRCH, genl_ask_pid(genl, UPAGER_CMD_TRACK, 2));
	EXPECT_EQ(before, nr_tracked(genl));
}

static int report_paging(struct genl *genl, pid_t pid, uint64_t from)
{
	struct nl_msg *msg = genl_command(genl, UPAGER_CMD_PAGING, 0);
	struct nlattr *nest;

	nla_put_u32(msg, UPAGER_A_PID, (uint32_t)pid);
	nest = nla_nest_start(msg, UPAGER_A_PAGING);
	for (int i = 0; i < 11; i++)
		nla_put_u64(msg, UPAGER_PAGING_A_BUDGET_BYTES + i, from | (uint64_t)i);
	nla_nest_end(msg, nest);
	return genl_ask(genl, msg);
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

	ASSERT_EQ(0, genl_ask_pid(genl, UPAGER_CMD_TRACK, self->pid));
	ASSERT_EQ(0, report_read_tracked(self->pid, "paging"));
	EXPECT_STREQ("version 1\nreported 0\n", report.text);
	for (uint64_t round = 1; round <= 2; round++) {
		ASSERT_EQ(0, report_paging(genl, self->pid, round << 40));
		ASSERT_EQ(0, report_read_tracked(self->pid, "paging"));
		for (uint64_t i = 0; i < 11; i++)
			EXPECT_EQ(round << 40 | i, report_value(keys[i]));
		EXPECT_NE(REPORT_NONE, report_value("reported_age_ms"));
		EXPECT_EQ(REPORT_NONE, report_value("reported"));
	}
	ASSERT_EQ(0, genl_ask_pid(genl, UPAGER_CMD_UNTRACK, self->pid));
	EXPECT_EQ(-ESRCH, report_paging(genl, self->pid, 0));
}

/* Only who tracks a process says what is paged of it. */
TEST_F_TIMEOUT(genl, paging_by_who_tracks, LIMIT_S)
{
	struct genl *genl = &self->genl, other;

	ASSERT_EQ(0, genl_open(&other));
	ASSERT_EQ(0, genl_ask_pid(genl, UPAGER_CMD_TRACK, self->pid));
	EXPECT_EQ(-ESRCH, report_paging(&other, self->pid, 0));
	EXPECT_EQ(-EBUSY, genl_ask_pid(&other, UPAGER_CMD_TRACK, self->pid));
	EXPECT_EQ(-ESRCH, genl_ask_pid(&other, UPAGER_CMD_UNTRACK, self->pid));
	EXPECT_EQ(0, report_paging(genl, self->pid, 0));
	ASSERT_EQ(0, genl_ask_pid(genl, UPAGER_CMD_UNTRACK, self->pid));
	EXPECT_EQ(0, genl_ask_pid(&other, UPAGER_CMD_TRACK, self->pid));
	EXPECT_EQ(0, report_paging(&other, self->pid, 0));
	/* What root tracks by the file stays until root says otherwise. */
	EXPECT_EQ(0, module_track(self->pid));
	EXPECT_EQ(0, genl_ask_pid(&other, UPAGER_CMD_UNTRACK, self->pid));
	EXPECT_EQ(0, report_read_tracked(self->pid, "cow"));
	EXPECT_EQ(-ESRCH, report_paging(&other, self->pid, 0));
	EXPECT_EQ(0, module_untrack(self->pid));
	genl_close(&other);
}

/* A daemon that dies leaves nothing tracked, whoever was forked since. */
TEST_F_TIMEOUT(genl, tracking_ends_with_its_socket, LIMIT_S)
{
	uint32_t before = nr_tracked(&self->genl);
	struct genl other;

	ASSERT_EQ(0, genl_open(&other));
	ASSERT_EQ(0, genl_ask_pid(&other, UPAGER_CMD_TRACK, self->pid));
	ASSERT_TRUE(actor_fork(0, 1));
	EXPECT_EQ(before + 2, nr_tracked(&self->genl));
	genl_close(&other);
	EXPECT_TRUE(wait_until(nr_tracked(&self->genl) == before));
}

/* Neither nobody nor the root of a user namespace of its own may ask for more than features. */
static int ask_unprivileged(pid_t pid, int flags)
{
	static const int commands[] = { UPAGER_CMD_TRACK, UPAGER_CMD_UNTRACK, UPAGER_CMD_PINNED,
					UPAGER_CMD_PAGING };
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
	for (int i = 0; i < 4; i++)
		bad |= genl_ask_pid(&genl, commands[i], pid) != -EPERM;
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

static int ask_pinned(struct genl *genl, pid_t pid)
{
	struct nl_msg *msg = genl_command(genl, UPAGER_CMD_PINNED, 0);

	nla_put_u32(msg, UPAGER_A_PID, (uint32_t)pid);
	nla_put_u64(msg, UPAGER_A_START, (uint64_t)stage->area);
	nla_put_u32(msg, UPAGER_A_NR_PAGES, 1);
	return genl_ask(genl, msg);
}

/* Who may only set up networks learns and tells nothing of the processes of others. */
static int ask_with_net_admin_only(pid_t pid)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[2] = { { .permitted = 1U << CAP_NET_ADMIN,
						    .effective = 1U << CAP_NET_ADMIN } };
	struct genl genl;
	pid_t own;
	int bad;

	if (prctl(PR_SET_KEEPCAPS, 1) || setresgid(65534, 65534, 65534) ||
	    setresuid(65534, 65534, 65534) || syscall(SYS_capset, &header, caps))
		return 1;
	if (genl_open(&genl))
		return 2;
	bad = genl_ask_pid(&genl, UPAGER_CMD_TRACK, pid) != -EPERM;
	bad |= (ask_pinned(&genl, pid) != -EPERM) << 1;
	/* Its own are another matter. */
	prctl(PR_SET_DUMPABLE, 1);
	own = fork();
	if (!own) {
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		pause();
	}
	bad |= (genl_ask_pid(&genl, UPAGER_CMD_TRACK, own) != 0) << 2;
	bad |= (ask_pinned(&genl, own) != 0) << 3;
	kill(own, SIGKILL);
	waitpid(own, NULL, 0);
	return bad << 2;
}

TEST_F_TIMEOUT(genl, net_admin_is_not_enough, LIMIT_S)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(ask_with_net_admin_only(self->pid));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_HARNESS_MAIN
