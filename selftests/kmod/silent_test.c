// SPDX-License-Identifier: GPL-2.0-only
/* Probes that do not fire: what they would have counted is left out, and the features say so. */
#include "actor.h"
#include "cow.h"
#include "genl.h"

#include <sys/mount.h>

#define DEBUG_DIR "/sys/kernel/debug"

FIXTURE(silent)
{
	struct genl genl;
	pid_t pid;
};

FIXTURE_VARIANT(silent)
{
	const char *file, *on, *off;
	bool all; /* no probe fires, not only those of ftrace */
};

FIXTURE_VARIANT_ADD(silent, ftrace){
	.file = "/proc/sys/kernel/ftrace_enabled",
	.on = "1",
	.off = "0",
};

FIXTURE_VARIANT_ADD(silent, kprobes){
	.file = DEBUG_DIR "/kprobes/enabled",
	.on = "1",
	.off = "0",
	.all = true,
};

static bool put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	close(fd);
	return done;
}

FIXTURE_SETUP(silent)
{
	if (access(DEBUG_DIR "/kprobes", F_OK))
		mount("debugfs", DEBUG_DIR, "debugfs", 0, NULL);
	if (access(variant->file, W_OK))
		SKIP(return, "no %s in this kernel", variant->file);
	/* Newer ones refuse it for good. */
	if (!put(variant->file, variant->off))
		SKIP(return, "%s cannot be %s in this kernel", variant->file, variant->off);
	ASSERT_TRUE(put(variant->file, variant->on));
	ASSERT_EQ(0, genl_open(&self->genl));
	ASSERT_EQ(0, actor_stage());
	self->pid = actor_start();
}

FIXTURE_TEARDOWN(silent)
{
	EXPECT_TRUE(put(variant->file, variant->on));
	genl_close(&self->genl);
	actor_leave();
}

static uint64_t features(FIXTURE_DATA(silent) * self)
{
	if (genl_ask(&self->genl, genl_command(&self->genl, UPAGER_CMD_FEATURES, 0)))
		return 0;
	return nla_get_u64(self->genl.attr[UPAGER_A_FEATURES]);
}

/* Only once a second somebody who tracks nothing makes the module look. */
#define wait_for_features(self, mask, value) wait_until((features(self) & (mask)) == (value))

TEST_F_TIMEOUT(silent, nobody_is_tracked, LIMIT_S)
{
	uint64_t all = features(self);

	ASSERT_TRUE(wait_for_features(self, UPAGER_FEATURE_COPIES, UPAGER_FEATURE_COPIES));
	ASSERT_TRUE(put(variant->file, variant->off));
	EXPECT_TRUE(wait_for_features(self, UPAGER_FEATURE_COPIES, 0));
	if (variant->all)
		EXPECT_EQ(0, features(self) & (UPAGER_FEATURE_REUSES | UPAGER_FEATURE_ZERO_WRITES |
					       UPAGER_FEATURE_FILE_WRITES));
	ASSERT_TRUE(put(variant->file, variant->on));
	EXPECT_TRUE(wait_for_features(self, all, all));
}

TEST_F_TIMEOUT(silent, off_while_tracked, LIMIT_S)
{
	ASSERT_EQ(0, module_track(self->pid));
	ASSERT_EQ(0, report_read_tracked(self->pid, "cow"));
	EXPECT_NE(REPORT_NONE, report_value("copies"));
	EXPECT_EQ(0, report_value("probes_missed"));
	ASSERT_TRUE(put(variant->file, variant->off));
	ASSERT_EQ(0, report_read_tracked(self->pid, "cow"));
	EXPECT_EQ(REPORT_NONE, report_value("copies"));
	EXPECT_EQ(REPORT_NONE, report_value("children_copies"));
	EXPECT_EQ(REPORT_NONE, report_value("bytes_copied"));
	EXPECT_NE(REPORT_NONE, report_value("forks"));
	EXPECT_EQ(0, features(self) & UPAGER_FEATURE_COPIES);
	/* What was missed stays so. */
	ASSERT_TRUE(put(variant->file, variant->on));
	ASSERT_EQ(0, report_read_tracked(self->pid, "cow"));
	EXPECT_EQ(REPORT_NONE, report_value("copies"));
	EXPECT_EQ(0, features(self) & UPAGER_FEATURE_COPIES);
	ASSERT_EQ(0, module_untrack(self->pid));
	EXPECT_TRUE(wait_for_features(self, UPAGER_FEATURE_COPIES, UPAGER_FEATURE_COPIES));
}

TEST_F_TIMEOUT(silent, off_before, LIMIT_S)
{
	ASSERT_TRUE(put(variant->file, variant->off));
	ASSERT_EQ(0, module_track(self->pid));
	ASSERT_EQ(0, report_read_tracked(self->pid, "cow"));
	EXPECT_EQ(REPORT_NONE, report_value("copies"));
	ASSERT_EQ(0, module_untrack(self->pid));
}

TEST_HARNESS_MAIN
