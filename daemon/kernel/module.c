// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/module.h"

#include <errno.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "uapi/upager.h"

/* PROC_PID_INIT_INO of the kernel, as readlink() shows it. */
#define INITIAL_PID_NS "pid:[4026531836]"

struct answer {
	int error;
	bool done;
	/* FEATURES */
	struct module *module;
	/* PINNED */
	uint64_t *bits;
	size_t bytes;
	bool pinned;
};

/* What is shorter would be read beyond its end. */
static struct nla_policy policy[UPAGER_A_MAX + 1] = {
	[UPAGER_A_VERSION] = { .type = NLA_U32 },
	[UPAGER_A_FEATURES] = { .type = NLA_U64 },
	[UPAGER_A_NR_TRACKED] = { .type = NLA_U32 },
	[UPAGER_A_TRACKED_MAX] = { .type = NLA_U32 },
};

static bool in_initial_pid_namespace(void)
{
	char name[64];
	ssize_t n = readlink("/proc/self/ns/pid", name, sizeof(name) - 1);

	if (n <= 0)
		return false;
	name[n] = '\0';
	return !strcmp(name, INITIAL_PID_NS);
}

static void take_features(struct module *m, struct nlattr **attr)
{
	if (attr[UPAGER_A_VERSION])
		m->version = nla_get_u32(attr[UPAGER_A_VERSION]);
	if (attr[UPAGER_A_FEATURES])
		m->features = nla_get_u64(attr[UPAGER_A_FEATURES]);
	if (attr[UPAGER_A_NR_TRACKED])
		m->nr_tracked = nla_get_u32(attr[UPAGER_A_NR_TRACKED]);
	if (attr[UPAGER_A_TRACKED_MAX])
		m->tracked_max = nla_get_u32(attr[UPAGER_A_TRACKED_MAX]);
}

static int on_message(struct nl_msg *msg, void *context)
{
	struct nlattr *attr[UPAGER_A_MAX + 1];
	struct answer *a = context;

	if (genlmsg_parse(nlmsg_hdr(msg), 0, attr, UPAGER_A_MAX, policy) < 0) {
		a->error = -EBADMSG;
		return NL_OK;
	}
	if (a->module)
		take_features(a->module, attr);
	if (a->bits && attr[UPAGER_A_PINNED] &&
	    (size_t)nla_len(attr[UPAGER_A_PINNED]) == a->bytes) {
		memcpy(a->bits, nla_data(attr[UPAGER_A_PINNED]), a->bytes);
		a->pinned = true;
	}
	return NL_OK;
}

static int on_ack(struct nl_msg *msg, void *context)
{
	struct answer *a = context;

	(void)msg;
	a->done = true;
	return NL_STOP;
}

static int on_error(struct sockaddr_nl *from, struct nlmsgerr *nlerr, void *context)
{
	struct answer *a = context;

	(void)from;
	a->error = nlerr->error;
	a->done = true;
	return NL_STOP;
}

/* Sends and frees msg; the answer has come when the send returns. */
static int ask(struct module *m, struct nl_msg *msg, struct answer *a)
{
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);
	int err = 0;

	if (!cb) {
		nlmsg_free(msg);
		return -ENOMEM;
	}
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_message, a);
	nl_cb_set(cb, NL_CB_ACK, NL_CB_CUSTOM, on_ack, a);
	nl_cb_err(cb, NL_CB_CUSTOM, on_error, a);
	if (nl_send_auto(m->sock, msg) < 0)
		err = -EIO;
	while (!err && !a->done)
		if (nl_recvmsgs(m->sock, cb) < 0 && !a->done)
			err = -EIO;
	nl_cb_put(cb);
	nlmsg_free(msg);
	return err ? err : a->error;
}

static struct nl_msg *request(const struct module *m, uint8_t cmd)
{
	struct nl_msg *msg;

	if (!m->sock)
		return NULL;
	msg = nlmsg_alloc();
	if (msg && !genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, m->family, 0,
				NLM_F_REQUEST | NLM_F_ACK, cmd, UPAGER_FAMILY_VERSION)) {
		nlmsg_free(msg);
		msg = NULL;
	}
	return msg;
}

static int request_failed(const struct module *m)
{
	return m->sock ? -ENOMEM : -ENOENT;
}

int module_refresh(struct module *m)
{
	struct nl_msg *msg = request(m, UPAGER_CMD_FEATURES);
	struct answer a = { .module = m };

	return msg ? ask(m, msg, &a) : request_failed(m);
}

int module_open(struct module *m)
{
	int err;

	memset(m, 0, sizeof(*m));
	/* To ask for a family that is not there makes the kernel look for a module. */
	if (access("/proc/upager", F_OK))
		return -ENOENT;
	if (!in_initial_pid_namespace())
		return -EXDEV;
	m->sock = nl_socket_alloc();
	if (!m->sock)
		return -ENOMEM;
	err = genl_connect(m->sock) || nl_socket_set_nonblocking(m->sock) ? -EIO : 0;
	if (!err) {
		m->family = genl_ctrl_resolve(m->sock, UPAGER_FAMILY_NAME);
		err = m->family < 0 ? -ENOENT : 0;
	}
	if (!err)
		err = module_refresh(m);
	if (err)
		module_close(m);
	return err;
}

void module_close(struct module *m)
{
	if (m->sock)
		nl_socket_free(m->sock);
	memset(m, 0, sizeof(*m));
}

static int ask_of(struct module *m, uint8_t cmd, pid_t pid)
{
	struct nl_msg *msg = request(m, cmd);
	struct answer a = { 0 };

	if (!msg)
		return request_failed(m);
	if (nla_put_u32(msg, UPAGER_A_PID, (uint32_t)pid)) {
		nlmsg_free(msg);
		return -ENOMEM;
	}
	return ask(m, msg, &a);
}

int module_track(struct module *m, pid_t pid)
{
	return ask_of(m, UPAGER_CMD_TRACK, pid);
}

int module_untrack(struct module *m, pid_t pid)
{
	return ask_of(m, UPAGER_CMD_UNTRACK, pid);
}

static int put_paging(struct nl_msg *msg, const struct upager_record *rec)
{
	const struct {
		int attr;
		uint64_t value;
	} all[] = {
		{ UPAGER_PAGING_A_BUDGET_BYTES, rec->budget_bytes },
		{ UPAGER_PAGING_A_RESIDENT_BYTES, rec->resident_bytes },
		{ UPAGER_PAGING_A_STANDBY_BYTES, rec->standby_bytes },
		{ UPAGER_PAGING_A_SWAPPED_BYTES, rec->swapped_bytes },
		{ UPAGER_PAGING_A_FAULTS, rec->faults },
		{ UPAGER_PAGING_A_EVICTIONS, rec->evictions },
		{ UPAGER_PAGING_A_RESCUES, rec->rescues },
		{ UPAGER_PAGING_A_READAHEAD_PAGES, rec->readahead_pages },
		{ UPAGER_PAGING_A_READAHEAD_HITS, rec->readahead_hits },
		{ UPAGER_PAGING_A_CHECKSUM_FAILURES, rec->checksum_failures },
		{ UPAGER_PAGING_A_IO_ERRORS, rec->io_errors },
	};
	struct nlattr *nest = nla_nest_start(msg, UPAGER_A_PAGING);

	if (!nest)
		return -ENOMEM;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (nla_put_u64(msg, all[i].attr, all[i].value))
			return -ENOMEM;
	nla_nest_end(msg, nest);
	return 0;
}

int module_report(struct module *m, pid_t pid, const struct upager_record *rec)
{
	struct nl_msg *msg = request(m, UPAGER_CMD_PAGING);
	struct answer a = { 0 };

	if (!msg)
		return request_failed(m);
	if (nla_put_u32(msg, UPAGER_A_PID, (uint32_t)pid) || put_paging(msg, rec)) {
		nlmsg_free(msg);
		return -ENOMEM;
	}
	return ask(m, msg, &a);
}

int module_pinned(struct module *m, pid_t pid, struct run run, uint64_t *bits)
{
	struct answer a = { .bits = bits, .bytes = (run.nr_pages + 7) / 8 };
	struct nl_msg *msg = request(m, UPAGER_CMD_PINNED);
	int err;

	if (!msg)
		return request_failed(m);
	if (nla_put_u32(msg, UPAGER_A_PID, (uint32_t)pid) ||
	    nla_put_u64(msg, UPAGER_A_START, pgno_addr(run.first)) ||
	    nla_put_u32(msg, UPAGER_A_NR_PAGES, run.nr_pages)) {
		nlmsg_free(msg);
		return -ENOMEM;
	}
	memset(bits, 0, (run.nr_pages + 63) / 64 * sizeof(*bits));
	err = ask(m, msg, &a);
	return err ? err : a.pinned ? 0 : -EBADMSG;
}
