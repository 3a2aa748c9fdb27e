#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# TIMEOUT 400
#
# python3's multiprocessing with a quarter of the memory that the largest process needs: a pool of four
# forked workers goes through lists that their parent has built, and four more live long, grow, and
# change what they have inherited, while the parent builds on.  All results are those of a run without
# the pager.

# shellcheck source=selftests/lib.sh
. "${0%/*}/../lib.sh"

# The package's own, not a wrapper that some other Python put in front of it.
python=/usr/bin/python3

need_root
need "$python"
[ -z "${UPAGER_TEST_QUICK:-}" ] || skip_all "it takes more than a minute: unset UPAGER_TEST_QUICK"

SCALE=${UPAGER_TEST_FULL:+6}
SCALE=${SCALE:-1}
ROUNDS=4

cat >"$WORK/program.py" <<'PYTHON'
import hashlib
import multiprocessing
import sys

SCALE = int(sys.argv[1])
WORKERS = 4
ROUNDS = int(sys.argv[2])
ROWS = 80000 * SCALE
TASKS = 48
GROWTH = 9000 * SCALE
GIVE_UP_S = 200


def row(seed, number):
    return b"%d/%0320d" % (number, (number * 6364136223846793005 + seed) % 2**64)


def digest_of(parts):
    state = hashlib.sha256()
    for part in parts:
        state.update(part)
    return state.hexdigest()


table = [row(0, n) for n in range(ROWS)]
weights = [n * 48271 % 2147483647 for n in range(ROWS)]


def task(number):
    """Every TASKS-th row, so each touches pages all over the list."""
    picked = range(number, ROWS, TASKS)
    made = sorted((weights[n], table[n]) for n in picked)
    return digest_of(text for _, text in made), sum(weights[n] for n in picked)


def resident(number, pipe):
    """Keeps what it made in every round and overwrites a part of what it inherited."""
    mine = []
    while pipe.recv() == "go":
        first = len(mine)
        mine.extend(row(number + 1, first + n) for n in range(GROWTH))
        for n in range(number, ROWS, 37):
            table[n] = mine[(first + n) % len(mine)]
        pipe.send(digest_of(mine[number::7]) + " " + digest_of(table[number::5]))
    pipe.send(digest_of(mine) + " " + digest_of(table))


context = multiprocessing.get_context("fork")
residents = []
for worker in range(WORKERS):
    ours, theirs = context.Pipe()
    process = context.Process(target=resident, args=(worker, theirs), daemon=True)
    process.start()
    theirs.close()
    residents.append((process, ours))

for step in range(ROUNDS):
    for _, pipe in residents:
        pipe.send("go")
    # The parent changes its own meanwhile; the pool of this round is forked from that.
    for n in range(step, ROWS, 11):
        table[n] = row(1000 + step, n)
    if step % 3 == 0:
        with context.Pool(WORKERS) as pool:
            # A pool would wait for ever for what a worker that crashed had to do.
            for digest, total in pool.map_async(task, range(TASKS), 1).get(GIVE_UP_S):
                print(digest, total)
    for _, pipe in residents:
        print(pipe.recv())
for process, pipe in residents:
    pipe.send("end")
    print(pipe.recv())
    process.join()
    print("exit", process.exitcode)
print(digest_of(table))
PYTHON

pool_body()
{
	start "$@" "$python" "$WORK/program.py" "$SCALE" "$ROUNDS" \
		>"$WORK/result" 2>"$WORK/python.log"
	program_started "$started_pid"
	program_wait
	diag_file "$WORK/python.log"
}

real_compare "python3 with its children" pool_body
is "the pool has answered" "$(grep -cE '^[0-9a-f]{64} [0-9]+$' "$WORK/result")" $((48 * ((ROUNDS + 2) / 3)))
is "and those that live long" "$(grep -cE '^[0-9a-f]{64} [0-9a-f]{64}$' "$WORK/result")" $((4 * ROUNDS + 4))
is "which ended well" "$(grep -c '^exit 0$' "$WORK/result")" 4
done_testing
