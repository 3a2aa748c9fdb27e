// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/owner.h"

#include <stdio.h>
#include <sys/stat.h>

/* file: whose the file is. False: the three of the process differ, or it is none. */
static bool read_owner(pid_t pid, uid_t *uid, uid_t *file)
{
	uid_t effective, saved;
	char path[32], line[256];
	bool same = false;
	struct stat st;
	FILE *f;

	/* Files in /proc/PID are root's if it is not dumpable; the directory is not. */
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "Uid: %u %u %u", uid, &effective, &saved) != 3)
			continue;
		same = *uid == effective && *uid == saved && !fstat(fileno(f), &st);
		*file = same ? st.st_uid : 0;
		break;
	}
	fclose(f);
	return same;
}

bool owner_is(pid_t pid, uid_t uid)
{
	uid_t owner, file;

	return read_owner(pid, &owner, &file) && owner == uid && file == uid;
}

uid_t owner_of(pid_t pid)
{
	uid_t owner, file;

	return read_owner(pid, &owner, &file) ? owner : 0;
}
