# SPDX-License-Identifier: GPL-2.0-only
"""On what was measured."""

import os
import platform
import subprocess
import time


def _first(path, key):
    with open(path, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if line.startswith(key):
                return line.split(":", 1)[1].strip()
    return "unknown"


def _disk(directory):
    """Device and file system that directory is on."""
    done = subprocess.run(
        ["findmnt", "-no", "SOURCE,FSTYPE", "-T", directory],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False,
    )
    return " ".join(done.stdout.split()) or "unknown"


def _read(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().strip()
    except OSError:
        return "unknown"


def describe(directory):
    return {
        "CPU": "%d x %s" % (os.cpu_count(), _first("/proc/cpuinfo", "model name")),
        "kernel": platform.release(),
        "memory": "%.1f GiB" % (int(_first("/proc/meminfo", "MemTotal").split()[0]) / 2**20),
        "disk": _disk(directory),
        "transparent huge pages": _read("/sys/kernel/mm/transparent_hugepage/enabled"),
        "load before": "%.1f" % os.getloadavg()[0],
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
    }
