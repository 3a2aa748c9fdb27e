#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# TIMEOUT 400
#
# sort | uniq | awk | sha256sum, each under the pager with a quarter of what the largest of them needs:
# sort has all lines in memory and sorts them with two threads, awk keeps them until it has seen the
# last.  The checksum is that of a run without the pager.

# shellcheck source=selftests/lib.sh
. "${0%/*}/../lib.sh"

need_root
need sort uniq awk sha256sum seq

LINES_NR=${UPAGER_TEST_FULL:+6000000}
LINES_NR=${LINES_NR:-900000}
# At a time in memory; sort would write temporary files if it had less.
SORT_SIZE=2G

# Every third line is another one again.
lines_make()
{
	seq "$LINES_NR" | awk '{ printf "%08d line %d\n", $1 * 48271 % 99999989 - $1 % 3, $1 % 9973 }
		$1 % 3 == 0 { printf "%08d again\n", $1 * 7919 % 9999991 }' >"$WORK/lines"
}

cat >"$WORK/reverse.awk" <<'AWK'
{ line[NR] = $0 }
END { for (i = NR; i; i--) print line[i]; print NR }
AWK

# pipeline [PREFIX]...: exits 0 only if every part of it does.
pipeline()
{
	set -o pipefail
	"$@" sort -S "$SORT_SIZE" --parallel=2 -T "$WORK" "$WORK/lines" |
		"$@" uniq -c |
		"$@" awk -f "$WORK/reverse.awk" |
		"$@" sha256sum
}

pipeline_body()
{
	start pipeline "$@" >"$WORK/result" 2>"$WORK/errors"
	program_started "$started_pid"
	program_wait
	diag_file "$WORK/errors"
}

lines_make
real_compare pipeline pipeline_body
ok "it is a checksum" grep -qE '^[0-9a-f]{64}  -$' "$WORK/result"
ok "of something" test "$(sha256sum </dev/null)" != "$(cat "$WORK/result")"
done_testing
