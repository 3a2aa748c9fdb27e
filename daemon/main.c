// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "agent/inject.h"
#include "base/clock.h"
#include "base/disable.h"
#include "base/failpoint.h"
#include "base/fd.h"
#include "base/hook.h"
#include "base/log.h"
#include "control/request.h"
#include "control/admission.h"
#include "control/dispatch.h"
#include "control/ending.h"
#include "domain/domains.h"
#include "kernel/latency.h"
#include "kernel/pageout.h"
#include "kernel/soft_dirty.h"
#include "life/descendants.h"
#include "life/housekeeping.h"
#include "life/left.h"
#include "life/roster.h"
#include "life/round.h"
#include "life/say.h"
#include "life/survivor.h"
#include "loop.h"
#include "option_change.h"
#include "options.h"
#include "recover/areas.h"
#include "recover/keeper.h"
#include "recover/others.h"
#include "recover/restore.h"
#include "recover/stray.h"
#include "recover/succession.h"
#include "reload.h"
#include "signals.h"
#include "swap/slot_state.h"
#include "watchdog.h"

#define LATENCY_QUIET_NS (100 * NS_PER_MS)
#define SECOND_TIME_NS	 (500 * NS_PER_MS) /* of Ctrl-C: progress can be seen by then */
#define STOP_LOOK_NS	 (100 * NS_PER_MS)
#define NICE		 (-10)
/* What a client waits for is looked at so often. */
#define STEP_NS		 (5 * NS_PER_MS)

static struct pager pager = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.record_lock = PTHREAD_MUTEX_INITIALIZER,
	.state.unserved.lock = PTHREAD_MUTEX_INITIALIZER,
	.module_fd = -1,
	.worker_at = -1,
	.housekeeping_at = -1,
};
static struct sessions sessions;
static struct domains domains;
static struct options options;

/*
 * Those of the shell that it was started from.  A fork event that finds no free
 * descriptor blocks its fork [F19]; a file too large cannot be written.
 */
static void raise_limits(void)
{
	const struct rlimit none = { RLIM_INFINITY, RLIM_INFINITY };
	struct rlimit lim;

	if (!getrlimit(RLIMIT_NOFILE, &lim)) {
		lim.rlim_cur = lim.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &lim))
			log_warn("cannot raise the limit of open files (%s), ignoring",
				 strerror(errno));
		pager.fds_max = (uint32_t)min_t(uint64_t, lim.rlim_cur, UINT32_MAX);
	}
	if (setrlimit(RLIMIT_FSIZE, &none) || setrlimit(RLIMIT_CPU, &none))
		log_warn("cannot lift the limits of file size and processor time (%s), ignoring",
			 strerror(errno));
}

static void stay_in_memory(void)
{
	if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT))
		log_warn("cannot lock memory (%s), ignoring: faults may wait for the kernel's swap",
			 strerror(errno));
	/* On a busy machine the programs that outgrow their budgets would outrun it. */
	if (setpriority(PRIO_PROCESS, 0, NICE))
		log_debug("cannot raise the priority (%s), ignoring", strerror(errno));
	if (prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0))
		log_debug("no PR_SET_IO_FLUSHER (%s), ignoring", strerror(errno));
}

static int probe(void)
{
	int err = disable_check();

	if (err)
		return err;
	err = uffd_probe(&pager.caps);
	if (err || !(pager.caps.features & UFFD_FEATURE_EVENT_FORK)) {
		log_err("this kernel or this user cannot use userfaultfd with events (%s): run as "
			"root "
			"on Linux 6.1 or later with CONFIG_USERFAULTFD",
			err ? strerror(-err) : "no EVENT_FORK");
		return -EOPNOTSUPP;
	}
	if (!pager.caps.move)
		log_info("no UFFDIO_MOVE here: programs are stopped while pages are taken out, "
			 "which is "
			 "slower");
	pager.soft_dirty = soft_dirty_exists();
	pager.spares_held = pageout_spares_held();
	if (pager.caps.move && !pager.spares_held)
		log_warn("this kernel does not tell who holds a page: what is spliced, or read "
			 "directly from a file system in the network, may be lost");
	return 0;
}

/* What is kept, or what was. */
static int open_state(struct succession *su)
{
	const struct areas_sharing sharing = {
		.owner = options.apart.on ? options.apart.uid + 1 : 0,
		.most_percent = options.apart.uid ? options.apart.user_percent : 100,
		.found = apart_is_first(&options.apart),
		.fd = options.apart.area_fd,
		.nr_fds = options.apart.nr_areas,
	};
	int err = succession_begin(su, &pager, options.state);

	if (!err && !options.apart.on && others_any_kept(pager.state_dir_fd)) {
		log_err("programs of users wait in %s/" OTHERS_DIR
			" for pagers of their own: start "
			"upagerd with --per-user yes",
			options.state);
		return -EBUSY;
	}
	if (!err)
		err = areas_open(&pager, options.swap, options.nr_swap, &sharing);
	if (err)
		return err;
	pager.worker_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pager.housekeeping_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	err = pager.worker_fd < 0 || pager.housekeeping_fd < 0 ? -errno : 0;
	if (!err && !pager.state.inherited)
		err = pager_map_state(&pager);
	if (!err && !pager.state.inherited)
		slot_state_forget(pager.state_dir_fd); /* nobody is paged */
	if (!err)
		err = slots_init(&pager.slots, pager.area, pager.nr_areas, pager.state_dir_fd);
	if (!err && !pager.state.inherited)
		err = tables_init(&pager.tables, pager.slots, pager.state_dir_fd);
	if (!err)
		err = succession_record(su, &pager);
	if (err)
		log_err("cannot set up the state files in %s: %s; is there room?", options.state,
			strerror(-err));
	return err;
}

/* Everything up to READY; undone by the process's exit. */
static int start(void)
{
	struct succession su;
	int listen_fd, err;

	pager.trouble = options.trouble;
	raise_limits();
	err = probe();
	if (err)
		return err;
	err = open_state(&su);
	if (!err && pager.state.inherited)
		err = restore_all(&pager);
	if (err)
		return err;
	stay_in_memory();
	err = keeper_start(&pager);
	if (err) {
		log_err("cannot start the keeper: %s", strerror(-err));
		return err;
	}
	failpoint(FP_KEEPER_NAMED);
	succession_end(&su);
	if (pager.state.inherited)
		restore_wake(&pager);
	err = loop_start(&pager);
	if (!err)
		err = stray_start(&pager);
	if (!err)
		err = watchdog_start(&pager);
	if (err) {
		log_err("cannot start: %s; is there room in %s?", strerror(-err), options.state);
		return err;
	}
	listen_fd = succession_listen_fd(&pager);
	err = domains_init(&domains, &options.apart, &options, &pager);
	if (err)
		return err;
	err = sessions_init(&sessions, options.socket,
			    listen_fd < 0 && options.apart.uid ? options.apart.listen_fd
							       : listen_fd,
			    &options.quotas);
	sessions.domains = &domains;
	if (err == -EADDRINUSE)
		log_err("another upagerd serves %s: stop it, or name another socket with --socket",
			options.socket);
	else if (err)
		log_err("cannot serve %s: %s; name another socket with --socket", options.socket,
			strerror(-err));
	else
		succession_record_listen_fd(&pager, sessions.listen_fd);
	return err;
}

static uint64_t all_faults(void)
{
	uint64_t n = 0;

	for (uint32_t id = 1; id < pager.nr_ids; id++)
		if (pager.space[id])
			n += pager.space[id]->stats.faults;
	return n;
}

/* True while it is held. */
static bool look_after_latency(struct latency *lt)
{
	static uint64_t seen, active_ns;
	uint64_t now_ns = clock_ns(), n = all_faults();

	if (n != seen)
		active_ns = now_ns;
	seen = n;
	latency_hold(lt,
		     options.hold_latency && active_ns && now_ns - active_ns < LATENCY_QUIET_NS);
	return options.hold_latency && active_ns && now_ns - active_ns < LATENCY_QUIET_NS;
}

/* What signals_read() tells. */
static unsigned int wait_for_work(const struct housekeeping *h, int signal_fd, uint64_t timeout_ns)
{
	static uint64_t domains_ns = UINT64_MAX;
	struct pollfd pfd[SESSIONS_MAX + 8];
	uint64_t count;
	uint32_t n;

	pfd[0] = (struct pollfd){ .fd = signal_fd, .events = POLLIN };
	pfd[1] = (struct pollfd){ .fd = pager.housekeeping_fd, .events = POLLIN };
	n = 2 + sessions_poll(&sessions, pfd + 2);
	pfd[n++] = (struct pollfd){ .fd = pager.module_fd, .events = POLLIN };
	pfd[n++] = (struct pollfd){ .fd = keeper_watch_fd(), .events = POLLIN };
	pfd[n++] = (struct pollfd){ .fd = h->ends_fd, .events = POLLIN };
	pfd[n++] = (struct pollfd){ .fd = descendants_fd(&h->descendants), .events = POLLIN };
	pfd[n++] = (struct pollfd){ .fd = domains.watch_fd, .events = POLLIN };
	timeout_ns = min_t(uint64_t, timeout_ns, domains_ns);
	if (sessions_wait(&sessions))
		timeout_ns = min_t(uint64_t, timeout_ns, STEP_NS);
	pager.housekeeping_sleeps = timeout_ns > STEP_NS;
	poll(pfd, n, (int)((timeout_ns + NS_PER_MS - 1) / NS_PER_MS));
	pager.housekeeping_sleeps = false;
	keeper_look_after(&pager);
	domains_ns = domains_look_after(&domains);
	if (read(pager.housekeeping_fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		log_warn("cannot read an eventfd (%s), ignoring", strerror(errno));
	return signals_read(signal_fd);
}

/*
 * Ctrl-C a second time does not wait; another SIGTERM, which scripts send, changes nothing, nor
 * does what comes with the first: sudo and the like pass on what the terminal has sent already.
 */
static void wait_to_end(const struct housekeeping *h, struct ending *ending, int signal_fd,
			uint64_t timeout_ns)
{
	if (!(wait_for_work(h, signal_fd, timeout_ns) & SIGNALS_KEYS) ||
	    clock_ns() < ending->since_ns + SECOND_TIME_NS)
		return;
	domains_give_up(&domains);
	ending_give_up(ending);
}

/* Gives everything back, or does not return; -EBUSY: a user's pager has left some behind. */
static int shut_down(struct housekeeping *h, int signal_fd)
{
	struct ending ending;

	sd_notify(0, "STOPPING=1");
	left_limit_begin();
	sessions_give_up_joins(&sessions);
	ending_begin(&ending, h, options.stop_timeout_ns);
	domains_end(&domains);
	while (!ending_step(&ending, !domains_ended(&domains)))
		wait_to_end(h, &ending, signal_fd, min_t(uint64_t, round_tick(h), STOP_LOOK_NS));
	/* They have the same limit. */
	while (!domains_ended(&domains) && clock_ns() < ending.until_ns + LEFT_LATE_NS / 2)
		wait_to_end(h, &ending, signal_fd, STOP_LOOK_NS);
	return domains_give_up(&domains) ? 0 : -EBUSY;
}

static int serve(int argc, char **argv)
{
	struct latency latency = { .fd = -1 };
	struct housekeeping housekeeping;
	int signal_fd = signals_open(), err;

	if (signal_fd < 0)
		return signal_fd;
	err = left_limit_start(&pager, signal_fd, options.stop_timeout_ns);
	if (err) {
		log_err("cannot start a thread: %s", strerror(-err));
		return err;
	}
	uffd_tell_calls(&pager.housekeeping_at);
	housekeeping_init(&housekeeping, &pager, options.limit_bytes, &options.quotas);
	round_init(&housekeeping);
	survivors_take_on(&housekeeping);
	sd_notify(0, "READY=1");
	say_breakpoints(&pager);
	log_info("serving %s", options.socket);
	for (;;) {
		uint64_t timeout_ns = round_tick(&housekeeping);
		unsigned int come;

		if (look_after_latency(&latency))
			timeout_ns = min_t(uint64_t, timeout_ns, LATENCY_QUIET_NS);
		come = wait_for_work(&housekeeping, signal_fd, timeout_ns);
		if (come & SIGNALS_STOP)
			break;
		if (come & SIGNALS_RELOAD)
			reload(&options, argc, argv, &housekeeping, &sessions);
		sessions_handle(&sessions, &housekeeping);
	}
	err = shut_down(&housekeeping, signal_fd);
	roster_write(&housekeeping, true); /* nobody */
	latency_hold(&latency, false);
	sessions_fini(&sessions, options.socket);
	loop_stop(&pager);
	housekeeping_fini(&housekeeping);
	close(signal_fd);
	return err;
}

int main(int argc, char **argv)
{
	static char name[32] = "upagerd";
	int exit_code, err;

	/* Whoever starts it says which process it is to get into, and which files are its own. */
	if (getauxval(AT_SECURE)) {
		log_init("upagerd", LOG_LEVEL_INFO);
		log_err("this upagerd is set-uid, or has capabilities of its file, which anybody "
			"who "
			"starts it could use: take them away, and start it as root");
		return UPAGER_EXIT_FAILED;
	}
	if (argc > 0 && !strcmp(argv[0], INJECT_ARGV0))
		return inject_main(argc, argv);
	fd_fill_standard();
	log_init("upagerd", LOG_LEVEL_INFO);
	err = options_parse(&options, argc, argv, &exit_code);
	if (err)
		return exit_code;
	if (options.check_only) {
		options_print(&options);
		return UPAGER_EXIT_OK;
	}
	if (options.apart.uid) {
		snprintf(name, sizeof(name), "upagerd, user %u", options.apart.uid);
		prctl(PR_SET_NAME, "upagerd");
	}
	log_init(name, options.log_level);
	hook_say_ignored();
	err = failpoint_init(hook_env("UPAGER_FAILPOINTS"));
	if (err) {
		log_err("UPAGER_FAILPOINTS is wrong: see daemon/base/failpoint.h for its form");
		return UPAGER_EXIT_USAGE;
	}
	signals_block();
	if (options.apart.uid && apart_follow(&options.apart))
		return UPAGER_EXIT_FAILED;
	err = start();
	if (!err)
		err = serve(argc, argv);
	keeper_dismiss(&pager);
	return !err ? UPAGER_EXIT_OK : err == -EOPNOTSUPP ? UPAGER_EXIT_KERNEL : UPAGER_EXIT_FAILED;
}
