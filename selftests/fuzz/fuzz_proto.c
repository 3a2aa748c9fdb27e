// SPDX-License-Identifier: GPL-2.0-only
/*
 * Packets of the control socket from an adversary: the input goes through a
 * socket as one packet, and what the checks accept must keep what they promise.
 * libFuzzer: clang -fsanitize=fuzzer,address.  AFL: afl-clang-fast does the same.
 */
#include <sys/socket.h>

#include "control/proto.h"
#include "fuzz.h"

union answer {
	struct upager_reply reply;
	struct upager_record record;
	struct upager_provision provision;
	struct upager_where where;
	struct upager_stall stall;
};

static void check_request(const struct upager_request *req, const uint8_t *data, size_t size)
{
	size_t known = size < sizeof(*req) ? size : sizeof(*req);

	require(size >= UPAGER_REQUEST_BYTES_MIN && !memcmp(req, data, known));
	for (size_t i = known; i < sizeof(*req); i++)
		require(!((const uint8_t *)req)[i]);
	for (size_t i = known; i < size; i++)
		require(!data[i]);
	require(req->op > UPAGER_OP_UNSPEC && req->op <= UPAGER_OP_MAX);
	require(req->pid >= 0);
	require(req->flags == 0 || req->op == UPAGER_OP_ATTACH);
	require(req->op < UPAGER_OP_JOIN || (req->op == UPAGER_OP_WHERE) == (req->pid != 0) ||
		req->op == UPAGER_OP_STALL);
	require(req->op < UPAGER_OP_REGISTER || req->op == UPAGER_OP_SWAPON ||
		req->op == UPAGER_OP_SWAPOFF || req->op == UPAGER_OP_STALL ||
		req->op == UPAGER_OP_HELLO || req->bytes);
	require(req->op >= UPAGER_OP_JOIN || !(req->addr | req->bytes | req->arg));
	require((req->addr + req->bytes) % 4096 == 0 && req->addr + req->bytes >= req->bytes);
}

static void check_answer(const union answer *a, size_t len)
{
	if (!proto_check_reply(&a->reply, len))
		require(strlen(a->reply.text) < sizeof(a->reply.text) && a->reply.error <= 0);
	if (!proto_check_provision(&a->provision, len)) {
		const struct upager_provision *o = &a->provision;

		require(o->ctl_bytes <= o->code && o->code + o->code_bytes <= o->stack);
		require(o->stack + o->stack_bytes <= o->staging && o->staging_bytes);
		require(o->staging + o->staging_bytes <= o->bytes && o->bytes >= o->staging);
	}
	if (!proto_check_where(&a->where, len))
		for (uint32_t i = 0; i < a->where.nr_parts; i++)
			require(upager_where_first(&a->where, i) <=
				upager_where_first(&a->where, i + 1));
	if (!proto_check_stall(&a->stall, len))
		require(a->stall.some_avg10 <= UPAGER_STALL_WHOLE);
	if (!proto_check_record(&a->record, len))
		require(strlen(a->record.comm) < sizeof(a->record.comm) &&
			strlen(a->record.text) < sizeof(a->record.text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int pair[2] = { -1, -1 };
	char packet[UPAGER_PACKET_BYTES_MAX];
	struct upager_request req;
	union answer answer;
	int len, fd;

	if (pair[0] < 0)
		require(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair));
	if (!size || size > sizeof(packet))
		return -1;
	require(!proto_send(pair[0], data, size, -1));
	len = proto_recv(pair[1], packet, sizeof(packet), &fd);
	require(fd == -1 && len == (int)size && !memcmp(packet, data, size));
	if (!proto_take_request(&req, packet, size))
		check_request(&req, data, size);

	require(!proto_send(pair[0], data, size, -1));
	len = proto_recv_answer(pair[1], &answer, sizeof(answer));
	require(len == (int)(size < sizeof(answer) ? size : sizeof(answer)));
	require(!memcmp(&answer, data, (size_t)len));
	check_answer(&answer, (size_t)len);
	return 0;
}
