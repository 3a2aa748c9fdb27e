// SPDX-License-Identifier: GPL-2.0-only
/*
 * inject_spin KIND THREADS: computes until standard input ends, then says
 * "ok ROUNDS" or "bad WRONG".  With 0 threads the main thread does it,
 * with rseq it takes part.
 *
 *   regs  every general register, the flags and a vector register keep their
 *         values, the red zone too
 *   fpu   floating-point and vector sums come out the same each time
 *   signal  regs, under a timer signal every 200 us
 *   memory  pages keep what was written last; "ready ADDRESS" tells where
 *   churn threads come and go
 *   rseq  restartable sequences are never resumed half-way
 */
#include <linux/rseq.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

#define NR_CPUS 1024

extern const ptrdiff_t __rseq_offset;
extern const unsigned int __rseq_size;

static _Atomic int stopping;
static _Atomic unsigned long nr_rounds;
static _Atomic unsigned long nr_bad;
static _Atomic unsigned long nr_signals;

/* 0 if nothing changed under it. */
static unsigned long spin_regs(void)
{
	unsigned long wrong;

	__asm__ volatile("lea -256(%%rsp), %%rsp\n\t" /* past the compiler's red zone */
			 "mov $0x5a5a5a5a5a5a5a5a, %%rax\n\t"
			 "movq %%rax, %%xmm15\n\t"
			 "mov %%rax, -64(%%rsp)\n\t"
			 "mov $0x1, %%rbx\n\t"
			 "mov $200000, %%rcx\n\t"
			 "mov $0x3, %%rdx\n\t"
			 "mov $0x4, %%rsi\n\t"
			 "mov $0x5, %%rdi\n\t"
			 "mov $0x8, %%r8\n\t"
			 "mov $0x9, %%r9\n\t"
			 "mov $0xa, %%r10\n\t"
			 "mov $0xb, %%r11\n\t"
			 "mov $0xc, %%r12\n\t"
			 "mov $0xd, %%r13\n\t"
			 "mov $0xe, %%r14\n\t"
			 "mov $0xf, %%r15\n\t"
			 "stc\n\t"
			 "std\n\t"
			 /* lea, jrcxz: the flags stay as they are. */
			 "1: jrcxz 2f\n\t"
			 "lea -1(%%rcx), %%rcx\n\t"
			 "jmp 1b\n\t"
			 "2:\n\t"
			 "sbb %%rcx, %%rcx\n\t" /* the carry flag: -1 */
			 "not %%rcx\n\t"
			 "pushfq\n\t"
			 "cld\n\t"
			 "andq $0x400, (%%rsp)\n\t" /* the direction flag */
			 "xorq $0x400, (%%rsp)\n\t"
			 "or (%%rsp), %%rcx\n\t"
			 "add $8, %%rsp\n\t"
			 "xor %%rax, -64(%%rsp)\n\t"
			 "or -64(%%rsp), %%rcx\n\t"
			 "xor $0x1, %%rbx\n\t"
			 "or %%rbx, %%rcx\n\t"
			 "xor $0x3, %%rdx\n\t"
			 "or %%rdx, %%rcx\n\t"
			 "xor $0x4, %%rsi\n\t"
			 "or %%rsi, %%rcx\n\t"
			 "xor $0x5, %%rdi\n\t"
			 "or %%rdi, %%rcx\n\t"
			 "xor $0x8, %%r8\n\t"
			 "or %%r8, %%rcx\n\t"
			 "xor $0x9, %%r9\n\t"
			 "or %%r9, %%rcx\n\t"
			 "xor $0xa, %%r10\n\t"
			 "or %%r10, %%rcx\n\t"
			 "xor $0xb, %%r11\n\t"
			 "or %%r11, %%rcx\n\t"
			 "xor $0xc, %%r12\n\t"
			 "or %%r12, %%rcx\n\t"
			 "xor $0xd, %%r13\n\t"
			 "or %%r13, %%rcx\n\t"
			 "xor $0xe, %%r14\n\t"
			 "or %%r14, %%rcx\n\t"
			 "xor $0xf, %%r15\n\t"
			 "or %%r15, %%rcx\n\t"
			 "movq %%xmm15, %%rdx\n\t"
			 "xor %%rax, %%rdx\n\t"
			 "or %%rdx, %%rcx\n\t"
			 "mov $0x5a5a5a5a5a5a5a5a, %%rdx\n\t"
			 "xor %%rdx, %%rax\n\t"
			 "or %%rcx, %%rax\n\t"
			 "lea 256(%%rsp), %%rsp\n\t"
			 : "=a"(wrong)
			 :
			 : "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12",
			   "r13", "r14", "r15", "xmm15", "cc", "memory");
	return wrong;
}

static void count_signal(int sig)
{
	(void)sig;
	nr_signals++;
}

static void start_timer(void)
{
	const struct itimerval it = { { 0, 200 }, { 0, 200 } };

	signal(SIGALRM, count_signal);
	setitimer(ITIMER_REAL, &it, NULL);
}

typedef double vector __attribute__((vector_size(32)));

__attribute__((target("avx2"))) static double sum_vectors(void)
{
	vector acc = { 1, 2, 3, 4 };
	const vector factor = { 1.0000001, 1.0000002, 1.0000003, 1.0000004 };

	for (int i = 0; i < 50000; i++)
		acc = acc * factor + (vector){ 0.5, 0.25, 0.125, 0.0625 };
	return acc[0] + acc[1] * 3 + acc[2] * 5 + acc[3] * 7;
}

static long double sum_x87(void)
{
	long double acc = 1;

	for (int i = 1; i < 20000; i++)
		acc = acc * 1.00001L + 1.0L / i;
	return acc;
}

static unsigned long spin_fpu(void)
{
	static _Atomic uint64_t expected_vectors, expected_x87;
	double vectors = __builtin_cpu_supports("avx2") ? sum_vectors() : 1;
	long double x87 = sum_x87();
	uint64_t bits[2], none = 0;
	unsigned long wrong;

	memcpy(&bits[0], &vectors, sizeof(bits[0]));
	memcpy(&bits[1], &x87, sizeof(bits[1]));
	atomic_compare_exchange_strong(&expected_vectors, &none, bits[0]);
	none = 0;
	atomic_compare_exchange_strong(&expected_x87, &none, bits[1]);
	wrong = bits[0] != expected_vectors || bits[1] != expected_x87;
	return wrong;
}

static struct {
	unsigned long count;
	char pad[56];
} per_cpu[NR_CPUS];

static _Atomic unsigned long nr_sequences;

/*
 * Adds one to the CPU's counter, slowly: what was read is written back some
 * thousand instructions later, which is only right if nothing came between.
 */
static unsigned long spin_rseq(void)
{
	struct rseq *rs = (struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset);
	unsigned long done = 0;

	if (!__rseq_size)
		return 1;
	while (!done) {
		uint32_t cpu = *(volatile uint32_t *)&rs->cpu_id_start;

		__asm__ volatile goto(
			".pushsection .data.rel.ro, \"aw\"\n\t"
			".balign 32\n"
			"3:\n\t"
			".long 0, 0\n\t"
			".quad 1f, 2f - 1f, 4f\n\t"
			".popsection\n\t"
			".pushsection .text.unlikely, \"ax\"\n\t"
			".byte 0x0f, 0xb9, 0x3d\n\t" /* ud1, as glibc's signature wants */
			".long 0x53053053\n"
			"4:\n\t"
			"jmp %l[aborted]\n\t"
			".popsection\n\t"
			"lea 3b(%%rip), %%rax\n\t"
			"mov %%rax, %[cs]\n"
			"1:\n\t"
			"cmp %[cpu], %[id]\n\t"
			"jne 4b\n\t"
			"mov (%[count]), %%rax\n\t"
			"mov $2000, %%rcx\n"
			"5:\n\t"
			"dec %%rcx\n\t"
			"jnz 5b\n\t"
			"inc %%rax\n\t"
			"mov %%rax, (%[count])\n"
			"2:\n\t"
			:
			: [cs] "m"(rs->rseq_cs), [id] "m"(rs->cpu_id), [cpu] "r"(cpu),
			  [count] "r"(&per_cpu[cpu % NR_CPUS].count)
			: "rax", "rcx", "memory", "cc"
			: aborted);
		done = 1;
aborted:;
	}
	atomic_fetch_add(&nr_sequences, 1);
	return 0;
}

#define PAGES_PER_THREAD 512
#define PAGE_WORDS	 512
#define MEMORY_BYTES	 (64ul * PAGES_PER_THREAD * PAGE_WORDS * 8)

static volatile uint64_t *memory;
static _Atomic unsigned int nr_writers;

/* What it wrote last it knows from its own stack, which is never paged. */
static unsigned long spin_memory(void)
{
	static _Thread_local volatile uint64_t *mine;
	static _Thread_local uint32_t random_state;
	uint64_t expected[PAGES_PER_THREAD] = { 0 };
	unsigned long wrong = 0;

	if (!mine) {
		random_state = ++nr_writers;
		mine = memory + (size_t)(random_state - 1) * PAGES_PER_THREAD * PAGE_WORDS;
	}
	for (size_t i = 0; i < PAGES_PER_THREAD; i++)
		mine[i * PAGE_WORDS + 17] = 0;
	for (int i = 0; i < 20000; i++) {
		size_t page;

		random_state = random_state * 1664525 + 1013904223;
		page = (random_state >> 8) % PAGES_PER_THREAD;
		wrong += mine[page * PAGE_WORDS + 17] != expected[page];
		mine[page * PAGE_WORDS + 17] = ++expected[page];
	}
	return wrong;
}

static void *end_at_once(void *arg)
{
	return arg;
}

static unsigned long spin_churn(void)
{
	pthread_t thread;
	void *ret;

	if (pthread_create(&thread, NULL, end_at_once, &nr_bad) || pthread_join(thread, &ret))
		return 1;
	return ret != &nr_bad;
}

static unsigned long sequences_lost(void)
{
	unsigned long sum = 0;

	for (int i = 0; i < NR_CPUS; i++)
		sum += per_cpu[i].count;
	return sum != nr_sequences;
}

static unsigned long (*spin_once)(void);

static void *spin(void *arg)
{
	(void)arg;
	while (!stopping) {
		nr_bad += spin_once() != 0;
		nr_rounds++;
	}
	return NULL;
}

static void spin_until_end_of_input(void)
{
	struct pollfd pfd = { .fd = STDIN_FILENO };

	while (!(pfd.revents & POLLHUP)) {
		nr_bad += spin_once() != 0;
		nr_rounds++;
		poll(&pfd, 1, 0);
	}
}

int main(int argc, char **argv)
{
	pthread_t thread[64];
	int nr_threads = argc == 3 ? atoi(argv[2]) : -1;
	char byte;

	if (nr_threads < 0 || nr_threads > 64)
		return 2;
	if (!strcmp(argv[1], "regs"))
		spin_once = spin_regs;
	else if (!strcmp(argv[1], "signal"))
		spin_once = spin_regs;
	else if (!strcmp(argv[1], "memory"))
		spin_once = spin_memory;
	else if (!strcmp(argv[1], "churn"))
		spin_once = spin_churn;
	else if (!strcmp(argv[1], "fpu"))
		spin_once = spin_fpu;
	else
		spin_once = spin_rseq;
	memory = mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		      0);
	if (memory == MAP_FAILED || madvise((void *)memory, MEMORY_BYTES, MADV_NOHUGEPAGE))
		return 1;
	for (int i = 0; i < nr_threads; i++) {
		if (pthread_create(&thread[i], NULL, spin, NULL))
			return 1;
	}
	if (!strcmp(argv[1], "signal"))
		start_timer();
	printf("ready %lu\n", (unsigned long)memory);
	fflush(stdout);
	if (!nr_threads || spin_once == spin_rseq)
		spin_until_end_of_input();
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	stopping = 1;
	for (int i = 0; i < nr_threads; i++)
		pthread_join(thread[i], NULL);
	nr_bad += sequences_lost();
	nr_bad += !strcmp(argv[1], "signal") && !nr_signals;
	if (nr_bad)
		printf("bad %lu\n", (unsigned long)nr_bad);
	else
		printf("ok %lu\n", (unsigned long)nr_rounds);
	return nr_bad != 0;
}
