// SPDX-License-Identifier: GPL-2.0-only
#include "control/self_provision.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/frame.h"
#include "agent/grip.h"
#include "agent/place.h"
#include "base/untrusted_fd.h"
#include "kernel/uffd.h"
#include "kernel/vma.h"

#define DEVICE	 "/dev/userfaultfd"
#define USER_END (1ULL << 47)

/* Behind the fields of the control page, which are fewer than its bytes. */
#define START ((AGENT_CTL_BYTES - sizeof(struct frame)) & ~15UL)
_Static_assert(START >= sizeof(struct agent_ctl), "the frame overlaps the control page's fields");

static int dup_into(int *to, int fd)
{
	*to = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return *to < 0 ? -errno : 0;
}

const struct standby *self_provision_pool(const struct self_join *join)
{
	return join->new_agent && join->new_agent->standby.nr_places ? &join->new_agent->standby
								     : &join->sp->standby;
}

static int open_fds(struct self_join *join, int *fd)
{
	int err;

	if (join->child) {
		err = dup_into(&fd[UPAGER_PROVISION_UFFD], join->sp->uffd);
	} else {
		fd[UPAGER_PROVISION_UFFD] = open(DEVICE, O_RDWR | O_CLOEXEC);
		err = fd[UPAGER_PROVISION_UFFD] < 0 ? -errno : 0;
	}
	if (!err)
		err = dup_into(&fd[UPAGER_PROVISION_CTL], join->agent->ctl_fd);
	if (!err) {
		fd[UPAGER_PROVISION_CODE] = frame_code_memfd();
		err = fd[UPAGER_PROVISION_CODE] < 0 ? fd[UPAGER_PROVISION_CODE] : 0;
	}
	if (!err)
		err = dup_into(&fd[UPAGER_PROVISION_POOL], self_provision_pool(join)->fd);
	if (!err)
		err = dup_into(&fd[UPAGER_PROVISION_EVENT], join->agent->event_fd);
	if (!err) {
		fd[UPAGER_PROVISION_GRIP] = grip_make(&join->grip_pages);
		err = fd[UPAGER_PROVISION_GRIP] < 0 ? fd[UPAGER_PROVISION_GRIP] : 0;
	}
	return err;
}

int self_provision_tell(struct self_join *join, struct upager_provision *provision, int *fd,
			char text[UPAGER_TEXT_BYTES])
{
	struct inject_place pl;
	int err;

	for (int i = 0; i < UPAGER_PROVISION_FDS; i++)
		fd[i] = -1;
	place_layout(&pl, 0);
	*provision = (struct upager_provision){
		.flags = join->child ? UPAGER_PROVISION_HAS_UFFD : 0,
		.hint = place_hint(join->pid),
		.bytes = place_bytes(&pl),
		.ctl_bytes = pl.ctl_bytes,
		.code = pl.code_addr,
		.code_bytes = pl.code_bytes,
		.stack = pl.stack_addr,
		.stack_bytes = pl.stack_bytes,
		.staging = pl.staging_addr,
		.staging_bytes = pl.staging_bytes,
		.entry = frame_entry(&pl),
		.start = START,
	};
	err = open_fds(join, fd);
	if (!err)
		return 0;
	for (int i = 0; i < UPAGER_PROVISION_FDS; i++)
		if (fd[i] >= 0)
			close(fd[i]);
	snprintf(text, UPAGER_TEXT_BYTES, "cannot prepare for process %d: %s", join->pid,
		 strerror(-err));
	return err;
}

struct sight {
	uint64_t addr;
	uint64_t end;
	bool whole; /* one mapping, which can be paged, from addr to end */
	bool registered;
};

static bool look(void *context, const struct vma *v)
{
	struct sight *s = context;

	if (v->end <= s->addr)
		return true;
	s->whole = v->start <= s->addr && v->end >= s->end && vma_is_pageable(v);
	s->registered = v->uffd_missing;
	return false;
}

static struct sight see(const struct proc *p, uint64_t addr, uint64_t bytes)
{
	struct sight s = { .addr = addr, .end = addr + bytes };
	int fd = proc_open_file(p, "smaps", O_RDONLY);

	if (fd >= 0) {
		vma_for_each_detailed(fd, look, &s);
		close(fd);
	}
	return s;
}

/*
 * Only in its own address space does what is done by a userfaultfd show.  Ends
 * with staging registered, on the main userfaultfd, as MOVE must be [F1].
 */
static bool is_of_process(const struct proc *p, int uffd, uint64_t addr, uint64_t bytes)
{
	struct sight before = see(p, addr, bytes), with, without;

	if (!before.whole || before.registered || uffd_register(uffd, addr, bytes, false))
		return false;
	with = see(p, addr, bytes);
	if (uffd_unregister(uffd, addr, bytes))
		return false;
	without = see(p, addr, bytes);
	return with.whole && with.registered && without.whole && !without.registered &&
	       !uffd_register(uffd, addr, bytes, false);
}

static int refuse(char text[UPAGER_TEXT_BYTES], int err, const char *why)
{
	snprintf(text, UPAGER_TEXT_BYTES, "%s: use the library", why);
	return err;
}

static int take_uffd(struct pager *pg, struct self_join *join, int *uffd,
		     char text[UPAGER_TEXT_BYTES])
{
	int err;

	if (join->child != (*uffd < 0))
		return refuse(text, -EINVAL, "a userfaultfd too few or too many came");
	if (join->child)
		return 0;
	if (!untrusted_fd_is_uffd(*uffd))
		return refuse(text, -EINVAL, "what came is no userfaultfd");
	fcntl(*uffd, F_SETFL, O_RDWR | O_NONBLOCK);
	err = uffd_api(*uffd, uffd_wanted_features(&pg->caps));
	if (err == -EINVAL || err == -EBUSY)
		return refuse(text, -EINVAL, "the userfaultfd that came is in use already");
	if (err) {
		snprintf(text, UPAGER_TEXT_BYTES,
			 "UFFDIO_API: %s; fork events need CAP_SYS_PTRACE of the daemon",
			 strerror(-err));
		return err;
	}
	join->sp->uffd = *uffd;
	*uffd = -1;
	return 0;
}

static void fill_ctl(struct self_join *join, uint64_t addr, uint64_t nrs)
{
	struct agent_ctl *ctl = join->agent->ctl;
	struct frame frame;

	frame_fill(&frame, addr + START);
	memcpy((char *)ctl + START, &frame, sizeof(frame));
	ctl->magic = AGENT_MAGIC;
	ctl->version = 1;
	ctl->uffd = UPAGER_PROVISION_NR(nrs, 0);
	ctl->pool_fd = UPAGER_PROVISION_NR(nrs, 1);
	ctl->event_fd = UPAGER_PROVISION_NR(nrs, 2);
	ctl->grip_fd = UPAGER_PROVISION_NR(nrs, 3);
	ctl->grip_pages = join->grip_pages;
	ctl->staging = join->agent->place.staging_addr;
	ctl->staging_pages = AGENT_STAGING_PAGES;
}

int self_provision_check(struct pager *pg, struct self_join *join, uint64_t addr, uint64_t nrs,
			 int *uffd, char text[UPAGER_TEXT_BYTES])
{
	struct inject_place *pl = &join->agent->place;
	int err;

	if (join->provisioned || addr > USER_END)
		return refuse(text, -EINVAL, "the reservation is out of place");
	err = take_uffd(pg, join, uffd, text);
	if (err)
		return err;
	place_layout(pl, addr);
	if (!is_of_process(join->p, join->sp->uffd, pl->staging_addr, pl->staging_bytes)) {
		*pl = (struct inject_place){ 0 };
		return refuse(text, -EPERM,
			      "the userfaultfd or the reservation is not of the process that asks");
	}
	fill_ctl(join, addr, nrs);
	join->provisioned = true;
	return 0;
}
