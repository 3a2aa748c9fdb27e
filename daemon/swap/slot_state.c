// SPDX-License-Identifier: GPL-2.0-only
#include "swap/slot_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "swap/area.h"
#include "base/types.h"
#include "recover/statefile.h"

/* The header and the rest of its page, so that a short file reads as zeros. */
union header_page {
	struct slot_state_header h;
	uint8_t bytes[PAGE_SIZE];
};

static uint64_t magic_word(void)
{
	uint64_t word;

	memcpy(&word, SLOT_STATE_MAGIC, sizeof(word));
	return word;
}

static uint64_t chunks_of(uint64_t nr_slots)
{
	return (nr_slots + SLOT_CHUNK_SLOTS - 1) / SLOT_CHUNK_SLOTS;
}

static uint64_t chunk_at(uint64_t chunk)
{
	return PAGE_SIZE + chunk * sizeof(struct slot_chunk);
}

static uint64_t file_bytes(uint64_t nr_slots)
{
	return chunk_at(chunks_of(nr_slots));
}

/* Sets errno. */
static bool map_file(struct slot_state *st, int fd, uint64_t nr_slots)
{
	uint64_t bytes = file_bytes(nr_slots);
	char *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);

	if (map == MAP_FAILED)
		return false;
	st->header = (struct slot_state_header *)map;
	st->chunk = (struct slot_chunk *)(map + PAGE_SIZE);
	st->nr_slots = nr_slots;
	st->nr_chunks = chunks_of(nr_slots);
	st->bytes = bytes;
	st->fd = fd;
	return true;
}

uint64_t slot_state_next(const struct slot_state *st, uint64_t chunk)
{
	off_t at;

	if (chunk >= st->nr_chunks)
		return st->nr_chunks;
	at = lseek(st->fd, (off_t)chunk_at(chunk), SEEK_DATA);
	if (at < 0) /* ENXIO: no more; else nobody can tell */
		return errno == ENXIO ? st->nr_chunks : chunk;
	return ((uint64_t)at - PAGE_SIZE) / sizeof(struct slot_chunk);
}

bool slot_state_has_space(const struct slot_state *st)
{
	return statefile_has_space(st->dir_fd, sizeof(struct slot_chunk));
}

int slot_state_back(struct slot_state *st, uint64_t chunk)
{
	if (!slot_state_has_space(st) ||
	    madvise(&st->chunk[chunk], sizeof(struct slot_chunk), MADV_POPULATE_WRITE))
		return -ENOSPC;
	return 0;
}

void slot_state_give_back(struct slot_state *st, uint64_t chunk)
{
	/* Whether or not: it holds no count, and is backed again before it is used. */
	fallocate(st->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)chunk_at(chunk),
		  sizeof(struct slot_chunk));
}

/* -ESTALE if the file of another area, of @nr_slots, still counts references. */
static int check_unused(int fd, uint64_t nr_slots)
{
	struct slot_state old;
	int err = 0;

	if (!map_file(&old, fd, nr_slots))
		return -errno;
	for (uint64_t c = 0; (c = slot_state_next(&old, c)) < old.nr_chunks; c++)
		for (uint32_t i = 0; i < SLOT_CHUNK_SLOTS; i++)
			if (old.chunk[c].refs[i])
				err = -ESTALE;
	munmap(old.header, old.bytes);
	return err;
}

/* 0 or -errno; fresh: nothing in the file is wanted. */
static int check_file(int fd, const char *name, const struct superblock *sb, bool *fresh)
{
	union header_page page = { .bytes = { 0 } };
	struct stat st;
	int err;

	*fresh = false;
	if (fstat(fd, &st) || pread(fd, &page, sizeof(page), 0) < 0)
		return -errno;
	if (!page.h.magic) {
		*fresh = true;
		return 0;
	}
	if (page.h.magic != magic_word()) {
		log_err("%s in the state directory is no slot file: remove it", name);
		return -EBADMSG;
	}
	if (page.h.version != SLOT_STATE_VERSION) {
		log_err("%s is of another version: detach all programs, then remove it", name);
		return -EPROTONOSUPPORT;
	}
	if (page.h.nr_slots > 1ULL << SLOT_BITS ||
	    (uint64_t)st.st_size != file_bytes(page.h.nr_slots)) {
		log_err("%s is damaged: its size is wrong", name);
		return -EBADMSG;
	}
	if (page.h.nr_slots == sb->nr_slots && !memcmp(page.h.uuid, sb->uuid, sizeof(sb->uuid)))
		return 0;
	err = check_unused(fd, page.h.nr_slots);
	if (err == -ESTALE)
		log_err("%s belongs to another swap area that has pages in it: "
			"give the areas as before, in the same order",
			name);
	*fresh = !err;
	return err;
}

static int init_header(struct slot_state_header *header, const struct superblock *sb)
{
	if (getrandom(&header->secret, sizeof(header->secret), 0) !=
	    (ssize_t)sizeof(header->secret))
		return -EIO;
	header->version = SLOT_STATE_VERSION;
	header->nr_slots = sb->nr_slots;
	memcpy(header->uuid, sb->uuid, sizeof(header->uuid));
	__atomic_store_n(&header->magic, magic_word(), __ATOMIC_RELEASE);
	return 0;
}

static void file_name(char name[24], uint32_t n)
{
	snprintf(name, 24, "slots.%u", n);
}

void slot_state_remove(int state_dir_fd, uint32_t n)
{
	char name[24];

	file_name(name, n);
	unlinkat(state_dir_fd, name, 0);
}

void slot_state_forget(int state_dir_fd)
{
	for (uint32_t n = 0; n < AREAS_MAX; n++)
		slot_state_remove(state_dir_fd, n);
}

int slot_state_open(struct slot_state *st, int state_dir_fd, uint32_t n,
		    const struct superblock *sb)
{
	char name[24];
	bool fresh;
	int fd, err;

	file_name(name, n);
	fd = openat(state_dir_fd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0) {
		err = -errno;
		log_err("%s in the state directory cannot be opened: %s", name, strerror(-err));
		return err;
	}
	err = check_file(fd, name, sb, &fresh);
	if (err)
		goto close_fd;
	if (fresh && ftruncate(fd, 0)) {
		err = -errno;
		goto close_fd;
	}
	if (ftruncate(fd, (off_t)file_bytes(sb->nr_slots)) || !map_file(st, fd, sb->nr_slots)) {
		err = -errno;
		goto close_fd;
	}
	st->dir_fd = state_dir_fd;
	if (madvise(st->header, PAGE_SIZE, MADV_POPULATE_WRITE)) {
		err = -ENOSPC;
		log_err("%s finds no room in the state directory", name);
	} else if (fresh) {
		err = init_header(st->header, sb);
	}
	if (err)
		slot_state_close(st);
	return err;

close_fd:
	close(fd);
	return err;
}

void slot_state_close(struct slot_state *st)
{
	munmap(st->header, st->bytes);
	close(st->fd);
	st->header = NULL;
}
