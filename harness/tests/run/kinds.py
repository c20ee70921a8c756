"""Pipelines that take 10 MiB more than streaming, each in another kind of memory."""

from __future__ import annotations

import gc
import mmap
import os
import signal
import threading
from contextlib import suppress
from ctypes import CDLL, addressof, c_char, c_size_t, memset
from typing import Any

import memray

from harness.bench.planted import TAKEN_BYTES, taking
from harness.pipelines import streaming
from harness.records import Counters

_CACHE: list[bytes] = []
_LIBRARY = memray._memray.__file__


def in_its_own_frame(*given: Any) -> Counters:
    """Hold a buffer in the pipeline's own top function."""
    block = bytearray(TAKEN_BYTES)
    counters = streaming.run(*given)
    del block
    return counters


def in_a_cache(*given: Any) -> Counters:
    """Fill a cache in the first run of the process, which is the warm-up."""
    if not _CACHE:
        _CACHE.append(b"x" * TAKEN_BYTES)
    return streaming.run(*given)


def _fail_unseen() -> None:
    gc.callbacks.clear()
    raise RuntimeError("what really happened")


def _in_a_command_nobody_waits_for() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    os.posix_spawn("/bin/true", ["true"], {})
    with suppress(ChildProcessError):
        os.wait()


def _in_a_thread() -> None:
    thread = threading.Thread(target=bytearray, args=(TAKEN_BYTES,))
    thread.start()
    thread.join()


def _mapped_and_touched() -> mmap.mmap:
    block = mmap.mmap(-1, TAKEN_BYTES)
    memset(addressof(c_char.from_buffer(block)), 1, TAKEN_BYTES)
    return block


def _past_the_allocators(size_bytes: int, protection: int, kind: int, file: int) -> None:
    """Have the kernel map memory or a file whole, unseen as when a library is loaded."""
    flags = mmap.MAP_PRIVATE | mmap.MAP_POPULATE | kind
    assert CDLL(None).mmap(None, c_size_t(size_bytes), protection, flags, file, c_size_t(0)) != -1


def _memory_past_the_allocators() -> None:
    _past_the_allocators(TAKEN_BYTES, mmap.PROT_WRITE, mmap.MAP_ANONYMOUS, -1)


def _file_past_the_allocators() -> None:
    with open(_LIBRARY, "rb") as file:  # noqa: PTH123  pathlib is weight
        size_bytes = os.fstat(file.fileno()).st_size
        for _ in range(TAKEN_BYTES // size_bytes + 1):
            _past_the_allocators(size_bytes, mmap.PROT_READ, 0, file.fileno())


fails_unseen = taking(_fail_unseen)
works_in_a_command_nobody_waits_for = taking(_in_a_command_nobody_waits_for)


def _in_huge_pages() -> mmap.mmap:
    block = mmap.mmap(-1, TAKEN_BYTES)
    with suppress(OSError):  # a kernel without them gives the usual ones
        block.madvise(mmap.MADV_HUGEPAGE)
    memset(addressof(c_char.from_buffer(block)), 1, TAKEN_BYTES)
    return block


maps_memory_past_the_allocators = taking(_memory_past_the_allocators)
maps_a_file_past_the_allocators = taking(_file_past_the_allocators)
in_a_thread = taking(_in_a_thread)
in_huge_pages = taking(_in_huge_pages)
mapped_and_touched = taking(_mapped_and_touched)
mapped_and_never_touched = taking(lambda: mmap.mmap(-1, TAKEN_BYTES))
