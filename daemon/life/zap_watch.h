/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_ZAP_WATCH_H
#define UPAGER_ZAP_WATCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Whether all threads of a process have left any madvise() that they were in
 * when the watch began.  Each of them was seen
 *
 *   waiting in another call, or to have ended; or
 *   to have run, while it was looked at, for many times as long as zapping all
 *   memory of the process takes: in user space, where nothing tells of it
 *   without stopping it, or in calls that came later.
 *
 * (The time in user mode that the kernel shows proves nothing: it is the time
 * that it ran, divided as clock ticks were seen since it was born.)
 */
#define ZAP_SUSPECTS 64

struct zap_watch {
	uint64_t begin_ns; /* 0: not watching */
	uint64_t next_ns; /* not before */
	uint64_t pause_ns;
	uint64_t enough_ticks; /* to have run for */
	uint32_t nr;
	struct zap_suspect {
		pid_t tid;
		uint64_t seen_ticks; /* that it had run when it was looked at last */
		uint64_t run_ticks; /* that it has run since the watch began */
	} at[ZAP_SUSPECTS];
};

/*
 * One look at the threads in a task directory of /proc, where one is due.
 * Returns when the watch began if nobody is in such a madvise() any more, and
 * ends it; else 0.  rss_pages: what the process has.
 */
uint64_t zap_watch_look(struct zap_watch *w, int proc_dir_fd, uint64_t rss_pages, uint64_t now_ns);

#endif
