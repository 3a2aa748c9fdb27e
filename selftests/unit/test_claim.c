// SPDX-License-Identifier: GPL-2.0-only
/* Chunks of an area that several pagers share: each slot is one pager's, whatever becomes of them. */
#include <signal.h>
#include <sys/stat.h>

#include "slot_fixture.h"
#include "swap/claim.h"
#include "swap/slot_state_format.h"

#define CHUNK SLOT_CHUNK_SLOTS
#define FIRST 1u /* owners */
#define USER  1001u

struct pager {
	int dir_fd;
	struct area area;
	struct slots *slots;
};

static void make_dir(struct fixture *f, const char *name, int *fd)
{
	assert_int_equal(mkdirat(f->dir_fd, name, 0700), 0);
	*fd = openat(f->dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(*fd >= 0);
}

static void open_pager(struct fixture *f, struct pager *p, uint32_t owner, uint32_t percent,
		       bool fresh)
{
	p->area = f->areas[0];
	assert_int_equal(
		claims_open(&p->area.claims, f->dir_fd, &p->area.sb, owner, percent, fresh), 0);
	assert_int_equal(slots_init(&p->slots, &p->area, 1, p->dir_fd), 0);
}

static void close_pager(struct pager *p)
{
	slots_fini(p->slots);
	claims_close(p->area.claims);
}

/* Takes all that can be had; a bit for each slot. */
static uint64_t take_all(struct pager *p, uint8_t *taken)
{
	uint64_t nr_all = 0;
	slot_t slot;
	int nr;

	while ((nr = slot_alloc(p->slots, 0, X, &slot)) > 0)
		for (int i = 0; i < nr; i++, nr_all++) {
			assert_int_equal(taken[slot.v + (uint64_t)i], 0);
			taken[slot.v + (uint64_t)i] = 1;
		}
	assert_int_equal(nr, -ENOSPC);
	assert_int_equal(slots_free(p->slots), 0);
	return nr_all;
}

#define CHUNKS 16

static void begin(struct fixture *f, struct pager *first, struct pager *user, uint32_t percent)
{
	add_area(f, CHUNKS * CHUNK, 0);
	make_dir(f, "first", &first->dir_fd);
	make_dir(f, "user", &user->dir_fd);
	assert_int_equal(claims_found(f->dir_fd, &f->areas[0].sb, false), 0);
	open_pager(f, first, FIRST, 100, true);
	open_pager(f, user, USER, percent, true);
}

static void clear(struct fixture *f, const char *name, int fd)
{
	unlinkat(fd, "slots.0", 0);
	close(fd);
	assert_int_equal(unlinkat(f->dir_fd, name, AT_REMOVEDIR), 0);
}

static void end(struct fixture *f, struct pager *first, struct pager *user)
{
	char name[64] = "claims.01000000000000000000000000000000";

	clear(f, "first", first->dir_fd);
	clear(f, "user", user->dir_fd);
	assert_int_equal(unlinkat(f->dir_fd, name, 0), 0);
}

static void test_shared(void **state)
{
	struct fixture *f = *state;
	uint8_t *taken = calloc(CHUNKS, CHUNK);
	struct pager first, user;
	uint64_t nr_user, nr_first;

	begin(f, &first, &user, 50);
	/* Half of it, however much is free; the others see it go. */
	assert_true(slots_free(user.slots) <= CHUNKS / 2 * CHUNK);
	nr_user = take_all(&user, taken);
	assert_true(nr_user >= (CHUNKS / 2 - 1) * CHUNK && nr_user <= CHUNKS / 2 * CHUNK);
	assert_true(slots_free(first.slots) <= CHUNKS * CHUNK - nr_user);
	nr_first = take_all(&first, taken);
	assert_int_equal(nr_first + nr_user, CHUNKS * CHUNK - 1);
	/* What one of them frees the other gets, once it was given back. */
	for (uint64_t i = 1; i < CHUNKS * CHUNK; i++) {
		uint64_t chunk = i / CHUNK;

		if (claim_has(user.area.claims, chunk))
			slot_put(user.slots, (slot_t){ i });
	}
	while (slots_refill(user.slots))
		;
	assert_true(slots_free(first.slots) > 0);
	memset(taken, 0, CHUNKS * CHUNK);
	assert_true(take_all(&first, taken) >= (CHUNKS / 2 - 4) * CHUNK);
	close_pager(&first);
	close_pager(&user);
	end(f, &first, &user);
	free(taken);
}

/* Killed, and taken over: what was in use stays its own. */
static void test_taken_over(void **state)
{
	struct fixture *f = *state;
	uint8_t *taken = calloc(CHUNKS, CHUNK);
	struct pager first, user;
	slot_t slot;
	int status;
	pid_t pid;

	begin(f, &first, &user, 50);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		for (int i = 0; i < 10; i++)
			if (slot_alloc(user.slots, 0, X, &slot) <= 0)
				_exit(1);
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	close_pager(&user);
	take_all(&first, taken);
	open_pager(f, &user, USER, 50, false);
	for (uint64_t i = 1; i < CHUNKS * CHUNK; i++)
		if (claim_has(user.area.claims, i / CHUNK) && slot_refs(user.slots, (slot_t){ i }))
			assert_int_equal(taken[i], 0);
	close_pager(&first);
	close_pager(&user);
	end(f, &first, &user);
	free(taken);
}

/* A state in which a slot of another's is in use is refused. */
static void test_foreign(void **state)
{
	struct fixture *f = *state;
	struct pager first, user;
	slot_t slot;

	begin(f, &first, &user, 50);
	assert_true(slot_alloc(user.slots, 0, 1, &slot) == 1);
	close_pager(&user);
	assert_int_equal(claims_found(f->dir_fd, &f->areas[0].sb, false), 0);
	for (uint64_t c = 0; c < CHUNKS; c++) {
		struct claims *other;

		assert_int_equal(
			claims_open(&other, f->dir_fd, &f->areas[0].sb, USER + 1, 100, true), 0);
		assert_true(claim_take(other, c));
		claims_close(other);
	}
	user.area = f->areas[0];
	assert_int_equal(claims_open(&user.area.claims, f->dir_fd, &user.area.sb, USER, 50, false),
			 0);
	assert_int_equal(slots_init(&user.slots, &user.area, 1, user.dir_fd), -ESTALE);
	claims_close(user.area.claims);
	close_pager(&first);
	end(f, &first, &user);
}

static bool is_user(void *context, uint32_t owner)
{
	++*(uint32_t *)context;
	return owner == USER;
}

/* Who has nothing there keeps nothing; what is left of one who is gone the first one takes. */
static void test_given_back(void **state)
{
	struct fixture *f = *state;
	struct pager first, user;
	uint32_t nr_asked = 0;
	slot_t slot;

	begin(f, &first, &user, 50);
	assert_int_equal(slots_free(first.slots), CHUNKS * CHUNK - 1);
	assert_int_equal(slot_alloc(user.slots, 0, 3, &slot), 3);
	for (uint64_t i = 0; i < 3; i++)
		slot_put(user.slots, slot_add(slot, i));
	while (slots_refill(user.slots))
		;
	assert_int_equal(slots_free(first.slots), CHUNKS * CHUNK - 1);
	assert_int_equal(slot_alloc(user.slots, 0, 3, &slot), 3);
	close_pager(&user);
	claims_sweep(first.area.claims, is_user, &nr_asked);
	assert_true(nr_asked > 0);
	assert_int_equal(slots_free(first.slots), CHUNKS * CHUNK - 1);
	close_pager(&first);
	end(f, &first, &user);
}

/* What a predecessor had claimed, of whom nothing is known, is not others' at once. */
static void test_lingers(void **state)
{
	struct fixture *f = *state;
	uint8_t *taken = calloc(CHUNKS, CHUNK);
	struct pager first, user;
	uint64_t nr_had = 0, nr_first;

	begin(f, &first, &user, 50);
	take_all(&user, taken);
	close_pager(&user);
	unlinkat(user.dir_fd, "slots.0", 0);
	open_pager(f, &user, USER, 50, true);
	while (slots_refill(user.slots))
		;
	for (uint64_t c = 0; c < CHUNKS; c++)
		nr_had += claim_has(user.area.claims, c);
	assert_int_equal(nr_had, CHUNKS / 2);
	nr_first = take_all(&first, taken);
	assert_true(nr_first <= CHUNKS / 2 * CHUNK);
	/* It may use them itself. */
	memset(taken, 0, CHUNKS * CHUNK);
	assert_true(take_all(&user, taken) >= (CHUNKS / 2 - 1) * CHUNK);
	close_pager(&first);
	close_pager(&user);
	end(f, &first, &user);
	free(taken);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_shared),     TEST(test_taken_over), TEST(test_foreign),
		TEST(test_given_back), TEST(test_lingers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
