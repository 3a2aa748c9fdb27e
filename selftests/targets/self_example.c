// SPDX-License-Identifier: GPL-2.0-only
/*
 * A program that pages an array of its own, with 16 times the memory that it
 * may keep:
 *
 *   cc -o self_example self_example.c $(pkg-config --cflags --libs libupager)
 *   UPAGER_SOCKET=/run/upager/upager.sock ./self_example
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <upager.h>

#define BUDGET_BYTES (4UL << 20)
#define ARRAY_BYTES  (64UL << 20)
#define INDEX_BYTES  (1UL << 20)
#define NR	     (ARRAY_BYTES / sizeof(uint64_t))

static void must(struct upager *u, int err, const char *what)
{
	if (!err)
		return;
	fprintf(stderr, "%s: %s\n", what, upager_last_reply(u)->text);
	exit(EXIT_FAILURE);
}

static void show_status(struct upager *u)
{
	struct upager_record *rec;
	uint32_t nr;

	must(u, upager_status(u, getpid(), &rec, &nr), "status");
	if (nr)
		printf("budget %" PRIu64 "M, registered %" PRIu64 "M, swapped %" PRIu64
		       "M, %" PRIu64 " evictions, %" PRIu64 " read ahead\n",
		       (uint64_t)rec->budget_bytes >> 20, (uint64_t)rec->registered_bytes >> 20,
		       (uint64_t)rec->swapped_bytes >> 20, (uint64_t)rec->evictions,
		       (uint64_t)rec->readahead_pages);
	free(rec);
}

int main(void)
{
	uint64_t *array =
		mmap(NULL, ARRAY_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t sum = 0, want = 0;
	struct upager *u;

	if (array == MAP_FAILED || upager_open(NULL, &u)) {
		fprintf(stderr, "no memory, or no upagerd at %s\n", upager_socket_path());
		return EXIT_FAILURE;
	}
	/* The budget first: registering without one would give all of the machine. */
	must(u, upager_join(u, BUDGET_BYTES), "join");
	must(u, upager_register(u, array, ARRAY_BYTES), "register");

	/* Its start is needed all the time, the rest is gone through in order. */
	must(u, upager_advise(u, array, INDEX_BYTES, UPAGER_PIN), "pin");
	must(u,
	     upager_advise(u, (char *)array + INDEX_BYTES, ARRAY_BYTES - INDEX_BYTES,
			   UPAGER_SEQUENTIAL),
	     "sequential");
	for (uint64_t i = 0; i < NR; i++)
		array[i] = i * i;
	for (uint64_t i = 0; i < NR; i++) {
		sum += array[i];
		want += i * i;
	}
	show_status(u);

	/* What is not needed any more need not come back: unmapping unregisters. */
	munmap((char *)array + ARRAY_BYTES / 2, ARRAY_BYTES / 2);
	/* The rest is ordinary memory again, all of it resident. */
	must(u, upager_unregister(u, array, ARRAY_BYTES / 2), "unregister");
	upager_close(u);
	printf("sum %" PRIu64 "\n", sum);
	return sum == want ? EXIT_SUCCESS : EXIT_FAILURE;
}
