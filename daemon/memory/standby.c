// SPDX-License-Identifier: GPL-2.0-only
#include "memory/standby.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory/page_entry_format.h"

static int map_pool(struct standby *sb)
{
	size_t bytes = sb->nr_places * PAGE_SIZE;
	int err;

	sb->map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, sb->fd, 0);
	if (sb->map == MAP_FAILED) {
		err = -errno;
		sb->map = NULL;
		return err;
	}
	sb->state = calloc(sb->nr_places, sizeof(*sb->state));
	sb->page = calloc(sb->nr_places, sizeof(*sb->page));
	if (sb->state && sb->page)
		return 0;
	free(sb->state);
	free(sb->page);
	munmap(sb->map, bytes);
	sb->map = NULL;
	return -ENOMEM;
}

int standby_init(struct standby *sb, uint32_t nr_places)
{
	size_t bytes = nr_places * PAGE_SIZE;
	int err;

	memset(sb, 0, sizeof(*sb));
	sb->buffer = -1;
	sb->nr_places = nr_places;
	sb->fd = memfd_create("upager-standby", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (sb->fd < 0)
		return -errno;
	/* All of it now: the agent's pwrite must never fail for want of memory. */
	err = -posix_fallocate(sb->fd, 0, (off_t)bytes);
	/* Who cuts it off would have us die of SIGBUS. */
	if (!err && fcntl(sb->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		err = -errno;
	if (err)
		goto close_fd;
	err = map_pool(sb);
	if (err)
		goto close_fd;
	return 0;

close_fd:
	close(sb->fd);
	sb->fd = -1;
	return err;
}

int standby_restore(struct standby *sb, int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	if (st.st_size <= 0 || st.st_size % (off_t)PAGE_SIZE ||
	    st.st_size >> PAGE_SHIFT > 1 << PAGE_PLACE_BITS)
		return -EBADMSG;
	memset(sb, 0, sizeof(*sb));
	sb->buffer = -1;
	sb->nr_places = (uint32_t)(st.st_size >> PAGE_SHIFT);
	sb->fd = fd;
	return map_pool(sb);
}

void standby_fini(struct standby *sb)
{
	if (!sb->map)
		return;
	munmap(sb->map, sb->nr_places * PAGE_SIZE);
	close(sb->fd);
	free(sb->state);
	free(sb->page);
	memset(sb, 0, sizeof(*sb));
	sb->fd = -1;
	sb->buffer = -1;
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
	enum place_state old = sb->state[place];

	sb->nr_busy += (uint32_t)is_busy(state) - (uint32_t)is_busy(old);
	sb->nr_dirty += (uint32_t)(state == PLACE_DIRTY) - (uint32_t)(old == PLACE_DIRTY);
	sb->nr_writing += (uint32_t)is_writing(state) - (uint32_t)is_writing(old);
	sb->state[place] = (uint8_t)state;
	sb->page[place] = page;
}

uint32_t standby_find(const struct standby *sb, uint32_t want, uint32_t *first)
{
	uint32_t place = sb->hand, n = 0;

	if (sb->nr_busy >= sb->nr_places)
		return 0;
	for (uint32_t seen = 0; seen < sb->nr_places; seen++, place++) {
		if (place == sb->nr_places)
			place = 0;
		if (!is_busy(sb->state[place]))
			break;
	}
	*first = place;
	while (n < want && place + n < sb->nr_places && !is_busy(sb->state[place + n]))
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
	uint32_t place = sb->write_hand, n = 0;

	if (!sb->nr_dirty)
		return 0;
	while (sb->state[place] != PLACE_DIRTY)
		place = place + 1 == sb->nr_places ? 0 : place + 1;
	*first = place;
	while (n < want && place + n < sb->nr_places && sb->state[place + n] == PLACE_DIRTY)
		n++;
	sb->write_hand = place + n == sb->nr_places ? 0 : place + n;
	return n;
}
