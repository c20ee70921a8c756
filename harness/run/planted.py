"""Faults put in on purpose, for `doctor --prove`: each has to be caught by what it would spoil.

Every pipeline here passes its warm-up, whose upload id begins with zeros, and misbehaves after it.
"""

from __future__ import annotations

import atexit
import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from harness.config import PipelineOptions, UploadOptions
from harness.contracts import Body, Poster
from harness.model import Package, Scope, package_scope
from harness.pipelines import streaming
from harness.pipelines.encoders import make_encoder
from harness.records import Batch, Counters

STAGE = "other"

Observe = Callable[[Batch], None]

_kept: list[object] = []


def leaks(
    packages: Iterator[Package], poster: Poster, options: PipelineOptions, observe: Observe
) -> Counters:
    """Ship everything, and keep a kilobyte of every scope for ever."""
    return streaming.run(_each_child(packages, _leak), poster, options, observe)


def retains_scopes(
    packages: Iterator[Package], poster: Poster, options: PipelineOptions, observe: Observe
) -> Counters:
    """Ship everything from an extractor that caches all it has read."""
    return streaming.run(_each_child(packages, _kept.append), poster, options, observe)


def copies_payload(
    packages: Iterator[Package], poster: Poster, options: PipelineOptions, observe: Observe
) -> Counters:
    """Ship everything, holding the JSON of all of it in one more copy."""
    document = bytearray()
    encoder = make_encoder(options.encoder)

    def copy(scope: Scope) -> None:
        encoder.append(scope, document)

    return streaming.run(_each_child(packages, copy), poster, options, observe)


def is_lost(
    packages: Iterator[Package], poster: Poster, options: PipelineOptions, observe: Observe
) -> Counters:
    """Be killed before anything is measured."""
    if not _is_warm_up(poster):
        os.kill(os.getpid(), signal.SIGKILL)
    return streaming.run(packages, poster, options, observe)


def loses_a_scope(
    packages: Iterator[Package], poster: Poster, options: PipelineOptions, observe: Observe
) -> Counters:
    """Ship all but the first child of every package: less to do, less to hold."""
    return streaming.run(_without_first(packages), poster, options, observe)


def posts_nothing(
    packages: Iterator[Package], poster: Poster, options: PipelineOptions, observe: Observe
) -> Counters:
    """Do all the work but the upload, and claim that too."""
    deaf = poster if _is_warm_up(poster) else DeafPoster(poster.options)
    return streaming.run(packages, deaf, options, observe)


class DeafPoster:
    """Takes every batch for delivered; what is left is a pipeline without HTTP."""

    def __init__(self, options: UploadOptions) -> None:
        self.options = options

    def post(self, body: Body) -> None:
        """Do nothing."""


def truncates_capture(
    packages: Iterator[Package], poster: Poster, options: PipelineOptions, observe: Observe
) -> Counters:
    """Ship everything; the capture loses its last byte after the worker has signed it."""
    capture = Path(tempfile.gettempdir(), "capture.bin")
    if not _is_warm_up(poster):
        atexit.register(lambda: os.truncate(capture, capture.stat().st_size - 1))
    return streaming.run(packages, poster, options, observe)


def iter_packages(packages: int, functions: int) -> Iterator[Package]:
    """Make up packages: their functions are alike, but for their names."""
    for number in range(packages):
        children = (_function(number, index) for index in range(functions))
        yield Package(package_scope(f"example.com/pkg{number}"), "go", children)


def _function(package: int, index: int) -> Scope:
    return Scope(
        scope_type="function",
        name=f"function{package}_{index}",
        source_file=f"/src/pkg{package}/file.go",
        start_line=index,
        end_line=index + 9,
        has_injectible_lines=True,
    )


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
