// SPDX-License-Identifier: GPL-2.0-only
/* Who may read /proc/PID/maps may ask about PID, and nobody else. */
#include "actor.h"
#include "report.h"

#include <linux/capability.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define NOBODY 65534
#define KEEP   ((uid_t)-1)

FIXTURE(access)
{
	pid_t pid;
	char dir[32];
};

FIXTURE_SETUP(access)
{
	ASSERT_EQ(0, actor_stage());
	self->pid = actor_start();
	ASSERT_LT(0, self->pid);
	ASSERT_EQ(0, module_track(self->pid));
	strcpy(self->dir, "/tmp/upager.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	ASSERT_EQ(0, chmod(self->dir, 0755));
}

FIXTURE_TEARDOWN(access)
{
	actor_leave();
	rmdir(self->dir);
}

static bool become_nobody(void)
{
	/* Without this, a process that was root is one that may not be looked at. */
	return !setresgid(NOBODY, NOBODY, NOBODY) && !setresuid(NOBODY, NOBODY, NOBODY) &&
	       !prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

/* Asks through a procfs of its own: 0 or -errno. */
static int query_at(const char *proc, pid_t pid)
{
	char path[64], text[16];
	int fd, err;

	snprintf(path, sizeof(path), "%s/upager/query", proc);
	snprintf(text, sizeof(text), "%d\n", pid);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = write(fd, text, strlen(text)) < 0 ? -errno : report_take(fd);
	close(fd);
	return err;
}

/* What a process of its own returned, below 256. */
#define in_child(call)                                                                         \
	({                                                                                     \
		int _status;                                                                   \
		pid_t _pid = fork();                                                           \
		if (!_pid)                                                                     \
			_exit(-(call)&255);                                                    \
		waitpid(_pid, &_status, 0) == _pid &&WIFEXITED(_status) ? WEXITSTATUS(_status) \
									: -1;                  \
	})

static int open_error(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

TEST_F_TIMEOUT(access, root_may_all, LIMIT_S)
{
	EXPECT_EQ(0, report_query(self->pid));
	EXPECT_EQ(0, report_query(1));
	EXPECT_EQ(0, report_read_tracked(self->pid, "holes"));
}

TEST_F_TIMEOUT(access, nobody_may_ask_about_itself, LIMIT_S)
{
	static const char *const names[] = { "summary", "holes", "libs", "cow", "paging" };
	char path[64];

	EXPECT_EQ(0, in_child(become_nobody() ? report_query(getpid()) : -1));
	EXPECT_EQ(EACCES, in_child(become_nobody() ? report_query(self->pid) : -1));
	EXPECT_EQ(EACCES, in_child(become_nobody() ? report_query(1) : -1));
	EXPECT_EQ(EPERM, in_child(become_nobody() ? open_error(PROC_DIR "/track", O_WRONLY) : -1));
	ASSERT_EQ(0, report_read_tracked(self->pid, "cow"));
	for (int i = 0; i < 5; i++) {
		snprintf(path, sizeof(path), PROC_DIR "/%d/%s", self->pid, names[i]);
		EXPECT_EQ(0, open_error(path, O_RDONLY));
		EXPECT_EQ(EACCES, in_child(become_nobody() ? open_error(path, O_RDONLY) : -1));
	}
}

/* What it opened itself, a privileged program that it starts writes for it: that changes nothing. */
TEST_F_TIMEOUT(access, the_opener_counts, LIMIT_S)
{
	char text[16];
	int fd, len = snprintf(text, sizeof(text), "%d\n", self->pid);

	ASSERT_EQ(0, setresgid(KEEP, NOBODY, 0));
	ASSERT_EQ(0, setresuid(KEEP, NOBODY, 0));
	fd = open(PROC_DIR "/query", O_RDWR);
	ASSERT_EQ(0, setresuid(KEEP, 0, 0));
	ASSERT_EQ(0, setresgid(KEEP, 0, 0));
	ASSERT_LE(0, fd);
	EXPECT_EQ(-1, write(fd, text, (size_t)len));
	EXPECT_EQ(EACCES, errno);
	close(fd);
}

/* Root of a container is this, too. */
static int track_without_capabilities(pid_t pid)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { 0 };

	return syscall(SYS_capset, &header, none) ? -1 : module_track(pid);
}

TEST_F_TIMEOUT(access, track_takes_a_capability, LIMIT_S)
{
	EXPECT_EQ(EPERM, in_child(track_without_capabilities(self->pid)));
	EXPECT_EQ(EPERM, in_child(track_without_capabilities(getpid())));
	/* Numbers of tracked processes may be those of processes that one must not see. */
	EXPECT_EQ(EACCES, in_child(become_nobody() ? open_error(PROC_DIR, O_DIRECTORY) : -1));
}

#define PRINT_WORD "--print-pid"

/* A program that says which process it is, and ends with how that went: before all else. */
__attribute__((constructor(101))) static void print_pid(int argc, char **argv)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d\n", getpid());

	if (argc == 2 && !strcmp(argv[1], PRINT_WORD))
		_exit(write(1, text, (size_t)len) < 0 ? errno : 0);
}

/* What such a program of root's is told, with this mode, by a user who gave it the file to print to. */
static int print_into_query(const char *program, mode_t mode)
{
	int fd;

	if (chmod(program, mode) || !become_nobody())
		return -1;
	fd = open(PROC_DIR "/query", O_RDWR);
	if (fd < 0 || dup2(fd, 1) != 1)
		return -2;
	execl(program, program, PRINT_WORD, NULL);
	return -3;
}

/* A process may look at itself, but that is not what a program is for that prints its number. */
TEST_F_TIMEOUT(access, of_programs_that_print_their_number, LIMIT_S)
{
	/* Not in /tmp, which may be mounted without set-uid. */
	const char *program = "./upager-print-pid";
	char command[128];

	snprintf(command, sizeof(command), "cp /proc/%d/exe %s", getpid(), program);
	ASSERT_EQ(0, system(command));
	/* With rights that the user has not, and one that the user may not even read. */
	EXPECT_EQ(EACCES, in_child(print_into_query(program, 04755)));
	EXPECT_EQ(EACCES, in_child(print_into_query(program, 00711)));
	EXPECT_EQ(0, in_child(print_into_query(program, 00755)));
	unlink(program);
}

/* Of the same user, but not to be looked at even by that one. */
static int query_undumpable(void)
{
	int err;
	pid_t pid;

	if (!become_nobody())
		return -1;
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
		pause();
	}
	wait_until(report_query(pid) == -EACCES);
	err = report_query(pid);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return err;
}

TEST_F_TIMEOUT(access, undumpable_processes_are_roots, LIMIT_S)
{
	EXPECT_EQ(EACCES, in_child(query_undumpable()));
}

/* A child has its own mount of procfs where it hides what belongs to others. */
static int query_hidden(FIXTURE_DATA(access) * self, bool own)
{
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("proc", self->dir, "proc", 0, "hidepid=2") || !become_nobody())
		return -1;
	return query_at(self->dir, own ? getpid() : self->pid);
}

TEST_F_TIMEOUT(access, hidepid, LIMIT_S)
{
	EXPECT_EQ(ENOENT, in_child(query_hidden(self, false)));
	EXPECT_EQ(0, in_child(query_hidden(self, true)));
	/* By the ordinary one it exists, and is not to be looked at. */
	EXPECT_EQ(EACCES, in_child(become_nobody() ? report_query(self->pid) : -1));
}

/* In a namespace of its own, a process is number 1, and those outside have no number. */
static int query_inside(FIXTURE_DATA(access) * self, pid_t pid)
{
	int status = -1;
	pid_t child;

	if (unshare(CLONE_NEWPID | CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return -1;
	child = fork();
	if (!child) {
		int err;

		prctl(PR_SET_NAME, "inside");
		err = mount("proc", self->dir, "proc", 0, NULL) ? -1 : query_at(self->dir, pid);
		/* Outside there is a number 1, too. */
		if (!err && (report_value("pid") != (uint64_t)pid || !report_is("comm", "inside")))
			err = -2;
		_exit(-err & 255);
	}
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -1;
}

TEST_F_TIMEOUT(access, another_pid_namespace, LIMIT_S)
{
	int outside = in_child(query_inside(self, self->pid));

	EXPECT_TRUE(outside == ENOENT || outside == ESRCH)
	{
		TH_LOG("outside: %d", outside);
	}
	EXPECT_EQ(0, in_child(query_inside(self, 1)));
}

TEST_HARNESS_MAIN
