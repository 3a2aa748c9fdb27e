// SPDX-License-Identifier: GPL-2.0-only
/*
 * TIMEOUT 300
 *
 * Processes that are hard to get inside of keep the others from the daemon for an instant only.
 */
#include "selftests/hostile/user.h"

#include <sched.h>
#include <sys/syscall.h>

#include <kselftest_harness.h>

#define NR_STUCK     60
#define ANSWERS	     5
#define HOLD_SECONDS 60

PAGER_FIXTURE(hostile_attach)

/* In vfork(), which cannot be stopped, as long as its child lives. */
static pid_t stuck_process(void)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (!vfork()) {
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		syscall(SYS_nanosleep, &(struct timespec){ HOLD_SECONDS, 0 }, NULL);
		_exit(0);
	}
	_exit(0);
}

/* Asks for all of them at once, and again whenever one is answered. */
static int ask_for_stuck(struct target_share *sh)
{
	pid_t pid[NR_STUCK];
	int fd[NR_STUCK];

	target_check(sh, user_become());
	for (int i = 0; i < NR_STUCK; i++) {
		pid[i] = stuck_process();
		fd[i] = user_connect();
		target_check(sh, fd[i] >= 0);
	}
	sleep_us(100000);
	for (int i = 0; i < NR_STUCK; i++)
		target_check(sh, user_send(fd[i], UPAGER_OP_ATTACH, pid[i]));
	atomic_store(&sh->at, 2);
	while (atomic_load(&sh->go) < 3) {
		for (int i = 0; i < NR_STUCK; i++) {
			struct upager_reply reply;

			if (recv(fd[i], &reply, sizeof(reply), MSG_DONTWAIT) > 0)
				user_send(fd[i], UPAGER_OP_ATTACH, pid[i]);
		}
		sleep_us(1000);
	}
	return 0;
}

/* Regression: each was waited for, one after the other, before anybody else was answered. */
TEST_F_TIMEOUT(hostile_attach, nobody_can_be_stopped, 120)
{
	struct target v = victim_start(&self->pager), t;

	user_pager = &self->pager;
	user_admit(&self->pager);
	t = target_fork(ask_for_stuck);
	target_let(&t, 1);
	ASSERT_TRUE(target_reached(&t, 2));
	for (int i = 0; i < ANSWERS; i++)
		EXPECT_TRUE(root_is_answered(&self->pager));
	EXPECT_TRUE(victim_goes_on(&v));
	target_let(&t, 3);
	EXPECT_EQ(0, target_end(&t));
	EXPECT_EQ(0, victim_end(&v));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

/* Maps a file that is called like the kernel's own mapping, below that. */
static int map_impostor(struct target_share *sh)
{
	char path[200];
	int fd;

	snprintf(path, sizeof(path), "%s/[vdso]", guard_ram);
	fd = open(path, O_RDWR | O_CREAT, 0600);
	target_check(sh, fd >= 0 && !ftruncate(fd, PAGE_SIZE));
	target_check(sh, mmap(NULL, PAGE_SIZE, PROT_READ, MAP_PRIVATE, fd, 0) != MAP_FAILED);
	target_meet(sh, 2);
	return 0;
}

/* Regression: the injector read it, for which the server of its file system could have it wait. */
TEST_F(hostile_attach, maps_what_is_named_vdso)
{
	struct target t = target_fork(map_impostor);

	target_let(&t, 1);
	ASSERT_TRUE(target_reached(&t, 2));
	EXPECT_EQ(0, target_attach(&self->pager, &t, TARGET_BUDGET));
	target_let(&t, 2);
	EXPECT_EQ(0, target_end(&t));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

TEST_HARNESS_MAIN
