// SPDX-License-Identifier: GPL-2.0-only
/* The trace event upager:upager_cow: whose page, where, which kind of write, from which instruction. */
#include "actor.h"
#include "cow.h"
#include "maps.h"

#include <sys/mount.h>

#define TRACING "/sys/kernel/tracing"
#define NR	25

FIXTURE(trace)
{
	pid_t pid;
};

static bool put(const char *name, const char *text)
{
	char path[128];
	bool done;
	int fd;

	snprintf(path, sizeof(path), TRACING "/%s", name);
	fd = open(path, O_WRONLY | O_TRUNC);
	done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return done;
}

FIXTURE_SETUP(trace)
{
	if (access(TRACING "/events", F_OK))
		mount("tracefs", TRACING, "tracefs", 0, NULL);
	if (access(TRACING "/events", F_OK))
		SKIP(return, "no tracefs in this kernel");
	ASSERT_EQ(0, actor_stage());
	self->pid = actor_start();
	ASSERT_EQ(0, module_track(self->pid));
	ASSERT_TRUE(actor_write(0, 0, 100));
	ASSERT_TRUE(actor_fork(0, 1));
	ASSERT_TRUE(put("trace", "\n"));
	ASSERT_TRUE(put("events/upager/upager_cow/enable", "1"));
}

FIXTURE_TEARDOWN(trace)
{
	put("events/upager/upager_cow/enable", "0");
	actor_leave();
}

/* Events of a process, of a kind, on the pages of the area: a bit each; *ip of the last. */
static uint64_t pages(pid_t pid, const char *wanted, unsigned long *ip)
{
	uint64_t bits = 0, first = (uint64_t)stage->area;
	char line[512], kind[32];
	FILE *f = fopen(TRACING "/trace", "re");
	unsigned long addr;
	int nr;

	while (f && fgets(line, sizeof(line), f)) {
		const char *at = strstr(line, "upager_cow: ");
		unsigned long from;

		if (!at || sscanf(at, "upager_cow: pid=%d address=0x%lx kind=%31s ip=0x%lx", &nr,
				  &addr, kind, &from) != 4)
			continue;
		if (nr != pid || strcmp(kind, wanted) || addr < first ||
		    addr >= first + 64 * PAGE_SIZE)
			continue;
		bits |= 1ULL << ((addr - first) / PAGE_SIZE);
		*ip = from;
	}
	if (f)
		fclose(f);
	return bits;
}

/* Whether it is in what this process' own program, which the actors are of, executes. */
static bool is_code_of_ours(unsigned long ip)
{
	char own[256];
	ssize_t n = readlink("/proc/self/exe", own, sizeof(own) - 1);

	own[n > 0 ? n : 0] = '\0';
	maps_take(getpid(), "maps", maps_text[0]);
	maps_parse();
	for (unsigned int i = 0; i < maps.nr; i++)
		if (maps.map[i].start <= ip && ip < maps.map[i].end)
			return maps.map[i].access[2] == 'x' && !strcmp(maps.map[i].name, own);
	return false;
}

TEST_F_TIMEOUT(trace, of_copies, LIMIT_S)
{
	unsigned long ip = 0;

	ASSERT_TRUE(actor_write(1, 0, NR));
	EXPECT_EQ((1ULL << NR) - 1, pages(actor_pid(1), "copy", &ip));
	EXPECT_TRUE(is_code_of_ours(ip));
	EXPECT_EQ(0, pages(self->pid, "copy", &ip));
	/* The page is the parent's alone now. */
	if (cow_read(self->pid).reuses_without_copy != REPORT_NONE) {
		ASSERT_TRUE(actor_write(0, 0, NR));
		EXPECT_EQ((1ULL << NR) - 1, pages(self->pid, "reuse", &ip));
	}
}

/* Of who is not tracked there is nothing to see. */
TEST_F_TIMEOUT(trace, of_nobody_else, LIMIT_S)
{
	unsigned long ip = 0;

	ASSERT_EQ(0, module_untrack(actor_pid(1)));
	ASSERT_TRUE(actor_write(1, 0, NR));
	EXPECT_EQ(0, pages(actor_pid(1), "copy", &ip));
}

TEST_HARNESS_MAIN
