// SPDX-License-Identifier: GPL-2.0-only
#include "life/pressure.h"

#include "base/clock.h"
#include "base/types.h"

#define PERIOD_NS (2 * NS_PER_S)

/* As the kernel's load averages (include/linux/sched/loadavg.h), with more bits for the value. */
#define DECAY_SHIFT 11
#define DECAY_ONE   (1ULL << DECAY_SHIFT)
#define VALUE_ONE   (1ULL << 32) /* all of the time */

/* e^(-2s/window) in DECAY_ONE, from kernel/sched/psi.c. */
static const uint32_t decay[__PRESSURE_WINDOWS] = {
	[PRESSURE_10S] = 1677,
	[PRESSURE_60S] = 1981,
	[PRESSURE_300S] = 2034,
};

static uint64_t join(uint64_t avg, uint64_t sample, enum pressure_window window)
{
	return (avg * decay[window] + sample * (DECAY_ONE - decay[window])) >> DECAY_SHIFT;
}

static void update(struct pressure *pr, enum pressure_window window, uint64_t missed,
		   uint64_t sample)
{
	uint64_t avg = pr->avg[window];

	for (; avg && missed; missed--)
		avg = join(avg, 0, window);
	pr->avg[window] = join(avg, sample, window);
}

void pressure_look(struct pressure *pr, uint64_t total_ns, uint64_t now_ns)
{
	uint64_t missed, period_ns, stall_ns, sample;

	pr->total_ns = max_t(uint64_t, pr->total_ns, total_ns);
	if (!pr->last_ns) {
		pr->last_ns = now_ns;
		pr->next_ns = now_ns + PERIOD_NS;
		return;
	}
	if (now_ns < pr->next_ns)
		return;
	missed = (now_ns - pr->next_ns) / PERIOD_NS;
	period_ns = now_ns - (pr->last_ns + missed * PERIOD_NS);
	/* What is over goes into the next period, as there. */
	stall_ns = min_t(uint64_t, pr->total_ns - pr->seen_ns, period_ns);
	sample = (uint64_t)((unsigned __int128)stall_ns * VALUE_ONE / period_ns);
	for (int i = 0; i < __PRESSURE_WINDOWS; i++)
		update(pr, (enum pressure_window)i, missed, sample);
	pr->last_ns = now_ns;
	pr->next_ns += (1 + missed) * PERIOD_NS;
	pr->seen_ns += stall_ns;
}

uint32_t pressure_avg(const struct pressure *pr, enum pressure_window window)
{
	return (uint32_t)((pr->avg[window] * 10000 + VALUE_ONE / 2) / VALUE_ONE);
}
