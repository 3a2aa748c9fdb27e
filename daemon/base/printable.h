/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_PRINTABLE_H
#define UPAGER_PRINTABLE_H

/*
 * Of a text that somebody else has chosen, in UTF-8: bytes of its first character; 0: a
 * terminal would obey it, or it turns what is beside it around, or it is none.
 */
int printable_bytes(const char *text);
/* Puts a question mark for each other byte. */
void printable_clean(char *text);

#endif
