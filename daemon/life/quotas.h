/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_QUOTAS_H
#define UPAGER_QUOTAS_H

#include <stdint.h>

/* Above what a machine is asked for, and what a table is made for. */
#define QUOTA_CONNECTIONS_MAX 1024
#define QUOTA_PROCESSES_MAX   65535

/* How much of what all share one user may have; root has no quota. */
struct quotas {
	uint32_t connections; /* of all users together, to the control socket */
	uint32_t user_connections; /* of one who is not root */
	uint32_t root_connections; /* of all are root's alone */
	uint32_t user_processes; /* that one asked for, with those that they start */
};

#define QUOTAS_DEFAULT                                                              \
	{                                                                           \
		.connections = 256, .user_connections = 64, .root_connections = 32, \
		.user_processes = 1024                                              \
	}

#endif
