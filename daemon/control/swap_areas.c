// SPDX-License-Identifier: GPL-2.0-only
#include "control/swap_areas.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "control/proto.h"
#include "control/request.h"
#include "recover/succession.h"

/* Who asked for the job that is under way; NULL: nobody any more. */
static struct session *owner;

static int path_of(int fd, char path[256])
{
	char link[64];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, 255);
	if (len <= 0)
		return len ? -errno : -ENOENT;
	path[len] = '\0';
	return len == 255 ? -ENAMETOOLONG : 0;
}

/* Index of the area that is open there, or -ENOENT. */
static int find(const struct pager *pg, int fd)
{
	struct stat named, open;

	if (fstat(fd, &named))
		return -errno;
	for (uint32_t i = 0; i < pg->nr_areas; i++) {
		if (pg->area[i].fd < 0 || fstat(pg->area[i].fd, &open))
			continue;
		if (S_ISBLK(open.st_mode)
			    ? S_ISBLK(named.st_mode) && named.st_rdev == open.st_rdev
			    : named.st_dev == open.st_dev && named.st_ino == open.st_ino)
			return (int)i;
	}
	return -ENOENT;
}

static bool is_hole_for(const struct area *hole, const struct area *area)
{
	return hole->fd < 0 && hole->span >= area->sb.nr_slots;
}

/*
 * The hole that it left itself, or a new index; as the last resort another's hole:
 * the next daemon does not know any more then that the other was let go of.
 */
static int choose_index(const struct pager *pg, const struct area *area)
{
	for (uint32_t i = 0; i < pg->nr_areas; i++)
		if (is_hole_for(&pg->area[i], area) &&
		    !strncmp(pg->state.header->area[i].path, area->path, sizeof(area->path)))
			return (int)i;
	if (pg->nr_areas < AREAS_MAX)
		return (int)pg->nr_areas;
	for (uint32_t i = 0; i < pg->nr_areas; i++)
		if (is_hole_for(&pg->area[i], area))
			return (int)i;
	return -EMFILE;
}

static int add(struct pager *pg, const struct area *opened, struct upager_reply *reply)
{
	int i = choose_index(pg, opened), err;
	struct area before, *area;

	if (i < 0) {
		proto_text(reply, "there are %d areas already: let go of one first", AREAS_MAX);
		return i;
	}
	area = &pg->area[i];
	before = *area;
	*area = *opened;
	area->first = before.first;
	area->span = before.span;
	err = slots_add_area(pg->slots, (uint32_t)i, pg->state_dir_fd);
	if (err) {
		*area = before;
		return err;
	}
	if ((uint32_t)i == pg->nr_areas)
		__atomic_store_n(&pg->nr_areas, pg->nr_areas + 1, __ATOMIC_RELEASE);
	succession_record_area(pg, (uint32_t)i, STATE_AREA_ADDED);
	pg->area_job.area = (uint32_t)i;
	pg->area_job.state = AREA_JOB_ADD;
	pager_kick_worker(pg);
	return -EINPROGRESS;
}

static int swap_on(struct pager *pg, const struct upager_request *req, int fd,
		   struct upager_reply *reply)
{
	char path[256], spec[AREA_SPEC_BYTES], cause[AREA_CAUSE_BYTES] = "";
	struct area area;
	int err = path_of(fd, path);

	if (err)
		return err;
	if (find(pg, fd) >= 0) {
		proto_text(reply, "%s is one of the areas already", path);
		return -EBUSY;
	}
	snprintf(spec, sizeof(spec), "%s,pri=%d", path, (int)req->arg - UPAGER_PRIORITY_BIAS);
	err = area_open(&area, spec, cause);
	if (cause[0])
		proto_text(reply, "%s", cause);
	if (err)
		return err;
	err = add(pg, &area, reply);
	if (err != -EINPROGRESS)
		area_close(&area);
	return err;
}

/* Room for what is there, in others or in memory. */
static int check_room(const struct pager *pg, uint32_t i, struct upager_reply *reply)
{
	uint64_t used = slots_used(pg->slots, i), others = slots_free(pg->slots);
	uint64_t own = pg->area[i].sb.nr_slots - 1 - used, more;

	others -= min_t(uint64_t, others, own);
	more = used > others ? (used - others) * PAGE_SIZE : 0;
	if (slots_total(pg->slots) == pg->area[i].sb.nr_slots - 1 && used) {
		proto_text(reply, "it is the only area, and programs have pages there: add another "
				  "with upager swapon first");
		return -EBUSY;
	}
	if (more <= request_spare_bytes())
		return 0;
	proto_text(reply, "%lluM that are there fit neither in other areas nor in memory",
		   (unsigned long long)(more >> 20));
	return -ENOSPC;
}

static int begin_swap_off(struct pager *pg, int fd, struct upager_reply *reply)
{
	int i = find(pg, fd), err;

	if (i < 0) {
		proto_text(reply, "it is none of the daemon's areas");
		return -ENOENT;
	}
	err = check_room(pg, (uint32_t)i, reply);
	if (err)
		return err;
	slots_close_area(pg->slots, (uint32_t)i, true);
	pg->area_job.area = (uint32_t)i;
	pg->area_job.unreadable = 0;
	pg->area_job.state = AREA_JOB_DRAIN;
	pager_kick_worker(pg);
	return -EINPROGRESS;
}

static void finish_add(struct pager *pg)
{
	slots_close_area(pg->slots, pg->area_job.area, false);
	log_info("swap area %s is in use", pg->area[pg->area_job.area].path);
	pg->area_job.state = AREA_JOB_NONE;
}

/* Whoever dies from here on leaves an area that is not there, or one that is empty. */
static void finish_drain(struct pager *pg)
{
	uint32_t i = pg->area_job.area;
	struct area *area = &pg->area[i];
	int fd = area->fd;

	succession_record_area(pg, i, STATE_AREA_GONE);
	slots_remove_area(pg->slots, i, pg->state_dir_fd);
	log_info("swap area %s is not in use any more", area->path);
	area_make_hole(area, area->span);
	close(fd);
	pg->area_job.state = AREA_JOB_NONE;
}

/* False: it is empty by now, and goes. */
static bool cancel(struct pager *pg)
{
	uint32_t was = AREA_JOB_DRAIN;

	if (!atomic_compare_exchange_strong(&pg->area_job.state, &was, AREA_JOB_CANCEL))
		return false;
	log_info("swap area %s stays in use", pg->area[pg->area_job.area].path);
	pager_kick_worker(pg);
	return true;
}

static int progress(struct pager *pg, struct upager_reply *reply)
{
	const struct area_job *job = &pg->area_job;

	proto_text(reply, "%lluM are left in %s",
		   (unsigned long long)(slots_used(pg->slots, job->area) * PAGE_SIZE >> 20),
		   pg->area[job->area].path);
	return -EINPROGRESS;
}

/* What the job of this session has come to. */
static int go_on(struct pager *pg, struct upager_reply *reply)
{
	switch ((uint32_t)pg->area_job.state) {
	case AREA_JOB_ADDED:
		finish_add(pg);
		return 0;
	case AREA_JOB_DRAINED:
		finish_drain(pg);
		return 0;
	case AREA_JOB_DRAIN:
		if (!pg->area_job.unreadable || !cancel(pg))
			return progress(pg, reply);
		proto_text(reply, "%llu pages cannot be read there: the area stays in use",
			   (unsigned long long)pg->area_job.unreadable);
		return -EIO;
	default:
		return -EINPROGRESS;
	}
}

void swap_areas_look_after(struct pager *pg)
{
	if (owner)
		return;
	if (pg->area_job.state == AREA_JOB_ADDED)
		finish_add(pg);
	else if (pg->area_job.state == AREA_JOB_DRAINED)
		finish_drain(pg);
}

void swap_areas_handle(struct session *s, struct housekeeping *h, const struct upager_request *req,
		       int fd)
{
	struct upager_reply reply;
	int err;

	proto_init_reply(&reply);
	swap_areas_look_after(h->pg);
	if (s->uid) {
		proto_text(&reply, "only root may change the swap areas");
		err = -EPERM;
	} else if (owner == s) {
		err = go_on(h->pg, &reply);
	} else if (h->pg->area_job.state != AREA_JOB_NONE) {
		proto_text(&reply, "another area comes or goes just now: try again later");
		err = -EBUSY;
	} else if (fd < 0) {
		err = -EBADF;
	} else {
		err = req->op == UPAGER_OP_SWAPON ? swap_on(h->pg, req, fd, &reply)
						  : begin_swap_off(h->pg, fd, &reply);
	}
	if (err == -EINPROGRESS)
		owner = s;
	else if (owner == s)
		owner = NULL;
	session_answer(s, &reply, err);
}

void swap_areas_drop(struct session *s)
{
	if (owner != s)
		return;
	owner = NULL;
	cancel(s->housekeeping->pg);
}
