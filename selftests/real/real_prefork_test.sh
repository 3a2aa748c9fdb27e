#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# TIMEOUT 400
#
# A server that forks its workers before it serves, with a quarter of the memory that it needs: the
# workers share a large table with their parent, each overwrites rows of its own copy of it and answers
# with digests of parts of it.  A client knows what every answer must be, and kills workers, which are
# forked again.  At the end the parent's table must be what it was.

# shellcheck source=selftests/lib.sh
. "${0%/*}/../lib.sh"

# The package's own, not a wrapper that some other Python put in front of it.
python=/usr/bin/python3

need_root
need "$python"

ROWS=${UPAGER_TEST_FULL:+1500000}
ROWS=${ROWS:-100000}
ANSWERS=${UPAGER_TEST_FULL:+20000}
ANSWERS=${ANSWERS:-800}
KILLS=8

cat >"$WORK/rows.py" <<'PYTHON'
import hashlib

CHANGES = 24


def row(number):
    return b"%d/%0280d" % (number, number * 6364136223846793005 % 2**64)


def change(generation, number, rows):
    """The number-th row that a worker of this generation overwrites, and its new text."""
    mixed = (generation * 7919 + number) * 2862933555777941757 % 2**64
    return (mixed >> 20) % rows, b"%d.%d %0260d" % (generation, number, mixed)


def digest_of(parts):
    state = hashlib.sha256()
    for part in parts:
        state.update(part)
    return state.hexdigest()
PYTHON

# A request is a line "FIRST STEP COUNT", an answer "PID GENERATION CHANGES DIGEST".
cat >"$WORK/server.py" <<'PYTHON'
import os
import signal
import socket
import sys
import traceback

from rows import CHANGES, change, digest_of, row

path, nr_rows, nr_workers = sys.argv[1], int(sys.argv[2]), 4
table = [bytearray(row(n)) for n in range(nr_rows)]


def work(listener, generation):
    changes = 0
    while True:
        peer, _ = listener.accept()
        with peer, peer.makefile("rw") as stream:
            first, step, count = map(int, stream.readline().split())
            for changes in range(changes + 1, changes + 1 + CHANGES):
                number, text = change(generation, changes, nr_rows)
                table[number][:] = text
            digest = digest_of(table[(first + n * step) % nr_rows] for n in range(count))
            stream.write("%d %d %d %s\n" % (os.getpid(), generation, changes, digest))


def fork(listener, generation):
    pid = os.fork()
    if not pid:
        try:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, told)
            work(listener, generation)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)
    return pid


def reap(flags):
    pid, status = os.waitpid(-1, flags)
    if pid:
        workers.remove(pid)
        ends[status] = ends.get(status, 0) + 1
    return pid


told = {signal.SIGCHLD, signal.SIGTERM}
signal.pthread_sigmask(signal.SIG_BLOCK, told)
listener = socket.socket(socket.AF_UNIX)
listener.bind(path)
listener.listen(64)
ends = {}
workers = {fork(listener, n) for n in range(nr_workers)}
generations = nr_workers
print("ready", flush=True)
while signal.sigwait(told) != signal.SIGTERM:
    while workers and reap(os.WNOHANG):
        workers.add(fork(listener, generations))
        generations += 1
for pid in workers:
    os.kill(pid, signal.SIGTERM)
while workers:
    reap(0)
print("forked", generations, "ended by", *sorted(ends.items()))
print("parent", digest_of(table))
PYTHON

cat >"$WORK/client.py" <<'PYTHON'
import os
import random
import signal
import socket
import sys
import threading

from rows import change, digest_of, row

path, nr_rows, nr_answers, nr_kills = sys.argv[1], *map(int, sys.argv[2:])
THREADS = 4
lock = threading.Lock()
changed = {}  # generation: (changes, {row: text})
right = lost = killed = 0
wrong = []


def text_of(generation, changes):
    """The rows that a worker has overwritten after so many changes; it may be asked out of order."""
    done, rows = changed.get(generation, (0, {}))
    if done > changes:
        done, rows = 0, {}
    for number in range(done + 1, changes + 1):
        at, text = change(generation, number, nr_rows)
        rows[at] = text
    changed[generation] = changes, rows
    return rows


def ask(first, step, count):
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(path)
        with peer.makefile("rw") as stream:
            stream.write("%d %d %d\n" % (first, step, count))
            stream.flush()
            return stream.readline().split()


def client(number):
    global right, lost, killed
    chance = random.Random(number)
    while True:
        with lock:
            if right + len(wrong) >= nr_answers:
                return
        request = chance.randrange(nr_rows), chance.choice((1, 1, 7, 4099)), chance.randrange(1, 500)
        try:
            answer = ask(*request)
        except OSError:
            answer = []
        with lock:
            if len(answer) != 4:
                lost += 1  # its worker was killed
                if lost > 2 * nr_kills:
                    wrong.append("no answer to %s" % (request,))
                continue
            pid, generation, changes = map(int, answer[:3])
            rows = text_of(generation, changes)
            places = ((request[0] + n * request[1]) % nr_rows for n in range(request[2]))
            if digest_of(rows.get(n) or row(n) for n in places) == answer[3]:
                right += 1
            else:
                wrong.append("%s: %s" % (request, answer))
            if killed < nr_kills and right > (killed + 1) * nr_answers // (nr_kills + 1):
                killed += 1
                os.kill(pid, signal.SIGKILL)


threads = [threading.Thread(target=client, args=(n,)) for n in range(THREADS)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("at least", nr_answers, "right:", right >= nr_answers)
for line in wrong[:10]:
    print("wrong:", line)
print("unanswered:", lost, "of", nr_kills, "killed", file=sys.stderr)
PYTHON

prefork_body()
{
	rm -f "$RUN/server.sock"
	start "$@" "$python" "$WORK/server.py" "$RUN/server.sock" "$ROWS" \
		>"$WORK/served" 2>"$WORK/server.log"
	program_started "$started_pid"
	ok "the server answers" wait_for 60 grep -q ready "$WORK/served"
	timeout 150 "$python" "$WORK/client.py" "$RUN/server.sock" "$ROWS" "$ANSWERS" "$KILLS" \
		>"$WORK/result" 2>"$WORK/client.log"
	is "the client exits 0" "$?" 0
	# By way of `upager run`, which passes it on.
	kill -TERM "$program_pid"
	program_wait
	cat "$WORK/served" >>"$WORK/result"
	diag_file "$WORK/client.log"
	diag_file "$WORK/server.log"
}

real_compare "a pre-forking server" prefork_body
is "every answer was right" "$(head -n 1 "$WORK/result")" "at least $ANSWERS right: True"
is "the others were none" "$(grep -c '^wrong' "$WORK/result")" 0
ok "workers were killed, forked again, and ended when told" \
	grep -qx "forked $((KILLS + 4)) ended by (9, $KILLS) (15, 4)" "$WORK/result"
done_testing
