// SPDX-License-Identifier: GPL-2.0-only
#include <pthread.h>

#include "uffd_fixture.h"

#include "base/disable.h"
#include "base/log.h"

static struct uffd_msg read_message(int uffd)
{
	struct pollfd poll_fd = { .fd = uffd, .events = POLLIN };
	struct uffd_msg msg;

	assert_int_equal(poll(&poll_fd, 1, 10000), 1);
	assert_int_equal(uffd_read(uffd, &msg, 1), 1);
	return msg;
}

static void *touch(void *addr)
{
	return (void *)(uintptr_t) * (volatile char *)addr;
}

static void *overwrite(void *addr)
{
	*(volatile char *)addr = '!';
	return NULL;
}

static void *drop(void *addr)
{
	return (void *)(intptr_t)madvise(addr, PAGE_SIZE, MADV_DONTNEED);
}

static void test_probe(void **state)
{
	struct fixture *f = need(state);
	struct uffd_caps caps;

	assert_true(f->caps.features & UFFD_FEATURE_EVENT_FORK);
	assert_int_equal(f->caps.dev_userfaultfd, !access("/dev/userfaultfd", R_OK | W_OK));
	assert_int_equal(setenv("UPAGER_DISABLE", "move,poison", 1), 0);
	assert_int_equal(uffd_probe(&caps), 0);
	assert_false(caps.move);
	assert_false(caps.poison);
	assert_int_equal(caps.wp, f->caps.wp);
	assert_int_equal(uffd_wanted_features(&caps) & (UFFD_FEATURE_MOVE | UFFD_FEATURE_POISON),
			 0);
	assert_int_equal(setenv("UPAGER_DISABLE", "wp", 1), 0);
	assert_int_equal(uffd_probe(&caps), 0);
	assert_int_equal(caps.move, f->caps.move);
	assert_false(caps.wp);
	assert_int_equal(caps.remap_exact, f->caps.remap_exact);
	assert_int_equal(setenv("UPAGER_DISABLE", "wp,remap", 1), 0);
	assert_int_equal(uffd_probe(&caps), 0);
	assert_false(caps.remap_exact);
	/* A typing error must not pass for a test of a fallback. */
	log_init("test", LOG_LEVEL_ERR - 1);
	assert_int_equal(setenv("UPAGER_DISABLE", "moves", 1), 0);
	assert_int_equal(disable_check(), -EINVAL);
	assert_int_equal(setenv("UPAGER_DISABLE", "move,,wp", 1), 0);
	assert_int_equal(disable_check(), -EINVAL);
	assert_int_equal(setenv("UPAGER_DISABLE", "move,wp,connector", 1), 0);
	assert_int_equal(disable_check(), 0);
	assert_int_equal(unsetenv("UPAGER_DISABLE"), 0);
	assert_int_equal(disable_check(), 0);
}

static void test_wanted_features_work(void **state)
{
	struct fixture *f = need(state);
	uint64_t wanted = uffd_wanted_features(&f->caps);
	int fd;

	if (geteuid())
		wanted &= ~(uint64_t)UFFD_FEATURE_EVENT_FORK;
	fd = make_uffd(wanted);
	assert_true(fd >= 0);
	assert_int_equal(uffd_api(fd, wanted), -EINVAL);
	close(fd);
}

static void test_copy(void **state)
{
	struct fixture *f = need(state);

	assert_fill(copy(f, 0, NR_PAGES), 0, NR_PAGES);
	for (uint32_t i = 0; i < NR_PAGES; i++)
		assert_page(f, i, (char)('a' + i));
}

static void test_zero(void **state)
{
	struct fixture *f = need(state);

	assert_fill(uffd_zero(f->uffd, pages(f, 2, 5)), 0, 5);
	for (uint32_t i = 2; i < 7; i++)
		assert_page(f, i, 0);
}

/* A page that is there ends the fill before it, and keeps what the program wrote. */
static void test_present_page_stops(void **state)
{
	struct fixture *f = need(state);

	assert_fill(copy(f, 5, 1), 0, 1);
	memset(f->mem + 5 * PAGE_SIZE, 'P', PAGE_SIZE);
	assert_fill(copy(f, 0, NR_PAGES), -EEXIST, 5);
	assert_fill(copy(f, 5, 3), -EEXIST, 0);
	assert_fill(uffd_zero(f->uffd, pages(f, 5, 3)), -EEXIST, 0);
	assert_page(f, 4, 'e');
	assert_page(f, 5, 'P');
	assert_fill(copy(f, 6, NR_PAGES - 6), 0, NR_PAGES - 6);
	assert_page(f, 6, 'g');
}

/* mprotect splits the VMA, the kernel refuses a copy that spans two, and no event tells. */
static void test_split_vma(void **state)
{
	struct fixture *f = need(state);

	assert_int_equal(mprotect(f->mem + 5 * PAGE_SIZE, 2 * PAGE_SIZE, PROT_READ), 0);
	assert_fill(copy(f, 0, NR_PAGES), 0, NR_PAGES);
	for (uint32_t i = 0; i < NR_PAGES; i++)
		assert_page(f, i, (char)('a' + i));
}

static void test_hole(void **state)
{
	struct fixture *f = need(state);

	assert_int_equal(munmap(f->mem + 11 * PAGE_SIZE, PAGE_SIZE), 0);
	assert_fill(copy(f, 0, NR_PAGES), -ENOENT, 11);
	assert_fill(copy(f, 11, 1), -ENOENT, 0);
	assert_fill(copy(f, 12, 4), 0, 4);
	assert_page(f, 10, 'a' + 10);
	assert_page(f, 12, 'a' + 12);
}

static void test_unregistered(void **state)
{
	struct fixture *f = need(state);

	assert_int_equal(uffd_unregister(f->uffd, (uintptr_t)f->mem, 4 * PAGE_SIZE), 0);
	assert_fill(copy(f, 0, 4), -ENOENT, 0);
	assert_fill(copy(f, 4, 4), 0, 4);
}

static void test_poison(void **state)
{
	struct fixture *f = need(state);
	int fds[2];

	if (!f->caps.poison)
		skip();
	assert_int_equal(pipe(fds), 0);
	assert_fill(uffd_zero(f->uffd, pages(f, 1, 1)), 0, 1);
	assert_fill(uffd_poison(f->uffd, pages(f, 0, 3)), -EEXIST, 1);
	assert_fill(uffd_poison(f->uffd, pages(f, 2, 1)), 0, 1);
	assert_int_equal(write(fds[1], f->mem, 1), -1);
	assert_int_equal(errno, EFAULT);
	assert_page(f, 1, 0);
	assert_int_equal(write(fds[1], f->mem + 2 * PAGE_SIZE, 1), -1);
	close(fds[0]);
	close(fds[1]);
}

static void test_fault_is_read_and_woken(void **state)
{
	struct fixture *f = need(state);
	struct uffd_msg msg[4];
	pthread_t thread;
	void *value;

	assert_int_equal(uffd_read(f->uffd, msg, 4), 0);
	assert_int_equal(pthread_create(&thread, NULL, touch, f->mem + 3 * PAGE_SIZE), 0);
	msg[0] = read_message(f->uffd);
	assert_int_equal(msg[0].event, UFFD_EVENT_PAGEFAULT);
	assert_int_equal(msg[0].arg.pagefault.address, (uintptr_t)f->mem + 3 * PAGE_SIZE);
	assert_fill(copy(f, 2, 3), 0, 3);
	assert_int_equal(pthread_join(thread, &value), 0);
	assert_int_equal((uintptr_t)value, 'd');
}

/* Somebody else filled the page and woke nobody: EEXIST must wake. */
static void test_present_page_is_woken(void **state)
{
	struct fixture *f = need(state);
	struct uffdio_zeropage zero = { .mode = UFFDIO_ZEROPAGE_MODE_DONTWAKE };
	pthread_t thread;
	void *value;

	assert_int_equal(pthread_create(&thread, NULL, touch, f->mem + 3 * PAGE_SIZE), 0);
	read_message(f->uffd);
	zero.range.start = (uintptr_t)f->mem + 3 * PAGE_SIZE;
	zero.range.len = PAGE_SIZE;
	assert_int_equal(ioctl(f->uffd, UFFDIO_ZEROPAGE, &zero), 0);
	assert_fill(copy(f, 0, 5), -EEXIST, 3);
	assert_int_equal(pthread_join(thread, &value), 0);
	assert_int_equal((uintptr_t)value, 0);
}

static void test_unread_event(void **state)
{
	struct fixture *f = need(state);
	struct pollfd poll_fd = { .fd = f->uffd, .events = POLLIN };
	struct uffd_msg msg;
	pthread_t thread;
	void *result;

	assert_fill(copy(f, 0, 1), 0, 1);
	assert_int_equal(pthread_create(&thread, NULL, drop, f->mem), 0);
	assert_int_equal(poll(&poll_fd, 1, 10000), 1);
	assert_fill(copy(f, 1, 2), -EAGAIN, 0);
	assert_fill(uffd_zero(f->uffd, pages(f, 1, 2)), -EAGAIN, 0);
	assert_int_equal(uffd_alive(f->uffd), 0);
	msg = read_message(f->uffd);
	assert_int_equal(msg.event, UFFD_EVENT_REMOVE);
	assert_int_equal(pthread_join(thread, &result), 0);
	assert_null(result);
	assert_fill(copy(f, 0, 3), 0, 3);
	assert_page(f, 2, 'c');
}

static void test_write_protect(void **state)
{
	struct fixture *f = need(state);
	struct uffd_msg msg;
	pthread_t thread;

	if (!f->caps.wp)
		skip();
	assert_fill(copy(f, 0, 2), 0, 2);
	assert_int_equal(uffd_write_protect(f->uffd, pages(f, 0, 2), true), 0);
	assert_page(f, 1, 'b');
	assert_int_equal(pthread_create(&thread, NULL, overwrite, f->mem + PAGE_SIZE), 0);
	msg = read_message(f->uffd);
	assert_true(msg.arg.pagefault.flags & UFFD_PAGEFAULT_FLAG_WP);
	assert_int_equal(f->mem[PAGE_SIZE], 'b');
	assert_int_equal(uffd_write_protect(f->uffd, pages(f, 0, 2), false), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(f->mem[PAGE_SIZE], '!');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_probe),
		TEST(test_wanted_features_work),
		TEST(test_copy),
		TEST(test_zero),
		TEST(test_present_page_stops),
		TEST(test_split_vma),
		TEST(test_hole),
		TEST(test_unregistered),
		TEST(test_poison),
		TEST(test_fault_is_read_and_woken),
		TEST(test_present_page_is_woken),
		TEST(test_unread_event),
		TEST(test_write_protect),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
