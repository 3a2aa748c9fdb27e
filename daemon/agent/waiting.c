// SPDX-License-Identifier: GPL-2.0-only
#include "agent/waiting.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/futex.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/target.h"
#include "agent/trap.h"
#include "base/types.h"

#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif

/*
 * Every call that a thread may sleep in and be stopped, measured on 6.18 (the
 * table of selftests/notice_test.c): signal(7), "Interruption of system calls
 * by stop signals", has some.  What is not here is not known.
 */
enum rule {
	RULE_RESTARTS, /* with the time that is left, if it has a limit at all */
	/*
	 * Restarts, but says EAGAIN if the word was changed meanwhile, by another
	 * process only if arg[at] does not say that it is private.
	 */
	RULE_FUTEX,
	RULE_EARLY,
	RULE_LIMIT_MS, /* EINTR; a limit in milliseconds is arg[at], if it is positive */
	RULE_LIMIT_PTR, /* EINTR; the limit is pointed to by arg[at] */
	RULE_FILE, /* by what arg[0] is: EINTR of a socket that may have a time limit */
	RULE_SOCKET, /* EINTR of a socket that may have a time limit */
	RULE_RECEIVE, /* the same, but MSG_WAITALL in arg[at] */
	RULE_MESSAGES, /* the same, but of several in arg[at] some */
	RULE_RING, /* EINTR; what it submits, arg[at], is submitted once */
	RULE_AGAIN, /* EARLY, but EINTR if nothing was done */
};

#define CALL(name, rule, at)                \
	{                                   \
		SYS_##name, #name, rule, at \
	}

static const struct call {
	int nr;
	const char *name;
	enum rule rule;
	int at;
} calls[] = {
	CALL(poll, RULE_RESTARTS, 0),
	CALL(ppoll, RULE_RESTARTS, 0),
	CALL(select, RULE_RESTARTS, 0),
	CALL(pselect6, RULE_RESTARTS, 0),
	CALL(nanosleep, RULE_RESTARTS, 0),
	CALL(clock_nanosleep, RULE_RESTARTS, 0),
	CALL(restart_syscall, RULE_RESTARTS, 0),
	CALL(futex, RULE_FUTEX, 1),
	CALL(futex_waitv, RULE_FUTEX, 2),
	CALL(wait4, RULE_RESTARTS, 0),
	CALL(waitid, RULE_RESTARTS, 0),
	CALL(pause, RULE_RESTARTS, 0),
	CALL(rt_sigsuspend, RULE_RESTARTS, 0),
	CALL(flock, RULE_RESTARTS, 0),
	CALL(fcntl, RULE_RESTARTS, 0),
	CALL(open, RULE_RESTARTS, 0),
	CALL(openat, RULE_RESTARTS, 0),
	CALL(openat2, RULE_RESTARTS, 0),
	CALL(msgrcv, RULE_RESTARTS, 0),
	CALL(msgsnd, RULE_RESTARTS, 0),
	CALL(mq_timedreceive, RULE_RESTARTS, 0),
	CALL(mq_timedsend, RULE_RESTARTS, 0),
	CALL(epoll_wait, RULE_LIMIT_MS, 3),
	CALL(epoll_pwait, RULE_LIMIT_MS, 3),
	CALL(epoll_pwait2, RULE_LIMIT_PTR, 3),
	CALL(io_getevents, RULE_LIMIT_PTR, 4),
	CALL(io_pgetevents, RULE_LIMIT_PTR, 4),
	CALL(rt_sigtimedwait, RULE_LIMIT_PTR, 2),
	CALL(semop, RULE_LIMIT_MS, 3), /* it has none: arg[3] is nothing */
	CALL(semtimedop, RULE_LIMIT_PTR, 3),
	CALL(io_uring_enter, RULE_RING, 1),
	CALL(accept, RULE_SOCKET, 0),
	CALL(accept4, RULE_SOCKET, 0),
	CALL(connect, RULE_SOCKET, 0),
	CALL(read, RULE_FILE, 0),
	CALL(readv, RULE_FILE, 0),
	CALL(preadv2, RULE_FILE, 0),
	CALL(recvfrom, RULE_RECEIVE, 3),
	CALL(recvmsg, RULE_RECEIVE, 2),
	CALL(recvmmsg, RULE_MESSAGES, 2),
	CALL(write, RULE_AGAIN, 0),
	CALL(writev, RULE_AGAIN, 0),
	CALL(pwritev2, RULE_AGAIN, 0),
	CALL(sendto, RULE_AGAIN, 0),
	CALL(sendmsg, RULE_AGAIN, 0),
	CALL(sendmmsg, RULE_AGAIN, 0),
	CALL(sendfile, RULE_EARLY, 0),
	CALL(splice, RULE_EARLY, 0),
	CALL(tee, RULE_EARLY, 0),
};

static const struct call *find(long nr)
{
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		if (calls[i].nr == nr)
			return &calls[i];
	}
	return NULL;
}

const char *waiting_name(long nr)
{
	const struct call *c = find(nr);

	return c ? c->name : "another call";
}

bool waiting_repeatable(long nr)
{
	const struct call *c = find(nr);

	return c && c->rule != RULE_RESTARTS && c->rule != RULE_FUTEX && c->rule != RULE_EARLY;
}

/* Majors of terminals: Documentation/admin-guide/devices.txt. */
static bool is_terminal(const struct statx *st)
{
	return st->stx_rdev_major == 4 || st->stx_rdev_major == 5 ||
	       (st->stx_rdev_major >= 136 && st->stx_rdev_major <= 143);
}

/*
 * What waits in a file may hold pages of ours for a device or a server of
 * files; the latter is not asked for the type.
 */
static enum notice notice_file(pid_t tid, uint64_t fd)
{
	struct statx st;
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", tid, (int)fd);
	if (statx(AT_FDCWD, path, AT_STATX_DONT_SYNC, STATX_TYPE, &st))
		return NOTICE_UNKNOWN;
	switch (st.stx_mode & S_IFMT) {
	case S_IFSOCK:
		return NOTICE_LATE;
	case S_IFREG:
	case S_IFBLK:
	case S_IFDIR:
		return NOTICE_UNKNOWN;
	case S_IFCHR:
		/* zero and urandom look for signals, and what they write to may be missing. */
		return is_terminal(&st) ? NOTICE_NOTHING : NOTICE_EARLY;
	default:
		return NOTICE_NOTHING; /* pipe, eventfd and the like */
	}
}

static enum notice notice_early(pid_t tid, uint64_t fd)
{
	return notice_file(tid, fd) == NOTICE_UNKNOWN ? NOTICE_UNKNOWN : NOTICE_EARLY;
}

static enum notice notice_of(pid_t tid, const struct waiting *w)
{
	const struct call *c = find(w->nr);
	uint64_t arg = c ? w->arg[c->at] : 0;

	if (!c || !w->asleep)
		return NOTICE_UNKNOWN;
	switch (c->rule) {
	case RULE_RESTARTS:
		return NOTICE_NOTHING;
	case RULE_FUTEX:
		return arg & FUTEX_PRIVATE_FLAG ? NOTICE_NOTHING : NOTICE_LATE;
	case RULE_EARLY:
	case RULE_AGAIN:
		return notice_early(tid, w->arg[0]);
	case RULE_LIMIT_MS:
		return w->nr != SYS_semop && (int)arg > 0 ? NOTICE_LATE : NOTICE_NOTHING;
	case RULE_LIMIT_PTR:
		return arg ? NOTICE_LATE : NOTICE_NOTHING;
	case RULE_FILE:
		return notice_file(tid, w->arg[0]);
	case RULE_SOCKET:
		return NOTICE_LATE;
	case RULE_RECEIVE:
		return arg & MSG_WAITALL ? NOTICE_EARLY : NOTICE_LATE;
	case RULE_MESSAGES:
		return arg > 1 ? NOTICE_EARLY : NOTICE_LATE;
	case RULE_RING:
		return arg ? NOTICE_EARLY : NOTICE_LATE;
	}
	return NOTICE_UNKNOWN;
}

static bool has_limit(const struct waiting *w)
{
	const struct call *c = find(w->nr);

	return c && (c->rule == RULE_LIMIT_MS || c->rule == RULE_LIMIT_PTR);
}

/* "running", or "nr args... sp pc", where nr is -1 in a fault. */
static int read_call(pid_t tid, struct waiting *w)
{
	char path[40], text[256];
	uint64_t sp;
	FILE *f;
	bool ok;

	snprintf(path, sizeof(path), "/proc/%d/syscall", tid);
	f = fopen(path, "re");
	if (!f)
		return -ESRCH;
	ok = fgets(text, sizeof(text), f);
	fclose(f);
	if (!ok)
		return -ESRCH;
	w->nr = -1;
	w->runs = !strncmp(text, "running", 7);
	if (w->runs)
		return 0;
	if (sscanf(text,
		   "%ld %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64
		   " %" SCNx64 " %" SCNx64,
		   &w->nr, &w->arg[0], &w->arg[1], &w->arg[2], &w->arg[3], &w->arg[4], &w->arg[5],
		   &sp, &w->pc) == 9)
		return 0;
	return sscanf(text, "%ld %" SCNx64 " %" SCNx64, &w->nr, &sp, &w->pc) == 3 ? 0 : -ESRCH;
}

int waiting_look(pid_t tid, struct waiting *w)
{
	struct target_thread th;
	int err;

	*w = (struct waiting){ 0 };
	err = target_thread_read(tid, &th);
	if (!err)
		err = read_call(tid, w);
	if (err)
		return err;
	if (th.state == 'Z' || th.state == 'X')
		return -ESRCH;
	w->runs |= th.state == 'R';
	w->asleep = th.state == 'S';
	w->deaf = th.blocked & 1ULL << (TRAP_SIGNAL - 1);
	/* A kernel's helper, stopped already by a signal, or in a fault of its own code. */
	w->runs &= !th.kernel;
	if (th.kernel || th.state == 'T' || w->nr < 0)
		w->notice = NOTICE_NOTHING;
	else
		w->notice = notice_of(tid, w);
	w->limited = w->notice == NOTICE_LATE && has_limit(w);
	return 0;
}

bool waiting_same(const struct waiting *a, const struct waiting *b)
{
	return !a->runs && !b->runs && a->nr == b->nr && a->pc == b->pc &&
	       !memcmp(a->arg, b->arg, sizeof(a->arg));
}
