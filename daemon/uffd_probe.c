// SPDX-License-Identifier: GPL-2.0-only
#include "uffd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "log.h"

/* What UPAGER_DISABLE can hide, so that tests run the fallbacks on a new kernel. */
static const struct {
	const char *name;
	uint64_t features;
} maskable[] = {
	{ "move", UFFD_FEATURE_MOVE },
	{ "poison", UFFD_FEATURE_POISON },
	{ "wp", UFFD_FEATURE_PAGEFAULT_FLAG_WP | UFFD_FEATURE_WP_HUGETLBFS_SHMEM |
			UFFD_FEATURE_WP_UNPOPULATED | UFFD_FEATURE_WP_ASYNC },
};

static int mask_features(__u64 *features, const char *list)
{
	while (list && *list) {
		size_t len = strcspn(list, ",");
		size_t i;

		for (i = 0; i < ARRAY_SIZE(maskable); i++)
			if (strlen(maskable[i].name) == len &&
			    !strncmp(maskable[i].name, list, len))
				break;
		if (i == ARRAY_SIZE(maskable)) {
			log_err("UPAGER_DISABLE: '%.*s' is unknown: use move, poison, wp", (int)len,
				list);
			return -EINVAL;
		}
		*features &= ~maskable[i].features;
		list += len;
		list += *list == ',';
	}
	return 0;
}

static int own_uffd(int dev_fd)
{
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 && dev_fd >= 0)
		fd = ioctl(dev_fd, USERFAULTFD_IOC_NEW, O_CLOEXEC | O_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

int uffd_probe(struct uffd_caps *caps)
{
	/* Asked with no features, the kernel answers with all that it offers. */
	struct uffdio_api api = { .api = UFFD_API };
	int dev_fd = open("/dev/userfaultfd", O_RDWR | O_CLOEXEC);
	int fd, err;

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
	err = mask_features(&api.features, getenv("UPAGER_DISABLE"));
	if (err)
		goto close_fd;
	caps->features = api.features;
	caps->move = api.features & UFFD_FEATURE_MOVE;
	caps->poison = api.features & UFFD_FEATURE_POISON;
	caps->wp = api.features & UFFD_FEATURE_PAGEFAULT_FLAG_WP;
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

	return needed | (useful & caps->features);
}
