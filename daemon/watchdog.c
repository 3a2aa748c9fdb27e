// SPDX-License-Identifier: GPL-2.0-only
#include "watchdog.h"

#include <pthread.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "base/log.h"

/* Of the time after which the manager loses patience. */
#define PART 4

static uint64_t period_us;

static void *watch(void *context)
{
	const struct timespec pause = {
		.tv_sec = (time_t)(period_us / 1000000),
		.tv_nsec = (long)(period_us % 1000000) * 1000,
	};
	struct pager *pg = context;
	uint64_t seen = atomic_load(&pg->turns);
	bool said = false;

	while (!atomic_load(&pg->stop)) {
		uint64_t turns;

		pager_kick_worker(pg); /* it may have nothing to do */
		nanosleep(&pause, NULL);
		turns = atomic_load(&pg->turns);
		if (turns != seen)
			sd_notify(0, "WATCHDOG=1");
		else if (!said)
			log_err("the worker has not come round for %llu ms: no fault is served",
				(unsigned long long)period_us / 1000);
		said = turns == seen;
		seen = turns;
	}
	return NULL;
}

int watchdog_start(struct pager *pg)
{
	uint64_t timeout_us;
	pthread_attr_t attr;
	pthread_t thread;
	int err;

	if (sd_watchdog_enabled(0, &timeout_us) <= 0)
		return 0;
	period_us = max_t(uint64_t, timeout_us / PART, 1000);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	err = -pthread_create(&thread, &attr, watch, pg);
	pthread_attr_destroy(&attr);
	return err;
}
