/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef LIBUPAGER_UPAGER_H
#define LIBUPAGER_UPAGER_H

#include <stdint.h>
#include <sys/types.h>

#include "uapi/upager_proto.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * DOC: libupager, a client of upagerd's control socket
 *
 * A &struct upager is one connection.  It serves one call at a time: threads
 * use one each, or a lock of their own.  Every call blocks until the daemon
 * answered.  No call raises SIGPIPE, and interrupted system calls go on.
 *
 * All functions return 0 or -errno.  A negative value is either the daemon's
 * refusal or a failure of the connection; in both cases upager_last_reply()
 * has a clause for the user and the exit code that the command line would use.
 * Failures of the connection are
 *
 * * %-ENOTCONN: an earlier call broke the connection; open another.
 * * %-EPIPE, %-ECONNRESET: the daemon closed it, or is gone.
 * * %-EPROTO: the answer was not understood (another version).
 *
 * and after each of them the connection serves no further call.
 */

#define UPAGER_VERSION	      "0.1.0"
#define UPAGER_DEFAULT_SOCKET "/run/upager/upager.sock"
#define UPAGER_API	      __attribute__((visibility("default")))

struct upager;

/**
 * upager_socket_path() - the socket that upager_open(NULL) connects to
 *
 * Who may call: anybody.
 * Return: $UPAGER_SOCKET if it is set, not empty, and the program is not
 * set-uid or the like; else UPAGER_DEFAULT_SOCKET.  Never NULL.
 */
UPAGER_API const char *upager_socket_path(void);

/**
 * upager_open() - connect to the daemon
 * @socket_path: path of its socket; NULL takes upager_socket_path()
 * @u: the connection; NULL on error
 *
 * Who may call: anybody whom the socket's mode lets connect (root and the
 * socket's group).
 * Return: 0; %-ENOENT or %-ECONNREFUSED no daemon; %-EACCES not permitted;
 * %-ENAMETOOLONG; %-ENOMEM.
 */
UPAGER_API int upager_open(const char *socket_path, struct upager **u);

/**
 * upager_close() - end the connection
 * @u: a connection or NULL
 *
 * Processes stay paged.
 */
UPAGER_API void upager_close(struct upager *u);

/**
 * upager_attach() - page a process
 * @u: connection
 * @pid: the process, named by its thread group id
 * @budget_bytes: private anonymous memory it may keep resident, in bytes
 * @flags: %UPAGER_ATTACH_WATCH: leave it alone until it nears its budget;
 *	%UPAGER_ATTACH_FAMILY: one budget for it and its descendants, also those that
 *	it has already
 * @reply: NULL, or filled in with the answer, errors included;
 *	@reply->stopped_ns says how long the process was stopped
 *
 * The process is passed as a pidfd too, so a recycled pid is never paged.
 *
 * Who may call: root for any process; others for processes whose real,
 * effective and saved uid are theirs and which are dumpable.
 * Return: 0; %-ESRCH no such process; %-EPERM not permitted; %-EINVAL @pid is
 * no process id, unknown flags, or a budget of zero or larger than memory; what
 * else the daemon answers.
 */
UPAGER_API int upager_attach(struct upager *u, pid_t pid, uint64_t budget_bytes, uint32_t flags,
			     struct upager_reply *reply);

/**
 * upager_detach() - give a process everything back and let go of it
 * @u: connection
 * @pid: a paged process
 * @reply: NULL, or filled in with the answer
 *
 * Answers when everything is resident and nothing of the pager is left in the
 * process; that takes as long as reading it back does.
 *
 * Who may call: as for upager_attach().
 * Return: 0; %-ESRCH not paged; %-ENOMEM memory would not hold it; what else
 * the daemon answers.
 */
UPAGER_API int upager_detach(struct upager *u, pid_t pid, struct upager_reply *reply);

/**
 * upager_set_budget() - change the budget of a paged process, or of its family
 * @u: connection
 * @pid: a paged process
 * @budget_bytes: the new budget, in bytes
 * @reply: NULL, or filled in with the answer
 *
 * Who may call: as for upager_attach().
 * Return: 0; %-ESRCH not paged; %-EINVAL zero or larger than memory; what else
 * the daemon answers.
 */
UPAGER_API int upager_set_budget(struct upager *u, pid_t pid, uint64_t budget_bytes,
				 struct upager_reply *reply);

/**
 * upager_set_weight() - change the weight of a paged process
 * @u: connection
 * @pid: a paged process
 * @weight: 1 to %UPAGER_WEIGHT_MAX; %UPAGER_WEIGHT_DEFAULT is normal
 * @reply: NULL, or filled in with the answer
 *
 * Where the daemon's limit is less than what all processes want, each gets a
 * part in proportion to its budget times its weight.
 *
 * Who may call: as for upager_attach().
 * Return: 0; %-ESRCH not paged; %-EINVAL no such weight; what else the daemon
 * answers.
 */
UPAGER_API int upager_set_weight(struct upager *u, pid_t pid, uint32_t weight,
				 struct upager_reply *reply);

/**
 * upager_populate() - bring all evicted pages of a process in
 * @u: connection
 * @pid: a paged process
 * @reply: NULL, or filled in with the answer
 *
 * Answers when everything is resident.  The process stays paged.
 *
 * Who may call: as for upager_attach().
 * Return: 0; %-ESRCH not paged; what else the daemon answers.
 */
UPAGER_API int upager_populate(struct upager *u, pid_t pid, struct upager_reply *reply);

/**
 * upager_status() - state and counters of paged processes
 * @u: connection
 * @pid: a process; 0 asks for all that the caller may see
 * @records: array for the caller to free(); NULL when there are none
 * @nr_records: its length
 *
 * Who may call: anybody for their own processes, root for all.
 * Return: 0; %-ENOMEM (which breaks the connection too); what the daemon
 * answers.  A @pid that is not paged is an error, or 0 with no record.
 */
UPAGER_API int upager_status(struct upager *u, pid_t pid, struct upager_record **records,
			     uint32_t *nr_records);

/**
 * upager_ping() - ask the daemon for its own record
 * @u: connection
 * @record: NULL, or filled in: @pid is the daemon's, @slots_total and
 *	@slots_free count 4 KiB slots of all swap areas, counters are sums
 *
 * Who may call: anybody who can connect.
 * Return: 0; what the daemon answers.
 */
UPAGER_API int upager_ping(struct upager *u, struct upager_record *record);

/**
 * upager_last_reply() - the answer to the last call
 * @u: connection
 *
 * After a failure of the connection it is made up by the library: @error is
 * what the call returned, @text says why.
 *
 * Return: never NULL; valid until the next call.
 */
UPAGER_API const struct upager_reply *upager_last_reply(const struct upager *u);

#ifdef __cplusplus
}
#endif

#endif
