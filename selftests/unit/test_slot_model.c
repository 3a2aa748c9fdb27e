// SPDX-License-Identifier: GPL-2.0-only
#include "slot_fixture.h"

/* What the slots must be, by the book: a count and a checksum per slot. */
struct model {
	uint32_t nr_slots;
	uint32_t nr_free;
	uint16_t refs[64 * X];
	uint64_t checksum[64 * X];
};

static int best_priority(struct fixture *f, const struct model *m)
{
	int best = INT32_MIN;

	for (uint32_t a = 0; a < f->nr_areas; a++)
		for (uint64_t i = 1; i < f->areas[a].sb.nr_slots; i++)
			if (!m->refs[f->areas[a].first.v + i]) {
				best = max_t(int, best, f->areas[a].priority);
				break;
			}
	return best;
}

static void model_alloc(struct fixture *f, struct model *m, unsigned int *seed)
{
	uint32_t want = 1 + (uint32_t)rand_r(seed) % (rand_r(seed) % 4 ? 8 : 3 * X);
	slot_t first, last;
	int nr = slot_alloc(f->slots, (uint32_t)rand_r(seed) % 300, want, &first);

	if (!m->nr_free) {
		assert_int_equal(nr, -ENOSPC);
		return;
	}
	assert_true(nr >= 1 && nr <= (int)want);
	last = slot_add(first, (uint64_t)nr - 1);
	assert_int_equal(f->areas[area_of(f, first)].priority, best_priority(f, m));
	assert_int_equal(area_of(f, first), area_of(f, last));
	for (uint64_t s = first.v; s <= last.v; s++) {
		assert_int_equal(m->refs[s], 0);
		m->refs[s] = 1;
		m->checksum[s] = (uint64_t)rand_r(seed) << 32 | s;
		slot_set_checksum(f->slots, (slot_t){ s }, m->checksum[s]);
		m->nr_free--;
	}
}

static void model_get_or_put(struct fixture *f, struct model *m, unsigned int *seed, bool put)
{
	slot_t slot = { (uint64_t)rand_r(seed) % m->nr_slots };

	for (uint32_t i = 0; i < m->nr_slots && !m->refs[slot.v]; i++)
		slot.v = (slot.v + 1) % m->nr_slots;
	if (!m->refs[slot.v])
		return;
	assert_int_equal(slot_checksum(f->slots, slot), m->checksum[slot.v]);
	if (put) {
		slot_put(f->slots, slot);
		m->nr_free += !--m->refs[slot.v];
	} else {
		slot_get(f->slots, slot);
		m->refs[slot.v]++;
	}
}

static void model_compare(struct fixture *f, const struct model *m)
{
	assert_int_equal(slots_free(f->slots), m->nr_free);
	for (uint32_t a = 0; a < f->nr_areas; a++)
		for (uint64_t i = 1; i < f->areas[a].sb.nr_slots; i++) {
			slot_t slot = slot_add(f->areas[a].first, i);

			assert_int_equal(slot_refs(f->slots, slot), m->refs[slot.v]);
			if (m->refs[slot.v])
				assert_int_equal(slot_checksum(f->slots, slot),
						 m->checksum[slot.v]);
		}
}

static void model_run(struct fixture *f, unsigned int seed)
{
	struct model *m = calloc(1, sizeof(*m));

	assert_non_null(m);
	for (uint32_t a = 0; a < f->nr_areas; a++)
		m->nr_slots += (uint32_t)f->areas[a].sb.nr_slots;
	m->nr_free = m->nr_slots - f->nr_areas;
	for (int i = 0; i < 12000; i++) {
		/* Tides, so that it is full and empty now and then. */
		int tide = i / 1500 % 2 ? 2 : 6;
		int dice = rand_r(&seed) % 16;

		if (dice < tide)
			model_alloc(f, m, &seed);
		else
			model_get_or_put(f, m, &seed, dice < 14);
		if (i % 1000 == 999)
			model_compare(f, m);
		if (i % 2500 == 2499)
			reopen_slots(f);
	}
	model_compare(f, m);
	free(m);
}

static void test_random_one_area(void **state)
{
	model_run(open_one(state, 20 * X + 17), 11);
}

static void test_random_small_area(void **state)
{
	model_run(open_one(state, AREA_SLOTS_MIN), 12);
}

static void test_random_many_areas(void **state)
{
	struct fixture *f = *state;

	add_area(f, 7 * X + 1, 2);
	add_area(f, X, 0);
	add_area(f, 9 * X - 1, 2);
	add_area(f, 9, 7);
	add_area(f, 4 * X, 0);
	assert_int_equal(open_slots(f), 0);
	model_run(f, 13);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_random_one_area),
		TEST(test_random_small_area),
		TEST(test_random_many_areas),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
