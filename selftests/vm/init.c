// SPDX-License-Identifier: GPL-2.0-only
/*
 * PID 1 of the test guest: makes the file systems, loads the modules, runs one command and
 * reports how it ended.
 *
 *   ttyS0  console: what the kernel says; the end mark proves that nothing of it is missing
 *   ttyS1  verdict: "status N" and "tainted N", or "timeout", or "failed REASON"
 *   ttyS2  what the command wrote, and nothing else
 *
 * The host believes only a whole verdict: whatever dies here, PID 1 included, is a failure there.
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define CONF_DIR	"/etc/vm/"
#define WORK_DIR	"/root"
#define NEW_ROOT	"/newroot"
#define END_MARK	"upager-vm: end of the console"
#define PREPARE_LIMIT_S 60
#define HUNG_LIMIT_S	10
#define KILL_LIMIT_MS	5000

static const char *const environment[] = {
	"PATH=/usr/sbin:/usr/bin:" WORK_DIR,
	"HOME=" WORK_DIR,
	"USER=root",
	"TERM=linux",
	"LANG=C.UTF-8",
	"UPAGER_VM=1",
	NULL,
};

static int verdict_fd = -1;

static void __attribute__((noreturn)) power_off(void)
{
	int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);

	/* The console prints in order, so that the mark comes after all that was said before. */
	if (fd >= 0 && write(fd, "<4>" END_MARK, sizeof("<4>" END_MARK) - 1) < 0)
		dprintf(verdict_fd, "failed cannot write to /dev/kmsg: %s\n", strerror(errno));
	tcdrain(verdict_fd);
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

/* Gives a reason and, where err is not 0, what the system said. */
static void __attribute__((noreturn, format(printf, 2, 3)))
give_up(int err, const char *format, ...)
{
	va_list args;

	dprintf(verdict_fd, "failed ");
	va_start(args, format);
	vdprintf(verdict_fd, format, args);
	va_end(args);
	dprintf(verdict_fd, "%s%s\n", err ? ": " : "", err ? strerror(err) : "");
	power_off();
}

static void mount_all(void)
{
	static const struct {
		const char *type, *dir, *options;
		unsigned long flags;
	} mounts[] = {
		{ "proc", "/proc", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC },
		{ "sysfs", "/sys", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC },
		{ "debugfs", "/sys/kernel/debug", NULL, 0 },
		{ "tracefs", "/sys/kernel/tracing", NULL, 0 },
		{ "cgroup2", "/sys/fs/cgroup", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC },
		{ "devpts", "/dev/pts", "mode=0620,ptmxmode=0666", MS_NOSUID | MS_NOEXEC },
		{ "tmpfs", "/dev/shm", "mode=1777", MS_NOSUID | MS_NODEV },
		{ "tmpfs", "/run", "mode=0755", MS_NOSUID | MS_NODEV },
		{ "tmpfs", "/tmp", "mode=1777", MS_NOSUID | MS_NODEV },
	};
	size_t i;

	for (i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		if (mkdir(mounts[i].dir, 0755) && errno != EEXIST && errno != EPERM)
			give_up(errno, "cannot make %s", mounts[i].dir);
		/* ENODEV, ENOENT: a small kernel without debugfs and the like is fine. */
		if (mount(mounts[i].type, mounts[i].dir, mounts[i].type, mounts[i].flags,
			  mounts[i].options) &&
		    errno != ENODEV && errno != ENOENT)
			give_up(errno, "cannot mount %s", mounts[i].dir);
	}
}

/* What devtmpfs leaves to user space. */
static void make_links(void)
{
	static const struct {
		const char *path, *target;
	} links[] = {
		{ "/dev/fd", "/proc/self/fd" },
		{ "/dev/stdin", "/proc/self/fd/0" },
		{ "/dev/stdout", "/proc/self/fd/1" },
		{ "/dev/stderr", "/proc/self/fd/2" },
	};
	size_t i;

	for (i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		if (symlink(links[i].target, links[i].path))
			give_up(errno, "cannot make %s", links[i].path);
}

static int open_port(const char *path)
{
	struct termios raw;
	int fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd < 0 || tcgetattr(fd, &raw))
		return fd;
	cfmakeraw(&raw);
	cfsetspeed(&raw, B115200);
	tcsetattr(fd, TCSANOW, &raw);
	return fd;
}

static void loopback_up(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	/* EAFNOSUPPORT: a kernel without IP has no such interface to raise. */
	if (fd < 0 && errno == EAFNOSUPPORT)
		return;
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request))
		give_up(errno, "cannot raise the loopback interface");
	close(fd);
}

/* Starts argv in a session of its own; output < 0 keeps the terminal that PID 1 has. */
static pid_t start(const char *const argv[], int input, int output, bool terminal)
{
	pid_t pid = fork();
	sigset_t none;

	if (pid)
		return pid;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	if (terminal)
		ioctl(input, TIOCSCTTY, 0);
	dup2(input, STDIN_FILENO);
	dup2(output, STDOUT_FILENO);
	dup2(output, STDERR_FILENO);
	execve(argv[0], (char *const *)argv, (char *const *)environment);
	dprintf(STDERR_FILENO, "init: cannot run %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

static int exit_status(int wait_status)
{
	return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

static void write_all(int fd, const char *buf, size_t len)
{
	while (len) {
		ssize_t done = write(fd, buf, len);

		if (done < 0 && errno != EINTR)
			give_up(errno, "cannot write to the output port");
		if (done > 0) {
			buf += done;
			len -= (size_t)done;
		}
	}
}

/* Copies what a pipe can hold and no more: a command that never stops writing still has a limit. */
static void pump(int from, int to)
{
	static char buf[65536];
	ssize_t len = read(from, buf, sizeof(buf));

	if (len > 0)
		write_all(to, buf, (size_t)len);
}

/* Reaps whatever has ended; true when pid was among it. */
static bool reap(pid_t pid, int *wait_status)
{
	bool found = false;
	int status;
	pid_t ended;

	while ((ended = waitpid(-1, &status, WNOHANG | __WALL)) > 0) {
		if (ended == pid) {
			*wait_status = status;
			found = true;
		}
	}
	return found;
}

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/*
 * Runs a shell script with its output copied from a pipe to the port, so that the command sees what
 * it would see under a test runner. Returns its exit status, -ETIME after limit_s seconds.
 */
static int run(const char *script, int port, int signals, long limit_s)
{
	const char *const argv[] = { "/bin/sh", script, NULL };
	long long deadline_ms = now_ms() + limit_s * 1000LL;
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct pollfd poll_fds[2];
	struct signalfd_siginfo info;
	int pipe_fds[2], wait_status;
	pid_t pid;

	if (null < 0 || pipe2(pipe_fds, O_CLOEXEC))
		give_up(errno, "cannot make a pipe");
	pid = start(argv, null, pipe_fds[1], false);
	if (pid < 0)
		give_up(errno, "cannot fork");
	close(pipe_fds[1]);
	close(null);
	/* Only the end that is read: O_NONBLOCK on the other would reach into the command. */
	fcntl(pipe_fds[0], F_SETFL, O_NONBLOCK);
	poll_fds[0] = (struct pollfd){ .fd = pipe_fds[0], .events = POLLIN };
	poll_fds[1] = (struct pollfd){ .fd = signals, .events = POLLIN };
	for (;;) {
		long long left_ms = deadline_ms - now_ms();

		if (left_ms <= 0)
			break;
		if (poll(poll_fds, 2, (int)left_ms) < 0 && errno != EINTR)
			give_up(errno, "cannot poll");
		pump(pipe_fds[0], port);
		if (poll_fds[0].revents & POLLHUP)
			poll_fds[0].fd = -1;
		while (read(signals, &info, sizeof(info)) > 0)
			;
		if (reap(pid, &wait_status)) {
			pump(pipe_fds[0], port);
			close(pipe_fds[0]);
			return exit_status(wait_status);
		}
	}
	close(pipe_fds[0]);
	return -ETIME;
}

static int run_shell(int port)
{
	static const char *const argv[] = { "/bin/sh", CONF_DIR "command", NULL };
	struct termios sane;
	int wait_status;
	pid_t pid;

	/* The host's terminal is raw: this side does the echo and the line editing. */
	tcgetattr(port, &sane);
	sane.c_iflag |= ICRNL;
	sane.c_oflag |= OPOST | ONLCR;
	sane.c_lflag |= ISIG | ICANON | ECHO | ECHOE | ECHOK;
	tcsetattr(port, TCSANOW, &sane);
	pid = start(argv, port, port, true);
	while (!reap(pid, &wait_status))
		usleep(10000);
	return exit_status(wait_status);
}

/*
 * Ends every process and waits until the last is gone, so that what the kernel has to say about their
 * end is said before the verdict. False when one does not go.
 */
static bool kill_all(void)
{
	long long deadline_ms = now_ms() + KILL_LIMIT_MS;
	pid_t ended;

	kill(-1, SIGKILL);
	while ((ended = waitpid(-1, NULL, WNOHANG | __WALL)) >= 0 && now_ms() < deadline_ms) {
		if (!ended)
			usleep(1000);
	}
	return ended < 0;
}

/* For another init, on the file system that was prepared; it mounts what it needs itself. */
static void __attribute__((noreturn)) enter_root(void)
{
	static const char *const argv[] = { "switch_root", NEW_ROOT, "/sbin/init", NULL };
	static const char *const mounts[] = { "/sys", "/dev/pts", "/dev/shm", "/run", "/tmp" };
	sigset_t none;
	size_t i;

	for (i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++)
		umount2(mounts[i], MNT_DETACH);
	if (mount("/dev", NEW_ROOT "/dev", NULL, MS_MOVE, NULL) ||
	    mount("/proc", NEW_ROOT "/proc", NULL, MS_MOVE, NULL))
		give_up(errno, "cannot move a file system");
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execve("/usr/bin/busybox", (char *const *)argv, (char *const *)environment);
	give_up(errno, "cannot run switch_root");
}

static long read_number(const char *path)
{
	char text[32] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		give_up(errno, "cannot read %s", path);
	close(fd);
	return strtol(text, NULL, 10);
}

static int make_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

int main(void)
{
	int signals, port, status;
	long limit_s;

	mount("devtmpfs", "/dev", "devtmpfs", MS_NOSUID, NULL);
	verdict_fd = open_port("/dev/ttyS1");
	port = open_port("/dev/ttyS2");
	if (verdict_fd < 0 || port < 0)
		give_up(errno, "cannot open the serial ports");
	mount_all();
	make_links();
	loopback_up();
	signals = make_signals();
	limit_s = read_number(CONF_DIR "limit_s");
	if (chdir(WORK_DIR))
		give_up(errno, "cannot enter " WORK_DIR);
	/* The console has been as quiet as a boot should be; from now on it tells everything. */
	klogctl(8, NULL, 8);
	status = run(CONF_DIR "prepare", port, signals, PREPARE_LIMIT_S);
	if (status)
		give_up(0, "cannot load the modules or otherwise prepare, status %d", status);
	if (!access(CONF_DIR "enter", F_OK))
		enter_root();
	if (limit_s)
		status = run(CONF_DIR "command", port, signals, limit_s);
	else
		status = run_shell(port);
	if (status == -ETIME) {
		run(CONF_DIR "hung", port, signals, HUNG_LIMIT_S);
		dprintf(verdict_fd, "timeout\n");
		power_off();
	}
	if (!kill_all()) {
		run(CONF_DIR "hung", port, signals, HUNG_LIMIT_S);
		give_up(0, "processes outlive SIGKILL");
	}
	tcdrain(port);
	dprintf(verdict_fd, "status %d\ntainted %ld\n", status,
		read_number("/proc/sys/kernel/tainted"));
	power_off();
}
