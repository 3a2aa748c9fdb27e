// SPDX-License-Identifier: GPL-2.0-only
/* As many tracked processes as there can be: one more is refused, and leaves all as it was. */
#include "module.h"
#include "uapi/upager.h"

#include <dirent.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

FIXTURE(full)
{
	unsigned int nr;
	pid_t pid[UPAGER_TRACKED_MAX + 2];
};

FIXTURE_SETUP(full)
{
	setrlimit(RLIMIT_NPROC, &(struct rlimit){ RLIM_INFINITY, RLIM_INFINITY });
}

FIXTURE_TEARDOWN(full)
{
	for (unsigned int i = 0; i < self->nr; i++)
		kill(self->pid[i], SIGKILL);
	for (unsigned int i = 0; i < self->nr; i++)
		waitpid(self->pid[i], NULL, 0);
}

static bool add(FIXTURE_DATA(full) * self)
{
	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		for (;;)
			pause();
	}
	if (pid < 0)
		return false;
	self->pid[self->nr++] = pid;
	return true;
}

/* Directories of processes, and lines of `processes` without its two headers. */
static unsigned int nr_listed(bool dirs)
{
	DIR *dir = dirs ? opendir(PROC_DIR) : NULL;
	FILE *f = dirs ? NULL : fopen(PROC_DIR "/processes", "re");
	unsigned int nr = 0;
	struct dirent *entry;
	char line[256];

	while (dir && (entry = readdir(dir)))
		nr += entry->d_name[0] >= '0' && entry->d_name[0] <= '9';
	while (f && fgets(line, sizeof(line), f))
		nr += line[0] >= '0' && line[0] <= '9';
	if (dir)
		closedir(dir);
	if (f)
		fclose(f);
	return nr;
}

TEST_F_TIMEOUT(full, one_more_is_refused, LIMIT_S)
{
	unsigned int before = nr_listed(false);
	pid_t last;

	if (!access("/sys/kernel/debug/kmemleak", F_OK))
		SKIP(return,
			   "so many processes take too long on a kernel that checks every access");
	for (unsigned int i = before; i < UPAGER_TRACKED_MAX + 1; i++)
		ASSERT_TRUE(add(self));
	last = self->pid[self->nr - 1];
	for (unsigned int i = 0; i < self->nr - 1; i++)
		ASSERT_EQ(0, module_track(self->pid[i]));
	EXPECT_EQ(UPAGER_TRACKED_MAX, nr_listed(false));
	EXPECT_EQ(-E2BIG, module_track(last));
	EXPECT_EQ(-ESRCH, module_untrack(last));
	EXPECT_EQ(UPAGER_TRACKED_MAX, nr_listed(false));
	EXPECT_TRUE(wait_until(nr_listed(true) == UPAGER_TRACKED_MAX));
	/* Who is tracked already needs no room. */
	EXPECT_EQ(0, module_track(self->pid[0]));
	/* One less is one that can be had again. */
	EXPECT_EQ(0, module_untrack(self->pid[0]));
	EXPECT_EQ(0, module_track(last));
	EXPECT_EQ(-E2BIG, module_track(self->pid[0]));
	/* All at once, by their end. */
	for (unsigned int i = 0; i < self->nr; i++)
		kill(self->pid[i], SIGKILL);
	EXPECT_TRUE(wait_until(nr_listed(false) == before));
	EXPECT_TRUE(wait_until(nr_listed(true) == before));
}

TEST_HARNESS_MAIN
