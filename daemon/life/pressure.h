/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_PRESSURE_H
#define UPAGER_PRESSURE_H

#include <stdint.h>

enum pressure_window {
	PRESSURE_10S,
	PRESSURE_60S,
	PRESSURE_300S,
	__PRESSURE_WINDOWS,
};

/**
 * struct pressure - the share of the time that was a stall, of late
 *
 * Running averages as in the kernel's update_averages() (kernel/sched/psi.c): every
 * two seconds the share of those joins the averages, each decaying by e^(-2s/window).
 * Periods that were missed are taken to have been free of stalls; all of the time
 * since then counts for the last one.  Finer than the kernel's, which cuts each
 * sample to whole percents.
 */
struct pressure {
	uint64_t last_ns; /* of the last update; 0: none yet */
	uint64_t next_ns;
	uint64_t seen_ns; /* of the total: what is in the averages */
	/*
	 * The total as it was told last, which never falls: a stall that was read as it ran
	 * may end a moment before that.
	 */
	uint64_t total_ns;
	uint64_t avg[__PRESSURE_WINDOWS]; /* fixed point */
};

/* Housekeeping: of what has come to total_ns by now; joins the averages when the next period is over. */
void pressure_look(struct pressure *pr, uint64_t total_ns, uint64_t now_ns);
/* In hundredths of a percent. */
uint32_t pressure_avg(const struct pressure *pr, enum pressure_window window);

#endif
