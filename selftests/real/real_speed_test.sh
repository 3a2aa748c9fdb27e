#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# TIMEOUT 400
#
# The kinds of statements of sqlite's own speed test, on a database in memory with a quarter of the
# memory that it needs: rows in order and out of it, with and without indexes, joins, a trigger, nested
# queries, text searches, updates, deletes, transactions taken back, vacuum.  Every answer is that of a
# run without the pager, and the database is sound.

# shellcheck source=selftests/lib.sh
. "${0%/*}/../lib.sh"

need_root
need sqlite3

ROWS=${UPAGER_TEST_FULL:+900000}${UPAGER_TEST_QUICK:+40000}
ROWS=${ROWS:-60000}

cat >"$WORK/script" <<SQL
PRAGMA temp_store = MEMORY;
PRAGMA recursive_triggers = ON;
CREATE VIEW n (i) AS WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < $ROWS)
	SELECT i FROM c;

BEGIN;
CREATE TABLE z1 (a INTEGER, b INTEGER, c TEXT);
INSERT INTO z1 SELECT i, (i * 48271) % 2147483647, printf('%0120d text %d', i * 7919 % 99991, i) FROM n;
CREATE TABLE z2 (a INTEGER PRIMARY KEY, b INTEGER, c TEXT);
INSERT OR REPLACE INTO z2 SELECT (i * 48271) % 99991, i, printf('%d %0140d', i, i * 31) FROM n;
CREATE TABLE t3 (a TEXT PRIMARY KEY, b INTEGER) WITHOUT ROWID;
INSERT OR IGNORE INTO t3 SELECT printf('%09d', (i * 16807) % 2147483647), i FROM n;
COMMIT;
SELECT 'loaded', count(*), sum(a), sum(b), min(c), max(c) FROM z1;
SELECT 'loaded', count(*), sum(a), sum(b), min(c), max(c) FROM z2;
SELECT 'loaded', count(*), sum(b), min(a), max(a) FROM t3;

SELECT 'unindexed', count(*), avg(b), total(length(c)) FROM z1
	WHERE b BETWEEN 100000 AND 900000000;
SELECT 'like', count(*), sum(b) FROM z1 WHERE c LIKE '%77%9';
SELECT a, b, c FROM z1 WHERE b > 1000000000 ORDER BY c, a LIMIT 2000;

CREATE UNIQUE INDEX z1b ON z1 (b);
CREATE INDEX z1c ON z1 (c);
CREATE INDEX z2b ON z2 (b, c);
SELECT 'indexed', count(*), sum(a) FROM z1 WHERE b BETWEEN 5000000 AND 400000000;
SELECT 'points', sum((SELECT length(c) + b FROM z2 WHERE z2.a = z1.b % 99991)) FROM z1 WHERE z1.a % 3 = 0;
SELECT 'join', count(*), sum(z1.b + t3.b) FROM z1 JOIN z2 ON z2.b = z1.a
	JOIN t3 ON t3.a = printf('%09d', (z1.a * 16807) % 2147483647) WHERE z2.a % 5 < 3;
SELECT 'group', count(*), sum(s), max(m) FROM
	(SELECT a % 1000 AS g, sum(b) AS s, max(c) AS m FROM z1 GROUP BY a % 1000 HAVING count(*) > 2);
SELECT 'distinct', count(DISTINCT substr(c, 100, 24)) FROM z1;

CREATE TABLE log (id INTEGER PRIMARY KEY, old INTEGER, new INTEGER, what TEXT);
CREATE TRIGGER changed AFTER UPDATE OF b ON z2 BEGIN
	INSERT INTO log (old, new, what) VALUES (old.b, new.b, 'was ' || substr(old.c, 1, 40));
END;
UPDATE z2 SET b = b + 1000000 WHERE a % 4 = 0;
UPDATE z1 SET c = upper(c) || ' changed' WHERE a BETWEEN $((ROWS / 10)) AND $((ROWS / 3));
SELECT 'log', count(*), sum(new - old), max(what) FROM log;
SAVEPOINT s;
DELETE FROM z1 WHERE a % 2;
UPDATE t3 SET b = -b;
ROLLBACK TO s;
RELEASE s;
SELECT 'taken back', count(*), sum(a) FROM z1;
SELECT 'taken back', sum(b) FROM t3;
DELETE FROM z1 WHERE a IN (SELECT b FROM z2 WHERE a % 7 = 0);
REPLACE INTO z2 SELECT a, b, c FROM z1 WHERE a % 3 = 1;
INSERT INTO t3 SELECT 'x' || a || substr(c, 1, 60), b FROM z1 WHERE true ON CONFLICT DO NOTHING;
VACUUM;
DROP INDEX z1c;
REINDEX;
ANALYZE;
SELECT 'at the end', count(*), sum(a), sum(b), max(c) FROM z1;
SELECT * FROM z2 ORDER BY c DESC LIMIT 3000;
SELECT a, b FROM t3 WHERE b % 17 = 0;
PRAGMA integrity_check;
SQL

speed_body()
{
	start "$@" sqlite3 -bail :memory: <"$WORK/script" >"$WORK/rows" 2>&1
	program_started "$started_pid"
	program_wait
	{
		wc -l <"$WORK/rows"
		sha256sum <"$WORK/rows"
		grep '^[a-z ]*|' "$WORK/rows"
		tail -n 1 "$WORK/rows"
	} >"$WORK/result"
}

real_compare sqlite3 speed_body
is "integrity_check answers ok" "$(tail -n 1 "$WORK/result")" ok
is "what was taken back is as it was" "$(grep -m 1 '^taken back' "$WORK/result" | cut -d'|' -f2-)" \
	"$(grep -m 1 '^loaded' "$WORK/result" | cut -d'|' -f2-3)"
ok "statements have answered" test "$(sed -n 1p "$WORK/result")" -gt 5000
done_testing
