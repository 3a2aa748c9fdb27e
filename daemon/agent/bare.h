/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_BARE_H
#define UPAGER_BARE_H

#include <linux/futex.h>
#include <linux/time_types.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/syscall.h>

/*
 * System calls for code that runs inside a target: no libc, no errno, all of it
 * inlined into the one section that is copied there.
 */
#define INSIDE static inline __attribute__((always_inline))

INSIDE long sys(long nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
	register uint64_t r10 __asm__("r10") = d;
	register uint64_t r8 __asm__("r8") = e;
	register uint64_t r9 __asm__("r9") = 0;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

/* The futexes are in a memfd that the daemon maps too: never PRIVATE. */
INSIDE void futex_wait(_Atomic uint32_t *word, uint32_t value)
{
	sys(SYS_futex, (uintptr_t)word, FUTEX_WAIT, value, 0, 0);
}

INSIDE void futex_wait_ns(_Atomic uint32_t *word, uint32_t value, long timeout_ns)
{
	struct __kernel_timespec timeout;

	timeout.tv_sec = 0;
	timeout.tv_nsec = timeout_ns;
	sys(SYS_futex, (uintptr_t)word, FUTEX_WAIT, value, (uintptr_t)&timeout, 0);
}

INSIDE void futex_wake(_Atomic uint32_t *word)
{
	sys(SYS_futex, (uintptr_t)word, FUTEX_WAKE, INT32_MAX, 0, 0);
}

#endif
