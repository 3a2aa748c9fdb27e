// SPDX-License-Identifier: LGPL-2.1-or-later
/* A process that pages ranges of its own. */
#include <errno.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "control/proto.h"
#include "lib/client.h"
#include "lib/provision.h"

#define PAGE_BITS   4095
/* While the daemon looks for a fork's child, or another thread joins. */
#define AGAIN_MS    10
#define AGAIN_TRIES 500

static int check_caller(struct upager *u)
{
	if (u->pid == getpid())
		return 0;
	return client_fail(u, -EINVAL,
			   "the connection is of another process; open one after the fork");
}

static int check_range(struct upager *u, const void *addr, size_t len)
{
	uintptr_t at = (uintptr_t)addr;

	if (!len || (at | len) & PAGE_BITS || at + len < at)
		return client_fail(u, -EINVAL, "the range is not one of whole pages");
	return check_caller(u);
}

/* The answer is a join's: does what it says. */
static int finish_join(struct upager *u)
{
	int fd[UPAGER_PROVISION_FDS];
	struct upager_provision provision;
	int len = proto_recv_fds(u->fd, &provision, sizeof(provision), fd, UPAGER_PROVISION_FDS);
	int err;

	if (len <= 0)
		err = len ? len : -EPIPE;
	else
		err = proto_check_provision(&provision, (size_t)len);
	if (!err && fd[UPAGER_PROVISION_FDS - 1] < 0)
		err = -EBADMSG;
	if (err) {
		provision_close(fd);
		return client_fail_connection(u, err);
	}
	return provision_wear(u, &provision, fd);
}

static int join_once(struct upager *u, uint64_t budget_bytes)
{
	struct upager_request req;
	int cancel, err;

	proto_init_request(&req, UPAGER_OP_JOIN, 0);
	req.budget_bytes = budget_bytes;
	/* Half of it would stay behind. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	err = client_ask(u, &req, -1, 1);
	if (!err && u->reply.nr_records)
		err = finish_join(u);
	pthread_setcancelstate(cancel, NULL);
	return err;
}

int upager_join(struct upager *u, uint64_t budget_bytes)
{
	const struct timespec pause = { .tv_nsec = AGAIN_MS * 1000000L };
	int err = check_caller(u);

	if (err)
		return err;
	for (int i = 0; i < AGAIN_TRIES; i++) {
		err = join_once(u, budget_bytes);
		if (err != -EAGAIN)
			return err;
		nanosleep(&pause, NULL);
	}
	return err;
}

static int ask_range(struct upager *u, enum upager_op op, void *addr, size_t len, uint64_t arg)
{
	struct upager_request req;

	proto_init_request(&req, op, 0);
	req.addr = (uintptr_t)addr;
	req.bytes = len;
	req.arg = arg;
	return client_ask(u, &req, -1, 0);
}

int upager_register(struct upager *u, void *addr, size_t len)
{
	int err = check_range(u, addr, len);

	if (!err)
		err = ask_range(u, UPAGER_OP_REGISTER, addr, len, 0);
	/* Another thread's last range may go, and the process with it, after each join. */
	for (int i = 0; err == -ESRCH && i < AGAIN_TRIES; i++) {
		err = upager_join(u, 0);
		if (!err)
			err = ask_range(u, UPAGER_OP_REGISTER, addr, len, 0);
	}
	return err;
}

int upager_unregister(struct upager *u, void *addr, size_t len)
{
	int err = check_range(u, addr, len);

	return err ? err : ask_range(u, UPAGER_OP_UNREGISTER, addr, len, 0);
}

int upager_advise(struct upager *u, void *addr, size_t len, enum upager_advice advice)
{
	int err = check_range(u, addr, len);

	if (!err && (unsigned int)advice > UPAGER_ADVICE_MAX)
		err = client_fail(u, -EINVAL, "there is no such advice");
	return err ? err : ask_range(u, UPAGER_OP_ADVISE, addr, len, advice);
}
