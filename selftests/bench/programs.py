# SPDX-License-Identifier: GPL-2.0-only
"""Programs of everyday, with inputs that the bench makes."""

import hashlib
import os
import random
import shutil
import subprocess
import sys
import time

import outcome
import processes

CHUNK_BYTES = 1 << 20
ANSWERS_S = 30


def text_make(path, size):
    """Lines that no two are equal of, in no order."""
    draw = random.Random(outcome.SEED)
    with open(path, "w", encoding="ascii") as file:
        while file.tell() < size:
            file.writelines(
                "%032x %d %s\n" % (draw.getrandbits(128), number, "x" * (number % 40)) for number in range(1000)
            )


class Program:
    """size is about what it needs natively."""

    installed = ()

    def __init__(self, name, size, fractions):
        self.name = name
        self.size = size
        self.fractions = fractions
        self.digest = None
        gone = [program for program in self.installed if not shutil.which(program)]
        self.missing = "%s is not installed" % gone[0] if gone else None

    def prepare(self, directory):
        """Makes what it reads, below directory."""

    def area_bytes(self):
        return 2 * self.size

    def compare(self, place, digest):
        """The first run, which is a native one, says what is right."""
        self.digest = self.digest or digest
        if digest != self.digest:
            raise outcome.Wrong("%s, %s: what it computed is not what it computes natively" % (self.name, place.name))


class Command(Program):
    """Seconds until it has ended; its output is what it computed."""

    unit = "s"
    argv = ()
    input = None

    def run(self, place):
        # Read once, so that nobody waits for the disk to have it.
        if self.input:
            with open(self.input, "rb") as file:
                while file.read(CHUNK_BYTES):
                    pass
        with open(self.input or os.devnull, "rb") as file:
            with processes.started(place, list(self.argv), stdin=file, stdout=subprocess.PIPE) as process:
                digest = hashlib.sha256()
                for piece in iter(lambda: process.popen.stdout.read(CHUNK_BYTES), b""):
                    digest.update(piece)
                why = process.wait()
        if why:
            return outcome.Outcome(process.figures, why=why)
        self.compare(place, digest.hexdigest())
        return outcome.Outcome(process.figures, 1 / process.figures["seconds"], digest.hexdigest())


class Sort(Command):
    """coreutils' merge sort, in memory."""

    installed = ("sort",)

    def prepare(self, directory):
        self.input = os.path.join(directory, "sort.txt")
        self.argv = ("env", "LC_ALL=C", "sort", "--parallel=1", "-S", str(self.size * 4), "-T", directory)
        text_make(self.input, self.size // 2)


class Python(Command):
    """Dictionaries that grow, and are looked through out of order."""

    installed = ("python3",)
    bytes_per_key = 260

    def prepare(self, directory):
        # The first of the path may be a script that looks for one.
        self.argv = ("env", "PYTHONHASHSEED=0", sys.executable, "-S", "-c", """
import hashlib, sys
n = int(sys.argv[1])
names = {i: "name %d" % (i * 7919 % n) for i in range(n)}
back = {name: i for i, name in names.items()}
digest = hashlib.sha256()
for i in range(0, n * 3, 3):
    digest.update(b"%d " % back["name %d" % (i * 48271 % n)])
print(len(back), digest.hexdigest())
""", str(self.size // self.bytes_per_key))


class Sqlite(Command):
    """A table in memory, by way of a sorter."""

    installed = ("sqlite3",)
    bytes_per_row = 340

    def prepare(self, directory):
        self.argv = ("sqlite3", "-bail", ":memory:", """
PRAGMA temp_store = MEMORY;
CREATE TABLE t AS WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < %d)
    SELECT i, (i * 48271) %% 2147483647 AS k, printf('%%0120d text %%d', i * 7919 %% 99991, i) AS v FROM c;
SELECT k, v FROM t ORDER BY k;
""" % (self.size // self.bytes_per_row))


class Xz(Command):
    """A compressor's dictionary and hash chains."""

    installed = ("xz",)
    # What -0 to -9 need, of xz(1).
    presets = ((674, 9), (370, 8), (186, 7), (94, 6), (48, 4), (32, 3), (17, 2), (9, 1))

    def prepare(self, directory):
        self.input = os.path.join(directory, "xz.txt")
        preset = next((preset for mib, preset in self.presets if mib << 20 <= self.size), 0)
        self.argv = ("xz", "-T1", "-%d" % preset, "-c")
        text_make(self.input, self.size // 16)


class Redis(Program):
    """GETs and SETs of random keys per second, on a server whose client runs without a limit."""

    unit = "/s"
    installed = ("redis-server", "redis-cli", "redis-benchmark")
    bytes_per_key = 1400
    value_bytes = 1024

    def prepare(self, directory):
        self.directory = directory
        self.socket = os.path.join(directory, "redis.sock")
        self.keys = self.size // self.bytes_per_key
        self.requests = max(1000, self.keys // 4)
        self.load = os.path.join(directory, "redis.load")
        with open(self.load, "w", encoding="ascii", newline="") as file:
            for key in range(self.keys):
                value = ("%08d %08d " % (key, key * 7919 % 99999989)).ljust(self.value_bytes, "x")
                words = ("SET", "key:%012d" % key, value)
                file.write("*3\r\n" + "".join("$%d\r\n%s\r\n" % (len(word), word) for word in words))

    def _ask(self, *words, **streams):
        done = subprocess.run(
            ["redis-cli", "-s", self.socket, *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False,
            text=True, **streams,
        )
        return done.stdout.strip()

    def _fill(self):
        with open(self.load, "rb") as file:
            return "errors: 0, replies: %d" % self.keys in self._ask("--pipe", stdin=file)

    def _benchmark(self, *words):
        done = subprocess.run(
            ["redis-benchmark", "-s", self.socket, "-n", str(self.requests), "-r", str(self.keys), "-q", *words],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
        )
        return done.returncode == 0

    def _serve(self, process):
        """(seconds, digest), or None where the server did not answer."""
        end = time.monotonic() + ANSWERS_S
        while self._ask("ping") != "PONG":
            if process.ended() or time.monotonic() > end:
                return None
            time.sleep(0.02)
        if not self._fill():
            return None
        digest = self._ask("debug", "digest")
        begin = time.monotonic()
        done = self._benchmark("get", "key:__rand_int__")
        done = done and self._benchmark("-d", str(self.value_bytes), "set", "key:__rand_int__", "__data__")
        seconds = time.monotonic() - begin
        # SET has left other values at random keys; loaded again, all must be as before.
        if not done or not self._fill():
            return None
        return seconds, "%s %s" % (digest, self._ask("debug", "digest"))

    def run(self, place):
        argv = [
            "redis-server", "--port", "0", "--unixsocket", self.socket, "--save", "", "--appendonly", "no",
            "--enable-debug-command", "local", "--dir", self.directory,
        ]
        with processes.started(place, argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
            served = self._serve(process)
            if served:
                process.look_now()
                self._ask("shutdown", "nosave")
            else:
                process.kill()
            why = process.wait()
        if why or not served:
            return outcome.Outcome(process.figures, why=why or "did not answer")
        self.compare(place, served[1])
        return outcome.Outcome(process.figures, 2 * self.requests / served[0], served[1])


def everything(size, quick):
    """size: of a pattern; programs are made about half as large, since each has to end."""
    if quick:
        return [Sort("sort", size // 4, (2,)), Python("python", size // 4, (2,))]
    return [
        Sort("sort", size // 4, (4, 2)), Python("python", size // 2, (4, 2)), Sqlite("sqlite", size // 4, (4, 2)),
        Xz("xz", size // 8, (2,)), Redis("redis", size // 2, (4, 2)),
    ]
