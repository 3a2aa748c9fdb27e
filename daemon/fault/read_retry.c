// SPDX-License-Identifier: GPL-2.0-only
#include "fault/read_retry.h"

#include "base/clock.h"

#define PAUSE_NS     NS_PER_MS
#define PAUSE_MAX_NS (500 * NS_PER_MS)
/* How often those are looked at that may be late. */
#define LOOK_NS	     (100 * NS_PER_MS)
/* Buffers that an area which does not answer leaves to others. */
#define LEFT_BUFFERS (STORE_READS / 2)

struct area_health *read_health(struct pager *pg, slot_t slot)
{
	uint64_t offset;
	uint32_t area;

	slot_place(pg->slots, slot, &area, &offset);
	return &pg->area[area].health;
}

void read_send(struct read *rd)
{
	struct reads *in = rd->pg->worker.reads;

	rd->state = READ_QUEUED;
	rd->queued_ns = clock_ns();
	if (!in->look_ns)
		in->look_ns = rd->queued_ns + LOOK_NS;
	store_read(rd->pg->worker.store, &rd->op, rd->slot, rd->run.nr_pages, rd->buf.data);
}

bool read_pause(struct read *rd)
{
	struct reads *in = rd->pg->worker.reads;
	uint64_t now_ns = clock_ns();

	if (!rd->failed_ns)
		rd->failed_ns = now_ns;
	if (now_ns - rd->failed_ns >= rd->pg->trouble.retry_ns)
		return false;
	rd->pause_ns = rd->pause_ns ? min_t(uint64_t, 2 * rd->pause_ns, PAUSE_MAX_NS) : PAUSE_NS;
	rd->again_ns = now_ns + rd->pause_ns;
	rd->state = READ_PAUSED;
	store_buffer_put(rd->pg->worker.store, rd->buf);
	rd->buf.data = NULL;
	in->nr_paused++;
	in->look_ns = min_t(uint64_t, in->look_ns ? in->look_ns : rd->again_ns, rd->again_ns);
	return true;
}

static uint64_t next_of(struct pager *pg, struct read *rd, uint64_t now_ns,
			void (*lose)(struct read *rd))
{
	struct read_buffer buf;

	if (rd->state == READ_QUEUED && now_ns > rd->queued_ns + pg->trouble.timeout_ns) {
		lose(rd);
		return 0;
	}
	if (rd->state == READ_QUEUED)
		return now_ns + LOOK_NS;
	if (rd->state != READ_PAUSED)
		return 0;
	if (rd->again_ns > now_ns)
		return rd->again_ns;
	if (!store_buffer_get(pg->worker.store, 1, &buf))
		return now_ns + PAUSE_NS;
	rd->buf = buf;
	pg->worker.reads->nr_paused--;
	read_send(rd);
	return now_ns + LOOK_NS;
}

uint64_t read_look(struct pager *pg, uint64_t now_ns, void (*lose)(struct read *rd))
{
	struct reads *in = pg->worker.reads;
	uint64_t next_ns = 0;

	if (!in->look_ns || now_ns < in->look_ns)
		return in->look_ns;
	for (uint32_t i = 0; i < in->nr_busy; i++) {
		uint64_t at_ns = next_of(pg, &in->read[in->busy[i]], now_ns, lose);

		if (at_ns && (!next_ns || at_ns < next_ns))
			next_ns = at_ns;
	}
	in->look_ns = next_ns;
	return next_ns;
}

bool read_is_hopeless(struct pager *pg, slot_t slot)
{
	return read_health(pg, slot)->hung_reads && store_buffers(pg->worker.store) < LEFT_BUFFERS;
}
