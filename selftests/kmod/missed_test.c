// SPDX-License-Identifier: GPL-2.0-only
/* Hits of probes that the kernel does not let count: they are told, where counts are told. */
#include "actor.h"
#include "cow.h"

#include <sys/utsname.h>

#define NR_MISSED 7

/* Has a probed function called NR_MISSED times from inside of a probe: 0 or -errno. */
static int miss(const char *module)
{
	char options[32];
	int fd = open(module, O_RDONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return -errno;
	snprintf(options, sizeof(options), "times=%d", NR_MISSED);
	if (syscall(SYS_finit_module, fd, options, 0) || syscall(SYS_delete_module, "missed", 0))
		err = -errno;
	close(fd);
	return err;
}

FIXTURE(missed)
{
	char module[256];
	pid_t pid;
};

FIXTURE_SETUP(missed)
{
	const char *named = getenv("UPAGER_MISSED_KO");
	struct utsname kernel;

	ASSERT_EQ(0, uname(&kernel));
	snprintf(self->module, sizeof(self->module), "/lib/modules/%s/extra/missed.ko",
		 kernel.release);
	if (named)
		snprintf(self->module, sizeof(self->module), "%s", named);
	if (access(self->module, R_OK))
		SKIP(return, "no %s: name the module's file in UPAGER_MISSED_KO", self->module);
	ASSERT_EQ(0, actor_stage());
	self->pid = actor_start();
}

FIXTURE_TEARDOWN(missed)
{
	actor_leave();
}

TEST_F_TIMEOUT(missed, are_told_until_the_last_is_untracked, LIMIT_S)
{
	ASSERT_EQ(0, module_track(self->pid));
	ASSERT_EQ(0, report_read_tracked(self->pid, "cow"));
	EXPECT_EQ(0, report_value("probes_missed"));
	ASSERT_EQ(0, miss(self->module));
	ASSERT_EQ(0, report_read_tracked(self->pid, "cow"));
	EXPECT_EQ(NR_MISSED, report_value("probes_missed"));
	/* Counts are told beside them, for these probes fire. */
	EXPECT_EQ(0, report_value("copies"));
	ASSERT_EQ(0, miss(self->module));
	ASSERT_EQ(0, report_read_tracked(self->pid, "cow"));
	EXPECT_EQ(2 * NR_MISSED, report_value("probes_missed"));
	ASSERT_EQ(0, module_untrack(self->pid));
	ASSERT_EQ(0, module_track(self->pid));
	ASSERT_EQ(0, report_read_tracked(self->pid, "cow"));
	EXPECT_EQ(0, report_value("probes_missed"));
	ASSERT_EQ(0, module_untrack(self->pid));
}

/* Misses while nobody is tracked are nobody's. */
TEST_F_TIMEOUT(missed, before_it_is_tracked, LIMIT_S)
{
	ASSERT_EQ(0, miss(self->module));
	ASSERT_EQ(0, module_track(self->pid));
	ASSERT_EQ(0, report_read_tracked(self->pid, "cow"));
	EXPECT_EQ(0, report_value("probes_missed"));
	ASSERT_EQ(0, module_untrack(self->pid));
}

TEST_HARNESS_MAIN
