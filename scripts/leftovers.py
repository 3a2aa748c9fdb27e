# SPDX-License-Identifier: GPL-2.0-only
"""What a test program may leave behind: processes, loop devices, swap areas. scripts/run-tests is
their reaper (PR_SET_CHILD_SUBREAPER), so that orphans stay below it."""

import glob
import os
import signal
import subprocess
import time

GRACE_S = 3  # for what ends by itself after its program did


def descendants():
    """pid -> command of every process below this one. Orphans too: we are their reaper."""
    parents = {}
    names = {}
    for path in glob.glob("/proc/[0-9]*/stat"):
        try:
            with open(path, encoding="utf-8", errors="replace") as stat:
                head, tail = stat.read().rsplit(")", 1)
        except OSError:
            continue
        pid, name = head.split("(", 1)
        state, parent = tail.split()[:2]
        if state not in "ZX":
            parents[int(pid)] = int(parent)
            names[int(pid)] = name
    found = {}
    front = [os.getpid()]
    while front:
        front = [pid for pid, parent in parents.items() if parent in front and pid not in found]
        found.update((pid, names[pid]) for pid in front)
    return found


def reap():
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def kill_descendants():
    while True:
        left = descendants()
        if not left:
            break
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.01)
        reap()
    reap()


def loop_devices():
    found = set()
    for path in glob.glob("/sys/block/loop*/loop/backing_file"):
        try:
            with open(path, encoding="utf-8", errors="replace") as backing:
                found.add("%s (%s)" % (path.split("/")[3], backing.read().strip()))
        except OSError:
            pass
    return found


def swap_areas(work):
    """Devices, and files of the test's own: those of others come and go meanwhile."""
    with open("/proc/swaps", encoding="utf-8", errors="replace") as swaps:
        found = {line.split()[0] for line in swaps.readlines()[1:]}
    return {area for area in found if area.startswith(("/dev/", os.path.realpath(work) + "/"))}


def leftovers(work, loops, swaps):
    """Waits a little for what is about to end, then ends it and names it."""
    end = time.monotonic() + GRACE_S
    while True:
        reap()
        processes = descendants()
        new_loops = loop_devices() - loops
        new_swaps = swap_areas(work) - swaps
        if not (processes or new_loops or new_swaps) or time.monotonic() > end:
            break
        time.sleep(0.02)
    kill_descendants()
    for area in new_swaps:
        subprocess.run(["swapoff", area], check=False)
    for loop in new_loops:
        subprocess.run(["losetup", "-d", "/dev/" + loop.split()[0]], check=False)
    return (
        ["left process %d (%s)" % item for item in processes.items()]
        + ["left loop device " + loop for loop in new_loops]
        + ["left swap area " + area for area in new_swaps]
    )
