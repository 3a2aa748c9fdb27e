// SPDX-License-Identifier: LGPL-2.1-or-later
/* What upager.h offers to ask of the daemon for any process. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "control/proto.h"
#include "lib/client.h"

/* What follows an answer: packets of one kind. */
struct packets {
	size_t bytes; /* of each */
	int (*check)(const void *packet, size_t len);
	void *at; /* the array */
};

static int check_record(const void *packet, size_t len)
{
	return proto_check_record(packet, len);
}

static int check_domain(const void *packet, size_t len)
{
	(void)packet;
	return len < sizeof(struct upager_domain) ? -EMSGSIZE : 0;
}

static int check_stall(const void *packet, size_t len)
{
	return proto_check_stall(packet, len);
}

/* The process as a pidfd: -1 with the reason as the answer. */
static int open_process(struct upager *u, pid_t pid, int *err)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (pidfd >= 0)
		return pidfd;
	switch (errno) {
	case ESRCH:
		*err = client_fail(u, -ESRCH, "no such process; see ps -e");
		break;
	case EINVAL:
	case ENOENT:
		*err = client_fail(u, -EINVAL,
				   "not a process id; name the process, not its thread");
		break;
	default:
		*err = client_fail(u, -errno, strerror(errno));
	}
	return -1;
}

/*
 * Reads the records behind an answer, all of them even if the answer is an
 * error.  The array grows as they arrive: their number is only announced.
 */
static int read_packets(struct upager *u, struct packets *packets)
{
	uint32_t nr = u->reply.nr_records;
	char *array = NULL;
	uint32_t room = 0;
	int err;

	for (uint32_t i = 0; i < nr; i++) {
		if (i == room) {
			char *larger;

			room = room ? room * 2 : 16;
			larger = reallocarray(array, room, packets->bytes);
			if (!larger) {
				err = -ENOMEM;
				goto undo_array;
			}
			array = larger;
		}
		err = client_wait(u);
		if (!err)
			err = proto_recv_answer(u->fd, array + i * packets->bytes, packets->bytes);
		if (err > 0)
			err = packets->check(array + i * packets->bytes, (size_t)err);
		else
			err = err ? err : -EPIPE;
		if (err)
			goto undo_array;
	}
	packets->at = array;
	return 0;

undo_array:
	free(array);
	return client_fail_connection(u, err);
}

/* packets: NULL for operations that have none. */
static int call(struct upager *u, const struct upager_request *req, struct packets *packets)
{
	int pidfd = -1;
	int err = 0;

	if (u->fd >= 0 && proto_names_process(req->op)) {
		pidfd = open_process(u, req->pid, &err);
		if (pidfd < 0)
			return err;
	}
	err = client_ask(u, req, pidfd, packets ? UINT32_MAX : 0);
	if (pidfd >= 0)
		close(pidfd);
	/* What an answer announces follows it, even if it is an error. */
	if (packets && u->fd >= 0) {
		int read_err = read_packets(u, packets);

		err = read_err ? read_err : err;
	}
	return err;
}

static int call_process(struct upager *u, const struct upager_request *req,
			struct upager_reply *reply)
{
	int err = call(u, req, NULL);

	if (reply)
		*reply = u->reply;
	return err;
}

int upager_attach(struct upager *u, pid_t pid, uint64_t budget_bytes, uint32_t flags,
		  struct upager_reply *reply)
{
	struct upager_request req;

	proto_init_request(&req, UPAGER_OP_ATTACH, pid);
	req.budget_bytes = budget_bytes;
	req.flags = flags;
	return call_process(u, &req, reply);
}

int upager_detach(struct upager *u, pid_t pid, struct upager_reply *reply)
{
	struct upager_request req;

	proto_init_request(&req, UPAGER_OP_DETACH, pid);
	return call_process(u, &req, reply);
}

int upager_set_budget(struct upager *u, pid_t pid, uint64_t budget_bytes,
		      struct upager_reply *reply)
{
	struct upager_request req;

	proto_init_request(&req, UPAGER_OP_BUDGET, pid);
	req.budget_bytes = budget_bytes;
	return call_process(u, &req, reply);
}

int upager_set_weight(struct upager *u, pid_t pid, uint32_t weight, struct upager_reply *reply)
{
	struct upager_request req;

	if (!weight)
		return client_fail(u, -EINVAL, "a weight is 1 at least");
	proto_init_request(&req, UPAGER_OP_BUDGET, pid);
	req.weight = weight;
	return call_process(u, &req, reply);
}

int upager_populate(struct upager *u, pid_t pid, struct upager_reply *reply)
{
	struct upager_request req;

	proto_init_request(&req, UPAGER_OP_POPULATE, pid);
	return call_process(u, &req, reply);
}

/* The array, for the caller to free, and its length. arg: 0, or a user's. */
static int call_list(struct upager *u, enum upager_op op, pid_t pid, uint64_t arg,
		     struct packets *packets, uint32_t *nr)
{
	struct upager_request req;
	int err;

	*nr = 0;
	proto_init_request(&req, op, pid);
	req.arg = arg;
	err = call(u, &req, packets);
	if (err) {
		free(packets->at);
		packets->at = NULL;
		return err;
	}
	*nr = u->reply.nr_records;
	return 0;
}

/* One user's pager, which may not answer: so long at most. */
#define USER_WAIT_MS 2000

/* But the first @skip. */
static int append(struct packets *to, uint32_t *nr, const struct packets *from, uint32_t nr_more,
		  uint32_t skip)
{
	char *larger;

	if (!from->at || nr_more <= skip)
		return 0;
	nr_more -= skip;
	larger = reallocarray(to->at, *nr + nr_more, to->bytes);
	if (!larger)
		return -ENOMEM;
	memcpy(larger + *nr * to->bytes, (const char *)from->at + skip * to->bytes,
	       nr_more * to->bytes);
	to->at = larger;
	*nr += nr_more;
	return 0;
}

/* What STALL says of all programs together is of root's alone: such times cannot be added. */
static int add_user(const struct upager *u, enum upager_op op, uint32_t uid,
		    struct packets *packets, uint32_t *nr)
{
	struct packets more = { .bytes = packets->bytes, .check = packets->check };
	struct upager *other;
	uint32_t nr_more;
	int err = upager_open(u->path, &other);

	if (err)
		return err;
	other->wait_ms = USER_WAIT_MS;
	err = call_list(other, op, 0, uid, &more, &nr_more);
	upager_close(other);
	if (!err)
		err = append(packets, nr, &more, nr_more, op == UPAGER_OP_STALL);
	free(more.at);
	return err;
}

/*
 * Of all users that have pagers of their own, too. Who does not answer is left out, and
 * named in the clause of the answer.
 */
static int add_users(struct upager *u, enum upager_op op, struct packets *packets, uint32_t *nr)
{
	struct packets list = { .bytes = sizeof(struct upager_domain), .check = check_domain };
	const struct upager_domain *domain;
	uint32_t nr_domains, silent = 0, nr_silent = 0;
	int err = call_list(u, UPAGER_OP_DOMAINS, 0, 0, &list, &nr_domains);

	/* Of an older daemon all were told already. */
	if (err)
		return u->fd < 0 ? err : 0;
	domain = list.at;
	for (uint32_t i = 0; domain && i < nr_domains && err != -ENOMEM; i++) {
		err = domain[i].pid ? add_user(u, op, domain[i].uid, packets, nr) : -EAGAIN;
		if (err) {
			silent = domain[i].uid;
			nr_silent++;
		}
	}
	free(list.at);
	proto_init_reply(&u->reply);
	if (nr_silent)
		proto_text(&u->reply, "%u pagers of users do not answer, user %u's for one",
			   nr_silent, silent);
	return err == -ENOMEM ? client_fail(u, err, strerror(-err)) : 0;
}

static int call_all(struct upager *u, enum upager_op op, pid_t pid, struct packets *packets,
		    uint32_t *nr)
{
	int err = call_list(u, op, pid, 0, packets, nr);

	if (!err && !pid)
		err = add_users(u, op, packets, nr);
	if (err) {
		free(packets->at);
		packets->at = NULL;
		*nr = 0;
	}
	return err;
}

int upager_status(struct upager *u, pid_t pid, struct upager_record **records, uint32_t *nr_records)
{
	struct packets packets = { .bytes = sizeof(**records), .check = check_record };
	int err = call_all(u, UPAGER_OP_STATUS, pid, &packets, nr_records);

	*records = packets.at;
	return err;
}

int upager_stall(struct upager *u, pid_t pid, struct upager_stall **stalls, uint32_t *nr_stalls)
{
	struct packets packets = { .bytes = sizeof(**stalls), .check = check_stall };
	int err = call_all(u, UPAGER_OP_STALL, pid, &packets, nr_stalls);

	*stalls = packets.at;
	return err;
}

int upager_where(struct upager *u, pid_t pid, uint64_t addr, uint64_t bytes, uint32_t parts,
		 struct upager_where *where)
{
	struct upager_request req;
	int err = 0, len, pidfd;

	proto_init_request(&req, UPAGER_OP_WHERE, pid);
	req.addr = addr;
	req.bytes = bytes;
	req.arg = parts;
	if (u->fd < 0)
		return client_ask(u, &req, -1, 0);
	pidfd = open_process(u, pid, &err);
	if (pidfd < 0)
		return err;
	err = client_ask(u, &req, pidfd, 1);
	close(pidfd);
	if (u->fd < 0 || !u->reply.nr_records)
		return err ?: client_fail_connection(u, -EBADMSG);
	len = proto_recv_answer(u->fd, where, sizeof(*where));
	err = len > 0 ? proto_check_where(where, (size_t)len) : len ?: -EPIPE;
	if (!err && (where->addr != addr || where->bytes != bytes || where->nr_parts != parts))
		err = -EBADMSG;
	return err ? client_fail_connection(u, err) : 0;
}

int upager_ping(struct upager *u, struct upager_record *record)
{
	struct packets packets = { .bytes = sizeof(*record), .check = check_record };
	uint32_t nr;
	int err = call_list(u, UPAGER_OP_PING, 0, 0, &packets, &nr);

	if (!err && (!packets.at || nr != 1))
		err = client_fail_connection(u, -EBADMSG);
	else if (!err && record)
		memcpy(record, packets.at, sizeof(*record));
	free(packets.at);
	return err;
}

int upager_hello(struct upager *u, uint64_t *features)
{
	struct upager_request req;
	int err;

	*features = 0;
	proto_init_request(&req, UPAGER_OP_HELLO, 0);
	req.arg = UPAGER_FEATURE_SIZES;
	err = call(u, &req, NULL);
	if (!err)
		*features = u->reply.features;
	return err == -EOPNOTSUPP ? 0 : err; /* a daemon that is older */
}
