// SPDX-License-Identifier: GPL-2.0-only
/* What an open `track` owns: whose processes it may, how many, until when, and what it tells of ends. */
#include "actor.h"
#include "cow.h"
#include "uapi/upager.h"

#include <poll.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define NOBODY 65534
#define OTHER  65533

FIXTURE(owner)
{
	pid_t pid;
	int track;
	char dir[32];
};

static bool become(uid_t uid)
{
	return !setresgid(uid, uid, uid) && !setresuid(uid, uid, uid) &&
	       !prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

static int track_open(void)
{
	return open(PROC_DIR "/track", O_RDWR | O_CLOEXEC);
}

static int track_by(int fd, pid_t pid)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d\n", pid);

	return write(fd, text, (size_t)len) < 0 ? -errno : 0;
}

/* What is to be read of ends now, in the report's buffer: how much, or -errno. */
static ssize_t track_read(int fd)
{
	ssize_t n = read(fd, report.text, REPORT_SIZE - 1);

	report.len = n > 0 ? (size_t)n : 0;
	report.text[report.len] = '\0';
	return n < 0 ? -errno : n;
}

static unsigned int nr_ends(void)
{
	struct report_line line = { 0 };
	unsigned int nr = 0;

	while (report_next(&line))
		nr += !strcmp(line.key, "process");
	return nr;
}

static bool is_listed(const char *proc, pid_t pid)
{
	char path[64], line[32];
	struct report_line word = { 0 };

	snprintf(path, sizeof(path), "%s/upager/processes", proc);
	if (report_read(path))
		return false;
	snprintf(line, sizeof(line), "%d", pid);
	while (report_next(&word))
		if (!strcmp(word.key, line))
			return true;
	return false;
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

FIXTURE_SETUP(owner)
{
	ASSERT_EQ(0, actor_stage());
	self->pid = actor_start();
	self->track = track_open();
	ASSERT_LE(0, self->track);
	strcpy(self->dir, "/tmp/upager.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	ASSERT_EQ(0, chmod(self->dir, 0755));
}

FIXTURE_TEARDOWN(owner)
{
	close(self->track);
	actor_leave();
	rmdir(self->dir);
}

TEST_F_TIMEOUT(owner, ends_with_the_descriptor, LIMIT_S)
{
	char path[64];

	ASSERT_EQ(0, track_by(self->track, self->pid));
	ASSERT_TRUE(actor_fork(0, 1));
	EXPECT_TRUE(is_listed("/proc", self->pid));
	EXPECT_TRUE(is_listed("/proc", actor_pid(1)));
	close(self->track);
	EXPECT_TRUE(wait_until(!is_listed("/proc", self->pid)));
	EXPECT_FALSE(is_listed("/proc", actor_pid(1)));
	snprintf(path, sizeof(path), PROC_DIR "/%d", actor_pid(1));
	EXPECT_TRUE(wait_until(access(path, F_OK)));
	self->track = track_open();
}

/* A process that somebody else tracks, too, goes on to be. */
TEST_F_TIMEOUT(owner, leaves_what_is_roots, LIMIT_S)
{
	int other = track_open();

	ASSERT_EQ(0, module_track(self->pid));
	ASSERT_EQ(0, track_by(self->track, self->pid));
	EXPECT_EQ(0, track_by(self->track, self->pid));
	EXPECT_EQ(-EBUSY, track_by(other, self->pid));
	EXPECT_EQ(-ESRCH, track_by(other, -self->pid));
	EXPECT_EQ(0, track_by(self->track, -self->pid));
	EXPECT_EQ(-ESRCH, track_by(self->track, -self->pid));
	EXPECT_EQ(0, track_by(other, self->pid));
	close(other);
	EXPECT_TRUE(is_listed("/proc", self->pid));
	EXPECT_EQ(0, module_untrack(self->pid));
	EXPECT_FALSE(is_listed("/proc", self->pid));
}

/* However short a life was. */
TEST_F_TIMEOUT(owner, reads_final_counts, LIMIT_S)
{
	struct pollfd poll_fd = { .fd = self->track, .events = POLLIN };
	pid_t child;

	ASSERT_EQ(0, track_by(self->track, self->pid));
	ASSERT_TRUE(actor_write(0, 0, 200));
	EXPECT_EQ(0, poll(&poll_fd, 1, 0));
	ASSERT_EQ(0, fcntl(self->track, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(-EAGAIN, track_read(self->track));
	ASSERT_EQ(0, fcntl(self->track, F_SETFL, 0));

	ASSERT_TRUE(actor_fork(0, 1));
	child = actor_pid(1);
	ASSERT_TRUE(actor_write(1, 0, 77));
	ASSERT_TRUE(actor_do(1, ACT_EXIT, 0, 0));
	ASSERT_TRUE(actor_do(0, ACT_REAP, 0, 1));
	EXPECT_EQ(1, poll(&poll_fd, 1, LIMIT_S * 1000));
	EXPECT_EQ(POLLIN, poll_fd.revents);
	ASSERT_LT(0, track_read(self->track));
	EXPECT_EQ(0, strncmp(report.text, "version 1\nprocess ", 18));
	EXPECT_EQ((uint64_t)child, report_value("process"));
	EXPECT_TRUE(report_is("comm", "owner_test"));
	EXPECT_LE(77, report_value("copies"));
	EXPECT_GE(77 + 16, report_value("copies"));
	EXPECT_EQ(1, nr_ends());

	/* The last of all, and then no more. */
	kill(self->pid, SIGKILL);
	ASSERT_LT(0, track_read(self->track));
	EXPECT_EQ((uint64_t)self->pid, report_value("process"));
	EXPECT_EQ(1, report_value("children"));
	EXPECT_LE(77, report_value("children_copies"));
	EXPECT_EQ(0, track_read(self->track));
	EXPECT_EQ(1, poll(&poll_fd, 1, 0));
	EXPECT_TRUE(poll_fd.revents & POLLHUP);
}

/* Into a buffer that holds a part of one: each is whole, and none is told twice. */
TEST_F_TIMEOUT(owner, reads_many_ends_in_pieces, LIMIT_S)
{
	size_t len = 0;
	ssize_t n;

	ASSERT_EQ(0, track_by(self->track, self->pid));
	for (int i = 0; i < 20; i++)
		ASSERT_TRUE(actor_do(0, ACT_SPAWN, 0, 0));
	kill(self->pid, SIGKILL);
	while ((n = read(self->track, report.text + len, 100)) > 0)
		len += (size_t)n;
	EXPECT_EQ(0, n);
	report.text[len] = '\0';
	EXPECT_EQ(21, nr_ends());
}

static int own_processes(void)
{
	int fd = track_open(), err;
	pid_t pid;

	if (fd < 0)
		return -errno;
	err = track_by(fd, getpid());
	if (err)
		return err;
	pid = fork();
	if (!pid)
		_exit(0);
	waitpid(pid, NULL, 0);
	if (track_read(fd) <= 0 || report_value("process") != (uint64_t)pid)
		return -EIO;
	return is_listed("/proc", getpid()) ? 0 : -ENOENT;
}

TEST_F_TIMEOUT(owner, a_user_may_his_own, LIMIT_S)
{
	EXPECT_EQ(0, in_child(become(NOBODY) ? own_processes() : -255));
	EXPECT_EQ(EACCES, in_child(become(NOBODY) ? track_by(track_open(), self->pid) : -255));
	EXPECT_EQ(EACCES, in_child(become(NOBODY) ? track_by(track_open(), 1) : -255));
	EXPECT_EQ(EPERM, in_child(become(NOBODY) ? module_track(getpid()) : -255));
}

/* One more than a user's quota: by writing, and by a fork of what is tracked. */
static int over_quota(bool fork_it)
{
	int fd = track_open(), other = track_open(), err = 0;
	pid_t pid[UPAGER_TRACKED_PER_USER + 1] = { 0 };

	if (fork_it)
		err = track_by(fd, getpid());
	for (int i = fork_it; i < UPAGER_TRACKED_PER_USER; i++) {
		pid[i] = fork();
		if (!pid[i])
			for (;;)
				pause();
		/* By two descriptors: the user counts. */
		if (!fork_it && !err)
			err = track_by(i % 2 ? fd : other, pid[i]);
	}
	pid[UPAGER_TRACKED_PER_USER] = fork();
	if (!pid[UPAGER_TRACKED_PER_USER])
		for (;;)
			pause();
	if (!err && !fork_it)
		err = track_by(fd, pid[UPAGER_TRACKED_PER_USER]);
	if (!err && fork_it && !report_read_tracked(getpid(), "cow") &&
	    report_value("children") == UPAGER_TRACKED_PER_USER - 1 &&
	    report_value("children_lost") == 1)
		err = -EDQUOT;
	for (int i = 0; i <= UPAGER_TRACKED_PER_USER; i++)
		if (pid[i] > 0)
			kill(pid[i], SIGKILL);
	while (wait(NULL) > 0)
		;
	return err;
}

TEST_F_TIMEOUT(owner, a_user_has_a_quota, LIMIT_S)
{
	EXPECT_EQ(EDQUOT, in_child(become(NOBODY) ? over_quota(false) : -255));
	/* What was let go of is to be had again, sooner or later. */
	EXPECT_TRUE(wait_until(in_child(become(NOBODY) ? over_quota(true) : -255) == EDQUOT));
	/* It is nobody else's. */
	EXPECT_EQ(0, in_child(become(OTHER) ? own_processes() : -255));
	EXPECT_EQ(0, module_track(self->pid));
}

static int list_hidden(FIXTURE_DATA(owner) * self, bool own)
{
	int fd;

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("proc", self->dir, "proc", 0, "hidepid=2") || !become(NOBODY))
		return -255;
	fd = track_open();
	if (own && track_by(fd, getpid()))
		return -254;
	return is_listed(self->dir, own ? getpid() : self->pid) ? 0 : -ENOENT;
}

static int list_inside(FIXTURE_DATA(owner) * self)
{
	int status;
	pid_t pid;

	if (unshare(CLONE_NEWPID | CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return -255;
	pid = fork();
	if (!pid) {
		char path[64];
		bool one;
		int fd;

		snprintf(path, sizeof(path), "%s/upager/track", self->dir);
		if (mount("proc", self->dir, "proc", 0, NULL))
			_exit(254);
		one = is_listed(self->dir, 1);
		fd = open(path, O_RDWR);
		if (track_by(fd, 1))
			_exit(253);
		/* No line but that of itself, by its number here. */
		one = !one && is_listed(self->dir, 1);
		for (const char *at = report.text; one && (at = strchr(at, '\n')) && at[1]; at++)
			one = at[1] == 'p' || !strncmp(at + 1, "1 ", 2);
		_exit(one ? 0 : 252);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -1;
}

TEST_F_TIMEOUT(owner, lists_what_one_may_see, LIMIT_S)
{
	ASSERT_EQ(0, track_by(self->track, self->pid));
	EXPECT_EQ(ENOENT, in_child(list_hidden(self, false)));
	EXPECT_EQ(0, in_child(list_hidden(self, true)));
	EXPECT_EQ(0, in_child(list_inside(self)));
}

/* A program with rights that the user has not is let go of. */
static int execute(const char *program, mode_t mode)
{
	int fd, go[2];
	pid_t pid;
	char byte;

	if (chmod(program, mode) || pipe(go) || !become(NOBODY))
		return -255;
	fd = track_open();
	pid = fork();
	if (!pid) {
		if (read(go[0], &byte, 1) == 1)
			execl(program, program, NULL);
		_exit(1);
	}
	if (track_by(fd, pid) || write(go[1], "", 1) != 1)
		return -254;
	waitpid(pid, NULL, 0);
	return track_read(fd) > 0 ? 0 : -ENOENT;
}

TEST_F_TIMEOUT(owner, set_uid_programs_are_let_go_of, LIMIT_S)
{
	const char *program = "./upager-true";

	ASSERT_EQ(0, system("cp /bin/true ./upager-true || cp /usr/bin/busybox ./upager-true"));
	EXPECT_EQ(0, in_child(execute(program, 00755)));
	EXPECT_EQ(ENOENT, in_child(execute(program, 04755)));
	unlink(program);
}

TEST_HARNESS_MAIN
