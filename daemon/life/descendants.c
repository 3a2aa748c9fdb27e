// SPDX-License-Identifier: GPL-2.0-only
#include "life/descendants.h"

#include <dirent.h>
#include <errno.h>
#include <linux/kcmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/disable.h"
#include "base/log.h"
#include "kernel/connector.h"
#include "life/quota_check.h"

/* Without the connector. */
#define SCAN_NS		   (250 * NS_PER_MS)
/* A fork bomb must not take the descriptors that fork events need [F19]. */
#define FOLLOWED_MAX	   2048
#define FOLLOWED_PART	   16
/* In one round: others wait for housekeeping. */
#define EVENTS_MAX	   4096
/* All processes' events come: where they are many, not each wakes housekeeping. */
#define READ_NS		   (20 * NS_PER_MS)
/* Start times have the resolution of a clock tick. */
#define SCAN_OVERLAP_TICKS 2
/* Its number will not be another process's so soon. */
#define QUOTA_SAY_NS	   (60 * NS_PER_S)
#define ENDED_NS	   (2 * NS_PER_S)

void descendants_init(struct descendants *d)
{
	struct rlimit lim;

	*d = (struct descendants){ .fd = -1, .followed_max = FOLLOWED_MAX };
	if (!getrlimit(RLIMIT_NOFILE, &lim))
		d->followed_max =
			(uint32_t)min_t(uint64_t, FOLLOWED_MAX, lim.rlim_cur / FOLLOWED_PART);
}

static uint64_t ticks_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * (uint64_t)sysconf(_SC_CLK_TCK) +
	       (uint64_t)now.tv_nsec * (uint64_t)sysconf(_SC_CLK_TCK) / NS_PER_S;
}

void descendants_open(struct descendants *d)
{
	if (d->fd >= 0 || d->refused)
		return;
	d->fd = disabled("connector") ? -EOPNOTSUPP : connector_open();
	d->refused = d->fd < 0;
	d->scanned_ticks = ticks_now();
	if (d->refused)
		log_info("no proc connector (%s): children are noticed some milliseconds later",
			 strerror(-d->fd));
}

static void descendants_close(struct descendants *d)
{
	if (d->fd >= 0)
		connector_close(d->fd);
	d->fd = -1;
	d->lost = false;
}

bool descendants_borrows(const struct proc *p)
{
	return !syscall(SYS_kcmp, p->pid, p->parent_pid, KCMP_VM, 0, 0);
}

bool descendants_shares(const struct housekeeping *h, const struct proc *p)
{
	if (pager_is_agent(h->pg, p->pid))
		return true;
	for (const struct proc *q = h->procs; q; q = q->next)
		if (q != p && !q->exited && !syscall(SYS_kcmp, p->pid, q->pid, KCMP_VM, 0, 0))
			return true;
	return false;
}

static bool over_quota(struct housekeeping *h, const struct terms *terms)
{
	char text[UPAGER_TEXT_BYTES];
	uint64_t now_ns = clock_ns();

	if (!quota_check_process(h, terms->asked_by, 0, text))
		return false;
	if (now_ns >= h->descendants.quota_say_ns) {
		log_warn("children are not paged: %s", text);
		h->descendants.quota_say_ns = now_ns + QUOTA_SAY_NS;
	}
	return true;
}

static bool full(struct housekeeping *h, const struct terms *terms)
{
	uint32_t nr = 0;

	for (const struct proc *p = h->procs; p; p = p->next)
		nr += p->followed;
	if (nr < h->descendants.followed_max)
		return over_quota(h, terms);
	if (!h->descendants.full_said)
		log_warn("%u children are watched already: further ones are not paged; a higher "
			 "limit of open files allows for %d",
			 h->descendants.followed_max, FOLLOWED_MAX);
	h->descendants.full_said = true;
	return true;
}

void descendants_ended(struct descendants *d, pid_t pid, const struct terms *terms)
{
	d->ended[d->nr_ended++ % ENDED_MAX] = (struct ended){
		.pid = pid,
		.terms = *terms,
		.until_ns = clock_ns() + ENDED_NS,
	};
}

/* On which terms the children of a process are followed; NULL: they are not. */
static const struct terms *terms_of(const struct housekeeping *h, pid_t pid)
{
	const struct descendants *d = &h->descendants;
	const struct proc *p = housekeeping_find(h, pid);

	if (p)
		return p->state == UPAGER_PROC_DETACHING || p->by_itself ? NULL : &p->terms;
	for (uint32_t i = 0; i < ENDED_MAX; i++)
		if (d->ended[i].pid == pid && d->ended[i].until_ns > clock_ns())
			return &d->ended[i].terms;
	return NULL;
}

static bool follow(struct housekeeping *h, pid_t parent_pid, pid_t pid)
{
	const struct terms *terms = terms_of(h, parent_pid);
	char text[UPAGER_TEXT_BYTES];
	struct proc *p;
	int err;

	if (!terms || housekeeping_find(h, pid) || pager_is_agent(h->pg, pid) || full(h, terms))
		return false;
	err = proc_open(&p, pid, text);
	if (err == -ESRCH)
		descendants_ended(&h->descendants, pid, terms);
	if (err)
		return false;
	p->terms = *terms;
	p->parent_pid = parent_pid;
	p->followed = true;
	p->borrows = descendants_borrows(p);
	housekeeping_add(h, p);
	return true;
}

/* Of one family, 0: of all. Again and again until nobody was found: a child may be read first. */
static void scan(struct housekeeping *h, uint64_t since_ticks, uint32_t family)
{
	DIR *dir = opendir("/proc");
	bool again = dir;
	struct dirent *d;

	while (again) {
		again = false;
		rewinddir(dir);
		while ((d = readdir(dir))) {
			const struct terms *terms;
			pid_t pid, parent_pid;
			uint64_t ticks;

			if (d->d_name[0] < '1' || d->d_name[0] > '9')
				continue;
			pid = (pid_t)strtol(d->d_name, NULL, 10);
			if (housekeeping_find(h, pid) ||
			    proc_birth(d->d_name, &parent_pid, &ticks) || ticks < since_ticks)
				continue;
			terms = terms_of(h, parent_pid);
			if (terms && (!family || terms->family == family) &&
			    follow(h, parent_pid, pid))
				again = true;
		}
	}
	if (dir)
		closedir(dir);
}

static void scan_new(struct housekeeping *h, uint64_t now_ns)
{
	struct descendants *d = &h->descendants;
	uint64_t since = d->scanned_ticks;

	d->scanned_ticks = ticks_now();
	d->scan_at_ns = now_ns + SCAN_NS;
	d->lost = false;
	scan(h, since > SCAN_OVERLAP_TICKS ? since - SCAN_OVERLAP_TICKS : 0, 0);
}

void descendants_tick(struct housekeeping *h)
{
	struct descendants *d = &h->descendants;
	uint64_t now_ns = clock_ns();
	struct proc_event event;
	int err = 0;

	if (!h->procs && !pager_has_spaces(h->pg)) {
		descendants_close(d);
		return;
	}
	d->busy = false;
	for (int n = 0; n < EVENTS_MAX && d->fd >= 0; n++) {
		const struct fork_proc_event *f = &event.event_data.fork;

		err = connector_read(d->fd, &event);
		if (err <= 0)
			break;
		d->busy = true;
		if (event.what != PROC_EVENT_FORK || f->child_pid != f->child_tgid)
			continue; /* a thread */
		if (housekeeping_find(h, f->parent_tgid))
			announced_add(&h->announced, f->child_tgid, f->parent_tgid);
		follow(h, f->parent_tgid, f->child_tgid);
	}
	if (err == -ENOBUFS)
		d->lost = true;
	else if (err < 0)
		descendants_close(d);
	else if (!err && !d->lost && d->fd >= 0)
		d->scanned_ticks = ticks_now(); /* all until now are known */
	if ((d->lost || d->fd < 0) && now_ns >= d->scan_at_ns)
		scan_new(h, now_ns);
}

uint64_t descendants_next_ns(const struct descendants *d, uint64_t now_ns)
{
	if (d->fd >= 0 && !d->lost)
		return d->busy ? READ_NS : UINT64_MAX;
	return d->scan_at_ns > now_ns ? d->scan_at_ns - now_ns : 0;
}

int descendants_fd(const struct descendants *d)
{
	return d->busy ? -1 : d->fd;
}

void descendants_take_all(struct housekeeping *h, const struct proc *p)
{
	scan(h, 0, p->terms.family);
}
