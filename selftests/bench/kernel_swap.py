# SPDX-License-Identifier: GPL-2.0-only
"""The rival: a program in a memory cgroup, with a swap file of ours beneath."""

import contextlib
import os
import subprocess
import time

import cgroup
import files

PAGE_CLUSTER = "/proc/sys/vm/page-cluster"
PAGE_CLUSTERS = (0, 3)
OFF_S = 60
PRIORITY = "32767"  # before all other swap areas, so that it is this one that is measured


class Unusable(Exception):
    """Why there is no kernel swap here."""


def areas():
    with open("/proc/swaps", encoding="utf-8", errors="replace") as lines:
        return [line.split()[0] for line in lines.readlines()[1:]]


def swapoff(path):
    """Also where somebody else is at it."""
    end = time.monotonic() + OFF_S
    while path in areas():
        done = subprocess.run(["swapoff", path], stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode and time.monotonic() > end:
            raise OSError(done.stderr.strip())


def remove(path):
    """Until the kernel has let go of it, which is later than it is off, it cannot be removed."""
    swapoff(path)
    end = time.monotonic() + OFF_S
    while True:
        try:
            os.unlink(path)
            return
        except FileNotFoundError:
            return
        except PermissionError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def _call(*command):
    try:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    except FileNotFoundError as error:
        raise Unusable("%s is not installed" % command[0]) from error
    except subprocess.CalledProcessError as error:
        raise Unusable(error.stderr.strip() or "%s failed" % command[0]) from error


@contextlib.contextmanager
def _swapped_on(path, size):
    try:
        files.write_zeros(path, size)
        _call("mkswap", path)
        _call("swapon", "--priority", PRIORITY, path)
        yield
    finally:
        remove(path)


@contextlib.contextmanager
def _page_cluster_kept():
    before = cgroup.read(PAGE_CLUSTER)
    try:
        yield
    finally:
        cgroup.write(PAGE_CLUSTER, before)


class KernelSwap:
    """parent: where the cgroups of programs with kernel swap are made."""

    def __init__(self, parent):
        self.parent = parent
        self.version = parent.version

    @staticmethod
    def page_cluster(value):
        cgroup.write(PAGE_CLUSTER, value)


@contextlib.contextmanager
def ready(path, size):
    """Raises Unusable."""
    with contextlib.ExitStack() as stack:
        try:
            parent = cgroup.find()
            stack.enter_context(_swapped_on(path, size))
            stack.enter_context(_page_cluster_kept())
        except (cgroup.Unusable, OSError) as error:
            raise Unusable(str(error)) from error
        yield KernelSwap(parent)
