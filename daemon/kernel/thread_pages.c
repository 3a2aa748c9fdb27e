// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/thread_pages.h"

#include <dirent.h>
#include <errno.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * struct pthread of glibc holds the tid word 16 bytes before the head that is
 * registered; other libraries keep the two in one structure as well.
 */
#define AROUND_HEAD_BYTES 64

struct linux_dirent64 {
	uint64_t d_ino;
	int64_t d_off;
	uint16_t d_reclen;
	uint8_t d_type;
	char d_name[];
};

void thread_pages_init(struct thread_pages *tp)
{
	memset(tp, 0, sizeof(*tp));
}

void thread_pages_fini(struct thread_pages *tp)
{
	free(tp->at);
	thread_pages_init(tp);
}

static void ask(struct thread_page *t)
{
	struct robust_list_head *head = NULL;
	size_t len;

	t->nr_pages = 0;
	if (syscall(SYS_get_robust_list, (pid_t)t->tid, &head, &len) || !head)
		return;
	t->first = addr_pgno((uint64_t)(uintptr_t)head - AROUND_HEAD_BYTES);
	t->nr_pages = (uint32_t)(addr_pgno((uint64_t)(uintptr_t)head + AROUND_HEAD_BYTES).v -
				 t->first.v + 1);
}

int thread_pages_refresh(struct thread_pages *tp, int task_dir_fd)
{
	struct thread_pages fresh;
	char buf[8192];
	long n;

	thread_pages_init(&fresh);
	fresh.max = tp->nr_tids + 16;
	fresh.at = malloc(fresh.max * sizeof(*fresh.at));
	if (!fresh.at)
		return -ENOMEM;
	if (lseek(task_dir_fd, 0, SEEK_SET) < 0)
		goto gone;
	while ((n = syscall(SYS_getdents64, task_dir_fd, buf, sizeof(buf))) > 0) {
		for (long off = 0; off < n;) {
			struct linux_dirent64 *d = (void *)(buf + off);
			struct thread_page *t;

			off += d->d_reclen;
			if (d->d_name[0] == '.')
				continue;
			if (fresh.nr_tids == fresh.max) {
				t = realloc(fresh.at, 2 * fresh.max * sizeof(*t));
				if (!t) {
					free(fresh.at);
					return -ENOMEM;
				}
				fresh.at = t;
				fresh.max *= 2;
			}
			t = &fresh.at[fresh.nr_tids++];
			t->tid = (uint32_t)strtoul(d->d_name, NULL, 10);
			ask(t);
		}
	}
	if (n < 0)
		goto gone;
	free(tp->at);
	fresh.read_ns = tp->read_ns;
	*tp = fresh;
	return 0;

gone:
	free(fresh.at);
	return -ESRCH;
}

bool thread_pages_contains(const struct thread_pages *tp, pgno_t pg)
{
	for (uint32_t i = 0; i < tp->nr_tids; i++)
		if (pg.v - tp->at[i].first.v < tp->at[i].nr_pages)
			return true;
	return false;
}
