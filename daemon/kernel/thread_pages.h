/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_THREAD_PAGES_H
#define UPAGER_THREAD_PAGES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/types.h"

/*
 * Pages that the kernel writes while a thread exits: the robust-list head and
 * the TCB beside it with the clear_child_tid word.  An exiting thread cannot
 * fault, so these are never evicted [F7].
 */
struct thread_pages {
	uint32_t nr_tids;
	uint32_t max;
	struct thread_page {
		uint32_t tid;
		uint32_t nr_pages; /* 0: no robust list registered (yet) */
		pgno_t first;
	} * at;
	uint64_t read_ns; /* when the list was read last */
};

void thread_pages_init(struct thread_pages *tp);
void thread_pages_fini(struct thread_pages *tp);
/*
 * Reads the list of threads again from /proc/PID/task (task_dir_fd) and asks
 * the kernel about each.
 * -ENOMEM, -ESRCH: nothing may be evicted now.
 */
int thread_pages_refresh(struct thread_pages *tp, int task_dir_fd);
bool thread_pages_contains(const struct thread_pages *tp, pgno_t pg);

#endif
