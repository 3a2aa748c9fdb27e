// SPDX-License-Identifier: GPL-2.0-only
/* TIMEOUT 240
 *
 * The module is taken out and put in while processes fork, execute and end, while they are tracked,
 * and while its files are read. The kernel's log must not have a word about it.
 */
#include "genl.h"
#include "report.h"

#include <dirent.h>
#include <signal.h>
#include <sys/klog.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#define NR_ROUNDS 6
#define NR_STORMS 2

FIXTURE(load)
{
	char module[256];
	pid_t storm[NR_STORMS], reader;
};

static int module_insert(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err = 0;

	if (fd < 0 || syscall(SYS_finit_module, fd, "", 0))
		err = -errno;
	close(fd);
	return err;
}

static int module_remove(void)
{
	return syscall(SYS_delete_module, "upager", O_NONBLOCK) ? -errno : 0;
}

static bool module_is_in(void)
{
	return !access("/sys/module/upager", F_OK);
}

/* Of the module that is loaded now: another one is not what is tested. */
static bool module_find(char *path, size_t size)
{
	const char *named = getenv("UPAGER_KO");
	struct utsname system;

	uname(&system);
	if (named)
		snprintf(path, size, "%s", named);
	else
		snprintf(path, size, "/lib/modules/%s/extra/upager.ko", system.release);
	return !access(path, R_OK);
}

/* On an emulated machine the test itself needs a processor, too. */
static void breathe(void)
{
	nanosleep(&(struct timespec){ 0, 500000 }, NULL);
}

/* Processes that live for a moment, some with memory that they copy, some with another program. */
static void __attribute__((noreturn)) storm(void)
{
	static char memory[64 * PAGE_SIZE];

	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	signal(SIGCHLD, SIG_IGN);
	for (unsigned int i = 0;; i++) {
		pid_t pid = fork();

		if (!pid) {
			for (size_t at = 0; at < sizeof(memory); at += PAGE_SIZE)
				memory[at] = (char)i;
			if (!(i % 8))
				execl("/bin/true", "true", NULL);
			if (!(i % 3))
				_exit(fork() & 0);
			_exit(0);
		}
		for (size_t at = 0; at < sizeof(memory); at += 4 * PAGE_SIZE)
			memory[at] = (char)i;
		breathe();
	}
}

/* Reads whatever there is of whomever. */
static void __attribute__((noreturn)) read_all(void)
{
	static const char *const names[] = { "summary", "holes", "libs", "cow", "paging" };
	char path[300];

	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	for (unsigned int i = 0;; i++) {
		DIR *dir = opendir(PROC_DIR);
		struct dirent *entry;

		while (dir && (entry = readdir(dir))) {
			if (entry->d_name[0] < '0' || entry->d_name[0] > '9')
				continue;
			snprintf(path, sizeof(path), PROC_DIR "/%s/%s", entry->d_name,
				 names[i++ % 5]);
			report_read(path);
		}
		if (dir)
			closedir(dir);
		report_query(getppid());
		report_read(PROC_DIR "/processes");
		breathe();
	}
}

static pid_t start(void (*work)(void))
{
	pid_t pid = fork();

	if (!pid)
		work();
	return pid;
}

FIXTURE_SETUP(load)
{
	if (!module_find(self->module, sizeof(self->module)))
		SKIP(return, "%s is missing: name the module's file in UPAGER_KO", self->module);
	for (int i = 0; i < NR_STORMS; i++)
		self->storm[i] = start(storm);
	self->reader = start(read_all);
}

static void stop(pid_t pid)
{
	if (pid > 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
}

FIXTURE_TEARDOWN(load)
{
	for (int i = 0; i < NR_STORMS; i++)
		stop(self->storm[i]);
	stop(self->reader);
	if (!module_is_in())
		EXPECT_EQ(0, module_insert(self->module));
}

/* What the kernel has said so far. */
static size_t log_take(char *text, size_t size)
{
	int len = klogctl(3, text, (int)size - 1);

	text[len > 0 ? len : 0] = '\0';
	return len > 0 ? (size_t)len : 0;
}

static const char *complaint(const char *text)
{
	static const char *const words[] = { "BUG:",
					     "WARNING:",
					     "Oops",
					     "KASAN:",
					     "Call Trace",
					     "ODEBUG:",
					     "refcount_t:",
					     "INFO: task",
					     "unable to handle",
					     "possible recursive",
					     "circular locking",
					     "suspicious RCU" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strstr(text, words[i]))
			return words[i];
	return NULL;
}

/* Marks a place in the log, so that only what comes after it counts. */
static bool log_mark(const char *mark)
{
	int fd = open("/dev/kmsg", O_WRONLY), ok;

	ok = fd >= 0 && write(fd, mark, strlen(mark)) == (ssize_t)strlen(mark);
	close(fd);
	return ok;
}

#define EXPECT_CLEAN_LOG(mark)                                          \
	do {                                                            \
		static char _text[1 << 20];                             \
		char *_from;                                            \
		EXPECT_LT(0, log_take(_text, sizeof(_text)));           \
		_from = strstr(_text, mark);                            \
		EXPECT_EQ(NULL, complaint(_from ? _from : _text))       \
		{                                                       \
			TH_LOG("%s", complaint(_from ? _from : _text)); \
		}                                                       \
	} while (0)

TEST_F_TIMEOUT(load, out_and_in_under_a_fork_storm, LIMIT_S)
{
	unsigned int nr_tracked = 0;

	ASSERT_TRUE(log_mark("upager load_test: storm"));
	for (int i = 0; i < NR_ROUNDS; i++) {
		for (int k = 0; k < NR_STORMS; k++)
			ASSERT_EQ(0, module_track(self->storm[k]));
		/* Until it has something to let go of. */
		EXPECT_TRUE(wait_until(!report_read_tracked(self->storm[0], "cow") &&
				       report_value("children") > 5));
		nr_tracked += report_value("children") != REPORT_NONE;
		ASSERT_TRUE(wait_until(!module_remove() || !module_is_in()));
		EXPECT_FALSE(module_is_in());
		EXPECT_NE(0, access(PROC_DIR, F_OK));
		ASSERT_EQ(0, module_insert(self->module));
		EXPECT_EQ(0, access(PROC_DIR "/query", F_OK));
	}
	EXPECT_EQ(NR_ROUNDS, nr_tracked);
	EXPECT_CLEAN_LOG("upager load_test: storm");
}

/* Out while files are held open and a conversation goes on: it goes, or says that it is in use. */
TEST_F_TIMEOUT(load, out_while_in_use, LIMIT_S)
{
	char path[64];
	struct genl genl;
	int query, file, err;

	ASSERT_TRUE(log_mark("upager load_test: in use"));
	for (int i = 0; i < NR_ROUNDS / 2; i++) {
		ASSERT_EQ(0, module_track(self->storm[0]));
		ASSERT_EQ(0, report_read_tracked(self->storm[0], "cow"));
		ASSERT_EQ(0, genl_open(&genl));
		ASSERT_EQ(0, genl_ask_pid(&genl, UPAGER_CMD_TRACK, self->storm[0]));
		snprintf(path, sizeof(path), PROC_DIR "/%d/cow", self->storm[0]);
		file = open(path, O_RDONLY);
		query = open(PROC_DIR "/query", O_RDWR);
		ASSERT_TRUE(file >= 0 && query >= 0);
		err = module_remove();
		EXPECT_TRUE(!err || err == -EAGAIN || err == -EWOULDBLOCK || err == -EBUSY);
		if (!err) {
			char byte;

			EXPECT_EQ(-1, read(file, &byte, 1));
			EXPECT_EQ(-1, write(query, "1", 1));
			EXPECT_NE(0, genl_ask_pid(&genl, UPAGER_CMD_TRACK, self->storm[0]));
		}
		close(file);
		close(query);
		genl_close(&genl);
		if (!module_is_in())
			ASSERT_EQ(0, module_insert(self->module));
	}
	EXPECT_CLEAN_LOG("upager load_test: in use");
}

TEST_HARNESS_MAIN
