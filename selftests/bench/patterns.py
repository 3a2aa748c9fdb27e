# SPDX-License-Identifier: GPL-2.0-only
"""Patterns of access, by selftests/bench/pattern.c."""

import json
import os
import subprocess

import outcome
import processes


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
            "--seconds", str(self.seconds), "--seed", str(outcome.SEED % 65536), "--hold",
        ] + ([] if self.compressible else ["--incompressible"])
        with processes.started(place, argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            report = self._talk(process)
            why = process.wait()
        if report and report["words_wrong"]:
            raise outcome.Wrong("%s, %s: %d words wrong" % (self.name, place.name, report["words_wrong"]))
        if why or not report:
            return outcome.Outcome(process.figures, why=why or "said nothing")
        process.figures["pattern"] = report
        return outcome.Outcome(process.figures, report["accesses"] / report["seconds"], "checked by itself")

    @staticmethod
    def _talk(process):
        """What it reports, or None where it ended before."""
        stdin, stdout = process.popen.stdin, process.popen.stdout
        try:
            if stdout.readline() != b"filled\n":
                return None
            process.settle()
            stdin.write(b"\n")
            stdin.flush()
            report = json.loads(b"".join(iter(stdout.readline, b"\n")))
            process.look_now()
            stdin.write(b"\n")
            stdin.flush()
        except (BrokenPipeError, ValueError):
            return None
        return report


# name -> threads. What walks in order has a part of its own for each thread.
FULL = {
    "random-read": (1, 16), "random-write": (1, 16), "zipf-read": (1, 16), "zipf-write": (1, 16),
    "sequential-read": (1, 16), "sequential-write": (1, 16), "backward-read": (1,), "two-streams-read": (1,),
    "stride17-read": (1, 16),
}
QUICK = {"random-read": (1, 16), "zipf-read": (1,), "sequential-read": (1,), "sequential-write": (1,)}


def everything(build, size, seconds, quick):
    found = [
        Pattern(build, name, threads, size, seconds)
        for name, all_threads in (QUICK if quick else FULL).items() for threads in all_threads
    ]
    return found if quick else found + [Pattern(build, "random-read", 1, size, seconds, compressible=False)]
