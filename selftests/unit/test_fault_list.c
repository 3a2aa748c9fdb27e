// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <fcntl.h>

#include <cmocka.h>

#include "fault/fault_list.h"
#include "seed.h"

#define NODES 100
#define LISTS 5

struct model {
	uint64_t page[NODES]; /* in order of arrival */
	uint32_t nr;
};

static struct fault fault_of(uint64_t page)
{
	return (struct fault){
		.page = { page },
		.begin_ns = page * 3,
		.tid = (uint32_t)page * 5,
		.write_protect = page % 2,
		.throttled = page % 3 == 0,
		.tries = (uint8_t)(page % 200),
		.next = 12345, /* what it was elsewhere */
	};
}

static void check_taken(const struct fault *f, uint64_t page)
{
	const struct fault want = fault_of(page);

	assert_int_equal(f->page.v, want.page.v);
	assert_int_equal(f->begin_ns, want.begin_ns);
	assert_int_equal(f->tid, want.tid);
	assert_int_equal(f->write_protect, want.write_protect);
	assert_int_equal(f->throttled, want.throttled);
	assert_int_equal(f->tries, want.tries);
}

/* First in, first out, in lists that share their nodes. */
static void test_random_against_model(void **state)
{
	uint64_t seed = seed_start(__func__), next = 1;
	struct fault_list list[LISTS] = { { 0 } };
	struct model model[LISTS] = { { .nr = 0 } };
	struct fault_nodes nodes;
	uint32_t used = 0;

	(void)state;
	assert_int_equal(fault_nodes_init(&nodes, NODES), 0);
	for (int step = 0; step < 100000; step++) {
		uint32_t i = seed_below(&seed, LISTS);
		struct model *m = &model[i];
		struct fault f;

		/* Now filling up, now running empty. */
		if (used < NODES && seed_below(&seed, 10) < (step / 1000 % 2 ? 7 : 3)) {
			fault_list_add(&nodes, &list[i], fault_of(next));
			m->page[m->nr++] = next++;
			used++;
		} else if (fault_list_take(&nodes, &list[i], &f)) {
			assert_true(m->nr);
			check_taken(&f, m->page[0]);
			memmove(m->page, m->page + 1, --m->nr * sizeof(m->page[0]));
			used--;
		} else {
			assert_int_equal(m->nr, 0);
			assert_int_equal(list[i].head, 0);
			assert_int_equal(list[i].tail, 0);
		}
		assert_int_equal(list[i].nr, m->nr);
		assert_int_equal(nodes.nr_free, NODES - used);
	}
	fault_nodes_fini(&nodes);
}

/* Every node can be used at once, and again. */
static void test_all_nodes(void **state)
{
	struct fault_list list = { 0 };
	struct fault_nodes nodes;
	struct fault f;

	(void)state;
	assert_int_equal(fault_nodes_init(&nodes, NODES), 0);
	for (uint64_t round = 0; round < 3; round++) {
		for (uint64_t page = 1; page <= NODES; page++)
			fault_list_add(&nodes, &list, fault_of(round * 1000 + page));
		assert_int_equal(nodes.nr_free, 0);
		for (uint64_t page = 1; page <= NODES; page++) {
			assert_true(fault_list_take(&nodes, &list, &f));
			check_taken(&f, round * 1000 + page);
		}
		assert_false(fault_list_take(&nodes, &list, &f));
	}
	fault_nodes_fini(&nodes);
}

/*
 * Regression: a thread that signals interrupt while it waits was in the list as
 * often as it was interrupted.
 */
static void test_again_and_again(void **state)
{
	struct fault_list list = { 0 }, other = { 0 };
	struct fault f = fault_of(7), same = f;
	struct fault_nodes nodes;

	(void)state;
	assert_int_equal(fault_nodes_init(&nodes, NODES), 0);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 3 * NODES; i++) {
			same.begin_ns = f.begin_ns + (uint64_t)i;
			same.throttled = i;
			fault_list_add(&nodes, &list, same);
		}
		assert_int_equal(list.nr, 1);
		/* Another page, thread, space or kind is another fault. */
		for (uint32_t i = 1; i <= 4; i++) {
			struct fault g = f;

			g.page.v += i == 1;
			g.tid += i == 2;
			g.space += i == 3;
			g.write_protect ^= i == 4;
			fault_list_add(&nodes, i == 3 ? &other : &list, g);
		}
		assert_int_equal(list.nr, 4);
		assert_int_equal(other.nr, 1);
		assert_int_equal(nodes.nr_free, NODES - 5);
		assert_true(fault_list_take(&nodes, &list, &same));
		assert_int_equal(same.begin_ns, f.begin_ns);
		assert_false(same.throttled);
		while (fault_list_take(&nodes, &list, &same) ||
		       fault_list_take(&nodes, &other, &same))
			;
		assert_int_equal(nodes.nr_free, NODES);
		same = f;
	}
	fault_nodes_fini(&nodes);
}

/* A fault that was forgotten would be a thread that waits for ever. */
static void test_no_node_aborts(void **state)
{
	const struct rlimit no_core = { 0, 0 };
	int status;
	pid_t pid;

	(void)state;
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		struct fault_list list = { 0 };
		struct fault_nodes nodes;

		dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
		setrlimit(RLIMIT_CORE, &no_core);
		if (fault_nodes_init(&nodes, 1))
			_exit(1);
		fault_list_add(&nodes, &list, fault_of(1));
		fault_list_add(&nodes, &list, fault_of(2));
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_against_model),
		cmocka_unit_test(test_all_nodes),
		cmocka_unit_test(test_again_and_again),
		cmocka_unit_test(test_no_node_aborts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
