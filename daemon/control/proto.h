/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef UPAGER_PROTO_H
#define UPAGER_PROTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "uapi/upager_proto.h"

/*
 * One packet of the control socket: made, checked, sent and received.  Used by
 * the daemon and by libupager (hence the licence).  The checks are pure.
 */

void proto_init_request(struct upager_request *req, enum upager_op op, int32_t pid);
void proto_init_reply(struct upager_reply *reply);
/* Whether a request for that is about one process, which it has to name. */
bool proto_names_process(enum upager_op op);

/*
 * What a packet of len bytes asks for; what it does not have is zero.
 * -EMSGSIZE too short, -EBADMSG another magic, -EPROTONOSUPPORT another
 * version, -E2BIG it has more than zeros behind what is known here,
 * -EOPNOTSUPP unknown operation, -EINVAL reserved bytes, unknown flags, a pid,
 * a budget or a range where the operation has none, no pid where it needs one,
 * a range of no pages or beyond user space.  After the first three the
 * connection is to be closed.  Whether a budget makes sense is for the daemon
 * to judge.
 */
int proto_take_request(struct upager_request *req, const void *packet, size_t len);

/*
 * Of an answer, whose len may be more than is known here: -EMSGSIZE too short;
 * -EBADMSG also for an error out of range and text without terminator.  What
 * is reserved and a state or an exit code without a name are no error.
 */
int proto_check_reply(const struct upager_reply *reply, size_t len);
int proto_check_record(const struct upager_record *record, size_t len);
/* -EBADMSG too for more than all of the time. */
int proto_check_stall(const struct upager_stall *stall, size_t len);
/* -EBADMSG too for more pages than there are. */
int proto_check_where(const struct upager_where *w, size_t len);
/* -EBADMSG too for another size, and parts that overlap, or do not lie in the reservation. */
int proto_check_provision(const struct upager_provision *o, size_t len);

/* Sets the clause for the user; what does not fit is cut off. */
__attribute__((format(printf, 2, 3))) void proto_text(struct upager_reply *reply, const char *fmt,
						      ...);

/*
 * One packet, with a duplicate of pass_fd unless it is -1.  0 or -errno;
 * -EAGAIN only from a non-blocking socket.  Raises no SIGPIPE.
 */
int proto_send(int fd, const void *packet, size_t len, int pass_fd);

/*
 * One packet of at most size bytes: its length, 0 when the other end has
 * closed, or -errno; -EMSGSIZE longer than size, -EBADMSG more than one
 * descriptor.  got_fd: the descriptor that came with it (close-on-exec) or -1;
 * NULL closes what came.  No descriptor is kept on error.
 */
int proto_recv(int fd, void *packet, size_t size, int *got_fd);

/* Of a packet that is longer than size the beginning, without descriptors. */
int proto_recv_answer(int fd, void *packet, size_t size);

/* SCM_MAX_FD: as many as can come. */
#define PROTO_FDS_MAX 253
/*
 * The same with at most PROTO_FDS_MAX descriptors; got_fd is filled with -1
 * behind the last.  What came before an error is given too: closing it is for
 * the caller, who may have to mind what it is.
 */
int proto_send_fds(int fd, const void *packet, size_t len, const int *pass_fd, uint32_t nr_fds);
int proto_recv_fds(int fd, void *packet, size_t size, int *got_fd, uint32_t max_fds);

#endif
