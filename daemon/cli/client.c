// SPDX-License-Identifier: GPL-2.0-only
#include "cli/client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/message.h"

void client_open_cause(int err, char *cause, size_t size)
{
	const char *path = upager_socket_path();

	switch (err) {
	case -ENOENT:
	case -ECONNREFUSED:
		snprintf(cause, size, "no upagerd at %s; start it or set UPAGER_SOCKET", path);
		break;
	case -EACCES:
	case -EPERM:
		snprintf(cause, size, "%s: not permitted; join the group of the socket", path);
		break;
	case -EPROTOTYPE:
		snprintf(cause, size, "%s is not the socket of upagerd; set UPAGER_SOCKET", path);
		break;
	case -ENAMETOOLONG:
		snprintf(cause, size, "the path of the socket is too long; set UPAGER_SOCKET");
		break;
	default:
		snprintf(cause, size, "cannot connect to %s: %s", path, strerror(-err));
	}
}

int client_open(struct upager **u)
{
	int err = upager_open(NULL, u);
	char cause[UPAGER_TEXT_BYTES];

	if (!err)
		return UPAGER_EXIT_OK;
	client_open_cause(err, cause, sizeof(cause));
	return message_fail(UPAGER_EXIT_FAILED, "%s", cause);
}

int client_report(const struct upager *u, int err)
{
	const struct upager_reply *reply = upager_last_reply(u);

	if (reply->text[0])
		message_note("%s", reply->text);
	else if (err)
		message_note("%s", strerror(-err));
	if (reply->exit_code && reply->exit_code <= UPAGER_EXIT_KERNEL)
		return reply->exit_code;
	return err || reply->exit_code ? UPAGER_EXIT_FAILED : UPAGER_EXIT_OK;
}
