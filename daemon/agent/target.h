/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_TARGET_H
#define UPAGER_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What /proc says about one thread. */
struct target_thread {
	pid_t tid;
	pid_t tgid;
	pid_t ppid;
	pid_t tracer; /* 0: none */
	pid_t innermost_pid; /* of its group, in its own PID namespace */
	int seccomp_mode;
	char state;
	int cpu; /* where it ran last */
	uint64_t blocked; /* its signal mask */
	bool kernel; /* a kernel thread, or a kernel helper in the target (io_uring) */
};

/* What a text of /proc begins with: a number in [0, INT_MAX], or -1 if it is no such word. */
int target_number(const char *text);

int target_thread_read(pid_t tid, struct target_thread *th);

/* Not of one whose leader has exited, nor of a kernel thread's. */
bool target_has_memory(pid_t pid);
/* Calls @fn for each thread of @pid until it returns nonzero, and returns that. */
int target_for_each_thread(pid_t pid, int (*fn)(pid_t tid, void *arg), void *arg);

/* Room for a guard (guard.h). */
#define GUARD_BYTES 320

/* What work inside an address space needs; found without stopping anything. */
struct target_vdso {
	uint64_t insn; /* a system call instruction */
	uint64_t spare; /* GUARD_BYTES in its mapping, beyond what is loaded */
};

/* @tid: any live thread of the address space. */
int target_vdso_find(pid_t tid, struct target_vdso *vdso, char *cause);

#define TARGET_THREADS_MAX 16

/*
 * Up to TARGET_THREADS_MAX live threads that may be stopped, those first that
 * are likely to stop at once.  Returns how many, at least 1, or -errno.
 */
int target_candidates(pid_t pid, pid_t tid[TARGET_THREADS_MAX], char *cause);

#endif
