"""Faults put in on purpose, for `doctor --prove`: each has to be caught by what it would spoil.

Every pipeline here passes its warm-up, whose upload id begins with zeros, and misbehaves after it.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import mmap
import os
import signal
import subprocess
import sys
import tempfile
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from tracemalloc import reset_peak

from harness.config import MIB, PipelineOptions, UploadOptions
from harness.contracts import Body, Pipeline, Poster
from harness.model import Package, Scope
from harness.pipelines import streaming
from harness.pipelines.encoders import make_encoder
from harness.records import Batch, Counters

STAGE = "other"

Observe = Callable[[Batch], None]
Planted = tuple[Iterator[Package], Poster]

TAKEN_BYTES = 10 * MIB

_kept: list[object] = []


def planted(fault: Callable[[Iterator[Package], Poster], Planted]) -> Pipeline:
    """Make a pipeline: streaming, over what `fault` makes of the packages and the poster."""

    def run(
        packages: Iterator[Package], poster: Poster, options: PipelineOptions, observe: Observe
    ) -> Counters:
        return streaming.run(*fault(packages, poster), options, observe)

    return run


@planted
def leaks(packages: Iterator[Package], poster: Poster) -> Planted:
    """Keep a kilobyte of every scope for ever."""
    return _each_child(packages, _leak), poster


@planted
def retains_scopes(packages: Iterator[Package], poster: Poster) -> Planted:
    """Read from an extractor that caches all it has read."""
    return _each_child(packages, _kept.append), poster


@planted
def copies_payload(packages: Iterator[Package], poster: Poster) -> Planted:
    """Hold the JSON of all scopes in one more copy."""
    document, encoder = bytearray(), make_encoder(PipelineOptions().encoder)
    return _each_child(packages, lambda scope: encoder.append(scope, document)), poster


@planted
def is_lost(packages: Iterator[Package], poster: Poster) -> Planted:
    """Be killed before anything is measured."""
    if not _is_warm_up(poster):
        os.kill(os.getpid(), signal.SIGKILL)
    return packages, poster


@planted
def loses_a_scope(packages: Iterator[Package], poster: Poster) -> Planted:
    """Ship all but the first child of every package: less to do, less to hold."""
    return _without_first(packages), poster


@planted
def posts_nothing(packages: Iterator[Package], poster: Poster) -> Planted:
    """Do all the work but the upload, and claim that too."""
    return packages, poster if _is_warm_up(poster) else DeafPoster(poster.options)


@planted
def truncates_capture(packages: Iterator[Package], poster: Poster) -> Planted:
    """Cut the last byte off the capture after the worker has signed it."""
    capture = Path(tempfile.gettempdir(), "capture.bin")
    if not _is_warm_up(poster):
        atexit.register(lambda: os.truncate(capture, capture.stat().st_size - 1))
    return packages, poster


def taking(take: Callable[[], object]) -> Pipeline:
    """Make a pipeline: streaming, while it has what `take` returns, once it is measured."""

    def run(
        packages: Iterator[Package], poster: Poster, options: PipelineOptions, observe: Observe
    ) -> Counters:
        taken = None if _is_warm_up(poster) else take()
        counters = streaming.run(packages, poster, options, observe)
        del taken
        return counters

    return run


def touched(size_bytes: int) -> bytearray:
    """Return so many bytes, each page of which was touched."""
    held = bytearray(size_bytes)
    held[::4096] = b"x" * len(held[::4096])
    return held


def _through_a_pointer() -> object:
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    block = libc.malloc(ctypes.c_size_t(TAKEN_BYTES))
    return ctypes.memset(block, 1, TAKEN_BYTES)


def _in_a_fork() -> None:
    pid = os.fork()
    if not pid:
        bytearray(TAKEN_BYTES)
        os._exit(0)
    os.waitpid(pid, 0)


def _in_a_command() -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-I", "-S", "-c", f"bytearray({TAKEN_BYTES})"])


def _restart_tracemalloc() -> None:
    tracemalloc.stop()
    tracemalloc.start()


takes_memory_through_a_pointer = taking(_through_a_pointer)
needs_8_mib_more = taking(lambda: touched(8 * MIB))
reserves_and_never_touches = taking(lambda: mmap.mmap(-1, 10 * TAKEN_BYTES))
works_in_a_fork = taking(_in_a_fork)
works_in_a_command = taking(lambda: _in_a_command().wait())
works_in_a_command_and_does_not_wait = taking(_in_a_command)
stops_tracemalloc = taking(tracemalloc.stop)
restarts_tracemalloc = taking(_restart_tracemalloc)
clears_traces = taking(tracemalloc.clear_traces)
resets_the_peak = taking(lambda: tracemalloc.reset_peak())  # noqa: PLW0108  as it is by then
resets_the_peak_by_its_name = taking(lambda: reset_peak())  # noqa: PLW0108  likewise
starts_tracemalloc = taking(tracemalloc.start)
removes_callbacks = taking(gc.callbacks.clear)
removes_the_profile_function = taking(lambda: sys.setprofile(None))


class DeafPoster:
    """Takes every batch for delivered; what is left is a pipeline without HTTP."""

    def __init__(self, options: UploadOptions) -> None:
        self.options = options

    def post(self, body: Body) -> None:
        """Do nothing."""


def _is_warm_up(poster: Poster) -> bool:
    return poster.options.upload_id.startswith("00000000")


def _leak(_: Scope) -> None:
    _kept.append(bytes(1024))


def _each_child(packages: Iterator[Package], act: Callable[[Scope], object]) -> Iterator[Package]:
    for package in packages:
        children = package.children
        package.children = _acting(children, act)
        yield package


def _acting(children: Iterator[Scope], act: Callable[[Scope], object]) -> Iterator[Scope]:
    for child in children:
        act(child)
        yield child


def _without_first(packages: Iterator[Package]) -> Iterator[Package]:
    for package in packages:
        next(package.children, None)
        yield package
