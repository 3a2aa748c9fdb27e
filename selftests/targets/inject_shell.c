// SPDX-License-Identifier: GPL-2.0-only
/*
 * inject_shell: does what it is told, a line for a line, so that a test can put
 * a program into any situation and look at its memory through its own eyes.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/io_uring.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096ul

static char *pages;
static size_t nr_pages;
static pid_t child;
static int child_in, child_out;

static long map(long n, long unused)
{
	(void)unused;
	nr_pages = (size_t)n;
	pages = mmap(NULL, nr_pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		     0);
	/* The tester moves single pages. */
	madvise(pages, nr_pages * PAGE, MADV_NOHUGEPAGE);
	return pages == MAP_FAILED ? -errno : (long)pages;
}

static uint64_t value(long seed, size_t page, size_t word)
{
	return (uint64_t)seed * 0x9e3779b97f4a7c15u + page * 512 + word;
}

static long fill(long seed, long unused)
{
	(void)unused;
	for (size_t p = 0; p < nr_pages; p++) {
		for (size_t w = 0; w < PAGE / 8; w++)
			((uint64_t *)(pages + p * PAGE))[w] = value(seed, p, w);
	}
	return 0;
}

/* Pages from @first on that do not hold what fill() wrote. */
static long check(long seed, long first)
{
	long bad = 0;

	for (size_t p = (size_t)first; p < nr_pages; p++) {
		for (size_t w = 0; w < PAGE / 8; w++) {
			if (((volatile uint64_t *)(pages + p * PAGE))[w] != value(seed, p, w)) {
				bad++;
				break;
			}
		}
	}
	return bad;
}

static long drop(long first, long n)
{
	return madvise(pages + (size_t)first * PAGE, (size_t)n * PAGE, MADV_DONTNEED) ? -errno : 0;
}

/* A VMA of its own, with the same access. */
static long split(long first, long n)
{
	return madvise(pages + (size_t)first * PAGE, (size_t)n * PAGE, MADV_DONTFORK) ? -errno : 0;
}

static long protect(long first, long n)
{
	return mprotect(pages + (size_t)first * PAGE, (size_t)n * PAGE, PROT_READ) ? -errno : 0;
}

/* Pins pages for a device, as a registered buffer. */
static long pin(long first, long n)
{
	struct io_uring_params params = { 0 };
	struct iovec iov = { pages + (size_t)first * PAGE, (size_t)n * PAGE };
	int fd = (int)syscall(SYS_io_uring_setup, 4, &params);

	if (fd < 0 || syscall(SYS_io_uring_register, fd, IORING_REGISTER_BUFFERS, &iov, 1))
		return -errno;
	return fd;
}

/* A kernel thread of ours that polls a ring. */
static long sqpoll(long idle_ms, long unused)
{
	struct io_uring_params params = { .flags = IORING_SETUP_SQPOLL,
					  .sq_thread_idle = (uint32_t)idle_ms };
	int fd = (int)syscall(SYS_io_uring_setup, 4, &params);

	(void)unused;
	return fd < 0 ? -errno : fd;
}

static long lock(long how, long unused)
{
	(void)unused;
	return (how ? mlockall((int)how) : munlockall()) ? -errno : 0;
}

static long wait_any(long options, long unused)
{
	int status;
	pid_t pid = waitpid(-1, &status, (int)options | WNOHANG);

	(void)unused;
	return pid < 0 ? -errno : pid;
}

/* Everything is allowed but @nr, which is answered with @action. */
static long filter(long nr, long action)
{
	struct sock_filter insn[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, (uint32_t)action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { .len = sizeof(insn) / sizeof(insn[0]), .filter = insn };
	long ret;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	ret = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &prog);
	return ret < 0 ? -errno : ret;
}

/* Nothing but read, write and exit from now on. */
static long strict(long unused, long unused2)
{
	(void)unused;
	(void)unused2;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) ? -errno : 0;
}

static long new_user_ns(long unused, long unused2)
{
	(void)unused;
	(void)unused2;
	return unshare(CLONE_NEWUSER) ? -errno : 0;
}

static long subreaper(long on, long unused)
{
	(void)unused;
	return prctl(PR_SET_CHILD_SUBREAPER, on, 0, 0, 0) ? -errno : 0;
}

static void serve(int in, int out);

/* A copy of us, to be spoken to with "child". */
static long do_fork(long unused, long unused2)
{
	int in[2], out[2];

	(void)unused;
	(void)unused2;
	if (pipe(in) || pipe(out))
		return -errno;
	child = fork();
	if (child == 0) {
		close(in[1]);
		close(out[0]);
		serve(in[0], out[1]);
		_exit(0);
	}
	close(in[0]);
	close(out[1]);
	child_in = in[1];
	child_out = out[0];
	return child;
}

static long end_child(long unused, long unused2)
{
	(void)unused;
	(void)unused2;
	close(child_in);
	close(child_out);
	return waitpid(child, NULL, 0) == child ? 0 : -errno;
}

/* Waits in vfork() until our standard input has a byte. */
static long do_vfork(long unused, long unused2)
{
	pid_t pid = vfork();

	(void)unused;
	(void)unused2;
	if (pid == 0) {
		char byte;

		read(STDIN_FILENO, &byte, 1);
		_exit(0);
	}
	return waitpid(pid, NULL, 0) == pid ? 0 : -errno;
}

static int share(void *arg)
{
	while (!arg)
		pause();
	return 0;
}

/* Another process with our memory; its number. */
static long start_sharer(long unused, long unused2)
{
	static char stack[16384];

	(void)unused;
	(void)unused2;
	return clone(share, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL);
}

static const struct command {
	const char *name;
	long (*run)(long a, long b);
} commands[] = {
	{ "map", map },
	{ "fill", fill },
	{ "check", check },
	{ "drop", drop },
	{ "split", split },
	{ "protect", protect },
	{ "pin", pin },
	{ "lock", lock },
	{ "wait", wait_any },
	{ "filter", filter },
	{ "strict", strict },
	{ "new_user_ns", new_user_ns },
	{ "subreaper", subreaper },
	{ "fork", do_fork },
	{ "end_child", end_child },
	{ "vfork", do_vfork },
	{ "sqpoll", sqpoll },
	{ "sharer", start_sharer },
};

static long run(const char *line)
{
	char name[32];
	long a = 0, b = 0;

	if (sscanf(line, "%31s %ld %ld", name, &a, &b) < 1)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (!strcmp(commands[i].name, name))
			return commands[i].run(a, b);
	}
	return -EINVAL;
}

/* "child LINE" is passed on; its answer is ours. */
static long pass_on(const char *line)
{
	char answer[64];
	ssize_t n;

	if (write(child_in, line, strlen(line)) < 0)
		return -errno;
	n = read(child_out, answer, sizeof(answer) - 1);
	if (n <= 0)
		return -EPIPE;
	answer[n] = '\0';
	return atol(answer);
}

/* Unbuffered: strict mode allows read() and write() only. */
static void serve(int in, int out)
{
	char line[128], answer[32];

	for (;;) {
		ssize_t n = read(in, line, sizeof(line) - 1);
		long ret;
		int len;

		if (n <= 0)
			return;
		line[n] = '\0';
		ret = strncmp(line, "child ", 6) ? run(line) : pass_on(line + 6);
		len = snprintf(answer, sizeof(answer), "%ld\n", ret);
		if (write(out, answer, (size_t)len) < 0)
			return;
	}
}

/* The leader ends, the thread goes on. */
static void *serve_thread(void *arg)
{
	(void)arg;
	serve(STDIN_FILENO, STDOUT_FILENO);
	_exit(0);
}

int main(int argc, char **argv)
{
	pthread_t thread;

	if (argc == 2 && !strcmp(argv[1], "leaderless")) {
		if (pthread_create(&thread, NULL, serve_thread, NULL))
			return 1;
		/* exit(2), not pthread_exit(): nothing else of the process ends. */
		syscall(SYS_exit, 0);
	}
	if (argc == 2 && !strcmp(argv[1], "threads")) {
		if (pthread_create(&thread, NULL, serve_thread, NULL))
			return 1;
		pthread_join(thread, NULL);
	}
	serve(STDIN_FILENO, STDOUT_FILENO);
	return 0;
}
