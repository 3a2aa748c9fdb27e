// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the module and the proc connector of the kernel say: the first byte of the input tells as
 * which of them the rest comes.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

#include "fuzz.h"
#include "kernel/connector.h"
#include "kernel/module.c"
#include "kernel/module_events.c"

#define PAGES 200

/* As a packet that the library has read: its head says how long it is. */
static struct nl_msg *message(struct input *in)
{
	struct nlmsghdr *head = calloc(1, NLMSG_ALIGN(NLMSG_HDRLEN + in->left + 1));
	size_t left = in->left;
	struct nl_msg *msg;

	require(head);
	input_bytes(in, head + 1, left);
	head->nlmsg_len = (uint32_t)(NLMSG_HDRLEN + left);
	msg = nlmsg_convert(head);
	free(head);
	require(msg);
	return msg;
}

static void answer(struct input *in)
{
	uint64_t bits[(PAGES + 63) / 64 + 1];
	struct module m = { 0 };
	struct answer a = { .module = &m, .bits = bits, .bytes = (PAGES + 7) / 8 };
	struct nl_msg *msg = message(in);

	memset(bits, 0xee, sizeof(bits));
	on_message(msg, &a);
	nlmsg_free(msg);
	require(a.error <= 0);
	for (size_t i = a.pinned ? a.bytes : 0; i < sizeof(bits); i++)
		require(((uint8_t *)bits)[i] == 0xee);
}

static void see(void *context, const struct module_event *event)
{
	*(pid_t *)context = event->pid;
}

static void events(struct input *in)
{
	pid_t pid = 0;
	struct reader r = { see, &pid };
	struct nl_msg *msg = message(in);

	on_event(msg, &r);
	nlmsg_free(msg);
}

static void connector(struct input *in)
{
	static int pair[2] = { -1, -1 };
	struct proc_event event;
	int got;

	if (pair[0] < 0)
		require(!socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair));
	require(send(pair[0], in->at, in->left, 0) == (ssize_t)in->left);
	got = connector_read(pair[1], &event);
	require(got == 0 || (got == 1 && event.what != PROC_EVENT_NONE));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };

	if (size > 4096)
		return -1;
	switch (input_u8(&in) % 3) {
	case 0:
		answer(&in);
		break;
	case 1:
		events(&in);
		break;
	default:
		connector(&in);
	}
	return 0;
}
