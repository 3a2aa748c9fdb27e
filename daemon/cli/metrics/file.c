// SPDX-License-Identifier: GPL-2.0-only
#include "cli/metrics/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Beside it, hidden, and without its ending: node_exporter does not take it for one of its files. */
static int beside(const char *path, char temporary[PATH_MAX])
{
	const char *slash = strrchr(path, '/');
	int folder = slash ? (int)(slash - path) + 1 : 0;

	if (!path[folder])
		return -EISDIR;
	return snprintf(temporary, PATH_MAX, "%.*s.%s.XXXXXX", folder, path, path + folder) >=
			       PATH_MAX
		       ? -ENAMETOOLONG
		       : 0;
}

static int fill(int fd, enum metrics_format format, const struct snapshot *snap)
{
	FILE *f = fdopen(fd, "w");
	int err;

	if (!f) {
		err = -errno;
		close(fd);
		return err;
	}
	metrics_print(f, format, snap);
	errno = 0;
	err = ferror(f) || fchmod(fd, 0644) ? -(errno ?: EIO) : 0;
	if (fclose(f) && !err)
		err = -errno;
	return err;
}

int metrics_write(const char *path, enum metrics_format format, const struct snapshot *snap)
{
	char temporary[PATH_MAX];
	int err = beside(path, temporary), fd;
	struct stat st;

	/* It would be replaced: a device is not to be. */
	if (!err && !lstat(path, &st) && !S_ISREG(st.st_mode))
		err = -EINVAL;
	if (err)
		return err;
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = fill(fd, format, snap);
	if (!err && rename(temporary, path))
		err = -errno;
	if (err)
		unlink(temporary);
	return err;
}
