# SPDX-License-Identifier: GPL-2.0-only
"""What is timed. Each says how much memory it needs natively, and checks what it computed."""

import hashlib
import json
import os
import random
import shutil
import subprocess

import runs

CHUNK_BYTES = 1 << 20
SEED = 20240229


class Wrong(Exception):
    """A program did not compute what it computes natively: never a matter of speed."""


class Outcome:
    """score: more is better. why: it cannot be counted, and the score is None."""

    def __init__(self, figures, score=None, digest=None, why=None):
        self.figures = figures
        self.score = score
        self.digest = digest
        self.why = why


class Pattern:
    """Accesses per second of selftests/bench/pattern.c."""

    unit = "/s"
    fractions = (4,)
    missing = None

    def __init__(self, build, pattern, threads, size, seconds, compressible=True):
        self.program = os.path.join(build, "selftests", "bench", "pattern")
        self.pattern = pattern
        self.threads = threads
        self.size = size
        self.seconds = seconds
        self.compressible = compressible
        self.name = "%s x%d%s" % (pattern, threads, "" if compressible else " incompressible")

    def prepare(self, directory):
        pass

    def area_bytes(self):
        return self.size

    def run(self, place):
        argv = [
            self.program, "--pattern", self.pattern, "--threads", str(self.threads), "--bytes", str(self.size),
            "--seconds", str(self.seconds), "--seed", str(SEED % 65536), "--hold",
        ] + ([] if self.compressible else ["--incompressible"])
        with runs.Program(place, argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
            text = b""
            while not text.endswith(b"]}\n"):
                piece = program.popen.stdout.readline()
                if not piece:
                    break
                text += piece
            program.look_now()
            program.popen.stdin.close()
            why = program.wait()
            report = json.loads(text) if text.endswith(b"]}\n") else None
            if report and report["words_wrong"]:
                raise Wrong("%s, %s: %d words wrong" % (self.name, place.name, report["words_wrong"]))
            if why or not report:
                return Outcome(program.figures, why=why or "said nothing")
            program.figures.update(report)
            return Outcome(program.figures, report["accesses"] / report["seconds"], "checked by itself")


class Command:
    """A program that reads a file, or nothing, and writes what it computed: seconds until it has ended."""

    unit = "s"
    fractions = (4, 2)

    def __init__(self, name, argv):
        self.name = name
        self.argv = argv
        self.input = None
        self.digest = None
        self.missing = None if shutil.which(argv[0]) else "%s is not installed" % argv[0]

    def prepare(self, directory):
        """Makes what it reads, below directory."""

    def area_bytes(self):
        raise NotImplementedError

    def run(self, place):
        # Read once, so that nobody waits for the disk to have it.
        if self.input:
            with open(self.input, "rb") as file:
                while file.read(CHUNK_BYTES):
                    pass
        with open(self.input or os.devnull, "rb") as file:
            with runs.Program(place, self.argv, stdin=file, stdout=subprocess.PIPE) as program:
                digest = hashlib.sha256()
                for piece in iter(lambda: program.popen.stdout.read(CHUNK_BYTES), b""):
                    digest.update(piece)
                why = program.wait()
                if why:
                    return Outcome(program.figures, why=why)
                self._compare(place, digest.hexdigest())
                return Outcome(program.figures, 1 / program.figures["seconds"], digest.hexdigest())

    def _compare(self, place, digest):
        """The first run, which is a native one, says what is right."""
        self.digest = self.digest or digest
        if digest != self.digest:
            raise Wrong("%s, %s: its output is not that of the native run" % (self.name, place.name))


class Sort(Command):
    def __init__(self, size):
        super().__init__("sort", ["sort"])
        self.size = size

    def prepare(self, directory):
        self.input = os.path.join(directory, "sort.txt")
        self.argv = ["env", "LC_ALL=C", "sort", "--parallel=1", "-S", str(self.size * 4), "-T", directory]
        draw = random.Random(SEED)
        with open(self.input, "w", encoding="ascii") as file:
            while file.tell() < self.size:
                file.writelines(
                    "%032x %d %s\n" % (draw.getrandbits(128), number, "x" * (number % 40)) for number in range(1000)
                )

    def area_bytes(self):
        return self.size * 4


def patterns(build, size, seconds, quick):
    found = [
        Pattern(build, name, threads, size, seconds)
        for name in ("random-read", "zipf-read", "sequential-write")
        for threads in ((1,) if quick else (1, 16))
    ]
    return found


def everything(build, size, seconds, quick):
    return patterns(build, size, seconds, quick) + [Sort(size // 4)]
