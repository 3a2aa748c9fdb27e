// SPDX-License-Identifier: GPL-2.0-only
#include "recover/keeper_scope.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-login.h>
#include <unistd.h>

#include "base/log.h"

#define MANAGER	  "org.freedesktop.systemd1"
#define ANSWER_US (10 * 1000000ULL)

static _Atomic uint32_t nr_moving;

/* Stopped after the daemon, which lets go of it itself, and at once: it heeds no other signal. */
static int append_properties(sd_bus_message *m, pid_t pid, const char *unit)
{
	int err = sd_bus_message_append(m, "(sv)(sv)(sv)(sv)", "Description", "s",
					"What upagerd keeps for the next one", "PIDs", "au", 1,
					(uint32_t)pid, "CollectMode", "s", "inactive-or-failed",
					"KillSignal", "i", SIGKILL);

	return err < 0 ? err : sd_bus_message_append(m, "(sv)", "Before", "as", 1, unit);
}

static int fill_in(sd_bus_message *m, pid_t pid, const char *unit)
{
	char name[64];
	int err;

	snprintf(name, sizeof(name), "upager-keeper-%d.scope", pid);
	err = sd_bus_message_append(m, "ss", name, "fail");
	if (err >= 0)
		err = sd_bus_message_open_container(m, 'a', "(sv)");
	if (err >= 0)
		err = append_properties(m, pid, unit);
	if (err >= 0)
		err = sd_bus_message_close_container(m);
	return err < 0 ? err : sd_bus_message_append(m, "a(sa(sv))", 0);
}

static int ask(sd_bus *bus, pid_t pid, const char *unit)
{
	sd_bus_message *m = NULL;
	int err = sd_bus_message_new_method_call(bus, &m, MANAGER, "/org/freedesktop/systemd1",
						 MANAGER ".Manager", "StartTransientUnit");

	if (err >= 0)
		err = fill_in(m, pid, unit);
	if (err >= 0)
		err = sd_bus_call(bus, m, ANSWER_US, NULL, NULL);
	sd_bus_message_unref(m);
	return err < 0 ? err : 0;
}

static void *move_main(void *context)
{
	pid_t pid = (pid_t)(intptr_t)context;
	sd_bus *bus = NULL;
	char *unit = NULL;
	int err = sd_pid_get_unit(0, &unit);

	if (err >= 0)
		err = sd_bus_open_system(&bus);
	if (err >= 0)
		err = ask(bus, pid, unit);
	atomic_fetch_sub(&nr_moving, 1);
	if (err < 0)
		log_warn("the keeper gets no unit of its own (%s), ignoring: who kills all "
			 "processes of the daemon's has programs read zeros",
			 strerror(-err));
	sd_bus_flush_close_unref(bus);
	free(unit);
	return NULL;
}

void keeper_scope_move(pid_t pid)
{
	pthread_t thread;
	int err;

	if (sd_booted() <= 0 || !getenv("NOTIFY_SOCKET"))
		return;
	atomic_fetch_add(&nr_moving, 1);
	err = pthread_create(&thread, NULL, move_main, (void *)(intptr_t)pid);
	if (!err) {
		pthread_detach(thread);
		return;
	}
	atomic_fetch_sub(&nr_moving, 1);
	log_warn("the keeper gets no unit of its own (%s), ignoring", strerror(err));
}

bool keeper_scope_is_moving(void)
{
	return atomic_load(&nr_moving);
}
