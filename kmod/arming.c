// SPDX-License-Identifier: GPL-2.0-only
#include <linux/errno.h>
#include <linux/mutex.h>
#include <linux/tracepoint.h>
#include "arming.h"
#include "lifecycle.h"
#include "probes.h"
#include "registry.h"

/*
 * Protects the two below.  Entries are added under it, or by a fork of what has an entry: while it
 * is held, none means none to come.
 */
static DEFINE_MUTEX(lock);
static bool accepting;
static bool armed;

static int arm(void)
{
	int err;

	if (armed)
		return 0;
	err = lifecycle_arm();
	if (err)
		return err;
	err = probes_arm();
	if (err) {
		lifecycle_disarm();
		return err;
	}
	armed = true;
	return 0;
}

static void disarm(void)
{
	if (!armed)
		return;
	probes_disarm();
	lifecycle_disarm();
	armed = false;
}

int arming_begin(void)
{
	int err;

	mutex_lock(&lock);
	err = accepting ? arm() : -ENODEV;
	if (err)
		mutex_unlock(&lock);
	return err;
}

void arming_end(void)
{
	if (!registry_count())
		disarm();
	mutex_unlock(&lock);
}

void arming_check(void)
{
	mutex_lock(&lock);
	arming_end();
}

void arming_start(void)
{
	mutex_lock(&lock);
	accepting = true;
	mutex_unlock(&lock);
}

void arming_stop(void)
{
	mutex_lock(&lock);
	accepting = false;
	disarm();
	mutex_unlock(&lock);
	tracepoint_synchronize_unregister();
}
