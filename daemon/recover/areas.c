// SPDX-License-Identifier: GPL-2.0-only
#include "recover/areas.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "recover/others.h"
#include "swap/claim.h"

/* fd: it is open already; -1: it is not. */
static int open_area(struct area *area, const char *spec, int fd)
{
	char cause[AREA_CAUSE_BYTES] = "";
	int err = fd < 0 ? area_open(area, spec, cause) : area_take(area, spec, fd, cause);

	if (err)
		log_err("%s", cause);
	else if (cause[0])
		log_warn("%s", cause);
	return err;
}

/* One that the dead daemon had open; taken[] says which of those that are given is used up. */
static int take_area(struct pager *pg, uint32_t i, const char (*spec)[AREA_SPEC_BYTES],
		     uint32_t nr_specs, bool *taken)
{
	const struct state_header *h = pg->state.header;
	char cause[AREA_CAUSE_BYTES] = "";
	int err = -EXDEV;

	for (uint32_t n = 0; n < nr_specs && err == -EXDEV; n++) {
		err = area_take(&pg->area[i], spec[n], h->area[i].fd, cause);
		taken[n] |= !err;
	}
	if (!err && memcmp(pg->area[i].sb.uuid, h->area[i].uuid, sizeof(h->area[i].uuid)))
		err = -ESTALE;
	if (err)
		log_err("the waiting programs have pages in swap area %.*s, which %s: start "
			"upagerd with --swap %.*s and all other areas of before; the programs go "
			"on "
			"waiting",
			(int)sizeof(h->area[i].path) - 1, h->area[i].path,
			err == -EXDEV ? "is not given"
			: cause[0]    ? cause
				      : "is another one by now",
			(int)sizeof(h->area[i].path) - 1, h->area[i].path);
	return err;
}

/* It was let go of, though the command line still names it. */
static bool is_gone(const struct pager *pg, const char *spec)
{
	char cause[AREA_CAUSE_BYTES];
	struct area area;

	if (!pg->state.inherited || area_parse_spec(&area, spec, cause))
		return false;
	for (uint32_t i = 0; i < pg->state.header->nr_areas; i++)
		if (pg->state.header->area[i].kind == STATE_AREA_GONE &&
		    !strncmp(pg->state.header->area[i].path, area.path, sizeof(area.path)))
			return true;
	return false;
}

/* Known without being given. */
static int take_added(struct pager *pg, uint32_t i, const char (*spec)[AREA_SPEC_BYTES],
		      uint32_t nr_specs, bool *taken)
{
	char known[1][AREA_SPEC_BYTES], cause[AREA_CAUSE_BYTES];
	bool unused = false;

	snprintf(known[0], sizeof(known[0]), "%.255s,pri=%d", pg->state.header->area[i].path,
		 pg->state.header->area[i].priority);
	for (uint32_t n = 0; n < nr_specs; n++) { /* or nevertheless */
		struct area area = { .fd = -1 };

		taken[n] |= !area_take(&area, spec[n], pg->state.header->area[i].fd, cause);
	}
	return take_area(pg, i, (const char(*)[AREA_SPEC_BYTES])known, 1, &unused);
}

static int take_kind(struct pager *pg, uint32_t i, const char (*spec)[AREA_SPEC_BYTES],
		     uint32_t nr_specs, bool *taken)
{
	switch ((uint32_t)pg->state.header->area[i].kind) {
	case STATE_AREA_GONE:
		area_make_hole(&pg->area[i], pg->state.header->area[i].span);
		return 0;
	case STATE_AREA_ADDED:
		return take_added(pg, i, spec, nr_specs, taken);
	default:
		return take_area(pg, i, spec, nr_specs, taken);
	}
}

static int claim_areas(struct pager *pg, const struct areas_sharing *sharing)
{
	int dir_fd = sharing->found ? dup(pg->state_dir_fd)
				    : openat(pg->state_dir_fd, OTHERS_UP, O_RDONLY | O_DIRECTORY);
	int err = dir_fd < 0 ? -errno : 0;

	for (uint32_t i = 0; i < pg->nr_areas && !err; i++) {
		struct area *area = &pg->area[i];

		if (area_is_hole(area))
			continue;
		if (sharing->found)
			err = claims_found(dir_fd, &area->sb, pg->state.inherited);
		if (!err)
			err = claims_open(&area->claims, dir_fd, &area->sb, sharing->owner,
					  sharing->most_percent, !pg->state.inherited);
	}
	if (dir_fd >= 0)
		close(dir_fd);
	if (err)
		log_err("cannot tell what of the swap areas is whose: %s", strerror(-err));
	return err;
}

int areas_open(struct pager *pg, const char (*spec)[AREA_SPEC_BYTES], uint32_t nr_specs,
	       const struct areas_sharing *sharing)
{
	bool taken[AREAS_MAX] = { 0 }, given = sharing->owner && !sharing->found;
	int err = 0;

	if (pg->state.inherited)
		for (uint32_t i = 0; i < pg->state.header->nr_areas && !err; i++) {
			err = take_kind(pg, i, spec, nr_specs, taken);
			if (!err)
				pg->area[i].span = pg->state.header->area[i].span;
			pg->nr_areas++;
		}
	for (uint32_t n = 0; n < nr_specs && !err; n++) {
		if (taken[n] || is_gone(pg, spec[n]) || (given && n >= sharing->nr_fds))
			continue;
		if (pg->nr_areas == AREAS_MAX)
			return -E2BIG;
		err = open_area(&pg->area[pg->nr_areas++], spec[n], given ? sharing->fd[n] : -1);
	}
	if (!err && !pg->nr_areas)
		err = -ENODEV; /* those who had them have ended just now */
	return err || !sharing->owner ? err : claim_areas(pg, sharing);
}
