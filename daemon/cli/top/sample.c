// SPDX-License-Identifier: GPL-2.0-only
#include "cli/top/sample.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli/client.h"
#include "cli/message.h"

/* snap->nr: it was not there. */
static uint32_t find(const struct snapshot *snap, int32_t pid)
{
	uint32_t i = 0;

	while (i < snap->nr && snap->record[i].pid != pid)
		i++;
	return i;
}

#define US_PER_S ((double)NS_PER_S / (double)NS_PER_US)

static double rate(uint64_t now, uint64_t before, double seconds)
{
	return (double)(now - before) / seconds;
}

/* After an exec, or another daemon, it counts from 0 again. */
static bool goes_on(const struct upager_record *now, const struct upager_record *before)
{
	if (now->faults < before->faults || now->evictions < before->evictions ||
	    now->swap_ins < before->swap_ins)
		return false;
	for (int i = 0; i < UPAGER_HIST_BUCKETS; i++)
		if (now->latency_ns_log2[i] < before->latency_ns_log2[i])
			return false;
	return true;
}

/* By the total, since the averages follow only every two seconds. */
static double stall_percent(const struct top_row *row, const struct upager_stall *before,
			    double seconds)
{
	uint64_t now_us = row->stall.some_total_us;

	if (now_us <= before->some_total_us)
		return 0;
	return fmin(100, 100 * rate(now_us, before->some_total_us, seconds * US_PER_S));
}

static void compare(struct top_row *row, const struct snapshot *snap, double seconds)
{
	const struct upager_record *now = &row->record, *before;
	uint32_t at = find(snap, now->pid);

	before = &snap->record[at];
	row->is_new = at == snap->nr || seconds <= 0 || !goes_on(now, before);
	if (row->is_new)
		return;
	row->stall_percent = stall_percent(row, &snap->stall[at], seconds);
	row->faults_s = rate(now->faults, before->faults, seconds);
	row->swap_ins_s = rate(now->swap_ins, before->swap_ins, seconds);
	row->evictions_s = rate(now->evictions, before->evictions, seconds);
	for (int i = 0; i < UPAGER_HIST_BUCKETS; i++)
		row->recent[i] = now->latency_ns_log2[i] - before->latency_ns_log2[i];
}

static int make_rows(struct top_sample *s)
{
	struct top_row *row = calloc(s->now.nr + 1u, sizeof(*row));
	double seconds = s->before_ns ? (double)(s->now_ns - s->before_ns) / NS_PER_S : 0;

	if (!row)
		return -ENOMEM;
	s->faults_s = 0;
	for (uint32_t i = 0; i < s->now.nr; i++) {
		row[i].record = s->now.record[i];
		row[i].stall = s->now.stall[i];
		message_clean(row[i].record.comm);
		message_clean(row[i].record.text);
		compare(&row[i], &s->before, seconds);
		s->faults_s += row[i].faults_s;
	}
	free(s->row);
	s->row = row;
	s->nr = s->now.nr;
	return 0;
}

static int ask(struct top_sample *s, struct snapshot *snap)
{
	int err;

	if (!s->client) {
		err = upager_open(NULL, &s->client);
		if (err) {
			client_open_cause(err, s->trouble, sizeof(s->trouble));
			return err;
		}
	}
	err = snapshot_take(s->client, 0, snap);
	if (!err)
		return 0;
	snprintf(s->trouble, sizeof(s->trouble), "%s", upager_last_reply(s->client)->text);
	message_clean(s->trouble);
	if (!s->trouble[0])
		snprintf(s->trouble, sizeof(s->trouble), "%s", strerror(-err));
	upager_close(s->client);
	s->client = NULL;
	return err;
}

int top_sample_take(struct top_sample *s)
{
	struct snapshot snap;
	int err = ask(s, &snap);

	if (err)
		return err;
	s->trouble[0] = '\0';
	snapshot_fini(&s->before);
	s->before = s->now;
	s->before_ns = s->now_ns;
	s->now = snap;
	s->now_ns = clock_ns();
	return make_rows(s);
}

void top_sample_fini(struct top_sample *s)
{
	snapshot_fini(&s->now);
	snapshot_fini(&s->before);
	free(s->row);
	upager_close(s->client);
	memset(s, 0, sizeof(*s));
}
