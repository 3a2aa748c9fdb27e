// SPDX-License-Identifier: GPL-2.0-only
/* /proc/upager: what may be written, what is refused, and what there is to read. */
#include "actor.h"
#include "report.h"

FIXTURE(proc)
{
	pid_t pid;
};

FIXTURE_SETUP(proc)
{
	ASSERT_EQ(0, actor_stage());
	self->pid = actor_start();
	ASSERT_LT(0, self->pid);
}

FIXTURE_TEARDOWN(proc)
{
	actor_leave();
}

/* Lines of `processes`, its headers not counted; REPORT_NONE where it cannot be read. */
static uint64_t nr_processes(void)
{
	uint64_t nr = 0;

	if (report_read(PROC_DIR "/processes"))
		return REPORT_NONE;
	for (const char *p = report.text; *p; p++)
		nr += *p == '\n';
	return nr - 2;
}

static bool dir_is_there(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), PROC_DIR "/%d", pid);
	return !access(path, F_OK);
}

TEST_F_TIMEOUT(proc, track_and_untrack, LIMIT_S)
{
	uint64_t before = nr_processes();

	EXPECT_FALSE(dir_is_there(self->pid));
	EXPECT_EQ(-ESRCH, module_untrack(self->pid));
	EXPECT_EQ(0, module_track(self->pid));
	EXPECT_EQ(0, module_track(self->pid));
	EXPECT_TRUE(wait_until(dir_is_there(self->pid)));
	EXPECT_EQ(before + 1, nr_processes());
	EXPECT_EQ(0, module_untrack(self->pid));
	EXPECT_EQ(-ESRCH, module_untrack(self->pid));
	EXPECT_EQ(before, nr_processes());
	EXPECT_TRUE(wait_until(!dir_is_there(self->pid)));
}

TEST_F_TIMEOUT(proc, each_report_begins_with_its_version, LIMIT_S)
{
	static const char *const names[] = { "summary", "holes", "libs", "cow", "paging" };

	ASSERT_EQ(0, module_track(self->pid));
	for (int i = 0; i < 5; i++) {
		ASSERT_EQ(0, report_read_tracked(self->pid, names[i]));
		EXPECT_EQ(0, strncmp(report.text, "version 1\n", 10));
		/* Lines end, have a key and a value, and nothing is there twice outside of groups. */
		EXPECT_EQ('\n', report.text[report.len - 1]);
		for (const char *p = report.text; *p; p += strcspn(p, "\n") + 1)
			EXPECT_LT(strcspn(p, " "), strcspn(p, "\n"));
	}
	ASSERT_EQ(0, report_query(self->pid));
	EXPECT_EQ(0, strncmp(report.text, "version 1\n", 10));
	EXPECT_EQ((uint64_t)self->pid, report_value("pid"));
	EXPECT_TRUE(report_is("comm", "proc_test"));
	EXPECT_TRUE(report_is("tracked", "1"));
	EXPECT_NE(REPORT_NONE, report_value("holes_count"));
	EXPECT_NE(REPORT_NONE, report_value("libs_count"));
	EXPECT_NE(REPORT_NONE, report_value("copies"));
	EXPECT_TRUE(report_is("reported", "0"));
	ASSERT_EQ(0, report_read(PROC_DIR "/processes"));
	EXPECT_EQ(0, strncmp(report.text, "version 1\n", 10));
}

/* The totals of the other files, and who it is. */
TEST_F_TIMEOUT(proc, summary_has_the_totals, LIMIT_S)
{
	static const char *const files[] = { "holes", "libs", "cow" };
	static char summary[65536];

	ASSERT_EQ(0, module_track(self->pid));
	ASSERT_EQ(0, report_read_tracked(self->pid, "summary"));
	EXPECT_EQ((uint64_t)self->pid, report_value("pid"));
	EXPECT_TRUE(report_is("comm", "proc_test"));
	ASSERT_LT(report.len, sizeof(summary) - 2);
	summary[0] = '\n';
	memcpy(summary + 1, report.text, report.len + 1);
	for (int i = 0; i < 3; i++) {
		struct report_line line = { 0 };
		unsigned int nr = 0;

		ASSERT_EQ(0, report_read_tracked(self->pid, files[i]));
		while (report_next(&line)) {
			char wanted[sizeof(line.key) + sizeof(line.value) + 4];

			/* The window and the rate have no attribute. */
			if (!strcmp(line.key, "hole") || !strcmp(line.key, "object"))
				break;
			if (strstr(line.key, "window") || strstr(line.key, "ppm"))
				continue;
			snprintf(wanted, sizeof(wanted), "\n%s %s\n", line.key, line.value);
			EXPECT_NE(NULL, strstr(summary, wanted))
			{
				TH_LOG("no %s in the summary", wanted + 1);
			}
			nr++;
		}
		EXPECT_LT(5, nr);
	}
}

TEST_F_TIMEOUT(proc, processes_has_each_tracked_once, LIMIT_S)
{
	uint64_t before = nr_processes();
	unsigned int seen[3] = { 0 };

	ASSERT_EQ(0, module_track(self->pid));
	ASSERT_TRUE(actor_fork(0, 1));
	ASSERT_TRUE(actor_fork(1, 2));
	EXPECT_EQ(before + 3, nr_processes());
	for (const char *p = report.text; *p; p += strcspn(p, "\n") + 1)
		for (int i = 0; i < 3; i++)
			seen[i] += atoi(p) == actor_pid(i);
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(1, seen[i]);
}

TEST_F_TIMEOUT(proc, what_is_no_process, LIMIT_S)
{
	uint64_t before = nr_processes();
	pid_t zombie = fork();

	if (!zombie)
		_exit(0);
	waitid(P_PID, (id_t)zombie, &(siginfo_t){ 0 }, WEXITED | WNOWAIT);
	EXPECT_EQ(-ESRCH, module_track(zombie));
	EXPECT_EQ(-ESRCH, report_query(zombie));
	waitpid(zombie, NULL, 0);
	EXPECT_EQ(-ESRCH, module_track(zombie));
	EXPECT_EQ(-ESRCH, report_query(zombie));
	EXPECT_EQ(-ESRCH, module_track(2));
	EXPECT_EQ(-ESRCH, report_query(2));
	EXPECT_EQ(-ESRCH, module_track(INT32_MAX));
	EXPECT_EQ(before, nr_processes());
}

TEST_F_TIMEOUT(proc, what_is_no_number, LIMIT_S)
{
	static const char *const texts[] = { "\n",	     " ",     "x", "1x", "1 2",
					     "0x10",	     "--1",   "+", "-",	 "99999999999",
					     "-99999999999", "1\n2\n" };
	static char much[1 << 20];
	uint64_t before = nr_processes();

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		EXPECT_EQ(-EINVAL, module_write("track", texts[i]))
		{
			TH_LOG("track '%s'", texts[i]);
		}
		EXPECT_EQ(-EINVAL, report_query_text(texts[i]))
		{
			TH_LOG("query '%s'", texts[i]);
		}
	}
	EXPECT_EQ(-EINVAL, module_write("track", ""));
	EXPECT_EQ(-ESRCH, module_write("track", "0"));
	/* A number, and then more than any number has. */
	memset(much, ' ', sizeof(much) - 1);
	memcpy(much, "1", 1);
	EXPECT_EQ(-EINVAL, module_write("track", much));
	EXPECT_EQ(-EINVAL, report_query_text(much));
	memset(much, '1', sizeof(much) - 1);
	EXPECT_EQ(-EINVAL, module_write("track", much));
	EXPECT_EQ(before, nr_processes());
}

/* An answer is of the last question, and there is none without one. */
TEST_F_TIMEOUT(proc, questions_one_after_another, LIMIT_S)
{
	int fd = open(PROC_DIR "/query", O_RDWR);
	char text[32];

	ASSERT_LE(0, fd);
	EXPECT_EQ(-1, read(fd, text, sizeof(text)));
	EXPECT_EQ(EINVAL, errno);
	for (int i = 0; i < 2; i++) {
		pid_t pid = i ? getpid() : self->pid;
		int len = snprintf(text, sizeof(text), "%d\n", pid);

		ASSERT_EQ(len, write(fd, text, (size_t)len));
		ASSERT_EQ(0, report_take(fd));
		EXPECT_EQ((uint64_t)pid, report_value("pid"));
	}
	/* A bad question leaves the answer to the former one. */
	EXPECT_EQ(-1, write(fd, "x", 1));
	ASSERT_EQ(0, lseek(fd, 0, SEEK_SET));
	ASSERT_EQ(0, report_take(fd));
	EXPECT_EQ((uint64_t)getpid(), report_value("pid"));
	close(fd);
}

/* Read a byte at a time, a report is the same. */
TEST_F_TIMEOUT(proc, small_reads, LIMIT_S)
{
	static char whole[65536];
	char path[64], byte;
	size_t len = 0;
	int fd;

	ASSERT_EQ(0, module_track(self->pid));
	ASSERT_EQ(0, report_read_tracked(self->pid, "holes"));
	ASSERT_LT(report.len, sizeof(whole));
	snprintf(path, sizeof(path), PROC_DIR "/%d/holes", self->pid);
	fd = open(path, O_RDONLY);
	ASSERT_LE(0, fd);
	while (read(fd, &byte, 1) == 1)
		whole[len++] = byte;
	close(fd);
	EXPECT_EQ(report.len, len);
	EXPECT_EQ(0, memcmp(report.text, whole, len));
}

TEST_HARNESS_MAIN
