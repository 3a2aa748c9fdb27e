#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Times programs under upager and with kernel swap, side by side, and says how they compare.

Writes results.json and table.rst below --output. Exits 0 when all was measured and every program
computed what it computes natively, also where there is no kernel swap to compare with, which is then
said; 1 when not; 2 when used wrongly; 4 when it cannot run here.
"""

import argparse
import contextlib
import fcntl
import os
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True  # the sources' folder stays as it is

import compare
import files
import kernel_swap
import machine
import outcome
import pager
import patterns
import processes
import programs
import report
import stops

EXIT_SKIP = 4
MIB = 1 << 20
SLACK_BYTES = 32 * MIB  # of an area, for what is on its way
SPARE_BYTES = 1 << 30  # that stays free on the disk


class Refused(Exception):
    """Why nothing can be measured here."""


def say(line):
    print("bench: " + line, file=sys.stderr, flush=True)


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", default="build", help="where upager and upagerd are")
    parser.add_argument("--output", help="where results go, and areas meanwhile; by default BUILD/bench")
    parser.add_argument("--quick", action="store_true", help="the short form: smaller, fewer, one pair")
    parser.add_argument("--only", action="append", metavar="TEXT", help="workloads whose name holds TEXT")
    parser.add_argument("--pairs", type=int, help="how often each side runs; 5, or 1")
    parser.add_argument("--size", type=int, metavar="MIB", help="memory of a pattern; 256, or 64")
    parser.add_argument("--seconds", type=float, help="how long a pattern is measured; 5, or 1")
    parser.add_argument("--limit", type=float, metavar="SECONDS", help="after which a run is ended; 300")
    parser.add_argument("--no-rival", action="store_true", help="upager alone")
    args = parser.parse_args()
    args.build = os.path.abspath(args.build)
    args.output = os.path.abspath(args.output or os.path.join(args.build, "bench"))
    args.pairs = args.pairs or (1 if args.quick else 5)
    args.size = (args.size or (64 if args.quick else 256)) * MIB
    processes.limit_s = args.limit or processes.LIMIT_S
    args.seconds = args.seconds or (1 if args.quick else 5)
    return args


def everything(args):
    found = patterns.everything(args.build, args.size, args.seconds, args.quick)
    return found + programs.everything(args.size, args.quick)


def choose(args, results):
    """What is asked for and installed."""
    chosen = []
    for workload in everything(args):
        if args.only and not any(text in workload.name for text in args.only):
            continue
        if workload.missing:
            results["notes"].append("%s: skipped, %s" % (workload.name, workload.missing))
        else:
            chosen.append(workload)
    return chosen


def lock(directory):
    file = open(os.path.join(directory, "lock"), "w", encoding="ascii")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise Refused("another bench is at work in " + directory) from error
    return file


def clear(directory, more=()):
    """What one that was killed may have left."""
    kernel_swap.remove(os.path.join(directory, "swap"))
    for name in ("area", *more):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(directory, name))
    shutil.rmtree(os.path.join(directory, "input"), ignore_errors=True)


def run(args, results, stack):
    chosen = choose(args, results)
    if not chosen:
        names = sorted({workload.name.split()[0] for workload in everything(args)})
        raise Refused(
            "nothing that is installed has %s in its name%s: there are %s"
            % (" or ".join(args.only or ["that"]), " in the short form" if args.quick else "", ", ".join(names))
        )
    os.makedirs(args.output, exist_ok=True)
    stack.enter_context(lock(args.output))
    clear(args.output, report.FILES)
    stack.callback(clear, args.output)
    area = max(workload.area_bytes() for workload in chosen) + SLACK_BYTES
    wanted = 2 * area + sum(workload.area_bytes() for workload in chosen) // 4 + SPARE_BYTES
    if files.free_bytes(args.output) < wanted:
        raise Refused("%s: %d MiB are to be free" % (args.output, wanted // MIB))
    inputs = os.path.join(args.output, "input")
    os.mkdir(inputs)

    swap = None
    if not args.no_rival:
        try:
            swap = stack.enter_context(kernel_swap.ready(os.path.join(args.output, "swap"), area))
        except kernel_swap.Unusable as error:
            results["notes"].append("no kernel swap to compare with: %s" % error)
            say(results["notes"][-1])
    results["rival"] = {"cgroup_version": swap.version} if swap else None
    paged = stack.enter_context(pager.running(args.build, os.path.join(args.output, "area"), area))
    for workload in chosen:
        workload.prepare(inputs)
        results["results"].extend(compare.measure(workload, paged, swap, args.pairs))


def main():
    args = parse()
    if os.geteuid():
        say("needs root, for upagerd and for swapon")
        return EXIT_SKIP
    stops.catch()
    results = {
        "version": 1, "machine": machine.describe(args.build), "notes": [], "failed": None, "rival": None,
        "settings": {"pairs": args.pairs, "size_bytes": args.size, "seconds": args.seconds, "quick": args.quick},
        "results": [],
    }
    try:
        with contextlib.ExitStack() as stack:
            run(args, results, stack)
    except Refused as error:
        say(str(error))
        return EXIT_SKIP
    except (outcome.Wrong, pager.Failed, OSError, subprocess.SubprocessError) as error:
        results["failed"] = str(error)
        say("FAILED: %s" % error)
    report.write(results, args.output)
    print(report.text(results), end="")
    return 1 if results["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
