#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""seeds.py DIRECTORY: a few inputs for each fuzzer, laid out as its head says."""

import pathlib
import struct
import sys


def attribute(kind, value):
    """A netlink attribute, padded."""
    data = struct.pack("HH", 4 + len(value), kind) + value
    return data + bytes(-len(data) % 4)


def superblocks():
    for slots in (0, 63, 64, 1 << 20, (1 << 40) - 1):
        disk = b"UPAGERSW" + struct.pack("<II", 1, 0) + bytes(16) + b"label".ljust(32, b"\0")
        yield struct.pack("<QB", 1 << 32, 7) + (disk + struct.pack("<Q", slots)).ljust(4096, b"\0")


def netlink():
    genl = struct.pack("BBH", 2, 1, 0)
    features = attribute(2, struct.pack("I", 1)) + attribute(3, struct.pack("Q", 7))
    yield b"\0" + genl + features + attribute(10, bytes(range(25)))
    yield b"\0" + genl + attribute(10, bytes(24)) + attribute(2, b"")
    yield b"\1" + struct.pack("BBH", 7, 1, 0) + attribute(6, struct.pack("I", 5))
    event = struct.pack("IIQ", 1, 0, 0) + bytes(24)
    connector = struct.pack("IIIIHH", 1, 1, 0, 0, len(event), 0) + event
    yield b"\2" + struct.pack("IHHII", 16 + len(connector), 3, 0, 0, 0) + connector


def agents():
    post = struct.pack("BBB", 0, 3, 0) + b"".join(
        struct.pack("<IB", 64 * i, 15) for i in range(4))
    finish = b"\3" + struct.pack("<Q", (1 << 16) - 1) * 4
    yield post + finish + b"\4" + post + b"\5"
    yield post + b"\5" + finish + b"\4"
    yield post + post + b"\1" + struct.pack("<IB", 12, 3) + b"\7\0\0\0" + b"\4\5"


def states():
    yield b""
    for part in range(8):
        yield b"".join(struct.pack("<BIB", part, at, 3) + struct.pack("<I", 1)
                       for at in (0, 8, 64, 4096))


def main():
    root = pathlib.Path(sys.argv[1])
    for name, seeds in (("superblock", superblocks), ("netlink", netlink), ("agent", agents),
                        ("state", states)):
        (root / name).mkdir(parents=True)
        for i, seed in enumerate(seeds()):
            (root / name / str(i)).write_bytes(seed)


if __name__ == "__main__":
    main()
