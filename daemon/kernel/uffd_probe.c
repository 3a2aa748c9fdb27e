// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/uffd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/disable.h"
#include "base/log.h"

/* For an event that comes at once or never. */
#define PROBE_MS 1000

/* What a name in UPAGER_DISABLE hides. */
static const struct {
	const char *name;
	uint64_t features;
} maskable[] = {
	{ "move", UFFD_FEATURE_MOVE },
	{ "poison", UFFD_FEATURE_POISON },
	{ "wp", UFFD_FEATURE_PAGEFAULT_FLAG_WP | UFFD_FEATURE_WP_HUGETLBFS_SHMEM |
			UFFD_FEATURE_WP_UNPOPULATED | UFFD_FEATURE_WP_ASYNC },
};

static uint64_t mask_features(uint64_t features)
{
	for (size_t i = 0; i < ARRAY_SIZE(maskable); i++)
		if (disabled(maskable[i].name))
			features &= ~maskable[i].features;
	return features;
}

static int own_uffd(int dev_fd)
{
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 && dev_fd >= 0)
		fd = ioctl(dev_fd, USERFAULTFD_IOC_NEW, O_CLOEXEC | O_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

struct shrinking {
	uint8_t *from; /* two pages */
	uint8_t *to;
};

static void *shrink(void *arg)
{
	const struct shrinking *s = arg;

	if (mremap(s->from, 2 * PAGE_SIZE, PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, s->to) !=
	    s->to)
		log_debug("mremap() fails: %s", strerror(errno));
	return NULL;
}

/* Closes fd, which ends a wait for an event that nobody read. */
static bool tell_shrunk(int fd, struct shrinking *s)
{
	struct uffdio_api api = { .api = UFFD_API, .features = UFFD_FEATURE_EVENT_REMAP };
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	struct uffd_msg msg = { 0 };
	pthread_t thread;
	bool told = false;

	if (!ioctl(fd, UFFDIO_API, &api) &&
	    !uffd_register(fd, (uintptr_t)s->from, 2 * PAGE_SIZE, false) &&
	    !pthread_create(&thread, NULL, shrink, s)) {
		told = poll(&pfd, 1, PROBE_MS) == 1 &&
		       read(fd, &msg, sizeof(msg)) == (ssize_t)sizeof(msg);
		close(fd);
		pthread_join(thread, NULL);
	} else {
		close(fd);
	}
	return told && msg.event == UFFD_EVENT_REMAP && msg.arg.remap.len == PAGE_SIZE;
}

static bool remap_is_exact(int dev_fd)
{
	const size_t bytes = 4 * PAGE_SIZE;
	uint8_t *area =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct shrinking s = { area, area + 2 * PAGE_SIZE };
	bool exact = false;
	int fd;

	if (area == MAP_FAILED)
		return false;
	fd = own_uffd(dev_fd);
	if (fd >= 0)
		exact = tell_shrunk(fd, &s);
	munmap(area, bytes);
	return exact;
}

int uffd_probe(struct uffd_caps *caps)
{
	/* Asked with no features, the kernel answers with all that it offers. */
	struct uffdio_api api = { .api = UFFD_API };
	int dev_fd = open("/dev/userfaultfd", O_RDWR | O_CLOEXEC);
	int fd, err = 0;

	*caps = (struct uffd_caps){ .dev_userfaultfd = dev_fd >= 0 };
	fd = own_uffd(dev_fd);
	if (fd < 0) {
		err = fd;
		goto close_dev;
	}
	if (ioctl(fd, UFFDIO_API, &api)) {
		err = -errno;
		goto close_fd;
	}
	api.features = mask_features(api.features);
	caps->features = api.features;
	caps->move = api.features & UFFD_FEATURE_MOVE;
	caps->poison = api.features & UFFD_FEATURE_POISON;
	caps->wp = api.features & UFFD_FEATURE_PAGEFAULT_FLAG_WP;
	caps->wp_async = caps->move && caps->wp && (api.features & UFFD_FEATURE_WP_ASYNC) &&
			 (api.features & UFFD_FEATURE_WP_UNPOPULATED);
	caps->remap_exact = !disabled("remap") && remap_is_exact(dev_fd);
close_fd:
	close(fd);
close_dev:
	if (dev_fd >= 0)
		close(dev_fd);
	return err;
}

uint64_t uffd_wanted_features(const struct uffd_caps *caps)
{
	/* Without any one of these evicted pages would read as zero somewhere. */
	const uint64_t needed = UFFD_FEATURE_EVENT_FORK | UFFD_FEATURE_EVENT_REMAP |
				UFFD_FEATURE_EVENT_REMOVE | UFFD_FEATURE_EVENT_UNMAP;
	const uint64_t useful = UFFD_FEATURE_THREAD_ID | UFFD_FEATURE_MOVE | UFFD_FEATURE_POISON |
				UFFD_FEATURE_PAGEFAULT_FLAG_WP;

	/* Only to ask which process a userfaultfd belongs to. */
	const uint64_t async = UFFD_FEATURE_WP_ASYNC | UFFD_FEATURE_WP_UNPOPULATED;

	return needed | (useful & caps->features) | (caps->wp_async ? async : 0);
}
