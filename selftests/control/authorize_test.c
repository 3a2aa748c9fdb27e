// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who may ask for what is decided of the process that is meant, as it is when a
 * thread of it has been stopped.  The daemon dawdles where it used to have
 * decided by a number already.
 */
#include "selftests/memory.h"
#include "selftests/target.h"

#include <linux/capability.h>
#include <linux/sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "control/proto.h"

#include <kselftest_harness.h>

#define NOBODY	 65534
#define DELAY_US 600000

PAGER_FIXTURE_FAILING(authorize, "attach_allowed=delay:600000")

/* A connection of the user's; the directories on the way are open to him. */
static int user_connect(const struct pager *pg)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	strcpy(addr.sun_path, pg->socket);
	return connect(fd, (struct sockaddr *)&addr, sizeof(addr)) ? -1 : fd;
}

static int ask(int fd, enum upager_op op, pid_t pid)
{
	struct upager_request req;
	struct upager_reply reply;

	proto_init_request(&req, op, pid);
	req.budget_bytes = TARGET_BUDGET;
	if (proto_send(fd, &req, sizeof(req), -1) ||
	    proto_recv(fd, &reply, sizeof(reply), NULL) != (int)sizeof(reply))
		return -EPIPE;
	return reply.error;
}

static bool become_nobody(void)
{
	return !setresgid(NOBODY, NOBODY, NOBODY) && !setresuid(NOBODY, NOBODY, NOBODY) &&
	       !prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

/* The user asks; his process's status is what he was answered. */
static pid_t user_asks(struct pager *pg, enum upager_op op, pid_t pid)
{
	pid_t child;

	chmod(guard_ram, 0711);
	chmod(pg->socket, 0666);
	child = fork();
	if (child)
		return child;
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	_exit(become_nobody() ? -ask(user_connect(pg), op, pid) : 99);
}

static int answer_of(pid_t child)
{
	int status = 0;

	waitpid(child, &status, 0);
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EINTR;
}

/* A process of root's with this number. */
static pid_t fork_as(pid_t pid)
{
	struct clone_args args = {
		.exit_signal = SIGCHLD,
		.set_tid = (uintptr_t)&pid,
		.set_tid_size = 1,
	};

	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

static void sleep_until_killed(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	for (;;)
		pause();
}

static pid_t free_pid(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	waitpid(pid, NULL, 0);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static bool is_paged(struct pager *pg, pid_t pid)
{
	struct upager_record *list = NULL;
	uint32_t nr = 0;
	bool paged = !upager_status(pg->client, pid, &list, &nr) && nr;

	free(list);
	return paged;
}

/* Regression: only existence was asked, so what came to be meanwhile was anybody's. */
TEST_F(authorize, a_number_that_nobody_has_yet)
{
	pid_t pid = free_pid(), user = user_asks(&self->pager, UPAGER_OP_ATTACH, pid), root;

	sleep_us(DELAY_US / 3);
	root = fork_as(pid);
	if (!root)
		sleep_until_killed();
	ASSERT_EQ(pid, root);
	EXPECT_EQ(-ESRCH, answer_of(user));
	EXPECT_FALSE(is_paged(&self->pager, root));
	end(root);
	EXPECT_EQ(0, pager_stop(&self->pager));
}

/* All ids are the user's, and become root's as if it executed a set-uid program. */
static int become_root_meanwhile(struct target_share *sh)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[2] = {
		{ 1u << CAP_SETUID, 1u << CAP_SETUID, 0 },
	};

	target_check(sh, !prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
	target_check(sh, !setresgid(NOBODY, NOBODY, NOBODY) && !setresuid(NOBODY, NOBODY, NOBODY));
	target_check(sh, !syscall(SYS_capset, &header, caps) && !prctl(PR_SET_DUMPABLE, 1));
	target_meet(sh, 2);
	target_check(sh, !setresuid(0, 0, 0) && !prctl(PR_SET_DUMPABLE, 1));
	target_meet(sh, 3);
	return 0;
}

/* Regression: it was asked before the process was stopped, and never again. */
TEST_F(authorize, what_becomes_roots_meanwhile)
{
	struct target t = target_fork(become_root_meanwhile);
	pid_t user;

	ASSERT_TRUE(target_reached(&t, 1));
	target_let(&t, 1);
	ASSERT_TRUE(target_reached(&t, 2));
	user = user_asks(&self->pager, UPAGER_OP_ATTACH, t.pid);
	sleep_us(DELAY_US / 3);
	target_let(&t, 2);
	ASSERT_TRUE(target_reached(&t, 3));
	EXPECT_EQ(-EPERM, answer_of(user));
	EXPECT_FALSE(is_paged(&self->pager, t.pid));
	target_let(&t, 3);
	EXPECT_EQ(0, target_end(&t));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

static struct pager *the_pager;

static int join_and_wait(struct target_share *sh)
{
	struct upager *u = NULL;

	target_check(sh, !upager_open(the_pager->socket, &u));
	target_check(sh, !upager_join(u, TARGET_BUDGET));
	target_meet(sh, 2);
	return 0;
}

/*
 * A user's connection that has outlived him, in the hands of a child of his.
 * Regression: it spoke for whoever had his number next.
 */
TEST_F(authorize, who_speaks_for_itself_is_who_connected)
{
	struct target_share *sh =
		mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct target t = { .share = sh };
	int status;
	pid_t first;

	if (variant->disable)
		SKIP(return, "nothing pages itself without UFFDIO_MOVE");
	the_pager = &self->pager;
	chmod(guard_ram, 0711);
	chmod(self->pager.socket, 0666);
	first = fork();
	if (!first) {
		int fd;

		if (!become_nobody())
			_exit(99);
		fd = user_connect(&self->pager);
		if (fork())
			_exit(fd < 0);
		target_meet(sh, 1); /* now another has the number */
		sh->value[0] = (uint64_t)-ask(fd, UPAGER_OP_BUDGET, (pid_t)sh->value[2]);
		sh->value[1] = 1;
		_exit(0);
	}
	ASSERT_TRUE(wait_until(20, atomic_load(&sh->at) == 1));
	waitpid(first, &status, 0);
	t.pid = fork_as(first);
	if (!t.pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
		_exit(join_and_wait(sh));
	}
	ASSERT_EQ(first, t.pid);
	ASSERT_TRUE(target_reached(&t, 2)) TH_LOG("%s", sh->why);
	sh->value[2] = (uint64_t)first;
	target_let(&t, 1);
	EXPECT_TRUE(wait_until(20, sh->value[1]));
	EXPECT_EQ(EPERM, sh->value[0]);
	target_let(&t, 2);
	EXPECT_EQ(0, target_end(&t));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

TEST_HARNESS_MAIN
