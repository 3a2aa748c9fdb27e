// SPDX-License-Identifier: GPL-2.0-only
/*
 * Packets of the control socket from an adversary: the input goes through a
 * socket as one packet, and what the checks accept must keep what they promise.
 * libFuzzer: clang -fsanitize=fuzzer,address.  AFL: afl-clang-fast does the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "control/proto.h"

static void require(int truth)
{
	if (!truth)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int pair[2] = { -1, -1 };
	struct upager_request taken;
	union {
		struct upager_reply reply;
		struct upager_record record;
		struct upager_provision provision;
		struct upager_where where;
		struct upager_stall stall;
	} packet;
	int len, fd;

	if (pair[0] < 0)
		require(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	if (size == 0 || size > 4096)
		return -1;
	require(proto_send(pair[0], data, size, -1) == 0);
	len = proto_recv(pair[1], &packet, sizeof(packet), &fd);
	require(fd == -1);
	if (size > sizeof(packet)) {
		require(len < 0);
		return 0;
	}
	require(len == (int)size && memcmp(&packet, data, size) == 0);

	if (proto_take_request(&taken, &packet, size) == 0) {
		const struct upager_request *req = &taken;

		require(req->op > UPAGER_OP_UNSPEC && req->op <= UPAGER_OP_MAX);
		require(req->pid >= 0);
		require(req->flags == 0 || req->op == UPAGER_OP_ATTACH);
		require(req->op < UPAGER_OP_JOIN ||
			(req->op == UPAGER_OP_WHERE) == (req->pid != 0) ||
			req->op == UPAGER_OP_STALL);
		require(req->op < UPAGER_OP_REGISTER || req->op == UPAGER_OP_SWAPON ||
			req->op == UPAGER_OP_SWAPOFF || req->op == UPAGER_OP_STALL ||
			req->op == UPAGER_OP_HELLO || req->bytes);
		require(req->op >= UPAGER_OP_JOIN || !(req->addr | req->bytes | req->arg));
		require((req->addr + req->bytes) % 4096 == 0 &&
			req->addr + req->bytes >= req->bytes);
	}
	if (proto_check_reply(&packet.reply, size) == 0)
		require(strlen(packet.reply.text) < sizeof(packet.reply.text) &&
			packet.reply.error <= 0);
	if (proto_check_provision(&packet.provision, size) == 0) {
		const struct upager_provision *o = &packet.provision;

		require(o->ctl_bytes <= o->code && o->code + o->code_bytes <= o->stack);
		require(o->stack + o->stack_bytes <= o->staging && o->staging_bytes);
		require(o->staging + o->staging_bytes <= o->bytes && o->bytes >= o->staging);
	}
	if (proto_check_where(&packet.where, size) == 0)
		for (uint32_t i = 0; i < packet.where.nr_parts; i++)
			require(upager_where_first(&packet.where, i) <=
				upager_where_first(&packet.where, i + 1));
	if (proto_check_stall(&packet.stall, size) == 0)
		require(packet.stall.some_avg10 <= UPAGER_STALL_WHOLE);
	if (proto_check_record(&packet.record, size) == 0)
		require(strlen(packet.record.comm) < sizeof(packet.record.comm) &&
			strlen(packet.record.text) < sizeof(packet.record.text));
	return 0;
}
