#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# TIMEOUT 400
#
# sqlite3 with a quarter of the memory that it needs: a database in memory with a million rows (400,000
# with UPAGER_TEST_QUICK=1) and an index, sorted as a whole and checked, gives what it gives without the
# pager.

# shellcheck source=selftests/lib.sh
. "${0%/*}/../lib.sh"

need_root
need sqlite3

ROWS=${UPAGER_TEST_QUICK:+400000}
ROWS=${ROWS:-1000000}

cat >"$WORK/script" <<SQL
PRAGMA temp_store = MEMORY;
CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER, b TEXT);
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $ROWS)
	INSERT INTO t SELECT i, (i * 48271) % 2147483647,
		printf('%040d row %d', i / 1000 * 7919 % 1009 * 1000 + i * 7 % 1000, i)
	FROM n;
CREATE INDEX t_b ON t (b);
SELECT count(*), sum(a), min(b), max(b) FROM t;
SELECT * FROM t ORDER BY a, b, id;
UPDATE t SET a = a + 1 WHERE id % 3 = 0;
DELETE FROM t WHERE id % 7 = 0;
SELECT count(*), sum(a) FROM t;
PRAGMA integrity_check;
SQL

sqlite_body()
{
	start "$@" sqlite3 -bail :memory: <"$WORK/script" >"$WORK/rows" 2>&1
	program_started "$started_pid"
	program_wait
	{
		wc -l <"$WORK/rows"
		sha256sum <"$WORK/rows"
		tail -n 1 "$WORK/rows"
	} >"$WORK/result"
}

real_compare sqlite3 sqlite_body
is "integrity_check answers ok" "$(tail -n 1 "$WORK/result")" ok
is "every row was sorted" "$(head -n 1 "$WORK/result")" $((ROWS + 3))
done_testing
