// SPDX-License-Identifier: GPL-2.0-only
/* Pages that something besides page tables holds: a pipe, registered buffers, a write in flight. */
#include "genl.h"

#include <linux/aio_abi.h>
#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#define NR	 32U
#define NULLB	 "/sys/kernel/config/nullb/slow"
/* The device's own limit is 5 s. */
#define DELAY_NS "3000000000"

FIXTURE(pinned)
{
	struct genl genl;
	char *area;
	char bits[NR];
};

FIXTURE_SETUP(pinned)
{
	ASSERT_EQ(0, genl_open(&self->genl));
	self->area = mmap(NULL, NR * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);
	ASSERT_NE(MAP_FAILED, self->area);
	madvise(self->area, NR * PAGE_SIZE, MADV_NOHUGEPAGE);
	for (unsigned int i = 0; i < NR; i++)
		self->area[i * PAGE_SIZE] = 1;
	ASSERT_TRUE(module_drain());
}

FIXTURE_TEARDOWN(pinned)
{
	genl_close(&self->genl);
}

/* bits[i] becomes '1' for each page that is held; the length of the answer or -errno. */
static int ask(FIXTURE_DATA(pinned) * self, pid_t pid, const void *start, uint32_t nr_pages)
{
	struct genl *genl = &self->genl;
	struct nl_msg *msg = genl_command(genl, UPAGER_CMD_PINNED, 0);
	const uint8_t *map;
	int err;

	nla_put_u32(msg, UPAGER_A_PID, (uint32_t)pid);
	nla_put_u64(msg, UPAGER_A_START, (uint64_t)start);
	nla_put_u32(msg, UPAGER_A_NR_PAGES, nr_pages);
	err = genl_ask(genl, msg);
	if (err)
		return err;
	if (!genl->attr[UPAGER_A_PINNED] || genl_u32(genl, UPAGER_A_NR_PAGES) != nr_pages ||
	    genl_u32(genl, UPAGER_A_PID) != (uint32_t)pid || !genl->attr[UPAGER_A_START] ||
	    nla_get_u64(genl->attr[UPAGER_A_START]) != (uint64_t)start)
		return -EPROTO;
	map = nla_data(genl->attr[UPAGER_A_PINNED]);
	for (uint32_t i = 0; i < nr_pages && i < NR; i++)
		self->bits[i] = map[i / 8] >> i % 8 & 1 ? '1' : '0';
	return nla_len(genl->attr[UPAGER_A_PINNED]);
}

#define EXPECT_HELD(text)                                                     \
	do {                                                                  \
		char _seen[NR + 1] = "";                                      \
		ASSERT_EQ((NR + 7) / 8, ask(self, getpid(), self->area, NR)); \
		memcpy(_seen, self->bits, NR);                                \
		EXPECT_STREQ(text, _seen);                                    \
	} while (0)

static const char nothing[] = "00000000000000000000000000000000";

TEST_F_TIMEOUT(pinned, ordinary_pages_are_not, LIMIT_S)
{
	int status;
	pid_t child;

	EXPECT_HELD(nothing);
	/* Nor are those that two processes map. */
	child = fork();
	if (!child)
		_exit(ask(self, getpid(), self->area, NR) != NR / 8 ||
		      memcmp(self->bits, nothing, NR));
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_HELD(nothing);
	/* Nor what is absent, or only the zero page. */
	madvise(self->area, 8 * PAGE_SIZE, MADV_DONTNEED);
	for (unsigned int i = 0; i < 4; i++)
		EXPECT_EQ(0, ((volatile char *)self->area)[i * PAGE_SIZE]);
	EXPECT_HELD(nothing);
}

/* A bit for each page, also where the last byte has room for more, and where nothing is mapped. */
TEST_F_TIMEOUT(pinned, answer_fits_the_question, LIMIT_S)
{
	static const uint32_t nrs[] = { 1, 7, 8, 9, 31, 4097, UPAGER_PINNED_PAGES_MAX };

	for (size_t i = 0; i < sizeof(nrs) / sizeof(nrs[0]); i++)
		EXPECT_EQ((nrs[i] + 7) / 8, ask(self, getpid(), self->area, nrs[i]));
	EXPECT_EQ(1, ask(self, getpid(), NULL, 3));
	EXPECT_EQ(0, memcmp(self->bits, nothing, 3));
	EXPECT_EQ(-ESRCH, ask(self, INT32_MAX - 1, self->area, 1));
	EXPECT_EQ(-ESRCH, ask(self, 2, self->area, 1));
}

TEST_F_TIMEOUT(pinned, pages_in_a_pipe, LIMIT_S)
{
	char buf[3 * PAGE_SIZE];
	int fds[2];

	ASSERT_EQ(0, pipe(fds));
	ASSERT_EQ(
		(ssize_t)sizeof(buf),
		vmsplice(fds[1], &(struct iovec){ self->area + 5 * PAGE_SIZE, sizeof(buf) }, 1, 0));
	EXPECT_HELD("00000111000000000000000000000000");
	ASSERT_EQ((ssize_t)sizeof(buf), read(fds[0], buf, sizeof(buf)));
	ASSERT_TRUE(module_drain());
	EXPECT_HELD(nothing);
	close(fds[0]);
	close(fds[1]);
}

TEST_F_TIMEOUT(pinned, registered_buffers, LIMIT_S)
{
	struct io_uring_params params = { 0 };
	struct iovec buffers[2] = { { self->area, PAGE_SIZE },
				    { self->area + 30 * PAGE_SIZE, 2 * PAGE_SIZE } };
	int ring = (int)syscall(SYS_io_uring_setup, 4, &params);

	if (ring < 0 && (errno == ENOSYS || errno == EPERM))
		SKIP(return, "no io_uring in this kernel");
	ASSERT_LE(0, ring);
	ASSERT_EQ(0, syscall(SYS_io_uring_register, ring, IORING_REGISTER_BUFFERS, buffers, 2));
	ASSERT_TRUE(module_drain());
	EXPECT_HELD("10000000000000000000000000000011");
	ASSERT_EQ(0, syscall(SYS_io_uring_register, ring, IORING_UNREGISTER_BUFFERS, NULL, 0));
	close(ring);
	EXPECT_TRUE(wait_until(ask(self, getpid(), self->area, NR) == NR / 8 &&
			       !memcmp(self->bits, nothing, NR)));
}

static int put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY), err = 0;

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}

/* A device that answers late. 0 or -errno; the name of its node. */
static int slow_device(char *path, size_t size)
{
	char number[16] = "";
	int fd, err;

	err = system("modprobe null_blk nr_devices=0 2>/dev/null");
	mkdir("/sys/kernel/config", 0755);
	mount("configfs", "/sys/kernel/config", "configfs", 0, NULL);
	if (mkdir(NULLB, 0755))
		return -errno;
	err = put(NULLB "/irqmode", "2") ?: put(NULLB "/completion_nsec", DELAY_NS) ?:
	      put(NULLB "/size", "16") ?: put(NULLB "/blocksize", "4096") ?:
	      put(NULLB "/power", "1");
	fd = open(NULLB "/index", O_RDONLY);
	if (fd < 0 || read(fd, number, sizeof(number) - 1) <= 0)
		err = err ?: -ENOENT;
	close(fd);
	number[strcspn(number, "\n")] = '\0';
	snprintf(path, size, "/dev/nullb%s", number);
	if (!err && access(path, W_OK))
		snprintf(path, size, "/dev/slow");
	return err;
}

TEST_F_TIMEOUT(pinned, write_in_flight, LIMIT_S)
{
	struct iocb block = { 0 }, *blocks[] = { &block };
	struct io_event event;
	aio_context_t aio = 0;
	bool late;
	char path[64];
	int fd, length, tries = 0, err = slow_device(path, sizeof(path));

	if (err)
		SKIP(return, "no null_blk with configfs in this kernel");
	fd = open(path, O_WRONLY | O_DIRECT);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, syscall(SYS_io_setup, 1, &aio));
	block.aio_lio_opcode = IOCB_CMD_PWRITE;
	block.aio_fildes = (uint32_t)fd;
	block.aio_buf = (uint64_t)(self->area + 16 * PAGE_SIZE);
	block.aio_nbytes = 2 * PAGE_SIZE;
	do {
		ASSERT_EQ(1, syscall(SYS_io_submit, aio, 1, blocks));
		length = ask(self, getpid(), self->area, NR);
		/* Only an answer from while it was in flight says something. */
		late = syscall(SYS_io_getevents, aio, 0, 1, &event, &(struct timespec){ 0 }) == 1;
		if (!late)
			ASSERT_EQ(1, syscall(SYS_io_getevents, aio, 1, 1, &event, NULL));
		EXPECT_EQ(2 * (int64_t)PAGE_SIZE, (int64_t)event.res);
	} while (late && ++tries < 5);
	EXPECT_FALSE(late);
	EXPECT_EQ(NR / 8, length);
	EXPECT_EQ(0, memcmp(self->bits, "00000000000000001100000000000000", NR));
	EXPECT_TRUE(wait_until(ask(self, getpid(), self->area, NR) == NR / 8 &&
			       !memcmp(self->bits, nothing, NR)));
	syscall(SYS_io_destroy, aio);
	close(fd);
	put(NULLB "/power", "0");
	EXPECT_EQ(0, rmdir(NULLB));
}

TEST_HARNESS_MAIN
