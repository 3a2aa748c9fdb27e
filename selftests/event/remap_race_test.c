// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads that move mappings about, each into holes that others have just left.
 * Regression: the kernel tells the UNMAP of a moved mapping's old place late, and
 * it was taken for one of what another thread had moved there since: zeros.
 */
#include <pthread.h>

#include "selftests/memory.h"
#include "selftests/target.h"

#include <kselftest_harness.h>

#define THREADS	 3
#define CHUNKS	 16 /* of each thread */
#define MIN	 18 /* pages of a chunk, and as many again and more */
#define SIZES	 40
#define MOVES	 800
#define SPINNERS 3 /* who moves something is not soon scheduled again */

PAGER_FIXTURE(remap_race)

/* As realloc() does it: the kernel looks for a place where it does not fit any more. */
static void *move_about(void *arg)
{
	uint64_t id = (uint64_t)(uintptr_t)arg, x = id + 1, nr[CHUNKS];
	uint8_t *chunk[CHUNKS];

	for (uint64_t i = 0; i < CHUNKS; i++) {
		nr[i] = MIN;
		chunk[i] = memory_map(MIN);
		memory_fill(chunk[i], 0, MIN, id * CHUNKS + i);
	}
	for (uint64_t n = 0; n < MOVES; n++) {
		uint64_t i = (x = x * 6364136223846793005ULL + 1442695040888963407ULL) >> 33;
		uint64_t want = MIN + (i >> 8) % SIZES;
		uint8_t *to;

		i %= CHUNKS;
		to = mremap(chunk[i], nr[i] * PAGE_SIZE, want * PAGE_SIZE, MREMAP_MAYMOVE);
		if (to == MAP_FAILED)
			return "mremap failed";
		if (!memory_is(to, 0, want < nr[i] ? want : nr[i], id * CHUNKS + i))
			return "what was moved is wrong";
		if (want > nr[i])
			memory_fill(to, nr[i], want, id * CHUNKS + i);
		chunk[i] = to;
		nr[i] = want;
	}
	return NULL;
}

static _Atomic bool over;

static void *spin(void *arg)
{
	while (!atomic_load(&over))
		;
	return arg;
}

static int race(struct target_share *sh)
{
	pthread_t thread[THREADS], spinner;
	void *why = NULL, *what;

	for (int i = 0; i < SPINNERS; i++)
		target_check(sh, !pthread_create(&spinner, NULL, spin, NULL));
	for (uintptr_t i = 0; i < THREADS; i++)
		target_check(sh, !pthread_create(&thread[i], NULL, move_about, (void *)i));
	for (int i = 0; i < THREADS; i++) {
		target_check(sh, !pthread_join(thread[i], &what));
		why = what ? what : why;
	}
	atomic_store(&over, true);
	return why ? target_fail(sh, "%s", (const char *)why) : 0;
}

TEST_F_TIMEOUT(remap_race, into_holes, 100)
{
	struct target t = target_start(&self->pager, race, TARGET_BUDGET);

	EXPECT_EQ(0, target_end_within(&t, 80)) TH_LOG("%s", t.share->why);
}

TEST_HARNESS_MAIN
