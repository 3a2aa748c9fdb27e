// SPDX-License-Identifier: GPL-2.0-only
#include <linux/llist.h>
#include <linux/workqueue.h>
#include "compat.h"
#include "events.h"

static LLIST_HEAD(queue);
static void (*tell_event)(struct tracked *tracked, enum event_kind kind);

static void run(struct work_struct *work)
{
	struct llist_node *list = llist_reverse_order(llist_del_all(&queue));
	struct event *event, *next;

	llist_for_each_entry_safe(event, next, list, node) {
		struct tracked *tracked = event->tracked;

		tell_event(tracked, event->kind);
		tracked_put(tracked);
	}
}

static DECLARE_WORK(work, run);

void events_init(void (*tell)(struct tracked *tracked, enum event_kind kind))
{
	tell_event = tell;
}

void events_add(struct tracked *tracked, enum event_kind kind)
{
	struct event *event = &tracked->events[kind];

	event->tracked = tracked;
	event->kind = kind;
	llist_add(&event->node, &queue);
	queue_work(compat_unbound_wq, &work);
}

void events_flush(void)
{
	flush_work(&work);
}
