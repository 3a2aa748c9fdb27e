#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# TIMEOUT 400
#
# python3 with a quarter of the memory that it needs: four threads build, sort and hash a large
# structure of small objects; the hashes are those of a run without the pager.

# shellcheck source=selftests/lib.sh
. "${0%/*}/../lib.sh"

# The package's own, not a wrapper that some other Python put in front of it.
python=/usr/bin/python3

need_root
need "$python"

BLOCKS=${UPAGER_TEST_QUICK:+2}
BLOCKS=${BLOCKS:-7}

cat >"$WORK/program.py" <<'PYTHON'
import hashlib
import heapq
import sys
import threading

THREADS = 4
BLOCKS = int(sys.argv[1])
ROWS = 10000
digests = [None] * THREADS


def work(number):
    seed = number + 1
    blocks = []
    index = {}
    for _ in range(BLOCKS):
        rows = []
        for _ in range(ROWS):
            seed = (seed * 6364136223846793005 + 1442695040888963407) % 2**64
            rows.append((seed, "%d/%0440d" % (number, seed >> 20)))
            if seed % 4 == 0:
                index[rows[-1][1]] = seed
        rows.sort()
        blocks.append(rows)
    # Every row once, in an order that has nothing to do with where it lies in memory.
    state = hashlib.sha256()
    for key, text in heapq.merge(*blocks):
        state.update(b"%d %s %d" % (key, text.encode(), index.get(text, -1)))
    digests[number] = state.hexdigest()


threads = [threading.Thread(target=work, args=(n,)) for n in range(THREADS)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
for digest in digests:
    print(digest)
PYTHON

python_body()
{
	start "$@" "$python" "$WORK/program.py" "$BLOCKS" >"$WORK/result" 2>"$WORK/python.log"
	program_started "$started_pid"
	program_wait
	diag_file "$WORK/python.log"
}

real_compare python3 python_body
is "four threads have hashed" "$(grep -cE '^[0-9a-f]{64}$' "$WORK/result")" 4
done_testing
