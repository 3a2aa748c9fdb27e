// SPDX-License-Identifier: GPL-2.0-only
/*
 * What cli_test.sh needs around the command: a daemon that answers as told,
 * a program that tells how it was started, and odd ways to start one.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "uapi/upager_proto.h"

#define PAGED_PID 4242

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "cli_helper: %s: %s\n", what, strerror(errno));
	exit(99);
}

/*
 * The wire is written down here once more, straight from the uapi header: the
 * daemon's and the library's code must not be their own witness.
 */
static int receive(int fd, struct upager_request *req, int *pidfd)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { req, sizeof(*req) };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control.bytes,
			      .msg_controllen = sizeof(control.bytes) };
	ssize_t len = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);

	*pidfd = -1;
	if (len <= 0)
		return 0;
	if (msg.msg_controllen >= sizeof(control.head))
		memcpy(pidfd, CMSG_DATA(&control.head), sizeof(*pidfd));
	if (len != sizeof(*req) || msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC) ||
	    req->magic != UPAGER_PROTO_MAGIC || req->version != UPAGER_PROTO_VERSION ||
	    req->op > UPAGER_OP_MAX || req->addr || req->bytes || req->arg || req->reserved32) {
		printf("BAD\n");
		fflush(stdout);
		return 0;
	}
	return 1;
}

/* As of a daemon that is newer: what is sent has more at its end. */
static int is_newer;

static int transmit(int fd, const void *packet, size_t len)
{
	char longer[4096];
	size_t more = is_newer ? 64 : 0;

	memset(longer, 0xff, sizeof(longer));
	memcpy(longer, packet, len);
	return send(fd, longer, len + more, MSG_NOSIGNAL) == (ssize_t)(len + more);
}

/* Which process a pidfd is of; -1 if it is none. */
static int pidfd_pid(int fd)
{
	char path[64], line[128];
	int pid = -1;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "re");
	if (!file)
		die(path);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "Pid: %d", &pid) == 1)
			break;
	fclose(file);
	return pid;
}

static void log_request(const struct upager_request *req, int pidfd)
{
	static const char *const ops[] = { "UNSPEC",   "ATTACH", "DETACH", "BUDGET",
					   "POPULATE", "STATUS", "PING" };
	const char *match = "none";

	if (pidfd >= 0)
		match = pidfd_pid(pidfd) == req->pid ? "match" : "other";
	printf("%s pid=%d budget=%llu flags=%u pidfd=%s",
	       req->op < sizeof(ops) / sizeof(ops[0]) ? ops[req->op] : "OTHER", req->pid,
	       (unsigned long long)req->budget_bytes, req->flags, match);
	if (req->weight)
		printf(" weight=%u", req->weight);
	printf("\n");
	fflush(stdout);
}

static void send_record(int fd, int32_t pid, const char *comm, const char *text)
{
	struct upager_record record = {
		.pid = pid,
		.state = text[0] ? UPAGER_PROC_REFUSED : UPAGER_PROC_PAGED,
		.uid = 1000,
		.budget_bytes = 64 << 20,
		.share_bytes = 64 << 20,
		.weight = 100,
		.resident_bytes = 60 << 20,
		.standby_bytes = 2 << 20,
		.swapped_bytes = 196ull << 20,
		.faults = 1000,
		.evictions = 2000,
		.refaults = 900,
		.slots_total = 262144,
		.slots_free = 131072,
		.latency_ns = 20000000,
		/* 495 below 16.4 us, 495 below 32.8 us, 5 below 1.05 ms */
		.latency_ns_log2 = { [13] = 495, [14] = 495, [19] = 5 },
	};

	/* One counter beyond what JSON's signed integers hold. */
	record.zero_fills = UINT64_MAX;
	snprintf(record.comm, sizeof(record.comm), "%s", comm);
	snprintf(record.text, sizeof(record.text), "%s", text);
	if (is_newer && pid == PAGED_PID) {
		record.state = UINT32_MAX;
		record.reserved32 = 1;
	}
	/* A client that had enough has closed: its own affair. */
	transmit(fd, &record, sizeof(record));
}

static void send_records(int fd, const struct upager_request *req)
{
	if (req->op == UPAGER_OP_PING) {
		send_record(fd, getpid(), "upagerd", "");
		return;
	}
	send_record(fd, PAGED_PID, "redis-server", "");
	if (req->pid)
		return;
	/* Names are the program's own choice: an escape sequence, and half a UTF-8 letter. */
	send_record(fd, 4243, "\033[31mred\n", "");
	send_record(fd, 4244, "na\xc3\xafve \xc3", "its filter forbids mmap; let it allow that");
}

static void send_stalls(int fd, const struct upager_request *req)
{
	struct timespec now;
	struct upager_stall stall[] = {
		{ .some_avg10 = 10000,
		  .some_avg60 = 5001,
		  .some_avg300 = 2,
		  .some_total_us = 9,
		  .full_avg10 = 2500,
		  .full_avg60 = 25,
		  .full_avg300 = 1,
		  .full_total_us = 8 },
		{ .pid = PAGED_PID,
		  .some_avg10 = 1234,
		  .some_total_us = 1ull << 40,
		  .full_avg10 = 617,
		  .full_total_us = 1ull << 39 },
		{ .pid = 4243 },
		{ .pid = 4244, .some_avg60 = 1 },
	};

	/* A quarter of the time. */
	clock_gettime(CLOCK_MONOTONIC, &now);
	stall[1].some_total_us += ((__u64)now.tv_sec * 1000000 + (__u64)now.tv_nsec / 1000) / 4;
	for (size_t i = req->pid ? 1 : 0; i < (req->pid ? 2 : 4); i++)
		transmit(fd, &stall[i], sizeof(stall[i]));
}

/* Answers one request as told; false ends the connection. */
static int answer(int fd, const struct upager_request *req, const char *mode)
{
	struct upager_reply reply = { .magic = UPAGER_PROTO_MAGIC,
				      .version = UPAGER_PROTO_VERSION };
	size_t len = sizeof(reply);

	if (req->op == UPAGER_OP_STATUS)
		reply.nr_records = !req->pid ? 3 : req->pid == PAGED_PID;
	else if (req->op == UPAGER_OP_PING)
		reply.nr_records = 1;
	else if (req->op == UPAGER_OP_STALL)
		reply.nr_records = !req->pid ? 4 : req->pid == PAGED_PID;
	else if (req->op == UPAGER_OP_ATTACH)
		reply.stopped_ns = 1400000;

	is_newer = !strcmp(mode, "newer");
	if (is_newer)
		reply.reserved[0] = reply.features = UINT64_MAX;
	if (!strcmp(mode, "refuse") || !strcmp(mode, "kernel")) {
		reply.nr_records = 0;
		reply.error = mode[0] == 'r' ? -EPERM : -EOPNOTSUPP;
		reply.exit_code = mode[0] == 'r' ? UPAGER_EXIT_FAILED : UPAGER_EXIT_KERNEL;
		strncpy(reply.text, "it is not yours; \033[1mask\nas root", sizeof(reply.text) - 1);
	} else if (!strcmp(mode, "errno")) {
		reply.nr_records = 0;
		reply.error = -ENOMEM;
	} else if (!strcmp(mode, "note")) {
		strncpy(reply.text, "the area is nearly full; add another", sizeof(reply.text) - 1);
	} else if (!strcmp(mode, "close")) {
		return 0;
	} else if (!strcmp(mode, "silent")) {
		pause();
	} else if (!strcmp(mode, "short")) {
		len--;
	} else if (!strcmp(mode, "magic")) {
		reply.magic ^= 1;
	} else if (!strcmp(mode, "version")) {
		reply.version++;
	} else if (!strcmp(mode, "many")) {
		/* One more than will come. */
		reply.nr_records++;
	} else if (!strcmp(mode, "old") && req->op == UPAGER_OP_STALL) {
		reply.nr_records = 0;
		reply.error = -EOPNOTSUPP;
		reply.exit_code = UPAGER_EXIT_KERNEL;
	}
	if (!transmit(fd, &reply, len))
		return 0;
	if (reply.nr_records && req->op == UPAGER_OP_STALL)
		send_stalls(fd, req);
	else if (reply.nr_records)
		send_records(fd, req);
	return strcmp(mode, "many") != 0;
}

/* serve SOCKET MODE: requests are told on stdout. */
static int serve(const char *path, const char *mode)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	/* The path appears only when one can connect to it. */
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s.new", path);
	if (listener < 0 || bind(listener, (struct sockaddr *)&addr, sizeof(addr)) ||
	    listen(listener, 8) || rename(addr.sun_path, path))
		die(path);
	for (;;) {
		struct upager_request req;
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		int pidfd, go_on = 1;

		if (fd < 0)
			die("accept");
		while (go_on && receive(fd, &req, &pidfd)) {
			log_request(&req, pidfd);
			go_on = answer(fd, &req, mode);
			if (pidfd >= 0)
				close(pidfd);
		}
		close(fd);
	}
}

static void print_status_lines(void)
{
	FILE *file = fopen("/proc/self/status", "re");
	char line[256];

	if (!file)
		die("/proc/self/status");
	while (fgets(line, sizeof(line), file))
		if (!strncmp(line, "Sig", 3) || !strncmp(line, "ShdPnd", 6) ||
		    !strncmp(line, "Umask", 5) || !strncmp(line, "Seccomp", 7) ||
		    !strncmp(line, "NoNewPrivs", 10))
			if (strncmp(line, "SigQ", 4) != 0)
				fputs(line, stdout);
	fclose(file);
}

static void print_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;

	if (!dir)
		die("/proc/self/fd");
	while ((entry = readdir(dir))) {
		int fd = atoi(entry->d_name);
		struct stat st;

		if (entry->d_name[0] == '.' || fd == dirfd(dir) || fstat(fd, &st))
			continue;
		/* stdout differs between two runs that are compared. */
		printf("fd %d flags %x %llx:%llx\n", fd, fcntl(fd, F_GETFL),
		       fd == STDOUT_FILENO ? 0ull : (unsigned long long)st.st_dev,
		       fd == STDOUT_FILENO ? 0ull : (unsigned long long)st.st_ino);
	}
	closedir(dir);
}

/* inspect: all that a program inherits, but for its parent. */
static int inspect(void)
{
	char cwd[4096];
	int death = 0;

	/* Before anything of ours is open. */
	print_descriptors();
	print_status_lines();
	prctl(PR_GET_PDEATHSIG, &death);
	printf("pgrp %d sid %d uid %u:%u nice %d death %d\n", getpgrp(), getsid(0), getuid(),
	       geteuid(), getpriority(PRIO_PROCESS, 0), death);
	printf("cwd %s\n", getcwd(cwd, sizeof(cwd)));
	for (int i = 0; i < RLIM_NLIMITS; i++) {
		struct rlimit limit;

		if (!getrlimit((__rlimit_resource_t)i, &limit))
			printf("rlimit %d %lld %lld\n", i, (long long)limit.rlim_cur,
			       (long long)limit.rlim_max);
	}
	for (char **e = environ; *e; e++)
		/* The shell's note of what it starts. */
		if (strncmp(*e, "_=", 2) != 0)
			printf("env %s\n", *e);
	return 0;
}

/* signal default|ignore|block N CMD... */
static int with_signal(const char *how, int number, char **argv)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, number);
	if (how[0] == 'b')
		sigprocmask(SIG_BLOCK, &set, NULL);
	else
		signal(number, how[0] == 'i' ? SIG_IGN : SIG_DFL);
	execvp(argv[0], argv);
	die(argv[0]);
}

/* deny NUMBER CMD...: a system call that this kernel does not have. */
static int with_denied(unsigned int number, char **argv)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { 4, filter };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog))
		die("seccomp");
	execvp(argv[0], argv);
	die(argv[0]);
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "serve"))
		return serve(argv[2], argv[3]);
	if (argc == 2 && !strcmp(argv[1], "inspect"))
		return inspect();
	if (argc > 4 && !strcmp(argv[1], "signal"))
		return with_signal(argv[2], atoi(argv[3]), argv + 4);
	if (argc > 3 && !strcmp(argv[1], "deny"))
		return with_denied((unsigned int)atoi(argv[2]), argv + 3);
	errno = EINVAL;
	die("usage");
}
