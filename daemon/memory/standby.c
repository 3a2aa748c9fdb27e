// SPDX-License-Identifier: GPL-2.0-only
#include "memory/standby.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory/page_entry_format.h"

_Static_assert(STANDBY_PLACES_MAX <= 1u << PAGE_PLACE_BITS, "an entry has no room for them");

/* A part that brings less than this part of what there is would only use up their number. */
#define PART_WORTH 4

static uint32_t next_size(uint32_t nr_places, uint64_t most)
{
	return (uint32_t)min_t(uint64_t, max_t(uint32_t, 2 * nr_places, STANDBY_PLACES_MIN), most);
}

static int add_parts(struct standby *sb, uint32_t nr_places)
{
	while (sb->nr_places < nr_places) {
		uint32_t nr = next_size(sb->nr_places, nr_places) - sb->nr_places;
		struct standby_part *part;
		int err = standby_part_new(sb->fd, sb->nr_places, nr, &part);

		if (err)
			return err;
		standby_add_part(sb, part);
	}
	return 0;
}

static void free_parts(struct standby *sb)
{
	for (uint32_t i = 0; i < sb->nr_parts; i++)
		standby_part_free(sb->part[i]);
	memset(sb, 0, sizeof(*sb));
	sb->fd = -1;
}

int standby_init(struct standby *sb, uint32_t nr_places)
{
	int err = 0;

	memset(sb, 0, sizeof(*sb));
	sb->fd = memfd_create("upager-standby", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (sb->fd < 0)
		return -errno;
	/* Who cuts it off would have us die of SIGBUS. */
	if (ftruncate(sb->fd, (off_t)(STANDBY_PLACES_MAX * PAGE_SIZE)) ||
	    fcntl(sb->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		err = -errno;
	if (!err)
		err = add_parts(sb, max_t(uint32_t, nr_places, STANDBY_PLACES_MIN));
	for (uint32_t i = 0; i < sb->nr_parts && !err; i++)
		err = standby_part_populate(sb->part[i]);
	if (err) {
		close(sb->fd);
		free_parts(sb);
	}
	return err;
}

int standby_restore(struct standby *sb, int fd, uint32_t nr_places)
{
	struct stat st;
	int err;

	if (fstat(fd, &st))
		return -errno;
	if (st.st_size != (off_t)(STANDBY_PLACES_MAX * PAGE_SIZE) || !nr_places ||
	    nr_places > STANDBY_PLACES_MAX)
		return -EBADMSG;
	memset(sb, 0, sizeof(*sb));
	sb->fd = fd;
	err = add_parts(sb, nr_places);
	if (err) {
		free_parts(sb);
		return err;
	}
	/* What is in use has memory.  It may have had more places just before. */
	if ((uint64_t)st.st_blocks * 512 > nr_places * PAGE_SIZE)
		sb->nr_backed = STANDBY_PLACES_MAX;
	return 0;
}

void standby_fini(struct standby *sb)
{
	if (!sb->nr_parts)
		return;
	close(sb->fd);
	free_parts(sb);
}

uint32_t standby_next_size(const struct standby *sb, uint64_t most)
{
	uint32_t now = sb->nr_places, next;

	next = next_size(now, min_t(uint64_t, most, STANDBY_PLACES_MAX));
	return sb->nr_parts < STANDBY_PARTS_MAX && next >= now + now / PART_WORTH ? next : now;
}

void standby_add_part(struct standby *sb, struct standby_part *part)
{
	assert(part->first == sb->nr_places && sb->nr_parts < STANDBY_PARTS_MAX);
	sb->part[sb->nr_parts++] = part;
	sb->nr_places += part->nr_places;
	sb->nr_backed = max_t(uint32_t, sb->nr_backed, sb->nr_places);
}

struct standby_part *standby_remove_part(struct standby *sb)
{
	struct standby_part *part = sb->part[--sb->nr_parts];

	for (uint32_t i = 0; i < part->nr_places; i++)
		assert(part->state[i] == PLACE_FREE);
	sb->nr_places = part->first;
	if (sb->hand >= sb->nr_places)
		sb->hand = 0;
	if (sb->write_hand >= sb->nr_places)
		sb->write_hand = 0;
	return part;
}

static uint32_t part_end(const struct standby *sb, uint32_t place)
{
	const struct standby_part *part = standby_part_of(sb, place);

	return part->first + part->nr_places;
}

static bool is_busy(enum place_state state)
{
	return state != PLACE_FREE && state != PLACE_CLEAN;
}

static bool is_writing(enum place_state state)
{
	return state == PLACE_WRITING || state == PLACE_ORPHAN;
}

void standby_set(struct standby *sb, uint32_t place, enum place_state state, pgno_t page)
{
	struct standby_part *part = standby_part_of(sb, place);
	uint32_t i = place - part->first;
	enum place_state old = (enum place_state)part->state[i];

	sb->nr_busy += (uint32_t)is_busy(state) - (uint32_t)is_busy(old);
	sb->nr_dirty += (uint32_t)(state == PLACE_DIRTY) - (uint32_t)(old == PLACE_DIRTY);
	sb->nr_writing += (uint32_t)is_writing(state) - (uint32_t)is_writing(old);
	part->state[i] = (uint8_t)state;
	part->page[i] = page;
}

uint32_t standby_find(const struct standby *sb, uint32_t want, uint32_t *first)
{
	uint32_t place = sb->hand, nr_places = sb->nr_places, n = 0, end;

	if (sb->nr_busy >= nr_places)
		return 0;
	for (uint32_t seen = 0; seen < nr_places; seen++, place++) {
		if (place == nr_places)
			place = 0;
		if (!is_busy(standby_state(sb, place)))
			break;
	}
	*first = place;
	end = part_end(sb, place);
	while (n < want && place + n < end && !is_busy(standby_state(sb, place + n)))
		n++;
	return n;
}

void standby_take(struct standby *sb, uint32_t first, uint32_t nr_places)
{
	sb->hand = first + nr_places;
	if (sb->hand == sb->nr_places)
		sb->hand = 0;
}

uint32_t standby_find_dirty(struct standby *sb, uint32_t want, uint32_t *first)
{
	uint32_t place = sb->write_hand, n = 0, end;

	if (!sb->nr_dirty)
		return 0;
	while (standby_state(sb, place) != PLACE_DIRTY)
		place = place + 1 == sb->nr_places ? 0 : place + 1;
	*first = place;
	end = part_end(sb, place);
	while (n < want && place + n < end && standby_state(sb, place + n) == PLACE_DIRTY)
		n++;
	sb->write_hand = place + n == sb->nr_places ? 0 : place + n;
	return n;
}
