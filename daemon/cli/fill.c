// SPDX-License-Identifier: GPL-2.0-only
#include "cli/fill.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/types.h"
#include "cli/args.h"
#include "cli/client.h"
#include "cli/message.h"
#include "base/progress.h"

#define LOOK_NS (100 * NS_PER_MS)

/* The call waits in a thread of its own. */
struct fill {
	struct upager *u;
	pid_t pid;
	fill_call_t *call;
	int err;
};

static void *run(void *arg)
{
	struct fill *f = arg;

	f->err = f->call(f->u, f->pid, NULL);
	return NULL;
}

/* What is still out, asked on a connection of its own; false: not known. */
static bool ask_left(struct upager **u, pid_t pid, uint64_t *left_bytes)
{
	struct upager_record *record = NULL;
	uint32_t nr = 0;
	bool known;

	if (!*u && upager_open(NULL, u))
		return false;
	known = !upager_status(*u, pid, &record, &nr) && nr == 1;
	if (known)
		*left_bytes = record->swapped_bytes + record->standby_bytes;
	free(record);
	return known;
}

static bool ends_within(pthread_t thread, uint64_t ns)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += (long)ns;
	until.tv_sec += until.tv_nsec / (long)NS_PER_S;
	until.tv_nsec %= (long)NS_PER_S;
	return pthread_timedjoin_np(thread, NULL, &until) != ETIMEDOUT;
}

/* True: it was interrupted, and the thread still waits. */
static bool wait_for(pthread_t thread, const struct fill *f, const char *what)
{
	uint64_t left_bytes, total_bytes = 0;
	struct upager *asks = NULL;
	struct progress progress;
	bool ended;

	progress_begin(&progress, what);
	while (!(ended = ends_within(thread, LOOK_NS)) && !progress_interrupted()) {
		if (!progress.on || !ask_left(&asks, f->pid, &left_bytes))
			continue;
		total_bytes = max_t(uint64_t, total_bytes, left_bytes);
		progress_show(&progress, total_bytes - left_bytes, total_bytes);
	}
	progress_end(&progress);
	upager_close(asks);
	return !ended;
}

/* All signals but those of its own faults come to the thread that looks. */
static int start(pthread_t *thread, struct fill *f)
{
	sigset_t all, old;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(thread, NULL, run, f);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return err;
}

static int fill(struct fill *f, const char *name)
{
	pthread_t thread;
	char what[64];
	int err;

	snprintf(what, sizeof(what), "%s %d", name, f->pid);
	progress_catch();
	err = start(&thread, f);
	if (err)
		return message_fail(UPAGER_EXIT_FAILED, "no thread to wait in: %s", strerror(err));
	/* The end of the command closes the connection, and with it the daemon gives it up. */
	if (wait_for(thread, f, what))
		return message_fail(UPAGER_EXIT_FAILED, "interrupted: process %d stays paged",
				    f->pid);
	return client_report(f->u, f->err);
}

int fill_command(int argc, char **argv, const char *help, fill_call_t *call)
{
	/* The thread may outlive this call. */
	static struct fill f;
	int c, exit_code;

	f = (struct fill){ .call = call };
	c = getopt_long(argc, argv, ":h", args_help_only, NULL);
	if (c == 'h') {
		fputs(help, stdout);
		return UPAGER_EXIT_OK;
	}
	if (c != -1)
		return args_bad_option(argv, c);
	exit_code = args_count(argc, argv, 1, 1);
	if (!exit_code)
		exit_code = args_pid(argv[optind], &f.pid);
	if (!exit_code)
		exit_code = client_open(&f.u);
	return exit_code ? exit_code : fill(&f, argv[0]);
}
