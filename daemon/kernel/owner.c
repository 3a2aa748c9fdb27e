// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/owner.h"

#include <stdio.h>
#include <sys/stat.h>

bool owner_is(pid_t pid, uid_t uid)
{
	uid_t real, effective, saved;
	char path[32], line[256];
	bool mine = false;
	struct stat st;
	FILE *f;

	/* Files in /proc/PID are root's if it is not dumpable; the directory is not. */
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "Uid: %u %u %u", &real, &effective, &saved) != 3)
			continue;
		mine = real == uid && effective == uid && saved == uid && !fstat(fileno(f), &st) &&
		       st.st_uid == uid;
		break;
	}
	fclose(f);
	return mine;
}
