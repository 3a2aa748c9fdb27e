/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_UNTRUSTED_H
#define UPAGER_UNTRUSTED_H

/*
 * A member of the control page, which the target may write at any time.  It is
 * read once, into a value that is checked before it is an index, a length, a
 * loop's bound, a descriptor or a proof.  An _Atomic one is read in sequence.
 */
#define untrusted(member) (*(const volatile __typeof__(member) *)&(member))

#endif
