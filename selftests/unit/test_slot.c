// SPDX-License-Identifier: GPL-2.0-only
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "slot_fixture.h"

#include "base/log.h"

/* What is written in order lies in order; the superblock's slot is never given. */
static void test_in_order(void **state)
{
	struct fixture *f = open_one(state, 100 * X);
	slot_t slot;

	assert_int_equal(slots_total(f->slots), 100 * X - 1);
	assert_int_equal(slots_free(f->slots), 100 * X - 1);
	assert_int_equal(slot_alloc(f->slots, 7, 0, &slot), -EINVAL);
	alloc_exactly(f, 7, 10, 1);
	alloc_exactly(f, 7, 1, 11);
	/* A freed slot behind is not gone back to. */
	slot_put(f->slots, (slot_t){ 5 });
	alloc_exactly(f, 7, 20, 12);
	/* One run goes on over adjacent extents. */
	alloc_exactly(f, 7, 3 * X, 32);
	assert_int_equal(slot_refs(f->slots, (slot_t){ 32 }), 1);
	assert_int_equal(slot_refs(f->slots, (slot_t){ 5 }), 0);
	assert_int_equal(slots_free(f->slots), 100 * X - 1 - 10 - 1 - 20 - 3 * X + 1);
}

static void test_hints_have_their_extents(void **state)
{
	struct fixture *f = open_one(state, 1000 * X);
	uint32_t owner[1000];
	unsigned int seed = 3;

	memset(owner, 0xff, sizeof(owner));
	for (int i = 0; i < 3000; i++) {
		uint32_t hint = (uint32_t)rand_r(&seed) % 40;
		slot_t slot;
		int nr = slot_alloc(f->slots, hint, 1 + (uint32_t)rand_r(&seed) % 20, &slot);

		assert_true(nr > 0);
		for (int n = 0; n < nr; n++) {
			uint64_t e = (slot.v + (uint64_t)n) / X;

			if (owner[e] == UINT32_MAX)
				owner[e] = hint;
			assert_int_equal(owner[e], hint);
		}
	}
}

/* An extent that was emptied slot by slot has one owner again. */
static void test_emptied_extents_have_one_owner(void **state)
{
	struct fixture *f = open_one(state, 20 * X);

	fill(f, 0);
	put_run(f, (slot_t){ 3 * X }, X);
	put_run(f, (slot_t){ 7 * X }, X);
	slot_put(f->slots, (slot_t){ 9 * X + 5 });
	alloc_exactly(f, 1, 1, 3 * X);
	alloc_exactly(f, 2, 1, 7 * X);
	alloc_exactly(f, 3, 1, 9 * X + 5);
	alloc_exactly(f, 1, 2, 3 * X + 1);
	alloc_exactly(f, 2, 2, 7 * X + 1);
}

static void test_whole_extents_before_holes(void **state)
{
	struct fixture *f = open_one(state, 10 * X);

	fill(f, 0);
	put_run(f, (slot_t){ 2 * X + 3 }, 2);
	put_run(f, (slot_t){ 2 * X + 7 }, 1);
	put_run(f, (slot_t){ 5 * X }, X);
	put_run(f, (slot_t){ 1 }, X - 1);
	/* The cursor stands at the end: around it, the first whole ones, then holes. */
	alloc_exactly(f, 0, X - 1, 1);
	alloc_exactly(f, 0, X, 5 * X);
	slot_put(f->slots, (slot_t){ 8 * X });
	assert_int_equal(slots_free(f->slots), 4);
	alloc_exactly(f, 0, 1, 8 * X);
	alloc_exactly(f, 0, 2, 2 * X + 3);
	alloc_exactly(f, 0, 1, 2 * X + 7);
	assert_int_equal(slots_free(f->slots), 0);
}

/* 300 hints, more than there are, own all extents of a small area: nothing is out of reach. */
static void test_last_slots_are_found(void **state)
{
	struct fixture *f = open_one(state, 256 * X + 5);
	uint64_t total = slots_total(f->slots), given = 0;
	slot_t slot;

	for (uint32_t hint = 0; hint < 300; hint++) {
		assert_int_equal(slot_alloc(f->slots, hint, 1, &slot), 1);
		given++;
	}
	for (uint32_t hint = 1000; given < total; hint++) {
		int nr = slot_alloc(f->slots, hint, 3, &slot);

		assert_true(nr >= 1 && nr <= 3);
		given += (uint64_t)nr;
	}
	for (uint32_t hint = 0; hint < 300; hint++)
		assert_int_equal(slot_alloc(f->slots, hint, 1, &slot), -ENOSPC);
	for (uint32_t hint = 0; hint < 300; hint++) {
		slot_t freed = { 1 + (hint * 53) % total };

		slot_put(f->slots, freed);
		assert_int_equal(slot_alloc(f->slots, hint, X, &slot), 1);
		assert_int_equal(slot.v, freed.v);
	}
}

static void test_priorities(void **state)
{
	struct fixture *f = *state;
	bool used[3] = { false };
	slot_t slot, kept = SLOT_NONE;
	uint64_t offset;
	uint32_t area;

	add_area(f, 4 * X, -1);
	add_area(f, 3 * X, 10);
	add_area(f, 2 * X, 5);
	assert_int_equal(open_slots(f), 0);
	assert_int_equal(slots_total(f->slots), 9 * X - 3);
	assert_int_equal(f->areas[0].first.v, 0);
	assert_int_equal(f->areas[1].first.v, 4 * X);
	assert_int_equal(f->areas[2].first.v, 7 * X);
	for (uint64_t given = 0; given < 9 * X - 3; given++) {
		uint32_t wanted = given < 3 * X - 1 ? 1 : given < 5 * X - 2 ? 2 : 0;

		assert_int_equal(slot_alloc(f->slots, (uint32_t)given % 3, 1, &slot), 1);
		assert_int_equal(area_of(f, slot), wanted);
		if (!used[wanted])
			kept = slot;
		used[wanted] = true;
	}
	assert_int_equal(slot_alloc(f->slots, 0, 1, &slot), -ENOSPC);

	slot_place(f->slots, kept, &area, &offset);
	assert_int_equal(area, 0);
	assert_int_equal(offset, 4096);
	slot_place(f->slots, (slot_t){ f->areas[2].first.v + 9 }, &area, &offset);
	assert_int_equal(area, 2);
	assert_int_equal(offset, 9 * 4096);
	/* Room in a better area is used at once. */
	slot_put(f->slots, kept);
	slot_put(f->slots, (slot_t){ f->areas[1].first.v + 70 });
	assert_int_equal(slot_alloc(f->slots, 0, 2, &slot), 1);
	assert_int_equal(slot.v, f->areas[1].first.v + 70);
	assert_int_equal(slot_alloc(f->slots, 0, 2, &slot), 1);
	assert_int_equal(slot.v, kept.v);
}

static void test_equal_priorities_take_turns(void **state)
{
	struct fixture *f = *state;
	uint64_t used[3] = { 0 };
	slot_t slot;

	add_area(f, 100 * X, 1);
	add_area(f, 100 * X, 1);
	add_area(f, 5 * X, 1);
	assert_int_equal(open_slots(f), 0);
	for (uint32_t i = 0; i < 12; i++) {
		int nr = slot_alloc(f->slots, 4, X, &slot);

		assert_true(nr >= (int)X - 1);
		assert_int_equal(area_of(f, slot), i % 3);
		/* In each area from its start on. */
		assert_int_equal((slot.v - f->areas[i % 3].first.v) / X, i / 3);
	}
	/* The small one fills up and the others go on in turn. */
	for (int nr; (nr = slot_alloc(f->slots, 4, X, &slot)) > 0;)
		used[area_of(f, slot)] += (uint64_t)nr;
	assert_int_equal(used[0], 96 * X);
	assert_int_equal(used[1], 96 * X);
	assert_int_equal(used[2], X);
}

static void test_count_limit(void **state)
{
	struct fixture *f = open_one(state, 2 * X);
	slot_t slot;

	assert_int_equal(slot_alloc(f->slots, 0, 1, &slot), 1);
	for (int i = 1; i < UINT16_MAX - 1; i++)
		slot_get(f->slots, slot);
	for (int i = 1; i < UINT16_MAX - 1; i++)
		slot_put(f->slots, slot);
	assert_int_equal(slot_refs(f->slots, slot), 1);
	/* At the limit it no longer counts: it must never be freed early. */
	for (int i = 1; i < UINT16_MAX + 10; i++)
		slot_get(f->slots, slot);
	for (int i = 0; i < UINT16_MAX + 10; i++)
		slot_put(f->slots, slot);
	assert_int_equal(slot_refs(f->slots, slot), UINT16_MAX);
	assert_int_equal(slots_free(f->slots), 2 * X - 2);
}

typedef void (*wrong_fn)(struct slots *slots);

static void put_free(struct slots *slots)
{
	slot_put(slots, (slot_t){ 9 });
}

static void get_free(struct slots *slots)
{
	slot_get(slots, (slot_t){ 9 });
}

static void put_none(struct slots *slots)
{
	slot_put(slots, SLOT_NONE);
}

static void get_beyond(struct slots *slots)
{
	slot_get(slots, (slot_t){ slots_total(slots) + 1 });
}

/* Going on after a wrong count would give a slot to two pages. */
static void test_wrong_use_aborts(void **state)
{
	static const wrong_fn wrong[] = { put_free, get_free, put_none, get_beyond };
	struct fixture *f = open_one(state, 10 * X);

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		int status;
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (!pid) {
			const struct rlimit no_core = { 0, 0 };

			setrlimit(RLIMIT_CORE, &no_core);
			log_init("test", LOG_LEVEL_ERR - 1);
			wrong[i](f->slots);
			_exit(0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGABRT);
	}
}

/* valgrind and the thread sanitizer make system calls themselves. */
static bool runs_on_tool(void)
{
	const char *preload = getenv("LD_PRELOAD");
	bool thread_sanitizer = false;

#ifdef __has_feature
	thread_sanitizer = __has_feature(thread_sanitizer);
#elif defined(__SANITIZE_THREAD__)
	thread_sanitizer = true;
#endif
	return thread_sanitizer || (preload && strstr(preload, "vgpreload"));
}

/* From here on the thread is killed by every system call but the last. */
static int forbid_system_calls(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	const struct sock_fprog program = { ARRAY_SIZE(code), code };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static void use_without_system_calls(struct fixture *f)
{
	static uint8_t page[PAGE_SIZE];
	uint32_t hint;
	slot_t slot;
	int nr;

	if (forbid_system_calls())
		_exit(2);
	for (int round = 0; round < 3; round++) {
		for (hint = 0; (nr = slot_alloc(f->slots, hint, 5, &slot)) > 0; hint++)
			for (int i = 0; i < nr; i++) {
				slot_t s = slot_add(slot, (uint64_t)i);

				slot_set_checksum(f->slots, s, slot_hash(f->slots, s, page));
				slot_get(f->slots, s);
				slot_put(f->slots, s);
			}
		for (uint64_t s = 1; s <= slots_total(f->slots); s++)
			slot_put(f->slots, (slot_t){ s });
	}
	syscall(SYS_exit_group, 0);
}

static void test_no_system_calls(void **state)
{
	struct fixture *f = open_one(state, 500 * X); /* as housekeeping keeps ahead */
	int status;
	pid_t pid;

	if (runs_on_tool())
		skip();
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		use_without_system_calls(f);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void *use_from_thread(void *arg)
{
	struct fixture *f = arg;
	unsigned int seed = (unsigned int)gettid();
	slot_t held[200];
	uint32_t nr_held = 0;

	for (int i = 0; i < 100000; i++) {
		slot_t slot;

		if (nr_held < ARRAY_SIZE(held) && rand_r(&seed) % 2 &&
		    slot_alloc(f->slots, seed % 8, 1, &slot) == 1) {
			slot_set_checksum(f->slots, slot, slot.v);
			held[nr_held++] = slot;
		} else if (nr_held) {
			slot = held[--nr_held];
			if (slot_refs(f->slots, slot) != 1 ||
			    slot_checksum(f->slots, slot) != slot.v)
				return "a slot was given twice";
			slot_put(f->slots, slot);
		}
	}
	while (nr_held)
		slot_put(f->slots, held[--nr_held]);
	return NULL;
}

static void test_threads(void **state)
{
	struct fixture *f = open_one(state, 2 * X);
	pthread_t threads[4];

	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, use_from_thread, f), 0);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
		void *wrong;

		assert_int_equal(pthread_join(threads[i], &wrong), 0);
		assert_null(wrong);
	}
	assert_int_equal(slots_free(f->slots), 2 * X - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_in_order),
		TEST(test_hints_have_their_extents),
		TEST(test_emptied_extents_have_one_owner),
		TEST(test_whole_extents_before_holes),
		TEST(test_last_slots_are_found),
		TEST(test_priorities),
		TEST(test_equal_priorities_take_turns),
		TEST(test_count_limit),
		TEST(test_wrong_use_aborts),
		TEST(test_no_system_calls),
		TEST(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
