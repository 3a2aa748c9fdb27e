// SPDX-License-Identifier: GPL-2.0-only
#include "swap/claim.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/types.h"
#include "recover/statefile.h"
#include "swap/claim_format.h"
#include "swap/slot_state_format.h"

struct claims {
	struct claim_file *file;
	size_t bytes;
	uint64_t nr_chunks;
	uint32_t owner;
	uint64_t most;
	_Atomic uint64_t nr_own;
	uint64_t linger_until_ns; /* 0: nothing lingers */
};

static void file_name(char name[48], const struct superblock *sb)
{
	char *to = name + snprintf(name, 48, "claims.");

	for (size_t i = 0; i < sizeof(sb->uuid); i++)
		to += snprintf(to, 3, "%02x", sb->uuid[i]);
}

static uint64_t chunks_of(const struct superblock *sb)
{
	return (sb->nr_slots + SLOT_CHUNK_SLOTS - 1) / SLOT_CHUNK_SLOTS;
}

static size_t file_bytes(uint64_t nr_chunks)
{
	return sizeof(struct claim_file) + nr_chunks * sizeof(uint32_t);
}

static int map(int dir_fd, const struct superblock *sb, bool old, struct claim_file **file)
{
	size_t bytes = file_bytes(chunks_of(sb));
	char name[48];
	void *mapped;
	int err;

	file_name(name, sb);
	err = statefile_map(dir_fd, name, bytes, true, old, &mapped);
	if (err)
		return err;
	*file = mapped;
	if (!old ||
	    ((*file)->header.magic == CLAIM_MAGIC && (*file)->header.version == CLAIM_VERSION &&
	     (*file)->header.nr_chunks == chunks_of(sb)))
		return 0;
	munmap(mapped, bytes);
	return -EBADMSG;
}

int claims_found(int dir_fd, const struct superblock *sb, bool old)
{
	uint64_t nr_chunks = chunks_of(sb), nr_free = 0;
	struct claim_file *file;
	int err = map(dir_fd, sb, old, &file);

	/* The pager that is taken over was the only one. */
	if (err == -ENOENT && old)
		err = map(dir_fd, sb, false, &file);
	if (err)
		return err;
	for (uint64_t c = 0; c < nr_chunks; c++)
		nr_free += !atomic_load(&file->owner[c]);
	atomic_store(&file->header.nr_free, (int64_t)nr_free);
	file->header.nr_chunks = nr_chunks;
	file->header.version = CLAIM_VERSION;
	__atomic_store_n(&file->header.magic, CLAIM_MAGIC, __ATOMIC_RELEASE);
	munmap(file, file_bytes(nr_chunks));
	return 0;
}

int claims_open(struct claims **claims, int dir_fd, const struct superblock *sb, uint32_t owner,
		uint32_t most_percent, bool fresh)
{
	struct claims *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return -ENOMEM;
	c->owner = owner;
	c->nr_chunks = chunks_of(sb);
	c->bytes = file_bytes(c->nr_chunks);
	c->most = max_t(uint64_t, c->nr_chunks * most_percent / 100, 1);
	err = map(dir_fd, sb, true, &c->file);
	if (err) {
		free(c);
		return err;
	}
	for (uint64_t i = 0; i < c->nr_chunks; i++)
		c->nr_own += claim_has(c, i);
	/* What is known not to be in use can be dropped at once. */
	if (c->nr_own)
		c->linger_until_ns = clock_ns() + (fresh ? CLAIM_LINGER_NS : 0);
	*claims = c;
	return 0;
}

void claims_close(struct claims *claims)
{
	munmap(claims->file, claims->bytes);
	free(claims);
}

bool claim_has(const struct claims *claims, uint64_t chunk)
{
	return atomic_load(&claims->file->owner[chunk]) == claims->owner;
}

bool claim_take(struct claims *claims, uint64_t chunk)
{
	_Atomic int64_t *nr_free = &claims->file->header.nr_free;
	uint32_t nobody = 0;

	if (claim_has(claims, chunk))
		return true;
	if (atomic_load(&claims->nr_own) >= claims->most ||
	    atomic_load(&claims->file->owner[chunk]))
		return false;
	if (atomic_fetch_sub(nr_free, 1) > 0 &&
	    atomic_compare_exchange_strong(&claims->file->owner[chunk], &nobody, claims->owner)) {
		atomic_fetch_add(&claims->nr_own, 1);
		return true;
	}
	atomic_fetch_add(nr_free, 1);
	return false;
}

void claim_drop(struct claims *claims, uint64_t chunk)
{
	atomic_store(&claims->file->owner[chunk], 0);
	atomic_fetch_sub(&claims->nr_own, 1);
	atomic_fetch_add(&claims->file->header.nr_free, 1);
}

void claims_sweep(struct claims *claims, bool (*is_gone)(void *context, uint32_t owner),
		  void *context)
{
	uint32_t last = 0;
	bool gone = false;

	for (uint64_t c = 0; c < claims->nr_chunks; c++) {
		uint32_t owner = atomic_load(&claims->file->owner[c]);

		if (!owner || owner == claims->owner)
			continue;
		if (owner != last)
			gone = is_gone(context, owner);
		last = owner;
		if (!gone)
			continue;
		atomic_store(&claims->file->owner[c], 0);
		atomic_fetch_add(&claims->file->header.nr_free, 1);
	}
}

uint64_t claim_room(const struct claims *claims)
{
	int64_t nr_free = atomic_load(&claims->file->header.nr_free);
	uint64_t own = atomic_load(&claims->nr_own);

	if (nr_free <= 0 || own >= claims->most)
		return 0;
	return min_t(uint64_t, (uint64_t)nr_free, claims->most - own);
}

bool claims_linger(const struct claims *claims)
{
	return __atomic_load_n(&claims->linger_until_ns, __ATOMIC_RELAXED);
}

bool claims_linger_over(struct claims *claims)
{
	if (!claims->linger_until_ns || clock_ns() < claims->linger_until_ns)
		return false;
	__atomic_store_n(&claims->linger_until_ns, 0, __ATOMIC_RELAXED);
	return true;
}
