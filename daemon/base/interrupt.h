/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_INTERRUPT_H
#define UPAGER_INTERRUPT_H

#include <signal.h>
#include <stdbool.h>
#include <time.h>

/*
 * In between, this thread is interrupted every few milliseconds in whatever it
 * waits for: the last reference to a socket of a client's may be ours to drop, in
 * recvmsg() or close(), and SO_LINGER would have it wait there for as long as
 * the client likes.
 */
struct interrupt {
	timer_t timer;
	bool armed;
	sigset_t before;
};

void interrupt_begin(struct interrupt *in);
void interrupt_end(struct interrupt *in);
/* A descriptor of a client's, or a connection in which it may have queued some. */
void interrupt_close(int fd);

#endif
