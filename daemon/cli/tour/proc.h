/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_TOUR_PROC_H
#define UPAGER_TOUR_PROC_H

#include <stdint.h>
#include <sys/types.h>

/*
 * The value of "KEY:  VALUE" in /proc/PID/FILE; kB become bytes.  0, -ENODATA: there is no such line,
 * or -errno.
 */
int proc_get(pid_t pid, const char *file, const char *key, uint64_t *value);

/* The same of the mapping that holds an address, in smaps. */
int proc_get_mapping(pid_t pid, uint64_t address, const char *key, uint64_t *value);

/* The same of all mappings of a name, as /proc shows it, in sum; 0 if there is none. */
int proc_sum_mappings(pid_t pid, const char *name, const char *key, uint64_t *value);

/* The entry of /proc/self/pagemap for an address. */
int proc_entry(const void *address, uint64_t *entry);

/* Faults of the calling process so far. */
struct proc_faults {
	uint64_t minor;
	uint64_t major;
};
struct proc_faults proc_faults(void);

/* The folder that the running program is in; "" if that is not known. */
void proc_program_folder(char *path, size_t len);

#endif
