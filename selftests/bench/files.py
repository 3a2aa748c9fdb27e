# SPDX-License-Identifier: GPL-2.0-only
"""Files on the disk that is measured."""

import mmap
import os

CHUNK_BYTES = 1 << 20


def write_zeros(path, size):
    """Every block is written, so that none is converted when it is first used: extents that were only
    allocated would make the first writes of one side dearer."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with mmap.mmap(-1, CHUNK_BYTES) as zeros:
            for at in range(0, size, CHUNK_BYTES):
                os.pwrite(fd, zeros[: min(CHUNK_BYTES, size - at)], at)
        os.fsync(fd)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(fd)


def free_bytes(path):
    found = os.statvfs(path)
    return found.f_bavail * found.f_frsize
