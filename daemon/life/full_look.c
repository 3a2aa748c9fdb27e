// SPDX-License-Identifier: GPL-2.0-only
#include "life/full_look.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/types.h"
#include "kernel/threads.h"

#define PAUSE_NS   (5 * NS_PER_MS)
/* A sample takes one part of so many of the time at most, also of a thousand threads. */
#define COST_SHARE 64
/* Some milliseconds' worth: with more somebody is taken to run. */
#define LOOK_MAX   1024

struct sample {
	bool wanted; /* the states; else only how many there are */
	bool runs;
	uint32_t nr_threads;
};

static void add_threads(struct sample *sample, int task_dir_fd)
{
	pid_t tid[THREADS_PART];
	bool again = true;
	int nr;

	while (!sample->runs && (nr = threads_read(task_dir_fd, again, tid)) > 0) {
		sample->nr_threads += (uint32_t)nr;
		for (int i = 0; sample->wanted && i < nr && !sample->runs; i++)
			sample->runs = threads_runnable(task_dir_fd, tid[i]);
		again = false;
		sample->runs |= sample->nr_threads > LOOK_MAX;
	}
}

static void add(struct sample *sample, const struct proc *p)
{
	int fd = proc_open_file(p, "task", O_RDONLY | O_DIRECTORY);

	if (fd < 0)
		return; /* it has ended */
	add_threads(sample, fd);
	close(fd);
}

static void decide(struct full *full, uint64_t some_ns, bool is_full)
{
	if (some_ns <= full->decided_ns)
		return;
	full->total_ns += is_full ? some_ns - full->decided_ns : 0;
	full->decided_ns = some_ns;
}

void full_look(struct full *full, const struct stall *st, const struct proc *first, bool rest)
{
	uint64_t begin_ns = clock_ns(), clock = stall_clock(st), end_ns;
	struct sample sample = { .wanted = clock & STALL_RUNS };

	if (begin_ns < full->next_ns || stall_ns(st) <= full->decided_ns ||
	    (full->several && !sample.wanted))
		return;
	for (const struct proc *p = first; p && !sample.runs; p = rest ? p->next : NULL)
		add(&sample, p);
	end_ns = clock_ns();
	full->next_ns = end_ns + max_t(uint64_t, PAUSE_NS, COST_SHARE * (end_ns - begin_ns));
	/* Whoever is found to run ends the search: there may be others behind. */
	full->several = sample.nr_threads != 1 || (rest && first && first->next);
	/* What ended meanwhile may have been over before the states were read. */
	if (!full->several)
		decide(full, stall_ns(st), true);
	else if (sample.wanted && stall_clock(st) == clock)
		decide(full, stall_ns(st), !sample.runs);
}
