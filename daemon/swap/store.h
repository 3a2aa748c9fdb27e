/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_STORE_H
#define UPAGER_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/types.h"
#include "swap/area.h"
#include "swap/slot.h"

/*
 * A worker's io_uring: swap reads and writes and the readiness of descriptors.
 * Made, used and torn down by the worker's thread alone (SINGLE_ISSUER,
 * DEFER_TASKRUN where the kernel has them).  Everything is queued; nothing
 * reaches the kernel before store_submit() or store_wait().
 */
struct store;

enum op_kind {
	OP_POLL,
	OP_READ,
	OP_WRITE,
	__OP_KINDS,
};

/* The only shape of a completion; embedded in what it completes. */
struct op {
	enum op_kind kind;
	void (*done)(void *context, struct op *op, int res);
	bool more; /* OP_POLL: the poll is still armed */
};

struct completion {
	struct op *op;
	int res;
};

/* Pages of one read buffer, small and large. */
#define STORE_READ_PAGES 64
#define STORE_READS	 256 /* buffers in all */

struct read_buffer {
	uint8_t *data;
	uint32_t nr_pages; /* room */
};

int store_init(struct store **store, const struct area *areas, uint32_t nr_areas,
	       const struct slots *slots, uint32_t nr_buffers);
void store_fini(struct store *store);

/* Worker: the file of an area that came, or (fd -1) went. */
void store_area_set(struct store *store, uint32_t area, int fd);

/* A buffer with room for 1..want pages, large ones while there are any. */
bool store_buffer_get(struct store *store, uint32_t want, struct read_buffer *buf);
/* How many buffers are free. */
uint32_t store_buffers(const struct store *store);
void store_buffer_put(struct store *store, struct read_buffer buf);

/* nr_pages consecutive slots of one area. res: bytes or -errno. */
void store_read(struct store *store, struct op *op, slot_t slot, uint32_t nr_pages, uint8_t *data);
/* pool: index given to store_pool_register(), -1 if that failed. */
void store_write(struct store *store, struct op *op, slot_t slot, uint32_t nr_pages,
		 const uint8_t *data, int pool);

/* Pins a part of a standby pool for fixed writes. 0 or -errno (then writes are not fixed). */
int store_pool_register(struct store *store, uint32_t index, uint8_t *data, uint64_t bytes);
void store_pool_unregister(struct store *store, uint32_t index);

/* Multishot readiness; op->more says whether it must be armed again. */
void store_poll(struct store *store, struct op *op, int fd);
/* Its last completion comes with -ECANCELED. */
void store_poll_cancel(struct store *store, struct op *op);

void store_submit(struct store *store);
/* Submits and sleeps until a completion is there or timeout_ns passed; ~0: for ever. */
void store_wait(struct store *store, uint64_t timeout_ns);
/* Takes what has completed. */
uint32_t store_reap(struct store *store, struct completion *c, uint32_t max);

#endif
