// SPDX-License-Identifier: GPL-2.0-only
/*
 * Clients that are older or newer than the daemon: what they do not send is zero, and what they send
 * that it does not know is only then refused if it says something.
 */
#include "selftests/hostile/user.h"

#include <kselftest_harness.h>

FIXTURE(sizes)
{
	struct pager pager;
	int fd;
};

FIXTURE_SETUP(sizes)
{
	struct pager_options opt = { 0 };

	ASSERT_EQ(0, pager_start(&self->pager, &opt));
	user_pager = &self->pager;
	self->fd = user_connect();
	ASSERT_LE(0, self->fd);
}

PAGER_TEARDOWN(sizes)

/* A PING of that length: its error; the record that follows is taken. */
static int ping(int fd, size_t len, uint8_t behind)
{
	union {
		struct upager_request req;
		uint8_t byte[UPAGER_PACKET_BYTES_MAX + 1];
	} packet;
	struct upager_record record;
	int err;

	memset(&packet, behind, sizeof(packet));
	proto_init_request(&packet.req, UPAGER_OP_PING, 0);
	if (proto_send(fd, &packet, len, -1))
		return -EPIPE;
	err = user_answer(fd);
	return !err && recv(fd, &record, sizeof(record), 0) != (ssize_t)sizeof(record) ? -EIO : err;
}

TEST_F(sizes, of_requests)
{
	const size_t whole = sizeof(struct upager_request);

	EXPECT_EQ(0, ping(self->fd, UPAGER_REQUEST_BYTES_MIN, 0));
	EXPECT_EQ(0, ping(self->fd, UPAGER_REQUEST_BYTES_MIN + 3, 0));
	EXPECT_EQ(0, ping(self->fd, whole, 0));
	EXPECT_EQ(0, ping(self->fd, whole + 8, 0));
	EXPECT_EQ(0, ping(self->fd, UPAGER_PACKET_BYTES_MAX, 0));
	EXPECT_EQ(-E2BIG, ping(self->fd, whole + 1, 1));
	EXPECT_EQ(-E2BIG, ping(self->fd, UPAGER_PACKET_BYTES_MAX, 1));
	/* It has gone on. */
	EXPECT_EQ(0, ping(self->fd, whole, 0));
	EXPECT_EQ(-EMSGSIZE, ping(self->fd, UPAGER_PACKET_BYTES_MAX + 1, 0));
	EXPECT_EQ(-EPIPE, ping(self->fd, whole, 0));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

TEST_F(sizes, are_told_by_hello)
{
	uint64_t features = 0;

	EXPECT_EQ(0, upager_hello(self->pager.client, &features));
	EXPECT_TRUE(features & UPAGER_FEATURE_SIZES);
	EXPECT_TRUE(features & UPAGER_FEATURE_MOVE || !(features & UPAGER_FEATURE_SELF));
	EXPECT_EQ(0, upager_ping(self->pager.client, NULL));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

TEST_HARNESS_MAIN
