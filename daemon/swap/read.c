// SPDX-License-Identifier: GPL-2.0-only
#include "swap/read.h"

#include <errno.h>
#include <stdlib.h>

int reads_init(struct pager *pg, void (*done)(void *context, struct op *op, int res))
{
	struct reads *in = calloc(1, sizeof(*in));

	if (!in)
		return -ENOMEM;
	for (uint16_t i = 0; i < READS_MAX; i++) {
		in->read[i].op = (struct op){ .kind = OP_READ, .done = done };
		in->read[i].pg = pg;
		in->free[in->nr_free++] = i;
	}
	pg->worker.reads = in;
	return 0;
}

void reads_fini(struct pager *pg)
{
	free(pg->worker.reads);
	pg->worker.reads = NULL;
}

struct read *read_get(struct pager *pg, struct space *sp, uint32_t want)
{
	struct reads *in = pg->worker.reads;
	struct read_buffer buf;
	struct read *rd;

	if (!in->nr_free || !store_buffer_get(pg->worker.store, want, &buf))
		return NULL;
	rd = &in->read[in->free[--in->nr_free]];
	in->busy[in->nr_busy++] = (uint16_t)(rd - in->read);
	rd->sp = sp;
	rd->buf = buf;
	rd->tries = 0;
	rd->bad = 0;
	rd->tid = 0;
	rd->begin_ns = 0;
	rd->ahead = false;
	rd->waited = false;
	rd->failed_ns = 0;
	rd->pause_ns = 0;
	return rd;
}

void read_wait(struct read *rd, bool waits)
{
	rd->sp->worker.nr_waited_reads += waits && !rd->waited;
	rd->waited |= waits;
}

void read_wait_end(struct read *rd)
{
	if (rd->waited)
		rd->sp->worker.nr_waited_reads--;
	rd->waited = false;
}

void read_put(struct read *rd)
{
	struct reads *in = rd->pg->worker.reads;
	uint16_t self = (uint16_t)(rd - in->read);

	for (uint32_t i = 0; i < rd->run.nr_pages; i++)
		slot_put(rd->pg->slots, slot_add(rd->slot, i));
	if (rd->state == READ_PAUSED)
		in->nr_paused--;
	read_wait_end(rd);
	if (rd->sp)
		rd->sp->reports.nr_reading -= rd->run.nr_pages;
	if (rd->buf.data)
		store_buffer_put(rd->pg->worker.store, rd->buf);
	rd->state = READ_FREE;
	for (uint32_t i = 0; i < in->nr_busy; i++) {
		if (in->busy[i] == self) {
			in->busy[i] = in->busy[--in->nr_busy];
			break;
		}
	}
	in->free[in->nr_free++] = self;
}

struct read *read_find(struct pager *pg, const struct space *sp, pgno_t n)
{
	struct reads *in = pg->worker.reads;

	for (uint32_t i = 0; i < in->nr_busy; i++) {
		struct read *rd = &in->read[in->busy[i]];

		if (rd->sp == sp && n.v - rd->run.first.v < rd->run.nr_pages)
			return rd;
	}
	return NULL;
}

bool read_join(struct pager *pg, const struct space *sp, pgno_t n, bool waits)
{
	struct read *rd = read_find(pg, sp, n);

	if (rd)
		read_wait(rd, waits);
	return rd;
}
