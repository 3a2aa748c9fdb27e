/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_EXIT_PAGES_H
#define UPAGER_EXIT_PAGES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "kernel/threads.h"
#include "memory/page_stamps.h"

/*
 * Pages that the kernel reads and writes for a thread that ends, and which then
 * cannot fault: the head of its robust list, the word beside it that tells of
 * its end, and all that the list leads to.  Where one is out, the kernel gives
 * up without a word: who joins the thread waits for ever, and so does who waits
 * for a robust mutex behind it on the list, in whatever process [F7].
 *
 * Threads and lists are looked through in rounds.  What was found in this round
 * or the last one that saw all is no victim; what is out is brought back.  A
 * round takes its time where there are many threads, so that looking never takes
 * more than a small part of the worker's.
 *
 * What goes on a list between a round and an eviction has just been touched,
 * and may leave all the same.  But a round follows each last eviction, so it
 * is back soon: only a thread that ends so soon after it took a mutex, or was
 * born, is at risk.
 */
struct exit_pages {
	struct page_stamps pages;
	uint32_t round; /* the one that is made, or was made last */
	uint32_t since; /* what was seen in this one or later stays */
	bool known; /* one was made from end to end */
	bool cut; /* a page of a list is out: what is behind it cannot be seen */
	bool going;
	bool again; /* one is to be made after the last eviction */
	uint64_t rest_until_ns;
	int nr_tids; /* of the part of the threads that is looked at */
	int next;
	pid_t tid[THREADS_PART];
	struct {
		uint64_t head;
		uint64_t entry;
		uint64_t offset; /* of the futex, from an entry */
		uint32_t left; /* so many entries at most; 0: no list is being followed */
	} walk;
};

void exit_pages_fini(struct exit_pages *ep);
/* A page that must stay. */
bool exit_pages_have(const struct exit_pages *ep, pgno_t n);

#endif
