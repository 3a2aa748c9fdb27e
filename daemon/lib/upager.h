/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef LIBUPAGER_UPAGER_H
#define LIBUPAGER_UPAGER_H

#include <stddef.h>
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
 *	it has already; %UPAGER_ATTACH_NOW: it may notice the stop
 * @reply: NULL, or filled in with the answer, errors included;
 *	@reply->stopped_ns says how long the process was stopped
 *
 * The process is passed as a pidfd too, so a recycled pid is never paged.
 *
 * Who may call: root for any process; others for processes whose real,
 * effective and saved uid are theirs and which are dumpable.
 * Return: 0; %-ESRCH no such process; %-EPERM not permitted; %-EINVAL @pid is
 * no process id, unknown flags, or a budget of zero or larger than memory;
 * %-EAGAIN none of its threads can be stopped just now without noticing it; what
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
 * process; that takes as long as reading it back does.  If the caller ends, or closes
 * the connection, before that, the process stays paged.
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
 * Answers when everything is resident.  The process stays paged.  Given up if the
 * caller ends before.
 *
 * Who may call: as for upager_attach().
 * Return: 0; %-ESRCH not paged; what else the daemon answers.
 */
UPAGER_API int upager_populate(struct upager *u, pid_t pid, struct upager_reply *reply);

/**
 * upager_swapon() - have the daemon use one more swap area
 * @u: connection
 * @path: what ``upager mkswap`` has made
 * @priority: as in ``upagerd --swap``: areas of higher priority are used first
 *
 * Who may call: root.
 * Return: 0; %-EBUSY it is in use, or another area comes or goes; what else the
 * daemon answers.
 */
UPAGER_API int upager_swapon(struct upager *u, const char *path, int priority);

/**
 * upager_swapoff() - have the daemon let go of a swap area
 * @u: connection
 * @path: the area
 * @progress: NULL, or called now and then with a text; true from it gives up
 * @context: for @progress
 *
 * What is there goes to other areas, or to memory where they are full.  Given up,
 * or if the caller ends, the area stays in use.
 *
 * Who may call: root.
 * Return: 0; %-ENOENT no area of the daemon's; %-ENOSPC what is there has no other
 * place; %-EIO some of it cannot be read; %-ECANCELED given up.
 */
UPAGER_API int upager_swapoff(struct upager *u, const char *path,
			      int (*progress)(void *context, const char *text), void *context);

/**
 * upager_status() - state and counters of paged processes
 * @u: connection
 * @pid: a process; 0 asks for all that the caller may see
 * @records: array for the caller to free(); NULL when there are none
 * @nr_records: its length
 *
 * Who may call: anybody for their own processes, root for all.
 * Return: 0; %-ENOMEM (which breaks the connection too); what the daemon
 * answers.  A @pid that is not paged is an error, or 0 with no record; %-EAGAIN
 * if it has ended, but its memory is still being let go of.
 */
UPAGER_API int upager_status(struct upager *u, pid_t pid, struct upager_record **records,
			     uint32_t *nr_records);

/**
 * upager_stall() - time in which paged processes waited for the pager
 * @u: connection
 * @pid: a process; 0 asks for all that the caller may see
 * @stalls: array for the caller to free(); with @pid 0 its first is of all programs
 *	together, those of others included, and has @pid 0
 * @nr_stalls: its length
 *
 * Who may call: anybody for their own processes, root for all.
 * Return: 0; %-ENOMEM (which breaks the connection too); %-EOPNOTSUPP a daemon that is older; as
 * upager_status().
 */
UPAGER_API int upager_stall(struct upager *u, pid_t pid, struct upager_stall **stalls,
			    uint32_t *nr_stalls);

/**
 * upager_hello() - what the daemon can do
 * @u: connection
 * @features: UPAGER_FEATURE_*; 0 of a daemon that is too old to tell
 *
 * The daemon learns what the library knows.  Nobody has to call it.
 *
 * Who may call: anybody who can connect.
 * Return: 0; what the daemon answers.
 */
UPAGER_API int upager_hello(struct upager *u, uint64_t *features);

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
 * upager_where() - what of a range of a paged process is out of it
 * @u: connection
 * @pid: a process
 * @addr: where the range begins, a multiple of 4096
 * @bytes: its length, likewise
 * @parts: 1 to %UPAGER_WHERE_PARTS: into how many it is cut
 * @where: filled in
 *
 * The process goes on meanwhile, so parts may be of different moments.
 *
 * Who may call: as for upager_attach().
 * Return: 0; %-ESRCH not paged; %-EINVAL no such range; %-EOPNOTSUPP a daemon that is older; what
 * else the daemon answers.
 */
UPAGER_API int upager_where(struct upager *u, pid_t pid, uint64_t addr, uint64_t bytes,
			    uint32_t parts, struct upager_where *where);

/**
 * DOC: a process that pages ranges of its own
 *
 * Nobody stops or traces the calling process for this.  With its first
 * registration it starts an agent: a process that shares its memory and moves
 * pages out, which wait() does not see, and which ends with it, with exec, or
 * with the last registration.  Nothing else of the program is paged, and
 * nothing of it is that was not registered.
 *
 * These calls are about the process that called upager_open(); after a fork the
 * child opens a connection of its own.  What the parent had registered is
 * served in the child, too, which has no agent: nothing of it is taken out
 * there.  A child that registers a range, be it one that is registered already,
 * gets an agent.  Hints and the connection are not inherited.
 *
 * Linux 6.8 and /dev/userfaultfd are needed (%-EOPNOTSUPP).  A seccomp filter
 * must allow what is done on the way: mmap, mprotect, madvise, munlock, munmap,
 * ioctl, clone, wait4, prctl, pidfd_open, sendmsg, recvmsg, and in the agent
 * close_range, setsid, chdir, capset, futex, mincore, vmsplice, splice, read,
 * pwrite64, write, fallocate, exit_group.
 *
 * In a process that is paged as a whole (upager run, upager attach) registering
 * what can be paged succeeds and does nothing, unregistering fails with %-EPERM,
 * and hints work where it is paged already.
 *
 * Besides the errors that each call lists and those of the connection there are
 * %-EINVAL if @addr or @len is no multiple of 4096, @len is 0, or the connection
 * was opened by another process; and %-ENOMEM if the daemon is short of memory.
 */

/**
 * upager_join() - make the calling process known, with a budget
 * @u: connection
 * @budget_bytes: registered memory that may be resident; 0: all of the machine's,
 *	or the budget that it has
 *
 * Sets the budget if the process is known.  Who does not call it before
 * upager_register() gets the budget 0 and changes it here, or by
 * upager_set_budget().  A process that has no range registered is forgotten when
 * a connection that it opened ends.
 *
 * Return: 0; %-EINVAL the budget is smaller than 4 MiB or larger than memory;
 * %-EOPNOTSUPP the kernel cannot, or this process adopts orphans
 * (PR_SET_CHILD_SUBREAPER, PID 1 of a namespace); %-EACCES a seccomp filter
 * stopped the agent; %-EAGAIN a detach, or another thread's join, does not end.
 */
UPAGER_API int upager_join(struct upager *u, uint64_t budget_bytes);

/**
 * upager_register() - page a range of the calling process
 * @u: connection
 * @addr: its start
 * @len: its length, in bytes
 *
 * Private anonymous writable memory that is no stack can be paged.  From now on
 * the range may be taken out when the process has more registered memory
 * resident than its budget, and comes back when it is touched; that includes
 * what mremap() moves or grows of it.  What is unmapped is unregistered.  Parts
 * that are registered already stay so.
 *
 * Return: 0; %-ENOMEM not all of it is mapped; %-EINVAL some of it cannot be
 * paged; %-EBUSY some of it is registered with another userfaultfd; as
 * upager_join().  On error nothing of the range was registered that was not.
 */
UPAGER_API int upager_register(struct upager *u, void *addr, size_t len);

/**
 * upager_unregister() - give a range back
 * @u: connection
 * @addr: its start
 * @len: its length, in bytes
 *
 * Returns when all of it is resident.  No other thread may move or map anything
 * into the range meanwhile.  With the last range the agent ends, and nothing is
 * left of the pager in the process.
 *
 * Return: 0; %-ENOMEM not all of it is registered, or memory has no room for it;
 * %-ESRCH nothing of the process is; %-EIO pages of it were lost; %-EPERM the
 * process is paged as a whole: upager_detach() gives it all back.
 */
UPAGER_API int upager_unregister(struct upager *u, void *addr, size_t len);

/**
 * upager_advise() - tell how a paged range will be used
 * @u: connection
 * @addr: its start
 * @len: its length, in bytes
 * @advice: see &enum upager_advice
 *
 * Hints stay with the memory when mremap() moves it, and end with it.  %UPAGER_PIN
 * returns when the range is resident and holds until %UPAGER_NORMAL; all others
 * return at once.  %UPAGER_WILLNEED brings in no more than half of the budget.
 *
 * Return: 0; %-ENOMEM not all of it is paged (the rest has got the hint), or more
 * than three quarters of the budget would be pinned; %-EINVAL no such advice;
 * %-ESRCH nothing of the process is paged.
 */
UPAGER_API int upager_advise(struct upager *u, void *addr, size_t len, enum upager_advice advice);

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
